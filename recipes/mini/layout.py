"""The numbers of the family: how its stages' inputs are laid out. They are written into its config files."""

from recipes.mini.codec import CODEBOOK_SIZE, CODEBOOKS

SEMANTIC_VOCABULARY = 500
SEMANTIC_END = 500  # also the padding of the semantic history
TEXT_OUTPUTS = 512
TEXT_OFFSET = 512
TEXT_PIECES = 640  # room for the vocabulary
TEXT_PAD = TEXT_OFFSET + TEXT_PIECES
TEXT_INFER = TEXT_PAD + 1
TEXT_INPUTS = TEXT_INFER + 1
TEXT_POSITIONS = 48  # of the text, and of the semantic history added to it
MOST_TOKENS = 175  # seven seconds at 25 tokens a second
TEXT_BLOCK = 256

FRAME_RATE, SEMANTIC_RATE = 50, 25
TOKEN_FRAMES = FRAME_RATE // SEMANTIC_RATE  # frames of a semantic token
COARSE_CODEBOOKS = 2
COARSE_OFFSET = (
    SEMANTIC_VOCABULARY  # transformers' Bark puts the coarse codes right behind the semantic tokens
)
COARSE_PAD = COARSE_OFFSET + COARSE_CODEBOOKS * CODEBOOK_SIZE
COARSE_INFER = COARSE_PAD + 1
COARSE_VOCABULARY = COARSE_INFER + 1
COARSE_SEMANTIC_WINDOW = 70
COARSE_HISTORY = 200
COARSE_WINDOW = 48
COARSE_BLOCK = 320
COARSE_RATIO = TOKEN_FRAMES * COARSE_CODEBOOKS  # coarse tokens a semantic token

FINE_CODES = CODEBOOK_SIZE + 32
FINE_UNKNOWN = CODEBOOK_SIZE
FINE_WINDOW = 256
FINE_HISTORY = 128

TEXT_SIZE = {"width": 192, "layers": 6, "heads": 4}
COARSE_SIZE = {"width": 256, "layers": 5, "heads": 4}
FINE_SIZE = {"width": 192, "layers": 4, "heads": 4}

__all__ = [name for name in dir() if name.isupper()]
assert CODEBOOKS == 8
