"""Step 2, when it has learnt what it can: the same codec with more channels, which computes the same at first.

    python -m recipes.mini.widen --old OLDWORK --work WORK

Net2WiderNet (Chen, Goodfellow and Shlens 2016, "Net2Net: Accelerating Learning via Knowledge Transfer"): the new channels
are copies of old ones, and what reads a channel divides its weight among the copies, unevenly, so that they can learn to differ.
First and last filters may be longer too, with zeros around the old ones. How large the new codec is stands in
`recipes/mini/codec.py`. Codes and stages stay valid until it is trained on.
"""

import argparse
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from recipes.mini import checkpoints
from recipes.mini.codec import HALVES, load_halves, new_parts
from recipes.mini.training import spent_before

UNEVEN = 0.4  # how far the shares of two copies are from a half, at most
GATES = 4  # of an LSTM

State = dict[str, torch.Tensor]


def copied_from(before: int, after: int) -> torch.Tensor:
    """Of which old channel each new one is the copy: (after,); always the same for the same numbers.

    So channels that are added up somewhere in the network are copied alike.

    Raises:
        SystemExit: the new codec has fewer channels, or more than twice as many.
    """
    if not before <= after <= 2 * before:
        raise SystemExit(f"{before} channels cannot become {after}: at most twice as many.")
    generator = torch.Generator("cpu").manual_seed(before)
    more = torch.randperm(before, generator=generator, device="cpu")[: after - before]
    return torch.cat([torch.arange(before, device="cpu"), more])


def more_outputs(weight: torch.Tensor, axis: int, after: int) -> torch.Tensor:
    """The weights with copies of some outputs."""
    return weight.index_select(axis, copied_from(weight.shape[axis], after))


def more_inputs(weight: torch.Tensor, axis: int, after: int) -> torch.Tensor:
    """The weights for inputs of which some are copies: a copy and its model share the old weight."""
    before = weight.shape[axis]
    source = copied_from(before, after)
    wide = weight.index_select(axis, source)
    drawn = wide.narrow(axis, before, after - before)
    share = 0.5 + UNEVEN * (2 * torch.rand_like(drawn) - 1)
    models = source[before:]
    rest = wide.index_select(axis, models) * (1 - share)
    wide.narrow(axis, before, after - before).mul_(share)
    return wide.index_copy(axis, models, rest)


def widened_filter(old: State, name: str, layer: nn.Conv1d | nn.ConvTranspose1d) -> State:
    """A convolution's weights and bias, in the size of `layer`; `old` has it as weight normalisation keeps it."""
    size, direction = (old[f"{name}.parametrizations.weight.original{i}"] for i in (0, 1))
    weight = direction * (size / direction.norm(dim=(1, 2), keepdim=True))
    bias = old[f"{name}.bias"]
    longer = layer.kernel_size[0] - weight.shape[2]
    if longer < 0 or longer % 2:
        raise SystemExit(f"{name}: a filter can only become longer, by as much at both ends.")
    weight = F.pad(weight, (longer // 2, longer // 2))
    output, of_input = (1, 0) if isinstance(layer, nn.ConvTranspose1d) else (0, 1)
    weight = more_inputs(weight, of_input, layer.in_channels)
    weight = more_outputs(weight, output, layer.out_channels)
    return {
        f"{name}.parametrizations.weight.original0": weight.norm(dim=(1, 2), keepdim=True),
        f"{name}.parametrizations.weight.original1": weight,
        f"{name}.bias": more_outputs(bias, 0, layer.out_channels),
    }


def widened_memory(old: State, name: str, layer: nn.LSTM) -> State:
    """An LSTM's weights and biases, in the size of `layer`."""
    found = {}
    for key, new in layer.named_parameters():
        gates = []
        for gate in old[f"{name}.{key}"].chunk(GATES):
            wide = more_outputs(gate, 0, len(new) // GATES)
            gates.append(wide if wide.ndim == 1 else more_inputs(wide, 1, new.shape[1]))
        found[f"{name}.{key}"] = torch.cat(gates)
    return found


def widened(old: State, parts: nn.ModuleDict) -> State:
    """The old codec's parts in the size of `parts`, as those keep them."""
    torch.manual_seed(0)
    found = dict(old)
    for name, layer in parts.named_modules():
        if isinstance(layer, nn.Conv1d | nn.ConvTranspose1d):
            found.update(widened_filter(old, name, layer))
        elif isinstance(layer, nn.LSTM):
            found.update(widened_memory(old, name, layer))
    return found


def widen(old: Path, work: Path) -> None:
    """Write the codec's two checkpoints into `work`, from those of `old`; the optimizers begin anew.

    Raises:
        SystemExit: one is missing, or the new codec is smaller or more than twice as wide.
    """
    states = load_halves(old)
    both = {name: each for state in states for name, each in state["parts"].items()}
    parts = widened(both, new_parts())
    for name, state in zip(HALVES, states, strict=True):
        kept = {"step": state["step"], **spent_before(state)}
        checkpoints.save(
            work / name, {"parts": {key: parts[key] for key in state["parts"]}, **kept}
        )
        print(work / name)


def main() -> None:
    """Widen the codec."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--old", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    widen(arguments.old, arguments.work)


if __name__ == "__main__":
    main()
