"""What flows between the stages: the arrays, by name and shape."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Float, Int

TextTokens: TypeAlias = Int[np.ndarray, "text_tokens"]  # 0..vocabulary-1, without the offset
SemanticTokens: TypeAlias = Int[np.ndarray, "tokens"]  # 0..semantic_vocabulary-1
AnyTokens: TypeAlias = Int[np.ndarray, "_"]  # one of several rows that differ in length
CoarseCodes: TypeAlias = Int[np.ndarray, "coarse_codebooks frames"]  # 0..codebook_size-1
FineCodes: TypeAlias = Int[np.ndarray, "codebooks frames"]  # 0..codebook_size-1
Waveform: TypeAlias = Float[np.ndarray, "samples"]  # mono, -1..1, at the family's sample rate
OtherWaveform: TypeAlias = Float[np.ndarray, "_samples"]  # of another length than the one given in
SpeechFeatures: TypeAlias = Float[np.ndarray, "frames width"]  # what an encoder hears
AnyFeatures: TypeAlias = Float[np.ndarray, "_ _"]  # one of several
SpeakerEmbedding: TypeAlias = Float[np.ndarray, "256"]  # how a voice sounds; of length one


@dataclass(frozen=True, eq=False)
class Speaker:
    """A voice: what was said (`semantic`) and how it sounds (`fine`), of the same length in time.

    `coarse` is the first rows of `fine`. All three are int64 arrays.
    """

    semantic: SemanticTokens
    coarse: CoarseCodes
    fine: FineCodes
