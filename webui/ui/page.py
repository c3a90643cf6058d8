"""The whole page: the strip, the tabs, and what happens when somebody opens it."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import gradio as gr

from webui.errors import SettingsError
from webui.settings import Settings
from webui.ui.api_endpoints import ApiEndpoints
from webui.ui.captions import captions_script
from webui.ui.clone_keeping import Neighbours
from webui.ui.clone_run import job_key
from webui.ui.clone_tab import CloneTab
from webui.ui.faults import worded
from webui.ui.first_steps import FirstSteps
from webui.ui.forgetting import DONE, forget
from webui.ui.guard import Guard, GuardRules
from webui.ui.library_tab import LibraryTab
from webui.ui.long_cards import long_key
from webui.ui.long_tab import LongTab
from webui.ui.models_tab import ModelsTab
from webui.ui.owners import account_of, can_sign_in, owner_of
from webui.ui.page_languages import language_choice, language_routes, language_script
from webui.ui.quiet_events import keep_no_progress
from webui.ui.space import build_notices
from webui.ui.speak_form import restored
from webui.ui.speak_tab import SpeakTab
from webui.ui.status_strip import StatusStrip
from webui.ui.studio import Studio
from webui.ui.takes import is_owner, new_owner
from webui.ui.theme import ANNOUNCER, BEGIN_ANEW, MEND, ON_LOAD, STYLES, TITLE, make_theme
from webui.ui.training_pairs import pairs_key
from webui.ui.training_rivals import rivals_key
from webui.ui.training_tab import TrainingTab
from webui.ui.visiting import seen_by
from webui.ui.whole_values import WholeValuesBlocks

CACHE_SWEEP_SECONDS, CACHE_KEPT_SECONDS = 600, 3_600
STORAGE_SECRET = "bark-voice-studio"  # noqa: S105  the browser gets it: it only survives restarts
MAX_WAITING = 64
SESSIONS_KEPT, STRANGERS_KEPT = 200, 1_000  # open pages whose key and choices are remembered


def build_page(studio: Studio) -> gr.Blocks:
    """Lay out the page; nothing is loaded, downloaded or asked of the network."""
    page = WholeValuesBlocks(
        title=TITLE,
        analytics_enabled=False,
        delete_cache=(CACHE_SWEEP_SECONDS, CACHE_KEPT_SECONDS),
    )
    with page:
        ApiEndpoints(studio).expose()  # first: a name that is taken would get a number
        remembered = gr.BrowserState("", storage_key="bark-studio-owner", secret=STORAGE_SECRET)
        owner = gr.State("")  # the key of who visits: it stays on the server
        draft = gr.BrowserState(None, storage_key="bark-studio-draft", secret=STORAGE_SECRET)
        with gr.Row(elem_id="page-head"):
            gr.Markdown(f"# {TITLE}")
            gr.HTML(language_choice(), elem_id="language-choice", container=False)
        strip = StatusStrip(studio)
        build_notices(studio.settings)
        with gr.Tabs(selected="tts", elem_id="tabs", overflow_behavior="wrap") as tabs:
            with gr.Tab("Text-to-Speech", id="tts"):
                first_steps = FirstSteps(studio)
                speak_tab = SpeakTab(studio)
            with gr.Tab("Voice Clone", id="clone"):
                clone_tab = CloneTab(studio)
            with gr.Tab("Speaker Library", id="library"):
                library_tab = LibraryTab(studio)
            with gr.Tab("Long text", id="long") as long_place:
                long_tab = LongTab(studio)
            training_tab = None
            if not studio.settings.public:
                with gr.Tab("Train", id="train"):
                    training_tab = TrainingTab(studio)
            with gr.Tab("Models & settings", id="models"):
                models_tab = ModelsTab(studio)
        gr.HTML(ANNOUNCER, elem_id="announcer")
        speak_tab.wire(owner, draft)
        first_steps.wire(page, tabs, speak_tab)
        library_tab.wire(speak_tab, tabs, owner, draft)
        strip.wire(tabs)
        clone_tab.wire(Neighbours(owner, draft, tabs, speak_tab, library_tab), strip.timer.tick)
        long_tab.wire(owner, long_place.select)
        begun = [] if training_tab is None else training_tab.wire(strip.timer.tick)
        all_tabs = _Tabs(speak_tab, clone_tab, library_tab, long_tab, models_tab, training_tab)
        opening = _Opening(studio, all_tabs, strip)
        opening.wire(page, Memory(remembered, owner, draft), begun)
    keep_no_progress(page)
    page.queue(api_open=False, max_size=MAX_WAITING)
    return page


def launch_options(settings: Settings) -> dict[str, Any]:
    """Everything that `launch` is told: what is on, and above all what is off.

    Raises:
        SettingsError: assistants shall use the page, and what that needs is not installed.
    """
    from starlette.middleware import Middleware

    if settings.mcp and find_spec("mcp") is None:
        raise SettingsError("--mcp needs a package more. Install it: ./install.sh --with mcp")
    rules = GuardRules.from_settings(settings)
    return {
        "server_name": settings.host,
        "server_port": settings.port,
        "share": False,  # `share_link` opens the tunnel: Gradio's page for it asks other hosts
        "inbrowser": settings.open_browser,
        "auth": settings.auth,
        "theme": make_theme(),
        "css": STYLES,
        "head": language_script() + captions_script(),
        "ssr_mode": False,
        "run_history": False,
        "show_error": False,
        "allowed_paths": [],
        "max_file_size": rules.max_file_bytes,
        "state_session_capacity": STRANGERS_KEPT if settings.public else SESSIONS_KEPT,
        "footer_links": ["api", "settings"],
        "strict_cors": True,
        "pwa": False,
        "mcp_server": settings.mcp,
        "enable_monitoring": False,
        "quiet": True,
        "_frontend": False,  # else Gradio gives up where its page takes 3 s, though it is there
        "app_kwargs": {
            "middleware": [Middleware(Guard, rules=rules)],
            "routes": language_routes(),
            "docs_url": None,  # the API for programs brings a page of its own
            "redoc_url": None,
            "openapi_url": None,
        },
    }


@dataclass(frozen=True)
class Visit:
    """What a browser remembers of its earlier visits, not yet trusted."""

    owner: object
    draft: object

    def known_owner(self) -> str:
        """The visitor's key, or nothing."""
        return str(self.owner) if is_owner(self.owner) else ""


@dataclass(frozen=True)
class Memory:
    """Where it is remembered who visits, and what they typed.

    `remembered` and `draft` are the browser's; `owner` is the key that was made of it when the page
    opened, and no browser can set it.
    """

    remembered: gr.BrowserState
    owner: gr.State
    draft: gr.BrowserState


@dataclass(frozen=True)
class _Tabs:
    """All tabs, in their order."""

    speak: SpeakTab
    clone: CloneTab
    library: LibraryTab
    long: LongTab
    models: ModelsTab
    training: TrainingTab | None  # None on a public page

    def refilled(self) -> list[Any]:
        """The components that `refill` fills, in its order."""
        tabs = (self.speak, self.clone, self.library, self.long, self.models)
        trained = [] if self.training is None else self.training.refilled()
        return [*(each for tab in tabs for each in tab.refilled()), *trained]

    def refill(self, studio: Studio, owner: str, draft: object) -> list[Any]:
        """What all tabs are to show, with what the browser remembers."""
        return [
            *seen_by(self.speak, owner).refill(restored(draft, studio.for_visitor(owner)), owner),
            *self.clone.refill(owner),
            *seen_by(self.library, owner).refill(),
            *seen_by(self.long, owner).refill(),
            *self.models.refill(),
            *([] if self.training is None else self.training.refill()),
        ]


class _Opening:
    """Fills an opened page anew, and keeps an open one up to date."""

    def __init__(self, studio: Studio, tabs: _Tabs, strip: StatusStrip) -> None:
        self.studio = studio
        self.forgetting = tabs.library.widgets.forgetting
        self.tabs = tabs
        self.strip = strip

    def wire(self, page: gr.Blocks, memory: Memory, begun: list[Callable[..., Any]]) -> None:
        """Connect the page to the handlers; after what has `begun` all is looked at at once."""
        quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        remembered, owner, draft = memory.remembered, memory.owner, memory.draft
        opened = [remembered, owner]
        could_speak = gr.State(None)
        moving = [*self.strip.followed(), *self.tabs.models.followed()]
        page.load(
            worded(self.open),
            [remembered, draft],
            [*opened, could_speak, *self.strip.followed(), *self.tabs.refilled()],
            **quiet,
        )
        page.load(None, None, None, js=ON_LOAD, **quiet)
        page.load(None, None, None, js=MEND, **quiet)
        changed = gr.State(0)
        for moment in (self.strip.timer.tick, *self.tabs.models.wire(), *begun):
            moment(
                worded(self.follow),
                [could_speak],
                [could_speak, changed, *moving],
                queue=False,
                **quiet,
            )
        changed.change(
            worded(self.families_changed),
            [owner, draft],
            self.tabs.refilled(),
            **quiet,
        )
        if self.forgetting is not None:
            forgotten = self.forgetting.yes.click(
                worded(self.forget), [owner],
                [remembered, draft, self.forgetting.sure, self.forgetting.status], **quiet,
            )  # fmt: skip
            forgotten.success(None, None, None, js=BEGIN_ANEW, **quiet)
        page.unload(self.leave)

    def open(self, request: gr.Request, *values: object) -> list[Any]:
        """Fill everything that may have changed since the app started."""
        visit = Visit(*values)
        account = account_of(request) if can_sign_in(self.studio.settings) else None
        owner = owner_of(visit.owner, account)
        return [
            gr.skip() if account is not None else owner,
            owner,
            self._installed(),
            *self.strip.follow(),
            *self.tabs.refill(self.studio, owner, visit.draft),
        ]

    def follow(self, *values: object) -> list[Any]:
        """Keep the strip and the list of models up to date."""
        (installed,) = values
        now = self._installed()
        changed = hash(now) if installed is not None and now != installed else gr.skip()
        return [now, changed, *self.strip.follow(), *self.tabs.models.follow()]

    def families_changed(self, *values: object) -> list[Any]:
        """A family came or went: fill the page anew, with what the browser remembers."""
        visit = Visit(*values)
        return self.tabs.refill(self.studio, visit.known_owner(), visit.draft)

    def forget(self, request: gr.Request, *values: object) -> list[Any]:
        """Remove all that is kept of a visitor; their browser becomes somebody new."""
        (owner,) = values
        forget(self.studio, owner, request.session_hash or "")
        return [new_owner(), None, gr.Column(visible=False), DONE]

    def leave(self, request: gr.Request) -> None:
        """Stop what a closed page was having done: nobody would hear it."""
        page = request.session_hash or ""
        self.studio.desk.stop(page)
        self.studio.desk.stop(job_key(page))
        self.studio.desk.stop(long_key(page))  # a whole text goes on
        self.studio.desk.stop(rivals_key(page))  # a training itself goes on
        self.studio.desk.stop(pairs_key(page))

    def _installed(self) -> tuple[str, ...]:
        return tuple(family.id for family in self.studio.installed_families())
