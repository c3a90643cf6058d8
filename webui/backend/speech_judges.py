"""Who listens to a speech while it is made: the judges that its controls ask for."""

from webui.backend.cloning_models import CloningModels
from webui.backend.requests import SpeakRequest
from webui.synthesis.judging import ChunkJudge
from webui.synthesis.models import BarkModels


def speech_judge(
    request: SpeakRequest, models: BarkModels, parts: CloningModels
) -> tuple[ChunkJudge | None, tuple[str, ...]]:
    """Bring the judges of a speech together, and say in words which of them are not here.

    Args:
        request: whose controls say what is to be judged.
        models: the family that speaks, whose codec makes the voice heard.
        parts: the networks that listen.
    """
    from webui.quality.drift import DriftGuard
    from webui.quality.panel import Panel
    from webui.quality.verified import WordJudge

    controls, notes = request.controls, []
    words = drift = None
    if controls.verify:
        recogniser = parts.recogniser(request.language)
        if recogniser is None:
            notes.append(
                f'The words were not checked: no recogniser for the language "{request.language}" '
                "is here. Whisper knows many languages and can be downloaded."
            )
        else:
            words = WordJudge(recogniser, request.language)
    if controls.guard_drift:
        encoder = parts.speaker_encoder()
        if encoder is None:
            notes.append(
                "The voice was not watched: what compares voices (resemblyzer) is not installed."
            )
        else:
            drift = DriftGuard(encoder, models.codec.decode)
    if words is None and drift is None:
        return None, tuple(notes)
    return Panel(words, drift, controls.verify_tries), tuple(notes)
