"""Step 2: the codec, EnCodec's architecture with a residual vector quantiser, from nothing.

    python -m recipes.mini.codec --work WORK --minutes 12

Encoder and codebooks come first: they learn codes from which the spectrum of every 10 ms can be read
by one matrix. Such codes say nothing about phase, so the coarse stage can predict them. Then they stay
as they are, tokens made with them stay valid, and the decoder (`recipes.mini.decoder`) learns to turn
them into sound for as long as there is time.

Once the encoder of step 3 is there, codes also learn to tell what it hears: which phone is spoken at each moment.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from transformers import EncodecConfig, EncodecModel

from recipes.mini import checkpoints
from recipes.mini.clips import read_clips, training_clips
from recipes.mini.crops import CROP, HOP, Crops
from recipes.mini.devices import fed, here, training_parser, use_device
from recipes.mini.flite import RATE
from recipes.mini.hearing import HearingLoss, load_hearing
from recipes.mini.hubert import HOP as HEARD_HOP
from recipes.mini.hubert import MOMENTS
from recipes.mini.spectra import mel_matrix
from recipes.mini.spelling import PHONES
from recipes.mini.training import Means, moments_of, set_rate, spent_before, spent_now

CODEBOOKS, CODEBOOK_SIZE, DIMENSION = 8, 1_024, 128
HALVES = ("codec_encoder.pt", "codec_decoder.pt")  # its two checkpoints
PHONES_WEIGHT = 0.25  # beside the spectrum
BATCH = 8
FREE_STEPS = 200  # without the quantiser at first
READER_STEPS = 200  # of a new reader alone: a published family keeps none beside its encoder
RATE_OF_LEARNING = 1e-3
LEVELS = (8, 2, 8, 1, 8, 2, 0, 8)  # codebooks that are used; 0: all numbers by turns


def codec_config() -> EncodecConfig:
    """50 frames a second of 8 codebooks: 4 kbit/s at 16 kHz."""
    return EncodecConfig(
        sampling_rate=RATE,
        audio_channels=1,
        normalize=False,
        num_filters=24,
        num_residual_layers=2,
        kernel_size=13,  # of the first and last convolutions: in a quarter of a second there is pitch
        last_kernel_size=13,
        residual_kernel_size=5,
        dilation_growth_rate=3,
        hidden_size=DIMENSION,
        codebook_dim=DIMENSION,
        codebook_size=CODEBOOK_SIZE,
        num_lstm_layers=1,
        upsampling_ratios=[4, 5, 4, 4],
        target_bandwidths=[4.0],
        use_causal_conv=False,
        norm_type="weight_norm",
    )


class ResidualQuantizer(nn.Module):
    """Codebooks that follow the mean of what they are given; rarely used codes are replaced."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("codes", torch.zeros(CODEBOOKS, CODEBOOK_SIZE, DIMENSION))
        self.register_buffer("counts", torch.ones(CODEBOOKS, CODEBOOK_SIZE))
        self.register_buffer("sums", torch.zeros(CODEBOOKS, CODEBOOK_SIZE, DIMENSION))

    def nearest(self, book: int, x: torch.Tensor) -> torch.Tensor:
        """Indices of the nearest codes of one codebook for `x` (rows, dimension)."""
        table = self.codes[book]
        return (x @ table.T - 0.5 * table.square().sum(1)).argmax(1)

    def forward(
        self, z: torch.Tensor, levels: torch.Tensor, learn: bool
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Quantise `z` (batch, dimension, frames) with the first `levels` (batch,) codebooks.

        Returns the sum of the codes, with gradients straight through, and the commitment loss.
        """
        batch, dimension, frames = z.shape
        flat = z.transpose(1, 2).reshape(-1, dimension)
        levels_flat = levels.repeat_interleave(frames)
        residual, total = flat.detach(), torch.zeros_like(flat)
        commitment = flat.new_zeros(())
        for book in range(CODEBOOKS):
            used = (levels_flat > book).float().unsqueeze(1)
            index = self.nearest(book, residual)
            picked = self.codes[book][index]
            if learn:
                self._follow(book, index, residual)
            target = (total + picked).detach()
            commitment = commitment + (used * (flat - target).square()).mean()
            total = total + used * picked
            residual = residual - picked
        straight = flat + (total - flat).detach()
        return straight.reshape(batch, frames, dimension).transpose(1, 2), commitment / CODEBOOKS

    def start(self, rows: torch.Tensor, rounds: int = 8) -> None:
        """Fit the codebooks to `rows` (many, dimension) by k-means, one after the other."""
        residual = rows.detach()
        for book in range(CODEBOOKS):
            self.codes[book] = residual[torch.randperm(len(residual))[:CODEBOOK_SIZE]]
            for _ in range(rounds):
                index = self.nearest(book, residual)
                counts = torch.bincount(index, minlength=CODEBOOK_SIZE).float()
                sums = torch.zeros_like(self.codes[book]).index_add_(0, index, residual)
                alive = counts > 0
                self.codes[book][alive] = sums[alive] / counts[alive].unsqueeze(1)
            share = counts / counts.sum() * BATCH * CROP / HOP
            self.counts[book] = share.clamp(min=0.03)
            self.sums[book] = self.codes[book] * self.counts[book].unsqueeze(1)
            residual = residual - self.codes[book][self.nearest(book, residual)]

    def _follow(
        self, book: int, index: torch.Tensor, residual: torch.Tensor, decay: float = 0.99
    ) -> None:
        ones = torch.ones(len(index))  # `bincount` would wait for the device
        counts = torch.zeros(CODEBOOK_SIZE).index_add_(0, index, ones)
        sums = torch.zeros_like(self.sums[book]).index_add_(0, index, residual)
        self.counts[book].mul_(decay).add_(counts, alpha=1 - decay)
        self.sums[book].mul_(decay).add_(sums, alpha=1 - decay)
        dead = self.counts[book] < 0.005  # chosen on the device, which need not wait to be asked
        fresh = residual[torch.randint(len(residual), (CODEBOOK_SIZE,))]
        self.sums[book] = torch.where(dead.unsqueeze(1), fresh * 0.1, self.sums[book])
        self.counts[book] = torch.where(dead, 0.1, self.counts[book])
        self.codes[book] = self.sums[book] / self.counts[book].clamp(min=1e-4).unsqueeze(1)

    def encode(self, z: torch.Tensor) -> torch.Tensor:
        """Codes (batch, codebooks, frames) of `z` (batch, dimension, frames)."""
        batch, dimension, frames = z.shape
        residual = z.transpose(1, 2).reshape(-1, dimension)
        rows = []
        for book in range(CODEBOOKS):
            index = self.nearest(book, residual)
            residual = residual - self.codes[book][index]
            rows.append(index.reshape(batch, frames))
        return torch.stack(rows, 1)

    def decode(self, codes: torch.Tensor) -> torch.Tensor:
        """The sum of the codes' vectors: (batch, dimension, frames)."""
        return sum(self.codes[book][codes[:, book]] for book in range(codes.shape[1])).transpose(
            1, 2
        )


def start_evenly(model: EncodecModel, gain: float = 1.2) -> None:
    """Give every convolution the same gain, so that the sound is not lost on its way through the layers.

    With torch's own start the deep layers only see their biases, and learning stands still for long.
    """
    convolutions = [m for m in model.modules() if isinstance(m, nn.Conv1d | nn.ConvTranspose1d)]
    for layer in convolutions:
        nn.init.zeros_(layer.bias)
        norm = gain
        if isinstance(layer, nn.ConvTranspose1d):
            norm *= (layer.out_channels * layer.stride[0] / layer.in_channels) ** 0.5
        layer.parametrizations.weight.original0.data.fill_(norm)
    last = [m for m in model.decoder.modules() if isinstance(m, nn.Conv1d)][-1]
    last.parametrizations.weight.original0.data.fill_(0.05)


def _count_here(model: EncodecModel) -> None:
    """Keep the numbers by which convolutions count their padding on the processor: a card would be waited for."""
    for layer in model.modules():
        for name in ("stride", "kernel_size", "padding_total"):
            if name in layer._buffers:
                layer._buffers[name] = layer._buffers[name].cpu()


class SpectrumReader(nn.Module):
    """Reads from a frame's code what it sounded like: the training target of the encoder.

    Two envelopes (48 mel bands, 10 ms apart) and the harmonics below 1.2 kHz, all logarithmic.
    """

    BANDS, PARTS, HARMONICS = 48, 2, 152
    HARMONICS_WEIGHT = 1.5

    def __init__(self) -> None:
        super().__init__()
        self.read = nn.Linear(DIMENSION, self.PARTS * self.BANDS + self.HARMONICS)
        self.phones = nn.Linear(DIMENSION, MOMENTS * HOP // HEARD_HOP * len(PHONES))
        self.mel = mel_matrix(257, self.BANDS)
        self.short, self.long = torch.hann_window(512), torch.hann_window(2_048)

    def target(self, sound: torch.Tensor) -> torch.Tensor:
        """(batch, frames, values) of sound (batch, samples)."""
        frames = sound.shape[1] // HOP
        quarter = HOP // self.PARTS
        padded = F.pad(sound, (256 - quarter // 2, 256))
        short = torch.stft(
            padded, 512, quarter, window=self.short, center=False, return_complex=True
        ).abs()
        envelopes = (short.transpose(1, 2) @ self.mel + 0.02).log()[:, : frames * self.PARTS]
        padded = F.pad(sound, (1_024 - HOP // 2, 1_024))
        long = torch.stft(
            padded, 2_048, HOP, window=self.long, center=False, return_complex=True
        ).abs()
        harmonics = (long[:, 2 : 2 + self.HARMONICS].transpose(1, 2) + 0.1).log()[:, :frames]
        return torch.cat([envelopes.reshape(len(sound), frames, -1), harmonics], 2)

    def forward(self, z: torch.Tensor, sound: torch.Tensor) -> torch.Tensor:
        """How far off the reading of `z` (batch, dimension, frames) is: mean absolute logarithm."""
        target = self.target(sound)
        error = (self.read(z.transpose(1, 2)) - target).abs()
        cut = self.PARTS * self.BANDS
        return error[..., :cut].mean() + self.HARMONICS_WEIGHT * error[..., cut:].mean()

    def losses(
        self, z: torch.Tensor, sound: torch.Tensor, hearing: HearingLoss | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """How far off `z` (batch, dimension, frames) is from its sound, and from what is heard in that; 0 if by nobody."""
        if hearing is None:
            return self(z, sound), z.new_zeros(())
        return self(z, sound), self.misheard(z, hearing.phones(sound))

    def misheard(self, z: torch.Tensor, heard: torch.Tensor) -> torch.Tensor:
        """How far the phones that `z` tells are from those that were heard: nats a moment.

        Args:
            z: (batch, dimension, frames).
            heard: logarithms of the phones' chances, (batch, frames of the encoder, moments, phones).
        """
        heard = heard.flatten(1, 2)
        told = self.phones(z.transpose(1, 2)).reshape(heard.shape).log_softmax(-1)
        return F.kl_div(told, heard, reduction="none", log_target=True).sum(-1).mean()


def new_parts() -> nn.ModuleDict:
    """Encoder, decoder, codebooks and the encoder's reader, untrained."""
    model = EncodecModel(codec_config())
    start_evenly(model)
    _count_here(model)
    return nn.ModuleDict(
        {
            "encoder": model.encoder,
            "decoder": model.decoder,
            "quantizer": ResidualQuantizer(),
            "reader": SpectrumReader(),
        }
    )


def load_parts(work: Path) -> nn.ModuleDict:
    """The trained parts: encoder and codebooks of the first step, decoder of the second where it exists."""
    parts = new_parts()
    for name in HALVES:
        state = checkpoints.load(work / name)
        if state is not None:
            parts.load_state_dict(state["parts"], strict=False)
    return parts


def load_halves(work: Path) -> list[dict[str, Any]]:
    """Both checkpoints of the codec, for what needs a trained one.

    Raises:
        SystemExit: one of them is missing.
    """
    states = [checkpoints.load(work / name) for name in HALVES]
    known = [state for state in states if state is not None]
    if len(known) < len(HALVES):
        raise SystemExit("Train the codec's encoder and its decoder first.")
    return known


def train_encoder(work: Path, minutes: float, batch: int = BATCH, feeders: int = 0) -> None:
    """Train encoder, codebooks and reader until the time is up; goes on from the last checkpoint.

    Tokens made with an earlier checkpoint are not valid for a later one.
    """
    path, parts = work / "codec_encoder.pt", new_parts()
    state = checkpoints.load(path)
    step, rate, spent = 0, RATE_OF_LEARNING, spent_before({})
    if state is not None:
        parts.load_state_dict(state["parts"], strict=False)
        step, rate, spent = state["step"], RATE_OF_LEARNING / 2, spent_before(state)
    hearing = load_hearing(work)
    trained = [*parts["encoder"].parameters(), *parts["reader"].parameters()]
    optimizer = torch.optim.AdamW(trained, lr=rate, betas=(0.9, 0.99), weight_decay=0.0)
    feed = fed_sounds(work, batch, step, feeders)
    first, means, heard = step, Means(), [torch.zeros(0, DIMENSION)]
    reader_is_new = state is not None and "reader.read.weight" not in state["parts"]

    def save(steps: int, seconds: float) -> None:
        save_encoder(path, parts, steps, spent_now(spent, seconds))

    next(feed)  # reading all clips is not training
    for step, part in moments_of(minutes, first, means.told, save):
        set_rate(optimizer, rate, step - first, part, 0.02)
        sound = next(feed)
        z = parts["encoder"](sound.unsqueeze(1))
        if reader_is_new and step - first < READER_STEPS:
            z = z.detach()
        if step == FREE_STEPS:
            parts["quantizer"].start(torch.cat(heard))
        if step < FREE_STEPS:
            quantised, commitment = z, 0.01 * z.square().mean()
            heard = [*heard[-60:], z.detach().transpose(1, 2).reshape(-1, DIMENSION)]
        else:
            levels = levels_of(LEVELS, step, batch)
            quantised, commitment = parts["quantizer"](z, levels, learn=True)
        reading, phones = parts["reader"].losses(quantised, sound, hearing)
        loss = reading + PHONES_WEIGHT * phones
        optimizer.zero_grad()
        (loss + 0.25 * commitment).backward()
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        means.add({"reading": loss})


def fed_sounds(work: Path, batch: int, seed: int, feeders: int) -> Iterator[torch.Tensor]:
    """Endless crops (batch, samples) of both teachers' clips, which are read at once; see `fed`."""
    flite = read_clips(work) + read_clips(work, "wide")
    sounds = training_clips(flite), training_clips(read_clips(work, "espeak"))
    return fed(lambda dice: Crops(*sounds, dice).batches(batch), seed, feeders)


def levels_of(pattern: tuple[int, ...], step: int, batch: int) -> torch.Tensor:
    """How many codebooks each crop of a batch has, (batch,), by a pattern like `LEVELS`."""
    return here(np.resize([each or 1 + step % CODEBOOKS for each in pattern], batch))


def save_encoder(path: Path, parts: nn.ModuleDict, step: int, seconds: dict[str, float]) -> None:
    """Write the checkpoint of encoder, codebooks and reader."""
    state = parts.state_dict()
    kept = {name: value for name, value in state.items() if not name.startswith("decoder")}
    checkpoints.save(path, {"parts": kept, "step": step, **seconds})


def main() -> None:
    """Train the encoder and the codebooks."""
    arguments = training_parser(__doc__, BATCH).parse_args()
    use_device(arguments.device)
    train_encoder(arguments.work, arguments.minutes, arguments.batch, arguments.feeders)


if __name__ == "__main__":
    main()
