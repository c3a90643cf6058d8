"""Step 2, third part: encoder, codebooks and decoder together, so that codes tell what is heard.

    python -m recipes.mini.together --work WORK --minutes 50

The encoder was taught by a spectrum that one matrix reads from its codes, and the decoder then made the best of them.
Here the encoder learns from the made sound too: codes are good when spectra, the envelopes of speech, the phones and
the voice come through. Half of the crops have only the coarse codes, because that is most of what speaking has. The
reading of the spectrum stays, and keeps out of the codes what no stage could predict.

Codes made before are not valid afterwards: `recipes.mini.tokens` makes them anew, in another folder, and
`recipes.mini.carry_over` brings the coarse stage along.
"""

from pathlib import Path

import torch
from torch import nn

from recipes.mini import checkpoints
from recipes.mini.codec import (
    HALVES,
    PHONES_WEIGHT,
    READER_STEPS,
    fed_sounds,
    levels_of,
    load_halves,
    load_parts,
    save_encoder,
)
from recipes.mini.decoder import LOSSES, DecoderTraining, weighted
from recipes.mini.devices import training_parser, use_device
from recipes.mini.hearing import load_hearing
from recipes.mini.speaker_namer import load_voices
from recipes.mini.training import Means, moments_of, set_rate, spent_before, spent_now

BATCH = 12
RATE = 2e-4
READ_WEIGHT, COMMITMENT_WEIGHT = 2.0, 5.0
LEVELS = (8, 2, 8, 2, 8, 2, 0, 2, 8, 2, 8, 1)  # as the codec's own; half are coarse
SHOWN = (*LOSSES[:5], "reading", "phones", "commitment")


class CodecTraining:
    """One step of the whole codec's training."""

    def __init__(self, work: Path, rate: float = RATE) -> None:
        self.parts = load_parts(work)
        self.hearing = load_hearing(work)
        self.decoder = DecoderTraining(self.parts, self.hearing, load_voices(work), rate)
        self.coded = [*self.parts["encoder"].parameters(), *self.parts["reader"].parameters()]
        self.optimizer = torch.optim.AdamW(self.coded, rate, betas=(0.9, 0.99), weight_decay=0.0)

    def step(self, sound: torch.Tensor, levels: torch.Tensor, reader_learns: bool) -> torch.Tensor:
        """Learn from sound (batch, samples) with so many codebooks for each (batch,); gives what is `SHOWN`.

        With `reader_learns` the reader learns alone, and does not teach the encoder yet.
        """
        parts = self.parts
        z = parts["encoder"](sound.unsqueeze(1))
        quantised, commitment = parts["quantizer"](z, levels, learn=True)
        made = parts["decoder"](quantised)[:, 0, : sound.shape[1]]
        losses = self.decoder.losses(made, sound)
        read = quantised.detach() if reader_learns else quantised
        reading, phones = parts["reader"].losses(read, sound, self.hearing)
        taught = READ_WEIGHT * reading + PHONES_WEIGHT * phones
        for optimizer in (self.optimizer, self.decoder.optimizer):
            optimizer.zero_grad()
        (weighted(losses) + taught + COMMITMENT_WEIGHT * commitment).backward()
        for learned in (self.coded, parts["decoder"].parameters()):
            nn.utils.clip_grad_norm_(learned, 1.0)
        for optimizer in (self.optimizer, self.decoder.optimizer):
            optimizer.step()
        return torch.stack([*losses, reading, phones, commitment]).detach()


def train_together(
    work: Path, minutes: float, batch: int = BATCH, feeders: int = 0, rate: float = RATE
) -> None:
    """Train until the time is up; goes on from the checkpoints of encoder and decoder, which must exist.

    Raises:
        SystemExit: one of them is missing.
    """
    paths = [work / name for name in HALVES]
    states = load_halves(work)
    known = [(each["step"], spent_before(each)) for each in states]
    reader_is_new = "reader.read.weight" not in states[0]["parts"]
    (coded, spent), (decoded, spent_too) = known
    training, means = CodecTraining(work, rate), Means()
    feed = fed_sounds(work, batch, coded, feeders)
    next(feed)  # reading all clips is not training

    def save(steps: int, seconds: float) -> None:
        save_encoder(paths[0], training.parts, coded + steps, spent_now(spent, seconds))
        state = training.decoder.state()
        checkpoints.save(
            paths[1], {**state, "step": decoded + steps, **spent_now(spent_too, seconds)}
        )

    for step, part in moments_of(minutes, 0, means.told, save):
        for optimizer in (training.optimizer, training.decoder.optimizer):
            set_rate(optimizer, rate, step, part, 0.02)
        levels = levels_of(LEVELS, step, batch)
        figures = training.step(next(feed), levels, reader_is_new and step < READER_STEPS)
        means.add(dict(zip(SHOWN, figures, strict=True)))


def main() -> None:
    """Train the whole codec."""
    parser = training_parser(__doc__, BATCH)
    parser.add_argument("--threads", type=int, default=1, help="of the processor; default: 1")
    parser.add_argument("--rate", type=float, default=RATE, help="of learning, at first")
    arguments = parser.parse_args()
    use_device(arguments.device)
    torch.set_num_threads(arguments.threads)
    train_together(
        arguments.work, arguments.minutes, arguments.batch, arguments.feeders, arguments.rate
    )


if __name__ == "__main__":
    main()
