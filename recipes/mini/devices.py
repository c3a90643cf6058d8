"""Where a training computes: one thread of the processor, or a graphics card with many feeders."""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset

Batch = TypeVar("Batch")
Feed = Callable[[np.random.Generator], Iterator[Batch]]


def add_device(parser: argparse.ArgumentParser, batch: int) -> None:
    """Let the command line choose the device, how much it takes at once, and who prepares it."""
    parser.add_argument("--device", default="cpu", help="cpu (the default), cuda or cuda:N")
    parser.add_argument(
        "--batch", type=int, default=batch, help="clips at once; default: what suits one thread"
    )
    parser.add_argument(
        "--feeders", type=int, default=0, help="processes that prepare batches; 0: this one"
    )


def training_parser(description: str | None, batch: int) -> argparse.ArgumentParser:
    """The command line of a training: where, how long, and on which device."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--minutes", type=float, required=True)
    add_device(parser, batch)
    return parser


def stage_parser(description: str | None, batch: int) -> argparse.ArgumentParser:
    """The same for a stage, which may learn at less than the usual rate."""
    parser = training_parser(description, batch)
    parser.add_argument(
        "--rate", type=float, default=1.0, metavar="SHARE",
        help="of the usual rate of learning; less where a stage goes on that has settled",
    )  # fmt: skip
    return parser


def use_device(name: str) -> torch.device:
    """Make everything new on this device, with the same seed for every training."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    device = torch.device(name)
    if device.type != "cpu":  # the default needs no looking up
        torch.set_default_device(device)
        torch.set_float32_matmul_precision("high")
    return device


def half_where_fast() -> torch.autocast:
    """Products of matrices in bfloat16, on a processor that has instructions for them; else as always.

    For the transformers' steps this is twice as fast; sums and losses stay in full precision.
    """
    known = torch.cpu.get_capabilities()
    fast = known.get("avx512_bf16") or known.get("amx_bf16")
    device = torch.get_default_device().type
    return torch.autocast(device, torch.bfloat16, enabled=device == "cpu" and bool(fast))


def here(array: np.ndarray) -> torch.Tensor:
    """An array as a tensor on the device in use."""
    return torch.from_numpy(array).to(torch.get_default_device())


def fed(feed: Feed[Batch], seed: int, feeders: int = 0) -> Iterator[Batch]:
    """Endless batches of a feed, prepared ahead by other processes where there are any.

    Args:
        feed: makes endless batches of tensors on the processor from a generator.
        seed: of the generator; each process draws its own from it.
        feeders: how many processes.
    """
    if not feeders:
        yield from (moved(each) for each in feed(np.random.default_rng(seed)))
        return
    with torch.device("cpu"):
        loader = DataLoader(
            _Endless(feed, seed), batch_size=None, num_workers=feeders, prefetch_factor=4
        )
        batches = iter(loader)
    while True:
        yield moved(next(batches))


class _Endless(IterableDataset):
    """A feed as torch's loader wants it."""

    def __init__(self, feed: Feed[Any], seed: int) -> None:
        self.feed, self.seed = feed, seed

    def __iter__(self) -> Iterator[Any]:
        told = torch.utils.data.get_worker_info()
        number = 0 if told is None else told.id
        return iter(self.feed(np.random.default_rng([self.seed, number])))


def moved(batch: Any) -> Any:  # noqa: ANN401  (tensors in whatever the feed puts them)
    """A batch on the device in use."""
    device = torch.get_default_device()
    if isinstance(batch, torch.Tensor):
        return batch.to(device, non_blocking=True)
    if isinstance(batch, dict):
        return {key: moved(each) for key, each in batch.items()}
    parts = [moved(each) for each in batch]
    return type(batch)(*parts) if hasattr(batch, "_fields") else tuple(parts)
