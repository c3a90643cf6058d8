"""Step 2, second half: the codec's decoder, from codes that stay as they are to sound.

    python -m recipes.mini.decoder --work WORK --minutes 90

It learns spectra at five window lengths and the envelopes by which speech is understood; what the
encoder of step 3 hears, and whose voice it is (`recipes.mini.speaker_namer`), when those are there. With `--adversarial 0.5` judges join for the second
half of the time, and it learns to deceive them too.
"""

from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from recipes.mini import checkpoints
from recipes.mini.codec import load_parts
from recipes.mini.crops import StoredCrops
from recipes.mini.devices import fed, training_parser, use_device
from recipes.mini.discriminator import Discriminator, deceiving_losses, judge_loss
from recipes.mini.hearing import HearingLoss, load_hearing
from recipes.mini.speaker_namer import VoiceLoss, load_voices
from recipes.mini.spectra import CepstralLoss, EnvelopeLoss, SpectralLoss
from recipes.mini.training import Means, moments_of, set_rate, spent_before, spent_now

BATCH = 6
RATE = 3e-4  # a faster decoder loses what it has learnt
# with these, the gradients of the first four are about as 6 : 3 : 6 : 2
ENVELOPE_WEIGHT, CEPSTRA_WEIGHT, HEARING_WEIGHT, VOICE_WEIGHT = 40.0, 0.75, 0.5, 4.0
TOLD_WEIGHT, FEATURE_WEIGHT = 0.3, 1.0  # of the judges
LOSSES = ("spectra", "envelopes", "cepstra", "heard", "voices", "told apart", "features")
WEIGHTS = (
    1.0,
    ENVELOPE_WEIGHT,
    CEPSTRA_WEIGHT,
    HEARING_WEIGHT,
    VOICE_WEIGHT,
    TOLD_WEIGHT,
    FEATURE_WEIGHT,
)


class DecoderTraining:
    """One step of the decoder's training; the adversary, where there is one, learns in the same step."""

    def __init__(
        self,
        parts: nn.ModuleDict,
        hearing: HearingLoss | None = None,
        voices: VoiceLoss | None = None,
        rate: float = RATE,
    ) -> None:
        self.quantizer, self.decoder = parts["quantizer"], parts["decoder"]
        self.listeners = hearing, voices
        self.sounds = SpectralLoss(), EnvelopeLoss(), CepstralLoss()
        self.adversary = Discriminator()
        self.optimizer = torch.optim.AdamW(
            self.decoder.parameters(), rate, betas=(0.8, 0.99), weight_decay=0.0
        )
        self.adversary_optimizer = torch.optim.AdamW(
            self.adversary.parameters(), RATE, betas=(0.8, 0.99), weight_decay=0.0
        )

    def step(self, codes: torch.Tensor, sound: torch.Tensor, deceive: bool) -> torch.Tensor:
        """Learn from codes and their sound; gives its `LOSSES`; 0 for who was not asked."""
        made = self.decoder(self.quantizer.decode(codes))[:, 0, : sound.shape[1]]
        losses = self.losses(made, sound)
        if deceive:
            with torch.no_grad():
                of_true = self.adversary(sound)
            losses += deceiving_losses(of_true, self.adversary(made))
        self.optimizer.zero_grad()
        weighted(losses).backward()
        nn.utils.clip_grad_norm_(self.decoder.parameters(), 1.0)
        self.optimizer.step()
        if deceive:
            found = judge_loss(self.adversary(sound), self.adversary(made.detach()))
            self.adversary_optimizer.zero_grad()
            found.backward()
            self.adversary_optimizer.step()
        return F.pad(torch.stack(losses).detach(), (0, len(LOSSES) - len(losses)))

    def losses(self, made: torch.Tensor, sound: torch.Tensor) -> list[torch.Tensor]:
        """All of `LOSSES` but the judges', of made and true sound (batch, samples)."""
        found = [each(made, sound) for each in self.sounds]
        for listener in self.listeners:
            found.append(listener(made, sound) if listener else made.new_zeros(()))
        return found

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        for name, part in self._parts().items():
            if name in state:
                part.load_state_dict(state[name])

    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        kept = {f"decoder.{name}": value for name, value in self.decoder.state_dict().items()}
        return {"parts": kept, **{name: part.state_dict() for name, part in self._parts().items()}}

    def _parts(self) -> dict[str, Any]:
        return {
            "optimizer": self.optimizer,
            "adversary": self.adversary,
            "adversary_optimizer": self.adversary_optimizer,
        }


def weighted(losses: list[torch.Tensor]) -> torch.Tensor:
    """The sum of the first of `LOSSES`, each with its weight."""
    return torch.stack([w * each for w, each in zip(WEIGHTS, losses, strict=False)]).sum()


def train_decoder(
    work: Path,
    minutes: float,
    batch: int = BATCH,
    feeders: int = 0,
    adversarial: float = 0.0,
    rate: float = RATE,
) -> None:
    """Train the decoder on frozen codes until the time is up; goes on from the last checkpoint.

    In the last part of the time, `adversarial` (0..1) of it, it also learns to deceive judges.
    """
    path = work / "codec_decoder.pt"
    training = DecoderTraining(load_parts(work), load_hearing(work), load_voices(work), rate)
    state, step, spent = checkpoints.load(path), 0, spent_before({})
    if state is not None:
        training.load(state)
        step, spent = state["step"], spent_before(state)
    feed = fed(lambda dice: StoredCrops(work, dice).batches(batch), step, feeders)
    next(feed)  # reading all clips is not training
    means = Means()

    def save(steps: int, seconds: float) -> None:
        checkpoints.save(path, {**training.state(), "step": steps, **spent_now(spent, seconds)})

    for moment in moments_of(minutes, step, means.told, save):
        made = moment.step - step  # a checkpoint may be without its optimizer, so it warms up
        set_rate(training.optimizer, rate, made, moment.part, 0.05)
        set_rate(training.adversary_optimizer, RATE, made, moment.part, 0.05)
        losses = training.step(*next(feed), deceive=moment.part > 1 - adversarial)
        means.add(dict(zip(LOSSES, losses, strict=True)))


def main() -> None:
    """Train the decoder."""
    parser = training_parser(__doc__, BATCH)
    parser.add_argument(
        "--adversarial", type=float, default=0.0, metavar="PART",
        help="the last part of the training, 0..1, in which judges join; default: 0, none",
    )  # fmt: skip
    parser.add_argument("--rate", type=float, default=RATE, help="of learning, at first")
    arguments = parser.parse_args()
    use_device(arguments.device)
    train_decoder(
        arguments.work,
        arguments.minutes,
        arguments.batch,
        arguments.feeders,
        arguments.adversarial,
        arguments.rate,
    )


if __name__ == "__main__":
    main()
