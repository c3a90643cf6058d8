"""What the Speaker Library says of voices: rows, the card of one, what to do when none fits."""

from webui.backend.facts import VoiceDetails, VoiceInfo
from webui.ui.messages import language_name, plain

KINDS = {"own": "Your own", "builtin": "Built in", "preset": "Comes with Bark"}
ALL, MINE, FAVOURITES, BUILT_IN = "all", "mine", "favourites", "builtin"
SHOWN = (
    ("All", ALL),
    ("Mine", MINE),
    ("Favourites", FAVOURITES),
    ("Built in", BUILT_IN),
)
NO_CHOICE = "Choose a voice in the list to hear it."
NO_VOICES = "No voice fits. Choose other filters above."
NO_OWN = (
    "**You have no voices of your own yet.** Clone one on the tab Voice Clone, it takes about a "
    "minute; or import a Bark voice (.npz); or save a take that you like on Text-to-Speech."
)
NO_FAVOURITES = "**No favourites yet.** Choose a voice and press Favourite."
PUBLIC_NOTE = (
    "**This is a public page.** Only you see your own voices here, and they are deleted after a "
    "day. Export a voice to keep it; import its file when you come again."
)
METHODS = {
    "quantizer": "Cloned with the quantizer (method 2)",
    "transcript": "Cloned from the transcript (method 1)",
    "conversion": "Cloned by conversion (method 3)",
    "blend": "A blend",
}


def row_of(voice: VoiceInfo) -> list[str]:
    """A voice as a row of the list: name, language, kind and labels."""
    mark = "⚠ " if voice.broken else ""
    heart = " ♥" if voice.favourite else ""
    kind = "Not usable" if voice.broken else KINDS[voice.source]
    facts = [kind, voice.family, *voice.tags]
    return [f"{mark}{voice.name}{heart}", language_name(voice.language), " · ".join(facts)]


def found_by(voice: VoiceInfo, search: str) -> bool:
    """Whether each word of a search is somewhere in what the list says of a voice."""
    text = " ".join([voice.id, *row_of(voice)]).casefold()
    return all(word in text for word in search.casefold().split())


def nothing_words(shown: object, search: object) -> str:
    """Say why the list is empty and what to do."""
    if isinstance(search, str) and search.strip():
        return f"No voice matches ‘{plain(search[:60])}’."
    return {MINE: NO_OWN, FAVOURITES: NO_FAVOURITES}.get(str(shown), NO_VOICES)


def card_words(details: VoiceDetails) -> str:
    """All that is known of a voice, a line each."""
    voice, said = details.info, details.metadata
    kind = f"{KINDS[voice.source].lower()} · family {plain(voice.family)}"
    language = plain(language_name(voice.language)) or "language unknown"
    lines = [f"**{plain(voice.name)}** · {language} · {kind}"]
    if voice.broken:
        lines.append(f"⚠ **It cannot be used:** {plain(voice.broken)}")
    if voice.tags:
        lines.append(f"Labels: {plain(', '.join(voice.tags))}")
    if voice.seconds is not None:
        lines.append(f"{voice.seconds:.1f} s long")
    lines += [plain(each) for each in _origin(details)]
    if said.consent is not None:
        agreed = "The speaker agreed" if said.consent else "The speaker did not agree"
        lines.append(f"{agreed}: {plain(said.consent_text)}" if said.consent_text else agreed)
    if said.notes:
        lines.append(f"Notes: {plain(said.notes)}")
    if voice.notes:
        lines.append(plain(voice.notes))
    lines.append(f"Id: {plain(voice.id)}")
    return "  \n".join(lines)


def _origin(details: VoiceDetails) -> list[str]:
    """How a voice came to be."""
    said = details.metadata
    facts = []
    if said.method:
        helper = said.quantizer or said.converter
        method = METHODS.get(said.method, f"Made by: {said.method}")
        facts.append(f"{method}, {helper}" if helper else method)
    if said.other.get("made_from"):
        facts.append(f"Made from {said.other['made_from']}")
    if said.reference_seconds:
        window = f", part {said.window} s" if said.window else ""
        facts.append(f"From {said.reference_seconds:.1f} s of recording{window}")
    if said.similarity is not None:
        facts.append(f"Similarity to the recording: {said.similarity:.2f}")
    if said.created:
        facts.append(f"Made on {said.created[:10]}")
    return facts
