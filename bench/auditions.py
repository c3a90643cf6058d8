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
from bench.mini_faults import say
from bench.mini_quality import pooled, word_errors_of
from bench.recogniser import RATE, levelled
from recipes.mini.export import prompt_arrays
from recipes.mini.speakers import KNOWN_SPEAKERS, TRAINING_SPEAKERS, TeacherSpeaker
from recipes.mini.voices import PROMPT
from webui.arrays import Speaker, Waveform
from webui.quality.similarity import speaker_encoder
from webui.synthesis.models import load_models

SENTENCES = Path(__file__).with_name("audition_sentences.txt")


class Stage:
    """A family, and the ears that judge who speaks with it."""

    def __init__(self, folder: Path) -> None:
        encoder, centroids = speaker_encoder(), centroids_of(folder)
        if encoder is None or centroids is None:
            raise SystemExit("The speaker encoder and a family with clusters are needed.")
        self.embed, self.centroids = encoder.embed, centroids
        self.models = load_models(folder, "cpu", "fp32")
        self.rate = self.models.codec.sample_rate
        self.sentences = SENTENCES.read_text("utf-8").splitlines()

    def voice(self, teacher_name: str, prompt: list[str]) -> Speaker:
        """The voice of one of `KNOWN_SPEAKERS`, with the tokens of what it says for sure.

        Raises:
            SystemExit: the prompt cannot be said.
        """

        def encode(samples: np.ndarray) -> np.ndarray:
            return self.models.codec.encode(samples.astype(np.float32) / 32_768)

        try:
            semantic, fine = prompt_arrays(teacher_name, prompt, self.centroids, encode)
        except ValueError as fault:
            raise SystemExit(str(fault)) from None
        return Speaker(semantic, fine[: self.models.family.coarse.codebooks], fine)

    def said(self, sentence: str, voice: Speaker, seed: int) -> Waveform:
        """A sentence in a voice, with the family's recommended settings."""
        speech = say(self.models, sentence, voice, seed, {})
        return np.zeros(self.rate, np.float32) if speech is None else speech.waveform


def audition(stage: Stage, teacher: TeacherSpeaker, prompt: list[str]) -> dict[str, Any]:
    """Judge one speaker with one prompt."""
    voice = stage.voice(teacher.name, prompt)
    own = stage.embed(stage.models.codec.decode(voice.fine), stage.rate)
    of_teacher, of_family, likeness = [], [], []
    for seed, sentence in enumerate(stage.sentences):
        sound, _ = teacher.say(sentence)
        of_teacher.append(word_errors_of(sentence, levelled(sound), RATE))
        said = stage.said(sentence, voice, seed)
        of_family.append(word_errors_of(sentence, said, stage.rate))
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
    named = {each.name: each for each in KNOWN_SPEAKERS}
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
        if name not in named:
            parser.error(f"there is no speaker {name}; there are {', '.join(named)}")
        for prompt in chosen.prompt or [PROMPT]:
            found.append(audition(stage, named[name], prompt))
            print(json.dumps(found[-1]), flush=True)
    keep({"sentences": len(stage.sentences), "auditions": found}, chosen.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
