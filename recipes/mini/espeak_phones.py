"""From espeak-ng's phonemes to the phones of flite's voices, each with its end."""

import numpy as np

from recipes.mini.espeak_library import Phoneme
from recipes.mini.flite import Segment
from recipes.mini.spelling import PHONES

SILENT_PAUSE = 0.030  # seconds; shorter silence is the closure or the onset of the phone after it
EARLIER = 0.005  # seconds; boundaries between sounds, by the ear of the encoder that flite taught
BEFORE_VOWEL, AFTER_VOWEL = 0.020, 0.030  # seconds more around liquids; see `moved`
PAUSE = "pau"

AMERICAN = {
    "0": "aa", "0#": "ax", "02": "ah", "3": "er", "3:": "er", "?": "t", "@": "ax", "@-": "ax",
    "@2": "ax", "@5": "ax", "@L": "ax l", "A#": "aa", "A:": "aa", "A@": "aa r", "D": "dh", "E": "eh",
    "E#": "eh", "E2": "eh", "I": "ih", "I#": "ax", "I2": "ih", "I2#": "ax", "N": "ng", "O": "ao",
    "O2": "aa", "O:": "ao", "O@": "ao r", "OI": "oy", "S": "sh", "T": "th", "U": "uh",
    "U@": "uh r", "V": "ah", "Z": "zh", "a": "ae", "a#": "ax", "aI": "ay", "aI3": "ay er",
    "aI@": "ay ax", "aU": "aw", "aU@": "aw er", "aa": "ae", "b": "b", "d": "d", "dZ": "jh",
    "e@": "eh r", "eI": "ey", "f": "f", "g": "g", "h": "hh", "i": "iy", "i:": "iy", "i@": "iy ax",
    "i@3": "ih r", "j": "y", "k": "k", "l": "l", "m": "m", "n": "n", "n-": "n", "o@": "ao r",
    "oU": "ow", "p": "p", "r": "r", "r-": "r", "s": "s", "t": "t", "t#": "t", "t2": "t",
    "tS": "ch", "u:": "uw", "v": "v", "w": "w", "z": "z",
}  # fmt: skip
"""The American voice's phonemes by mnemonic: one phone, or two that share its time."""

BRITISH = AMERICAN | {
    "3": "ax", "A@": "aa", "I#": "ih", "I2#": "ih", "O@": "ao", "U@": "uh", "aI3": "ay ax", "aU@": "aw ax",
    "e@": "eh", "i@3": "ih ax", "o@": "ao",
}  # fmt: skip
"""The British voice's: no r but before a vowel."""

STOPS = {"b", "ch", "d", "g", "jh", "k", "p", "t"}
LIQUIDS, NASALS = {"l", "r", "w", "y"}, {"m", "n", "ng"}
VOWELS = {phone for phone in PHONES if phone[0] in "aeiou"}

_FIRST_SHARE = {"ay er": 0.6, "ay ax": 0.6, "aw er": 0.6, "aw ax": 0.6}  # others share equally
_PALATAL_GLIDE = ";"  # espeak-ng's mark for the end of a vowel like that of "see" before another
_R = {"r", "r-"}


def segments_of(
    phonemes: list[Phoneme], sound: np.ndarray, rate: int, table: dict[str, str]
) -> list[Segment]:
    """The phones of a spoken text with their ends in seconds.

    espeak-ng tells where a phoneme sounds; the silence before it, such as a stop's closure, is
    found in the sound, which is exactly zero there.

    Args:
        phonemes: what espeak-ng said, in order.
        sound: the int16 samples, of a voice without echo.
        rate: samples a second.
        table: `AMERICAN` or `BRITISH`.

    Raises:
        KeyError: a phoneme is not in the table.
    """
    names: list[str] = []
    starts: list[int] = []
    heard = [each for each in phonemes if each.mnemonic != _PALATAL_GLIDE]
    for index, phoneme in enumerate(heard):
        following = heard[index + 1].mnemonic if index + 1 < len(heard) else ""
        end = heard[index + 1].start if index + 1 < len(heard) else len(sound)
        spoken = _spoken(phoneme.mnemonic, names[-1] if names else PAUSE, following, table)
        start = phoneme.start
        if names and names[-1] != PAUSE and spoken != [PAUSE]:
            start = _silence_before(sound, start, starts[-1])
            if phoneme.start - start > SILENT_PAUSE * rate and spoken[0] not in STOPS:
                names.append(PAUSE)
                starts.append(start)
                start = phoneme.start
        names.append(spoken[0])
        starts.append(start)
        if len(spoken) == 2:
            share = _FIRST_SHARE.get(" ".join(spoken), 0.5)
            names.append(spoken[1])
            starts.append(start + round(share * (end - start)))
    ends = [*starts[1:], len(sound)]
    seconds = moved(names, [end / rate for end in ends])
    return joined([Segment(name, end, "") for name, end in zip(names, seconds, strict=True)])


def moved(names: list[str], ends: list[float]) -> list[float]:
    """The ends where flite would have put them, but the last.

    espeak-ng counts the first part of a vowel to the liquid or nasal before it, and the glide into
    a liquid to the vowel before it.
    """
    made, begin = [], 0.0
    for index, end in enumerate(ends[:-1]):
        here, following = names[index], names[index + 1]
        by = 0.0 if PAUSE in (here, following) else EARLIER
        if here in LIQUIDS | NASALS and following in VOWELS:
            by += BEFORE_VOWEL
        if here in VOWELS and following in LIQUIDS:
            by += AFTER_VOWEL
        made.append(end - min(by, 0.5 * max(end - begin, 0.0)))
        begin = made[-1]
    return [*made, ends[-1]]


def _spoken(mnemonic: str, before: str, following: str, table: dict[str, str]) -> list[str]:
    """The one or two phones of a phoneme between its neighbours."""
    if mnemonic.startswith("_"):
        return [PAUSE]
    if mnemonic in _R and before == "er":
        return ["er"]
    phones = table[mnemonic].split()
    if following in _R and phones[-1] == "r":
        return phones[:-1]
    return phones


def _silence_before(sound: np.ndarray, start: int, earliest: int) -> int:
    """Where the silence that ends at `start` begins."""
    sounding = np.flatnonzero(sound[earliest:start])
    return earliest + int(sounding[-1]) + 1 if len(sounding) else start


def joined(segments: list[Segment]) -> list[Segment]:
    """The same with equal neighbours made one and empty phones left out."""
    made: list[Segment] = []
    for segment in segments:
        before = made[-1].end_seconds if made else 0.0
        if segment.end_seconds <= before:
            continue
        if made and made[-1].phone == segment.phone and segment.phone in {PAUSE, "er"}:
            made.pop()
        made.append(segment)
    return made
