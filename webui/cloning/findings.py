"""What is wrong with a recording, in words that a user can act on.

The thresholds, and why:

- Bark hears at most 7 s of a voice, and a second of it says little: below 1 s nothing is cloned,
  below 3 s of speech we say that more helps.
- Speech at -40 dB is ten times quieter than an ordinary recording; its noise grows with it.
- Noise 22 dB below the speech is heard in the clone: Bark takes it for a part of the voice. Clean
  studio speech has 40 to 60 dB, a quiet room 25 to 35.
- Of unclipped speech 0.02 % of the samples stay at the peak; cut off by 3 dB it is 0.2 to
  5 % (how it is found after a lossy format: listening.py).
- Of white and pink noise, hum, whistles and fans less than 1 % of the power is changing tones, of
  chords 21 to 90 %, of what a ringing room leaves of a voice up to 18 %. 30 dB below the speech
  music is not heard in a clone.
"""

from collections.abc import Sequence

from webui.clone_results import Finding, Window
from webui.cloning.listening import Heard

LEAST_SECONDS = 1.0
LEAST_SPEECH_SECONDS = 0.4
FEW_SPEECH_SECONDS = 3.0
QUIET_DB = -40.0
NOISY_DB, VERY_NOISY_DB = 22.0, 12.0
CLIPPED_SHARE = 0.002
MANGLED_SHARE = 0.05  # clipped so much, the faint ringing of a voice is as loud as music
MUSIC_SHARE, MUSIC_HEARD_DB = 0.2, 30.0
AT_THE_END_SECONDS = 0.15  # between the last word and the end of the recording

ADVICE = "Cloning needs one person who speaks for 3 to 15 seconds."


def findings_of(heard: Heard) -> list[Finding]:
    """What is wrong with one recording, the worst first; a fatal finding stands alone."""
    if heard.seconds < LEAST_SECONDS:
        words = f"This recording is {heard.seconds:.1f} s long. {ADVICE}"
        return [Finding("short", words, is_fatal=True)]
    if heard.speech_seconds < LEAST_SPEECH_SECONDS:
        return [Finding("silence", _words_without_speech(heard), is_fatal=True)]
    has_music = has_music_behind(heard)
    checks = (
        (has_music, Finding("music", MUSIC_WORDS)),
        (not has_music and _is_noisy(heard), Finding("noise", _noise_words(heard))),
        (heard.clipped_share >= CLIPPED_SHARE, Finding("clipped", CLIPPED_WORDS)),
        (heard.level_db < QUIET_DB, Finding("quiet", QUIET_WORDS)),
    )
    return [finding for is_so, finding in checks if is_so]


MUSIC_WORDS = (
    "Music under the voice will end up in the clone; choose a part without it, or record again."
)
CLIPPED_WORDS = (
    "The recording is too loud and distorted; record again with the microphone turned down or "
    "further away."
)
QUIET_WORDS = (
    "The voice is very quiet, and its noise will be made louder with it; record again closer to "
    "the microphone."
)
SEVERAL_SPEAKERS_WORDS = (
    "We hear two people; keep one. The proposed parts are of the one who speaks most."
)


def has_music_behind(heard: Heard) -> bool:
    """Whether music is heard in the pauses."""
    if not heard.background.any() or heard.noise_db > MUSIC_HEARD_DB:
        return False
    if heard.clipped_share > MANGLED_SHARE:
        return False
    return float(heard.music[heard.background].mean()) > MUSIC_SHARE


def little_speech(seconds: float) -> Finding | None:
    """Say that a voice needs more speech than there is in all recordings."""
    if seconds >= FEW_SPEECH_SECONDS:
        return None
    words = f"There are only {seconds:.1f} s of speech; the clone comes closer with 6 to 12 s."
    return Finding("short", words)


def abrupt_end(best: Window, heard: Heard) -> Finding | None:
    """Say that the best window does not end in a pause.

    Args:
        best: the best window.
        heard: the recording that it lies in.
    """
    if best.ends_in_pause:
        return None
    last = heard.spans[-1][1] if heard.spans else 0.0
    is_last = best.end_seconds >= last
    if is_last and heard.seconds - last < AT_THE_END_SECONDS:
        words = "The recording ends right at the last word; wait a second before you stop."
    else:
        words = "No part of the recording ends in a pause; pause for a second after a sentence."
    return Finding("abrupt_end", words)


def joined(found: Sequence[Sequence[Finding]], names: Sequence[str]) -> list[Finding]:
    """The findings of several recordings as one list; what only some have is said with their names.

    A recording that cannot be used is fatal only where no other can.
    """
    if len(found) == 1:
        return list(found[0])
    usable = [each for each in found if not any(finding.is_fatal for finding in each)]
    kinds = dict.fromkeys(finding.kind for each in found for finding in each)
    all_findings = []
    for kind in kinds:
        having = [index for index, each in enumerate(found) if kind in {one.kind for one in each}]
        first = next(finding for finding in found[having[0]] if finding.kind == kind)
        words = first.words
        if len(having) < len(found):
            words = f"{', '.join(names[index] for index in having)}: {words}"
        if first.is_fatal and usable:
            words += " It is left out."
        all_findings.append(Finding(kind, words, first.is_fatal and not usable))
    return all_findings


def _is_noisy(heard: Heard) -> bool:
    """Without pauses the noise is only guessed at, from the quietest moments of speech."""
    return heard.noise_db < (NOISY_DB if heard.background.any() else VERY_NOISY_DB)


def _noise_words(heard: Heard) -> str:
    amount = "a lot of" if heard.noise_db < VERY_NOISY_DB else "a little"
    return (
        f"There is {amount} noise behind the voice, and the clone will have it too; clean it, or "
        "record in a quieter room."
    )


def _words_without_speech(heard: Heard) -> str:
    if heard.music.size and float(heard.music.mean()) > MUSIC_SHARE:
        return f"We hear music and almost no speech. {ADVICE}"
    return f"We hear almost no speech. {ADVICE}"
