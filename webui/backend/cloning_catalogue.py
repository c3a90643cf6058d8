"""What cloning can download: encoder, quantizers, converter, recogniser, with their licences."""

from collections.abc import Mapping
from dataclasses import dataclass

from webui.backend.catalogue import CatalogueEntry
from webui.backend.facts import PartKind
from webui.errors import FamilyNotFoundError

ENCODER = "hubert-base"
WHISPER = "whisper-base"
WAVLM = "wavlm-large"
KNN_VC = "knn-vc"
FALLBACK_LANGUAGE = "en"  # its quantizer serves languages that have none of their own
HUB = "https://huggingface.co"
NOT_STATED = "not stated"


@dataclass(frozen=True)
class PartEntry(CatalogueEntry):
    """One part of cloning; `file` is the one in its folder that is used, "" the whole folder."""

    kind: PartKind = "encoder"
    file: str = ""
    requires: tuple[str, ...] = ()  # other parts that come with it
    suggested: bool = False  # the best of its kind for its languages


def _quantizer(  # noqa: PLR0913  (a row of the table below)
    part: str,
    title: str,
    language: str,
    repo: str,
    file: str,
    *,
    licence: str = NOT_STATED,
    sha256: str = "",
    version: int = 1,
    suggested: bool = True,
) -> PartEntry:
    return PartEntry(
        id=part,
        title=title,
        repo=repo,
        revision="main",
        licence=licence,
        licence_url=f"{HUB}/{repo}",
        about_bytes=244_000_000 if version else 104_000_000,
        needed=(),
        wanted=(),
        weights=(file,),
        any_of=(),
        languages=(language,),
        sha256={file: sha256} if sha256 else {},
        kind="quantizer",
        file=file,
        requires=(ENCODER,),
        suggested=suggested,
    )


# Hashes are those that the hub and others who use these files name; where none was to be had, the
# hub's own listing decides, as for the families. Licences are what the repositories say of
# themselves; several say nothing.
_ENTRIES = (
    PartEntry(
        id=ENCODER,
        title="HuBERT base, the encoder of method 2",
        repo="facebook/hubert-base-ls960",
        revision="main",
        licence="Apache-2.0",
        licence_url=f"{HUB}/facebook/hubert-base-ls960",
        about_bytes=378_000_000,
        needed=("config.json",),
        wanted=("preprocessor_config.json",),
        any_of=(),
        languages=(),
        kind="encoder",
    ),
    _quantizer(
        "quantizer-en-v1-23", "English quantizer, version 1, 23 epochs", "en",
        "GitMylo/bark-voice-cloning", "quantifier_V1_hubert_base_ls960_23.pth", licence="MIT",
        sha256="0d94c5dd646bcfe1a8bb470372f0004c189acf65d913831f3a6ed6414c9ba86f",
    ),
    _quantizer(
        "quantizer-en-v0-14", "English quantizer, version 0, 14 epochs", "en",
        "GitMylo/bark-voice-cloning", "quantifier_hubert_base_ls960_14.pth", licence="MIT",
        sha256="9cf7eeab58835c5fc1cfbd3fd19c457fbd07859a5f036a6bfea4b6840716c1e7",
        version=0, suggested=False,
    ),
    _quantizer(
        "quantizer-en-v0-3", "English quantizer, version 0, 3 epochs", "en",
        "GitMylo/bark-voice-cloning", "quantifier_hubert_base_ls960.pth", licence="MIT",
        sha256="1b0ce4a8e913642cb0fd9285c312b335388cc58812b366083eca923ece092874",
        version=0, suggested=False,
    ),
    _quantizer(
        "quantizer-pl-v1-8", "Polish quantizer, version 1, 8 epochs", "pl",
        "Hobis/bark-voice-cloning-polish-HuBERT-quantizer", "polish-HuBERT-quantizer_8_epoch.pth",
    ),
    _quantizer(
        "quantizer-de-v1-14", "German quantizer, version 1, 14 epochs", "de",
        "CountFloyd/bark-voice-cloning-german-HuBERT-quantizer",
        "german-HuBERT-quantizer_14_epoch.pth",
        sha256="0cbcd69710cc71cdabe1494e960e74ebd9beeec1ad6d56052d7531ec2b9d37a6",
    ),
    _quantizer(
        "quantizer-es-v1", "Spanish quantizer, version 1", "es",
        "Lancer1408/bark-es-tokenizer", "es_tokenizer.pth",
    ),
    _quantizer(
        "quantizer-pt-v1-24", "Portuguese quantizer, version 1, 24 epochs", "pt",
        "MadVoyager/bark-voice-cloning-portuguese-HuBERT-quantizer",
        "portuguese-HuBERT-quantizer_24_epoch.pth",
    ),
    _quantizer(
        "quantizer-ja-v1-24", "Japanese quantizer, version 1, 24 epochs", "ja",
        "junwchina/bark-voice-cloning-japanese-HuBERT-quantizer",
        "japanese-HuBERT-quantizer_24_epoch.pth",
    ),
    _quantizer(
        "quantizer-tr-v1-14", "Turkish quantizer, version 1, 14 epochs", "tr",
        "egeadam/bark-voice-cloning-turkish-HuBERT-quantizer", "turkish_model_epoch_14.pth",
    ),
    PartEntry(
        id=WAVLM,
        title="WavLM large, the encoder of kNN-VC",
        repo="microsoft/wavlm-large",
        revision="main",
        licence="MIT",
        licence_url="https://github.com/microsoft/unilm/tree/master/wavlm",
        about_bytes=1_260_000_000,
        needed=("config.json",),
        wanted=("preprocessor_config.json",),
        any_of=(),
        languages=(),
        kind="encoder",
    ),
    PartEntry(
        id=KNN_VC,
        title="kNN-VC, a voice converter",
        repo="bshall/knn-vc",
        revision="v0.1",
        licence="MIT",
        licence_url="https://github.com/bshall/knn-vc",
        about_bytes=66_000_000,
        needed=(),
        wanted=(),
        weights=("prematch_g_02500000.pt",),
        any_of=(),
        languages=(),
        sha256={
            "prematch_g_02500000.pt": (
                "f924c7632c6eaf99004386d62293e124419e33582573552a6ae976eb88ed2dd5"
            )
        },
        is_release=True,
        kind="converter",
        file="prematch_g_02500000.pt",
        requires=(WAVLM,),
    ),
    PartEntry(
        id=WHISPER,
        title="Whisper base, a recogniser of many languages",
        repo="openai/whisper-base",
        revision="main",
        licence="Apache-2.0",
        licence_url=f"{HUB}/openai/whisper-base",
        about_bytes=295_000_000,
        needed=("config.json", "generation_config.json", "preprocessor_config.json"),
        wanted=(
            "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
            "added_tokens.json", "normalizer.json", "vocab.json", "merges.txt",
        ),
        any_of=("tokenizer.json", "vocab.json"),
        languages=(),
        kind="recogniser",
    ),
)  # fmt: skip
CLONING_CATALOGUE: Mapping[str, PartEntry] = {entry.id: entry for entry in _ENTRIES}


def part_entry(part: str) -> PartEntry:
    """Find a part by its name.

    Raises:
        FamilyNotFoundError: it cannot be downloaded.
    """
    if part not in CLONING_CATALOGUE:
        raise FamilyNotFoundError(
            f'There is no part of cloning "{part[:64]}" to download. '
            "`python -m webui models --cloning` lists them."
        )
    return CLONING_CATALOGUE[part]
