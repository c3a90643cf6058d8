"""The lower half of the Voice Clone tab: hear the clones, read how good they are, keep one."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from webui.quality.picture import report_picture
from webui.ui.clone_report import (
    RANKING_HEAD,
    candidate_label,
    ranking_rows,
    report_words,
    verdict_words,
)
from webui.ui.clone_shelf import MadeClones
from webui.ui.playing import heard

Updates = dict[Any, Any]


@dataclass(frozen=True)
class ClonePlace:
    """Where one clone is heard: which one it is, its sound, what is thought of it, what to do."""

    column: gr.Column
    choice: gr.Dropdown
    player: gr.Audio
    verdict: gr.Markdown
    keep: gr.Button
    save: gr.DownloadButton

    def updates(self, made: MadeClones, index: int, file: str | None = None) -> Updates:
        """Show a clone here.

        Args:
            made: the clones of one order.
            index: which of them.
            file: the voice's file to take away, where voices are not kept.
        """
        candidates = made.outcome.candidates
        candidate = candidates[index]
        choices = [(candidate_label(candidates, each), each) for each in range(len(candidates))]
        several = len(candidates) > 1
        label = candidate_label(candidates, index) if several else "The clone"
        return {
            self.choice: gr.Dropdown(choices=choices, value=index, visible=several),
            self.player: gr.Audio(
                value=heard(candidate.speech, candidate.sample_rate), label=label,
                visible=candidate.speech is not None,
            ),
            self.verdict: verdict_words(candidate),
            self.keep: gr.Button("Keep this one" if several else "Keep this voice"),
            self.save: gr.DownloadButton(value=file, visible=file is not None),
        }  # fmt: skip


@dataclass(frozen=True)
class CloneResult:
    """The components that show what was made."""

    area: gr.Column
    reference: gr.Audio
    first: ClonePlace
    second: ClonePlace
    ranking: gr.Dataframe
    saved: gr.Markdown
    use: gr.Button
    another: gr.Button
    report: gr.Markdown
    picture: gr.Image

    def components(self) -> list[Any]:
        """All of them, for handlers that may change any."""
        places = [
            each
            for place in (self.first, self.second)
            for each in (
                place.column, place.choice, place.player, place.verdict, place.keep, place.save
            )
        ]  # fmt: skip
        return [
            self.area, self.reference, *places, self.ranking, self.saved, self.use, self.another,
            self.report, self.picture,
        ]  # fmt: skip

    def shown(self, made: MadeClones, files: tuple[str | None, ...] = (None, None)) -> Updates:
        """Show what was made, the best two side by side.

        Args:
            made: the clones of one order, the best one first.
            files: the voices' files to take away, where voices are not kept.
        """
        several = len(made.outcome.candidates) > 1
        outcome = made.outcome
        updates = {
            self.area: gr.Column(visible=True),
            self.reference: gr.Audio(value=heard(outcome.reference, outcome.sample_rate)),
            self.second.column: gr.Column(visible=several),
            self.ranking: gr.Dataframe(value=ranking_rows(outcome.candidates), visible=several),
            self.saved: gr.Markdown("", visible=False),
            self.use: gr.Button(visible=False),
            **self.first.updates(made, 0, files[0]),
            **self.judged(made, 0),
        }
        if several:
            updates |= self.second.updates(made, 1, files[1])
        return updates

    def judged(self, made: MadeClones, index: int) -> Updates:
        """The report of one clone."""
        return {
            self.report: report_words(made.outcome.candidates[index]),
            self.picture: _picture(made, index),
        }

    def emptied(self) -> Updates:
        """Show nothing: another recording begins."""
        return {
            self.area: gr.Column(visible=False),
            self.reference: gr.Audio(value=None),
            self.first.player: gr.Audio(value=None),
            self.second.player: gr.Audio(value=None),
        }


def build_clone_result() -> CloneResult:
    """Lay the result out; it is hidden until there is one."""
    with gr.Column(visible=False, elem_id="clone-result") as area:
        gr.Markdown("## Does it sound like the speaker?", elem_id="clone-question")
        with gr.Row():
            with gr.Column(min_width=260):
                reference = gr.Audio(
                    label="The recording", interactive=False, buttons=[],
                    elem_id="clone-reference",
                )  # fmt: skip
            first = _place("a")
            second = _place("b")
        saved = gr.Markdown("", visible=False, elem_id="clone-saved")
        with gr.Row():
            use = gr.Button("Use this voice", variant="primary", visible=False, elem_id="clone-use")
            another = gr.Button("Record another", elem_id="clone-another")
        ranking = gr.Dataframe(
            headers=RANKING_HEAD, value=[], interactive=False, visible=False, buttons=[],
            label="All clones, the best one first: choose one to hear it as A",
            elem_id="clone-ranking", type="array", max_height=320, wrap=True,
            column_widths=["12%", "41%", "27%", "20%"],
        )  # fmt: skip
        with gr.Accordion("Clone report", open=True, elem_id="clone-report"), gr.Row():
            with gr.Column(scale=2, min_width=300):
                report = gr.Markdown("", elem_id="clone-report-words")
            with gr.Column(scale=3, min_width=300):
                picture = gr.Image(
                    label="Recording and clone", show_label=False,
                    interactive=False, buttons=[], elem_id="clone-picture", type="numpy",
                    format="png",
                )  # fmt: skip
                gr.Markdown("The recording above, the clone below; the orange line is the pitch.")
    return CloneResult(
        area, reference, first, second, ranking, saved, use, another, report, picture
    )


def _picture(made: MadeClones, index: int) -> gr.Image:
    """The recording and one of the clones, drawn; hidden while it has said nothing."""
    outcome, candidate = made.outcome, made.outcome.candidates[index]
    if candidate.speech is None or not len(candidate.speech):
        return gr.Image(value=None, visible=False)
    drawn = report_picture(
        outcome.reference, outcome.sample_rate, candidate.speech, candidate.sample_rate
    )
    return gr.Image(value=drawn, visible=True)


def _place(letter: str) -> ClonePlace:
    with gr.Column(min_width=260, elem_id=f"clone-{letter}") as column:
        choice = gr.Dropdown(
            label=f"Listen to ({letter.upper()})", choices=[("1.", 0)], value=0, visible=False,
            filterable=False, elem_id=f"clone-choice-{letter}",
        )  # fmt: skip
        player = gr.Audio(
            label="The clone", interactive=False, buttons=[], elem_id=f"clone-player-{letter}"
        )
        verdict = gr.Markdown("", elem_id=f"clone-verdict-{letter}")
        keep = gr.Button(
            "Keep this voice", variant="primary", elem_id=f"clone-keep-{letter}"
        )  # fmt: skip
        save = gr.DownloadButton(
            "Save the voice's file", variant="secondary", visible=False,
            elem_id=f"clone-save-{letter}",
        )  # fmt: skip
    return ClonePlace(column, choice, player, verdict, keep, save)
