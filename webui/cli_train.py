"""`python -m webui train`: makes a quantizer for another language, and tells how good it is."""

import argparse
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from webui import cli_train_flags as flags
from webui.cli_actions import Action, act, add_actions
from webui.cli_terminal import follow, one_line, print_json, print_table, say, write_out
from webui.errors import StorageError, TrainingError
from webui.events import CancelToken, Event
from webui.training_results import (
    PairsRead,
    QuantizerReport,
    SampleKept,
    SampleMissed,
    TrainingPoint,
)

if TYPE_CHECKING:
    from webui.backend.requests import TrainingOrder
    from webui.backend.service import Service
    from webui.backend.training_facts import TrainingInfo, TrainingSample
    from webui.settings import Settings

HEAD = ("ID", "STATE", "FAMILY", "LANGUAGE", "PAIRS", "RIGHT", "USED AS", "REMARK")
MAX_TEXT_BYTES = 80_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions of `train`; without one the trainings are listed."""
    add_actions(parser, ACTIONS)


def run(arguments: argparse.Namespace, settings: "Settings") -> int:
    """Do one thing with the trainings.

    Raises:
        UserError: a training, a value or a file cannot be used, or the work failed.
        KeyboardInterrupt: the user stopped it; what was made is kept.
    """
    return act(ACTIONS, arguments.action or ACTIONS[0].name, arguments, settings)


# What each action does


def _list(service: "Service", arguments: argparse.Namespace) -> int:
    found = service.training.all()
    if arguments.json:
        print_json([asdict(each) for each in found])
        return 0
    print_table(HEAD, map(_row, found))
    if not found:
        say("There is no training yet. `python -m webui train start --name N` begins one.")
    return 0


def _start(service: "Service", arguments: argparse.Namespace) -> int:
    from webui.backend.service import require_voice

    voices: tuple[str, ...] | None = () if arguments.no_voices else None
    if arguments.voice:
        family = service.family(service.settings.family).id
        known = service.voices(family)
        voices = tuple(require_voice(known, each).id for each in arguments.voice)
    order = replace(
        _order(service, arguments),
        texts=arguments.texts,
        corpus=None if arguments.corpus is None else read_text(arguments.corpus),
        by_letter=arguments.by_letter,
        voices=voices,
        temperature=arguments.temperature,
    )
    cancel = CancelToken()
    events = service.training.start(order, cancel)
    return _follow(service, arguments, order.name, events, cancel)


def _import(service: "Service", arguments: argparse.Namespace) -> int:
    order = _order(service, arguments)
    cancel = CancelToken()
    events = service.training.import_pairs(order, arguments.sources, cancel)
    return _follow(service, arguments, order.name, events, cancel)


def _order(service: "Service", arguments: argparse.Namespace) -> "TrainingOrder":
    """What is to be made, as far as `start` and `import` are told the same."""
    from webui.backend.requests import TrainingOrder

    return TrainingOrder(
        name=arguments.name,
        family=service.settings.family,
        language=arguments.language.lower(),
        seed=arguments.seed,
        architecture=flags.ARCHITECTURES[arguments.architecture],
        augment=arguments.augment,
        epochs=arguments.epochs,
        layer=arguments.layer,
    )


def _continue(service: "Service", arguments: argparse.Namespace) -> int:
    cancel = CancelToken()
    events = service.training.resume(arguments.training, cancel)
    return _follow(service, arguments, arguments.training, events, cancel)


def _follow(
    service: "Service",
    arguments: argparse.Namespace,
    training: str,
    events: Iterator[Event],
    cancel: CancelToken,
) -> int:
    """Show the work until it ends, then what came of it; `training` is its id or its name."""
    try:
        follow(_told(events), cancel)
    except KeyboardInterrupt:
        for each in _called(service, training):
            say(f"What was made is kept. `python -m webui train continue {each.id}` goes on.")
        raise
    (info,) = _called(service, training)
    arguments.training = info.id
    return _show(service, arguments)


def _called(service: "Service", training: str) -> "list[TrainingInfo]":
    """The training of this id or name; none where it was not kept."""
    name = " ".join(training.split())
    return [each for each in service.training.all() if each.id == training or each.name == name]


def _told(events: Iterator[Event]) -> Iterator[Event]:
    """Pass the events on; say how well it hears, where that can be heard, and what was read."""
    for event in events:
        if isinstance(event, TrainingPoint) and event.accuracy is not None:
            say(f"Step {event.step}: {event.accuracy:.1%} of the held-out frames right.")
        elif isinstance(event, SampleKept):
            say(f"Step {event.step}: a held-out speech as it hears it: {event.heard}")
            say(f"The same as it was spoken: {event.spoken}")
        elif isinstance(event, SampleMissed):
            say(f"Step {event.step}: {event.words}")
        elif isinstance(event, PairsRead):
            dropped = ", ".join(f"{count} {why}" for why, count in event.dropped.items())
            say(f"{event.pairs} pairs are read" + (f"; dropped: {dropped}." if dropped else "."))
        yield event


def _show(service: "Service", arguments: argparse.Namespace) -> int:
    details = service.training.details(arguments.training)
    if arguments.json:
        print_json(asdict(details))
        return 0
    info = details.info
    print_table(HEAD, [_row(info)])
    if info.report is not None:
        write_out("".join(f"{line}\n" for line in report_lines(info.report)))
    if details.sample is not None and details.sample.heard:
        write_out(f"{sample_line(details.sample)}\n")
    if info.installed:
        say(f"Cloning can use it: `--quantizer {info.installed}`.")
    elif info.accuracy is not None:
        say(f"`python -m webui train use {info.id}` lets cloning use it.")
    return 0


def _use(service: "Service", arguments: argparse.Namespace) -> int:
    name = service.training.install(arguments.training)
    say(f"Cloning can use it now: `python -m webui clone ... --quantizer {name}`.")
    if arguments.json:
        print_json({"training": arguments.training, "quantizer": name})
    return 0


def _unuse(service: "Service", arguments: argparse.Namespace) -> int:
    service.training.uninstall(arguments.training)
    say("Cloning does not use it any more. The training is kept.")
    if arguments.json:
        print_json({"training": arguments.training, "quantizer": None})
    return 0


def _compare(service: "Service", arguments: argparse.Namespace) -> int:
    found = service.training.compare(arguments.first, arguments.second, arguments.on)
    if arguments.json:
        print_json({"first": arguments.first, "second": arguments.second, **asdict(found)})
        return 0
    names = {"first": arguments.first, "second": arguments.second}
    write_out(
        f"{arguments.first}: {found.first_accuracy:.1%} of the frames right\n"
        f"{arguments.second}: {found.second_accuracy:.1%} of the frames right\n"
        f"difference {found.low:+.1%} to {found.high:+.1%} (in 95 of 100 draws): "
        + (f"{names[found.better]} hears better\n" if found.better in names else "alike\n")
    )
    return 0


def _export(service: "Service", arguments: argparse.Namespace) -> int:
    service.training.export(arguments.training, arguments.out)
    say(f"Written: {arguments.out}")
    if arguments.json:
        print_json({"training": arguments.training, "out": str(arguments.out)})
    return 0


def _delete(service: "Service", arguments: argparse.Namespace) -> int:
    service.training.delete(arguments.training)
    say(f"{arguments.training} is deleted with its pairs. A quantizer in use stays.")
    if arguments.json:
        print_json({"deleted": arguments.training})
    return 0


def read_text(path: Path) -> str:
    """Read a text to make nonsense of.

    Raises:
        StorageError: it cannot be read.
        TrainingError: it is too large, or no text in UTF-8.
    """
    try:
        if path.stat().st_size > MAX_TEXT_BYTES:
            raise TrainingError(f'"{path.name}" is too large. A hundred pages are plenty.')
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise TrainingError(f'"{path.name}" is no text in UTF-8. Save it as one.') from fault
    except OSError as fault:
        raise StorageError(f'"{path.name}" cannot be read: {fault.strerror}.') from fault


def report_lines(report: QuantizerReport) -> Iterator[str]:
    """Say a report card in lines: how much is right first."""
    yield (
        f"{report.accuracy:.1%} of the frames right, {report.accuracy_top5:.1%} among the best "
        f"five, in {report.held_out_pairs} pairs that were held out"
    )
    for what, share in (
        ("voices", report.unseen_voices_accuracy), ("texts", report.unseen_texts_accuracy),
    ):  # fmt: skip
        if share is not None:
            yield f"unseen {what}: {share:.1%}"
    if report.by_class:
        shares = ", ".join(f"{name} {share:.1%}" for name, share in report.by_class.items())
        yield f"by class of sound: {shares}"
    yield f"edits a token: {report.edit_distance:.2f}"
    if report.words_right is not None:
        yield f"clones made with it: {report.words_right:.0%} of their words understood"
    if report.similarity is not None:
        yield f"clones made with it: likeness {report.similarity:.2f}"
    yield (
        f"trained on {report.pairs} pairs, {report.parameters / 1e6:.1f} million parameters, "
        f"{report.architecture.replace('_', ' ')}, shift {report.shift}"
    )


def sample_line(sample: "TrainingSample") -> str:
    """Say where is heard how well it hears."""
    return (
        f"to be heard: {one_line(sample.heard)} (after {sample.step} steps), as it was spoken: "
        f"{one_line(sample.spoken)}"
    )


def _row(info: "TrainingInfo") -> tuple[str, ...]:
    right = "" if info.accuracy is None else f"{info.accuracy:.1%}"
    dropped = sum(info.dropped.values())
    pairs = f"{info.pairs} of {info.texts}" if info.texts else str(info.pairs)
    pairs += f" ({dropped} dropped)" if dropped else ""
    state = f"{info.state} {info.fraction:.0%}" if info.state == "running" else info.state
    remark = info.words or info.name
    return info.id, state, info.family, info.language, pairs, right, info.installed, remark


ACTIONS = (
    Action("list", "list the trainings, as without an action", flags.add_nothing, _list),
    Action("start", "let a family speak, and learn to hear its tokens", flags.add_start, _start),
    Action("import", "learn from pairs that others made", flags.add_import, _import),
    Action("continue", "go on with a training", flags.add_training, _continue),
    Action("show", "tell how a training stands", flags.add_training, _show),
    Action("use", "let cloning use what a training made", flags.add_training, _use),
    Action("unuse", "take it away from cloning", flags.add_training, _unuse),
    Action("compare", "say which of two quantizers hears better", flags.add_compare, _compare),
    Action("export", "write the quantizer into a file", flags.add_export, _export),
    Action("delete", "remove a training with its pairs", flags.add_training, _delete),
)
