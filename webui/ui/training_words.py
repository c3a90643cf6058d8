"""What the Train tab says: how a training stands, how good what it made is, which is better."""

from collections.abc import Mapping

from webui.backend.training_facts import TrainingDetails, TrainingInfo
from webui.events import Progress
from webui.training_results import PairsRead, QuantizerComparison
from webui.ui.messages import language_name, plain, progress_words, time_words

HEAD = ["Name", "Language", "State", "Pairs", "Right"]
STATES = {"running": "at work", "stopped": "stopped", "failed": "failed", "done": "done"}
DROPPED = {
    "silent": "silent",
    "length": "of a wrong length",
    "unspoken": "hardly spoken",
    "damaged": "damaged",
}
ARCHITECTURES = {
    "version_2": "version 2, of this app",
    "version_1": "version 1, read by other tools too",
    "version_0": "version 0, read by other tools too",
}
NOTHING = "**Nothing is being trained.** Fill in the form and press *Start*."
NO_CHOICE = "Choose a training in the list."
GOES_ON = "You may close this page: the work goes on."
PUBLIC_WORDS = (
    "Quantizers for more languages are made with this app on one's own machine, not on a public "
    "page: it takes the computer for hours."
)


def status_words(info: TrainingInfo | None) -> str:
    """Say how a training stands: what it does, how long that takes still, what can be done."""
    if info is None:
        return NOTHING
    name = plain(info.name)
    if info.state == "running":
        progress = Progress(info.stage, info.fraction, info.seconds_left, message=info.words)
        measured = "" if info.seconds_left is not None else " The time left is being measured."
        return (
            f"**{name}** · {info.fraction:.0%} · {progress_words(progress)}  \n{GOES_ON}{measured}"
        )
    if info.state == "failed":
        return f"**{name}: {plain(info.words)}**"
    right = "" if info.accuracy is None else f"{info.accuracy:.1%} of the frames are right."
    if info.state == "done":
        return f"Done: **{name}**. {plain(right)}"
    kept = f"Stopped: **{name}**. {info.pairs:,} pairs are kept."
    return f"{kept} {plain(right)} *Continue* goes on."


def row(info: TrainingInfo) -> list[str]:
    """What the list says of a training, under `HEAD`."""
    state = STATES[info.state]
    if info.state == "running":
        state = f"{state}, {info.fraction:.0%}"
    elif info.installed:
        state = "used for cloning"
    right = "" if info.accuracy is None else f"{info.accuracy:.1%}"
    return [info.name, language_name(info.language), state, f"{info.pairs:,}", right]


def card_words(details: TrainingDetails) -> str:
    """Give the report card: a table of what was measured, or what is known so far."""
    info, order = details.info, details.order
    lines = [f"## {plain(info.name)}", "", "| what | how much |", "|---|---|"]
    lines += [f"| {plain(what)} | {plain(how)} |" for what, how in _figures(details)]
    text = "text of one's own" if details.own_text else "built-in text"
    augmented = ", varied as well" if order.augment else ""
    made = f"{language_name(info.language)}, {info.family}, {text}{augmented}"
    lines.append(f"| Made with | {plain(made)} |")
    layer = "" if order.layer is None else f", layer {order.layer} of the encoder"
    kind = ARCHITECTURES.get(info.architecture, info.architecture)
    lines.append(f"| Kind | {plain(kind + layer)} |")
    if info.installed:
        lines += ["", f"Cloning can use it, as “{plain(info.installed)}”."]
    return "\n".join(lines)


def read_words(read: PairsRead) -> str:
    """Say how many pairs of others were read, and how many were dropped and why."""
    gone = sum(read.dropped.values())
    dropped = f"; {gone:,} dropped: {plain(_dropped_words(read.dropped))}" if gone else ""
    return f"**{read.pairs:,} pairs were read**{dropped}."


def comparison_words(found: QuantizerComparison, first: str, second: str) -> str:
    """Say which of two quantizers hears better, and how sure that is."""
    names = {"first": first, "second": second}
    if found.better in names:
        verdict = f"**{plain(names[found.better])} hears better.**"
    else:
        verdict = "**Nothing sure lies between the two.**"
    shares = (
        f"{first}: {found.first_accuracy:.1%} of the frames right, {second}: "
        f"{found.second_accuracy:.1%}. In 95 of 100 draws of the pairs the difference is "
        f"{found.low:+.1%} to {found.high:+.1%}."
    )
    return f"{verdict} {plain(shares)}"


def _figures(details: TrainingDetails) -> list[tuple[str, str]]:
    info, report = details.info, details.info.report
    figures: list[tuple[str, str]] = []
    if report is not None:
        best = f"{report.accuracy:.1%} ({report.accuracy_top5:.1%} among the best five)"
        figures.append(("Frames right, held out", best))
        for what, share in (
            ("In voices it never heard", report.unseen_voices_accuracy),
            ("In texts it never heard", report.unseen_texts_accuracy),
        ):
            if share is not None:
                figures.append((what, f"{share:.1%}"))
        if report.by_class:
            shares = ", ".join(f"{name} {share:.0%}" for name, share in report.by_class.items())
            figures.append(("By class of sound", shares))
        figures.append(("Edits for each token", f"{report.edit_distance:.2f}"))
        if report.words_right is not None:
            figures.append(("Words of its clones understood", f"{report.words_right:.0%}"))
        if report.similarity is not None:
            figures.append(("Likeness of its clones", f"{report.similarity:.2f} of 1"))
        if report.sample_step is not None:
            figures.append(("To be heard above", f"as it was after {report.sample_step:,} steps"))
    elif info.accuracy is not None:
        figures.append(("Frames right so far", f"{info.accuracy:.1%}"))
    pairs = f"{info.pairs:,} of {info.texts:,}" if info.texts else f"{info.pairs:,} of others"
    figures.append(("Pairs", f"{pairs}, {time_words(details.seconds_spoken)} of speech"))
    if info.dropped:
        figures.append(("Dropped", _dropped_words(info.dropped)))
    return figures


def _dropped_words(dropped: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {DROPPED.get(why, why)}" for why, count in dropped.items())
