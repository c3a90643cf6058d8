"""Which of the teacher's speakers make good voices: how clearly they and the family are understood.

    python -m bench.auditions --family models/mini --out bench/results/auditions.json

Each speaker says a prompt, which becomes a voice, and twenty sentences; the family says the same
sentences in that voice. The recogniser writes down both; the speaker encoder tells how alike the
family's are to the prompt. The sentences are not those of `bench.mini_quality`, so that voices may
be chosen by the ones and judged by the others. Needs flite.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.clone_quality import centroids_of
from bench.figures import keep
from bench.mini_quality import pooled
from recipes.mini.clips import Clip
from recipes.mini.export import PROMPT
from recipes.mini.speakers import KNOWN_SPEAKERS, TRAINING_SPEAKERS
from recipes.mini.teacher import say as teacher_says
from recipes.mini.tokens import nearest, true_features
from webui.arrays import Speaker, Waveform
from webui.events import CancelToken, Done
from webui.quality.english_words import english_recogniser
from webui.quality.similarity import speaker_encoder
from webui.quality.words import distance, words_of
from webui.synthesis.controls import controls_from_json
from webui.synthesis.models import load_models
from webui.synthesis.speech import speak

SENTENCES = Path(__file__).with_name("audition_sentences.txt")
PEAK = 0.6  # of the teacher's own sound, as in `bench.mini_quality`


class Stage:
    """A family, and the ears that judge who speaks with it."""

    def __init__(self, folder: Path) -> None:
        words, voices, centroids = english_recogniser(), speaker_encoder(), centroids_of(folder)
        if words is None or voices is None or centroids is None:
            raise SystemExit("Recogniser, speaker encoder and a family with clusters are needed.")
        self.words, self.embed, self.centroids = words, voices.embed, centroids
        self.models = load_models(folder, "cpu", "fp32")
        self.rate = self.models.codec.sample_rate
        self.sentences = SENTENCES.read_text("utf-8").splitlines()

    def voice(self, speaker: int, prompt: list[str]) -> Speaker:
        """The voice of one of `KNOWN_SPEAKERS`, with the tokens of what it says for sure."""
        semantic, codes = [], []
        for sentence in prompt:
            said = teacher_says(sentence, speaker, KNOWN_SPEAKERS)
            if said is None:
                raise SystemExit(f'flite does not read "{sentence}" as it is written.')
            clip = Clip(sentence, speaker, **said)
            semantic.append(nearest(true_features(clip), self.centroids))
            codes.append(self.models.codec.encode(clip.samples.astype(np.float32) / 32_768))
        fine = np.concatenate(codes, 1)
        coarse = fine[: self.models.family.coarse.codebooks]
        return Speaker(np.concatenate(semantic), coarse, fine)

    def errors(self, sentence: str, sound: Waveform) -> tuple[int, int]:
        """Words heard wrong, and words of the sentence."""
        wanted = words_of(sentence)
        heard = words_of(self.words.transcribe(sound, self.rate, "en").text)
        return distance(wanted, heard), len(wanted)

    def said(self, sentence: str, voice: Speaker, seed: int) -> Waveform:
        """A sentence in a voice, with the family's recommended settings."""
        base = controls_from_json(self.models.family.controls)
        controls = controls_from_json({"seed": seed}, base)
        events = speak(self.models, sentence, voice, controls, CancelToken())
        (done,) = (each for each in events if isinstance(each, Done))
        return np.zeros(self.rate, np.float32) if done.result is None else done.result.waveform


def audition(stage: Stage, speaker: int, prompt: list[str]) -> dict[str, Any]:
    """Judge one speaker with one prompt."""
    teacher = KNOWN_SPEAKERS[speaker]
    voice = stage.voice(speaker, prompt)
    own = stage.embed(stage.models.codec.decode(voice.fine), stage.rate)
    of_teacher, of_family, likeness = [], [], []
    for seed, sentence in enumerate(stage.sentences):
        sound, _ = teacher.say(sentence)
        loud = sound * (PEAK / max(float(np.abs(sound).max()), 1e-3))
        of_teacher.append(stage.errors(sentence, loud.astype(np.float32)))
        said = stage.said(sentence, voice, seed)
        of_family.append(stage.errors(sentence, said))
        likeness.append(float(own @ stage.embed(said, stage.rate)))
    return {
        "speaker": teacher.name,
        "formants": teacher.formants,
        "pitch_hz": teacher.pitch_hz,
        "prompt": prompt,
        "word_error_rate_of_teacher": pooled(of_teacher),
        "word_error_rate": pooled(of_family),
        "similarity": round(float(np.mean(likeness)), 3),
    }


def main() -> int:
    """Hear all who ask, and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    names = [each.name for each in KNOWN_SPEAKERS]
    first = [each.name for each in TRAINING_SPEAKERS]
    parser.add_argument("--family", type=Path, default=Path("models/mini"))
    parser.add_argument("--speakers", default=",".join(first), help="names, with commas")
    parser.add_argument(
        "--prompt", action="append", nargs="+", metavar="SENTENCE",
        help="what a voice is heard saying; may be given several times; default: the published one",
    )  # fmt: skip
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    stage, found = Stage(chosen.family), []
    for name in chosen.speakers.split(","):
        if name not in names:
            parser.error(f"there is no speaker {name}; there are {', '.join(names)}")
        for prompt in chosen.prompt or [PROMPT]:
            found.append(audition(stage, names.index(name), prompt))
            print(json.dumps(found[-1]), flush=True)
    keep({"sentences": len(stage.sentences), "auditions": found}, chosen.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
