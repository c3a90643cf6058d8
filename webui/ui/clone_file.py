"""A clone as the file that other Bark tools read too, for visitors of pages that keep no voices."""

from pathlib import Path

from webui.speaker_file import write_speaker
from webui.speaker_metadata import SpeakerMetadata
from webui.ui.clone_shelf import MadeClones
from webui.voice_names import slug


def voice_file(made: MadeClones, index: int, folder: Path) -> Path:
    """Write a clone as .npz, once.

    Raises:
        StorageError: there is no room for it, or no such clone.
    """
    candidate = made.candidate(index)
    path = folder / f"{slug(made.name)}-{index + 1}.npz"
    if path.exists():
        return path
    used = made.order.recordings[candidate.window.recording]
    report = candidate.report
    write_speaker(
        path,
        candidate.speaker,
        SpeakerMetadata(
            name=made.name,
            family=made.outcome.family,
            language=made.order.language,
            method=candidate.method,
            window=f"{candidate.window.start_seconds:.2f}-{candidate.window.end_seconds:.2f}",
            reference_seconds=used.seconds,
            reference_sha256=used.digest,
            similarity=report.similarity if report else None,
            consent=True,
            consent_text=made.consent,
            tags=made.tags,
        ),
    )
    return path
