"""English words by pocketsphinx, whose small model lies in its package.

Left alone it hears voices cut from people's speech (flite) well; those made by rules (espeak-ng)
and the built-in family's hardly at all. So `listen_for` is a multiple-choice test: at each place of
the sentence the asked word stands among `RIVALS` other words of about its length. Where no path
through these fits the sound at all, each place may also be left out. It flatters: the number and
the order of the words are given. Guessing would give 0.11, and its figures and those of free
writing cannot be compared. Measured on English sentences of 6 to 9 words (mean share of words
right; how often a sound of the sentence scores higher than one of another sentence):

| who speaks | sounds | free | listen_for | another sentence | told apart |
|---|---|---|---|---|---|
| the built-in family, 12 voices | 54 | 0.24 | 0.83 | 0.15 | 0.99 |
| flite, 4 voices | 24 | 0.90 | 0.99 | 0.17 | 0.98 |
| espeak-ng, 6 voices | 28 | 0.19 | 0.59 | 0.10 | 0.87 |

White noise and a chord are heard as nothing. On one core `listen_for` takes 0.04 s for each second
of sound (0.14 s where places are left out), `transcribe` 0.32 s.
"""

import functools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from webui.arrays import OtherWaveform, Waveform
from webui.audio import resample
from webui.quality.words import HeardWord, Transcript, distance, quiet_pieces, words_of

RATE = 16_000  # Hz; what its acoustic model was trained on
FRAMES_HZ = 100  # pocketsphinx's frames in a second
EDGE_SECONDS = 0.2  # of silence before and after, which the model expects
MOST_SECONDS = 20.0  # of sound in which a sentence is listened for
RIVALS = 8
FALLBACK_RIVALS = 5  # where each place may also be left out, more would take long
SKIP = 0.15  # how likely a place is left out
RIVAL_WORDS = tuple(
    """
    a all also answer another ask baby because begin believe belong big bird black blue book boy
    bring buy call carry catch city close cold color cup cut day deep different dinner doctor door
    draw dry easy eight every eye family far few finger fish five follow food free garden give green
    grow half hand happy he head hear hope horse house i idea important island join jump keep key
    king know laugh law leg letter light long low make market milk money month more morning mother
    mountain move music name need never now number of often old open or other page paper people
    picture play possible question quick read red remember river road rose run salt school see seven
    shape ship short show sing sister six sky sleep slow small snow some speak spring star start
    stone stop story summer sun table take teach thank that think through today together tomorrow
    tree try under up usually very visit walk warm wash water way week where white window wish with
    woman word work world write year yellow yesterday you young
    """.split()  # noqa: SIM905  (a list would take 190 lines)
)

Arc = tuple[int, int, float, str | None]  # from, to, probability, word


class EnglishRecogniser:
    """Hears English with pocketsphinx; see this module's text for how well."""

    name = "pocketsphinx"

    def __init__(self) -> None:
        from pocketsphinx import Config, Decoder, get_model_path

        self._free_model = get_model_path("en-us/en-us.lm.bin")
        config = Config(
            hmm=get_model_path("en-us/en-us"),
            dict=get_model_path("en-us/cmudict-en-us.dict"),
            lm=None,
            samprate=RATE,
            cmn="batch",  # the level of each sound by itself
            fwdflat=False,  # a second pass: twice the time, and no more words right
            maxhmmpf=3_000,
            loglevel="FATAL",
        )
        self._decoder = Decoder(config)
        self._has_free_model = False

    def transcribe(self, waveform: Waveform, rate: int, language: str) -> Transcript:
        """Write down English speech without knowing anything of it."""
        if not self._has_free_model:
            self._decoder.add_lm_file("free", self._free_model)
            self._has_free_model = True
        sound = resample(waveform, rate, RATE) if len(waveform) else waveform
        words: list[HeardWord] = []
        for start, end in quiet_pieces(sound, RATE):
            self._decoder.activate_search("free")
            words += self._decode(sound[start:end], start / RATE)
        return _transcript(words)

    def listen_for(self, asked: str, waveform: Waveform, rate: int, language: str) -> Transcript:
        """Choose each word of `asked`, or one of its rivals, from the sound.

        A word that the dictionary lacks counts as heard where anything is said in its place. A text
        of which no word is known, or a sound of more than `MOST_SECONDS`, is transcribed freely.
        """
        wanted = words_of(asked)
        is_known = any(self._phones(word) for word in wanted)
        if not is_known or len(waveform) / rate > MOST_SECONDS:
            return self.transcribe(waveform, rate, language)
        sound = resample(waveform, rate, RATE) if len(waveform) else waveform
        words = self._search(sound, self._choices(wanted, RIVALS, may_skip=False))
        if not words:
            words = self._search(sound, self._choices(wanted, FALLBACK_RIVALS, may_skip=True))
        return _transcript(_named(words, wanted))

    def choose(self, waveform: Waveform, rate: int, sentences: Sequence[str]) -> int | None:
        """Say which of some sentences was said: its index, or None where nothing fits.

        Words that the dictionary lacks are passed over.
        """
        known = [[word for word in words_of(text) if self._phones(word)] for text in sentences]
        arcs: list[Arc] = []
        last = 1
        for words in known:
            places = [0, *range(last + 1, last + len(words)), 1]
            last += max(len(words) - 1, 0)
            steps = zip(places, places[1:], words, strict=False)
            arcs += [(start, end, 1.0, word) for start, end, word in steps]
        sound = resample(waveform, rate, RATE) if len(waveform) else waveform
        heard = [word.text for word in self._search(sound, arcs, final=1)]
        return known.index(heard) if heard in known else None

    def align(self, text: str, waveform: Waveform, rate: int) -> tuple[HeardWord, ...] | None:
        """Say when each word of a text is said in a sound; None where it does not fit.

        Words that the dictionary lacks are passed over. That it fits does not mean that it was
        said: it is the best place for each word, if there is any.
        """
        words = [word for word in words_of(text) if self._phones(word)]
        arcs: list[Arc] = [(place, place + 1, 1.0, word) for place, word in enumerate(words)]
        sound = resample(waveform, rate, RATE) if len(waveform) else waveform
        found = tuple(self._search(sound, arcs))
        return found if found and len(found) == len(words) else None

    def _search(
        self, sound: OtherWaveform, arcs: list[Arc], final: int | None = None
    ) -> list[HeardWord]:
        """Find the likeliest path through a graph of words."""
        if not arcs:
            return []
        end = max(arc[1] for arc in arcs) if final is None else final
        steps = [arc if arc[3] is not None else arc[:3] for arc in arcs]
        graph = self._decoder.create_fsg("words", 0, end, steps)
        self._decoder.add_fsg("words", graph)
        self._decoder.activate_search("words")
        return self._decode(sound, 0.0)

    def _decode(self, sound: OtherWaveform, start_seconds: float) -> list[HeardWord]:
        """Let the chosen search hear a sound; nothing where it finds no path."""
        edge = np.zeros(round(EDGE_SECONDS * RATE), np.float32)
        samples = np.nan_to_num(np.concatenate([edge, sound, edge])).clip(-1, 1)
        try:
            self._decoder.reinit_feat()  # forgets the noise and the level of the sound before
            self._decoder.start_utt()
            self._decoder.process_raw(
                np.round(samples * 32_767).astype(np.int16).tobytes(), full_utt=True
            )
            self._decoder.end_utt()
            segments = list(self._decoder.seg() or ()) if self._decoder.hyp() else []
        except RuntimeError:  # pocketsphinx's word for "this cannot be decoded"
            return []
        return list(_heard_words(segments, start_seconds - EDGE_SECONDS, len(sound) / RATE))

    def _choices(self, wanted: Sequence[str], rivals: int, may_skip: bool) -> list[Arc]:
        """The graph of a sentence: at each place the word and its rivals."""
        arcs: list[Arc] = []
        for place, word in enumerate(wanted):
            phones = self._phones(word)
            if phones:
                choices = [word, *self._rivals(phones, place, rivals)]
            else:
                choices = [self._stand_in(place, other) for other in RIVAL_WORDS[::20]]
                arcs += [(place + 1, place + 1, SKIP / len(choices), each) for each in choices]
            share = (1 - SKIP if may_skip else 1.0) / len(choices)
            arcs += [(place, place + 1, share, each) for each in choices]
            if may_skip:
                arcs.append((place, place + 1, SKIP, None))
        return arcs

    @functools.cached_property
    def _rival_phones(self) -> dict[str, list[str]]:
        return {word: self._phones(word) for word in RIVAL_WORDS}

    def _rivals(self, phones: list[str], place: int, count: int) -> list[str]:
        """Words of about the same length that sound different: others at each place."""
        dice = np.random.default_rng(place)
        order = [RIVAL_WORDS[each] for each in dice.permutation(len(RIVAL_WORDS))]
        enough = min(len(phones), 2)  # sounds that differ
        unlike = [w for w in order if distance(phones, self._rival_phones[w]) >= enough]
        return sorted(unlike, key=lambda w: abs(len(self._rival_phones[w]) - len(phones)))[:count]

    def _phones(self, word: str) -> list[str]:
        """How a word is said; empty where the dictionary lacks it."""
        if not word.isascii():
            return []
        return (self._decoder.lookup_word(word) or "").split()

    def _stand_in(self, place: int, other: str) -> str:
        """A word that sounds like `other` and means: an unknown word of the sentence."""
        name = f"{place}_{other}"
        if self._decoder.lookup_word(name) is None:
            self._decoder.add_word(name, " ".join(self._rival_phones[other]), True)
        return name


def english_recogniser() -> EnglishRecogniser | None:
    """Load pocketsphinx; None where it is not installed."""
    try:
        return EnglishRecogniser()
    except (ImportError, RuntimeError):
        return None


def _heard_words(
    segments: Iterable[Any], shift_seconds: float, seconds: float
) -> Iterable[HeardWord]:
    """Pocketsphinx's segments without silences, noises and marks."""
    longest = shift_seconds + EDGE_SECONDS + seconds
    for each in segments:
        text = each.word.partition("(")[0]
        if not text or text[0] in "<[+":
            continue
        start = max(each.start_frame / FRAMES_HZ + shift_seconds, shift_seconds + EDGE_SECONDS)
        end = min((each.end_frame + 1) / FRAMES_HZ + shift_seconds, longest)
        yield HeardWord(text, start, max(end, start), float(np.clip(each.prob, 0, 1)))


def _named(words: Iterable[HeardWord], wanted: Sequence[str]) -> list[HeardWord]:
    """Put the unknown words of a sentence where their stand-ins were heard."""
    named: list[HeardWord] = []
    last = -1  # place whose stand-in came just before
    for word in words:
        place, mark, _ = word.text.partition("_")
        if not mark:
            last = -1
            named.append(word)
            continue
        if int(place) != last:
            last = int(place)
            named.append(
                HeardWord(wanted[last], word.start_seconds, word.end_seconds, word.confidence)
            )
    return named


def _transcript(words: Sequence[HeardWord]) -> Transcript:
    return Transcript(tuple(words), " ".join(word.text for word in words))
