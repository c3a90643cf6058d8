"""What a visitor filled in on the Voice Clone tab, and what it asks of the service."""

from dataclasses import dataclass, fields
from pathlib import Path

from webui.backend.facts import CloningPart
from webui.backend.requests import CloneOrder
from webui.clone_results import METHODS, MOST_ENDINGS, Method, Recording
from webui.errors import AudioFileError, SettingsError, SpeakerFileError, UserError
from webui.ui.form_values import is_number, switched_on
from webui.ui.messages import LANGUAGES
from webui.ui.studio import Studio
from webui.voice_names import check_voice_name, name_key

BEST_PART = "best"
OWN_PART = "own"
COMPARE_ALL = "all"
AUTOMATIC = "auto"
MIN_PART_SECONDS = 0.5
MAX_TRIED = 3  # parts of a recording, takes of each: the largest of the two sliders
MAX_TRANSCRIPT_CHARACTERS = 2_000
MAX_TAGS, MAX_TAG_CHARACTERS = 8, 40
NO_CLIP = "Record or upload a clip first."
NO_NAME = "Give the voice a name."
NO_CONSENT = "Tick this box first."
FREE_NAME = "My voice"
NAMELESS = frozenset({"audio", "recording", "blob", "file", "untitled", "voice", "microphone"})


@dataclass(frozen=True)
class CloneForm:
    """The widgets' values in the order in which the tab lists them, not yet trusted."""

    clip: object
    files: object
    denoise: object
    part: object
    which: object
    start: object
    end: object
    name: object
    language: object
    tags: object
    method: object
    transcript: object
    family: object
    quantizer: object
    converter: object
    windows: object
    takes: object
    endings: object
    licence: object
    consent: object

    def paths(self) -> tuple[str, ...]:
        """The files of all recordings, the microphone's first."""
        files = self.files if isinstance(self.files, list | tuple) else [self.files]
        return tuple(each for each in (self.clip, *files) if isinstance(each, str) and each)

    def problems(self, studio: Studio) -> dict[str, str]:
        """What is missing, by the field beside which it is to be said."""
        found = {}
        if not self.paths():
            found["clip"] = NO_CLIP
        try:
            self.voice_name()
        except UserError as fault:
            found["name"] = str(fault)
        if self.consent is not True:
            found["consent"] = NO_CONSENT
        way = ChosenWay(self.method, self.language, self.family, self.quantizer, self.converter)
        if way.needs_licence(studio) and self.licence is not True:
            found["licence"] = NO_CONSENT
        if isinstance(self.transcript, str) and len(self.transcript) > MAX_TRANSCRIPT_CHARACTERS:
            found["transcript"] = (
                f"{len(self.transcript):,} characters; the limit here is "
                f"{MAX_TRANSCRIPT_CHARACTERS:,}."
            )
        return found

    def order(self, studio: Studio, recordings: tuple[Recording, ...]) -> CloneOrder:
        """Check every value as if there were no browser, and say what is to be cloned.

        Raises:
            UserError: names the first value that cannot be used.
        """
        for field, words in self.problems(studio).items():
            raise SettingsError(
                "Confirm first that you may clone this voice." if field == "consent" else words
            )
        recordings, window = self._window(recordings)
        methods = chosen_methods(self.method)
        tried = "takes", "windows"
        takes, windows = (
            _whole(getattr(self, each), 1, MAX_TRIED) if len(methods) > 1 else 1 for each in tried
        )
        return CloneOrder(
            recordings,
            methods,
            family=studio.speaking_family(self.family).id,
            language=self.language_code(),
            transcript=self._transcript(),
            windows=1 if window else windows,
            window=window,
            takes=takes,
            endings=_whole(self.endings, 1, MOST_ENDINGS) if len(methods) == 1 else 1,
            denoise=switched_on(self.denoise, "Cleaning the recording"),
            quantizer=self._part(studio, self.quantizer, "quantizer"),
            converter=self._part(studio, self.converter, "converter"),
            accepts_licence=self.licence is True,
        )

    def voice_name(self) -> str:
        """The name as it is kept.

        Raises:
            SpeakerFileError: it is missing or cannot be used.
        """
        if not isinstance(self.name, str) or not self.name.strip():
            raise SpeakerFileError(NO_NAME)
        return check_voice_name(self.name)

    def language_code(self) -> str:
        """The language of the recording.

        Raises:
            SettingsError: it is none of those that Bark speaks.
        """
        if self.language not in LANGUAGES:
            raise SettingsError("Choose the language that is spoken in the recording.")
        return str(self.language)

    def _window(
        self, recordings: tuple[Recording, ...]
    ) -> tuple[tuple[Recording, ...], tuple[float, float] | None]:
        """The visitor's own part, in the recording that is put first."""
        if not recordings:
            raise AudioFileError(NO_CLIP)
        if self.part == BEST_PART:
            return recordings, None
        chosen, start, end = self.chosen_part(recordings)
        others = tuple(each for each in recordings if each is not chosen)
        return (chosen, *others), (start, end)

    def chosen_part(self, recordings: tuple[Recording, ...]) -> tuple[Recording, float, float]:
        """Where the sliders stand: the recording, start and end in seconds.

        Raises:
            SettingsError: this is no part of a recording.
        """
        which = _whole(self.which or 0, 0, len(recordings) - 1)
        recording = recordings[which]
        start, end = self.start, self.end
        if not is_number(start) or not is_number(end):
            raise SettingsError("Say in seconds where the part begins and ends.")
        start, end = max(float(start), 0.0), min(float(end), recording.seconds)
        if end - start < min(MIN_PART_SECONDS, recording.seconds):
            raise SettingsError(f"The part must last at least {MIN_PART_SECONDS} s.")
        return recording, start, end

    def _transcript(self) -> str | None:
        if self.method not in ("transcript", COMPARE_ALL) or not isinstance(self.transcript, str):
            return None
        return " ".join(self.transcript.split()) or None

    def _part(self, studio: Studio, chosen: object, kind: str) -> str | None:
        if chosen in (AUTOMATIC, None):
            return None
        for part in parts_of(studio, self.family, kind):
            if part.id == chosen:
                return part.id
        raise SettingsError(f"This {kind} is no longer there. Choose another one.")


@dataclass(frozen=True)
class ChosenWay:
    """The part of the form that says how to clone, not yet trusted."""

    method: object
    language: object
    family: object
    quantizer: object
    converter: object

    def needs_licence(self, studio: Studio) -> bool:
        """Whether the chosen converter asks for its licence to be accepted."""
        if self.method not in ("conversion", COMPARE_ALL):
            return False
        parts = parts_of(studio, self.family, "converter")
        return any(part.needs_licence_consent and part.id == self.converter for part in parts)


CLONE_FIELDS = tuple(entry.name for entry in fields(CloneForm))


def voice_tags(value: object) -> tuple[str, ...]:
    """The labels that a browser sent, each once.

    Raises:
        SettingsError: there are too many, or one is too long.
    """
    given = value if isinstance(value, list | tuple) else []
    tags = tuple(dict.fromkeys(" ".join(str(each).split()) for each in given))
    tags = tuple(each for each in tags if each)
    if len(tags) > MAX_TAGS or any(len(each) > MAX_TAG_CHARACTERS for each in tags):
        raise SettingsError(
            f"A voice has at most {MAX_TAGS} labels of {MAX_TAG_CHARACTERS} characters."
        )
    return tags


def chosen_methods(value: object) -> tuple[Method, ...]:
    """The methods to try, by what a browser sent.

    Raises:
        SettingsError: there is no such method.
    """
    if value == COMPARE_ALL:
        return METHODS
    for known in METHODS:
        if value == known:
            return (known,)
    raise SettingsError("Choose a method for the cloning.")


def parts_of(studio: Studio, family: object, kind: str) -> list[CloningPart]:
    """The parts of a kind that a family can clone with; none when it is not here."""
    try:
        parts = studio.service.cloning_parts(studio.speaking_family(family).id)
    except UserError:
        return []
    return [part for part in parts if part.kind == kind]


def suggested_name(recordings: tuple[Recording, ...], studio: Studio) -> str:
    """A free name: the file's, where it says something."""
    stem = " ".join(Path(recordings[0].name).stem.replace("_", " ").replace("-", " ").split())
    base = stem[:50].strip() if stem.casefold() not in NAMELESS else FREE_NAME
    try:
        base = check_voice_name(base)
    except SpeakerFileError:
        base = FREE_NAME
    taken = {name_key(voice.name) for voice in studio.visible_voices()}
    names = (base, *(f"{base} {number}" for number in range(2, len(taken) + 3)))
    return next(name for name in names if name_key(name) not in taken)


def _whole(value: object, low: int, high: int) -> int:
    if is_number(value) and low <= value <= high and float(value).is_integer():
        return int(value)
    raise SettingsError(f"This must be a whole number from {low} to {high}.")
