"""What cloning uses: where its parts lie, which are ready for a family, how they are brought."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from webui.backend.cloning_catalogue import (
    CLONING_CATALOGUE,
    ENCODER,
    FALLBACK_LANGUAGE,
    KNN_VC,
    WHISPER,
    PartEntry,
    part_entry,
)
from webui.backend.facts import CloningPart, PartKind, PartState
from webui.backend.own_quantizers import OwnQuantizers
from webui.backend.weights import MANIFEST, download_family, is_installed
from webui.errors import FamilyNotFoundError
from webui.events import CancelToken, Done, Event, Progress
from webui.family import FamilyConfig
from webui.settings import PROJECT_FOLDER

if TYPE_CHECKING:
    from webui.cloning.conversion.coqui import CoquiModel

CLONING_FOLDER = "cloning"  # beside the families: no family, because it has no config.json
OWN_ENCODER, OWN_QUANTIZERS = "hubert", "quantizer"  # folders in a family's own
COQUI_FOLDER = "coqui"  # where Coqui's converters keep what they download
TTS_PYTHON = PROJECT_FOLDER / ".venv-tts" / "bin" / "python"  # made by `./install.sh --with tts`
QUANTIZER_FILES = (".safetensors", ".pth")
BARK_TOKENS = 10_000  # semantic tokens that the published quantizers know
SHARED_TOKENS = "bark"  # how quantizers of users for them are kept

Running = Callable[[str], float | None]  # how far a part's download is; None: it does not run


@dataclass(frozen=True)
class QuantizerFiles:
    """A quantizer and the encoder whose features it reads; `title` is one's that users made."""

    name: str
    file: Path
    encoder: Path
    language: str = ""
    title: str = ""


@dataclass(frozen=True)
class CloningParts:
    """The parts below a folder of models, and those that families bring themselves."""

    models_dir: Path
    offline: bool = False  # nothing may be asked of the network

    @property
    def root(self) -> Path:
        """The folder of everything that cloning has downloaded."""
        return self.models_dir / CLONING_FOLDER

    def is_here(self, part: str) -> bool:
        """Whether all files of a part are there, as far as names and sizes tell."""
        entry, folder = part_entry(part), self.root / part
        if (folder / MANIFEST).is_file():
            return is_installed(part, self.root)
        weights = any((folder / name).is_file() for name in entry.weights)
        return weights and all((folder / name).is_file() for name in entry.needed)

    def is_ready(self, part: str) -> bool:
        """Whether a part and all that it needs are there."""
        return all(self.is_here(each) for each in (part, *part_entry(part).requires))

    def path(self, part: str) -> Path | None:
        """Give the file or the folder of a part; None while it is not ready."""
        entry = part_entry(part)
        return self.root / part / entry.file if self.is_ready(part) else None

    def whisper_folder(self) -> Path | None:
        """Where Whisper is; None while it is not here."""
        return self.path(WHISPER)

    def encoder(self, config: FamilyConfig) -> Path:
        """Give the folder of the encoder that listens to a family's recordings.

        Raises:
            FamilyNotFoundError: it is not here.
        """
        found = self._encoder(config)
        if found is None:
            entry = part_entry(ENCODER)
            raise FamilyNotFoundError(
                f"{entry.title} ({_size(entry.about_bytes)}), which listens to recordings, is not "
                f"here. Download it: `python -m webui models --download {ENCODER}`."
            )
        return found

    def _encoder(self, config: FamilyConfig) -> Path | None:
        own = config.folder / OWN_ENCODER
        return own if own.is_dir() else self.path(ENCODER)

    def quantizers(self, config: FamilyConfig) -> list[QuantizerFiles]:
        """List the quantizers that are ready for a family, the user's and its own ones first."""
        own_encoder = config.folder / OWN_ENCODER
        encoder = self._encoder(config)
        if encoder is None:
            return []
        found = [
            QuantizerFiles(each.name, each.file, encoder, each.language, each.title)
            for each in self.made_here(config).all()
        ]
        language = config.languages[0] if len(config.languages) == 1 else ""
        folder = config.folder / OWN_QUANTIZERS
        own = sorted(folder.iterdir()) if folder.is_dir() else []
        found += [
            QuantizerFiles(file.stem, file, encoder, language)
            for file in own
            if file.suffix in QUANTIZER_FILES and file.stem not in {each.name for each in found}
        ]
        if encoder == own_encoder or not takes_published(config):
            return found
        published = [entry for entry in CLONING_CATALOGUE.values() if entry.kind == "quantizer"]
        return found + [
            QuantizerFiles(entry.id, self.root / entry.id / entry.file, encoder, *entry.languages)
            for entry in sorted(published, key=lambda each: not each.suggested)
            if self.is_ready(entry.id)
        ]

    def made_here(self, config: FamilyConfig) -> OwnQuantizers:
        """Give the user's own quantizers for a family; those with Bark's tokens share theirs."""
        shared = takes_published(config) and not (config.folder / OWN_ENCODER).is_dir()
        return OwnQuantizers(self.root, SHARED_TOKENS if shared else config.id)

    def quantizer(self, config: FamilyConfig, language: str, wanted: str | None) -> QuantizerFiles:
        """Choose a quantizer: the one that is wanted, else the best for a language.

        Raises:
            FamilyNotFoundError: it is not here, or none is.
        """
        ready = self.quantizers(config)
        if wanted is not None:
            for each in ready:
                if each.name == wanted:
                    return each
            raise FamilyNotFoundError(self._missing(config, wanted))
        for language_wanted in (language, "", FALLBACK_LANGUAGE):
            for each in ready:
                if each.language == language_wanted:
                    return each
        if ready and not takes_published(config):
            return ready[0]
        raise FamilyNotFoundError(self._missing(config, suggested_quantizer(language).id))

    def _missing(self, config: FamilyConfig, quantizer: str) -> str:
        """Say why a quantizer cannot be used, and what to do."""
        known = CLONING_CATALOGUE.get(quantizer)
        if not takes_published(config):
            names = ", ".join(each.name for each in self.quantizers(config)) or "none"
            return (
                f"Method 2 needs a quantizer made for {config.title}, in the folder "
                f'"{OWN_QUANTIZERS}" of the family, beside its encoder. There: {names}.'
            )
        if known is None or known.kind != "quantizer":
            return (
                f'There is no quantizer "{quantizer[:64]}". '
                "`python -m webui models --cloning` lists them."
            )
        return (
            f"{known.title} ({_size(self._missing_bytes(known))} with all it needs) is not here. "
            f"Download it: `python -m webui models --download {known.id}`."
        )

    def missing(self, part: str) -> list[PartEntry]:
        """List what a download of a part would bring, in the order it would come.

        Raises:
            FamilyNotFoundError: there is no such part.
        """
        wanted = part_entry(part)
        entries = [*(part_entry(each) for each in wanted.requires), wanted]
        return [entry for entry in entries if not self.is_here(entry.id)]

    def _missing_bytes(self, entry: PartEntry) -> int:
        return sum(each.about_bytes for each in self.missing(entry.id))

    def download(
        self, part: str, endpoint: str, offline: bool, cancel: CancelToken
    ) -> Iterator[Event]:
        """Bring a part and what it needs, one after the other, as one download.

        Raises:
            FamilyNotFoundError: there is no such part.
            DownloadError: as `download_family`.
            StorageError: as `download_family`.
        """
        missing = self.missing(part)
        total, before = sum(entry.about_bytes for entry in missing), 0
        for entry in missing:
            share = entry.about_bytes / total
            for event in download_family(entry, self.root, endpoint, offline, cancel):
                if isinstance(event, Progress):
                    fraction = before / total + share * event.fraction
                    alone = len(missing) == 1
                    left = event.seconds_left if alone else None
                    yield replace(event, fraction=fraction, seconds_left=left)
                elif not isinstance(event, Done):
                    yield event
                    return
            before += entry.about_bytes
        yield Done()

    def listing(self, config: FamilyConfig, running: Running) -> list[CloningPart]:
        """List the methods, then everything that they can use, for one family."""
        found = [*self._quantizer_parts(config, running), *self._other_parts(running)]
        return [*_methods(config, found), *found]

    def _quantizer_parts(self, config: FamilyConfig, running: Running) -> Iterator[CloningPart]:
        ready = {each.name: each for each in self.quantizers(config)}
        for each in ready.values():
            if each.name not in CLONING_CATALOGUE:
                title = (
                    f"{each.title}, made here" if each.title else f"{config.title}'s own quantizer"
                )
                licence = "" if each.title else config.licence
                yield CloningPart(
                    each.name, "quantizer", title, "ready", each.language,
                    each.file.stat().st_size, licence, suggested=True,
                )  # fmt: skip
        if not takes_published(config) or (config.folder / OWN_ENCODER).is_dir():
            return
        for entry in CLONING_CATALOGUE.values():
            if entry.kind == "quantizer" or entry.id == ENCODER:
                yield self._part(entry, running)

    def _other_parts(self, running: Running) -> Iterator[CloningPart]:
        # Late: the command line starts without what these need.
        from webui.cloning.conversion.coqui import COQUI_MODELS
        from webui.quality.similarity import encoder_weights

        yield CloningPart(
            "builtin", "converter", "Built-in converter", "ready", licence="MIT", suggested=True
        )
        yield self._part(part_entry(KNN_VC), running)
        yield from map(_coqui_part, COQUI_MODELS.values())
        yield installed_part(
            "pocketsphinx", "recogniser", "PocketSphinx, a recogniser of English", "en", "BSD"
        )
        yield self._part(part_entry(WHISPER), running)
        encoder = installed_part(
            "resemblyzer", "speaker_encoder", "Resemblyzer, which compares voices", "", "Apache-2.0"
        )
        if encoder.state == "ready" and encoder_weights() is None:
            why = "Its weights are not in the package resemblyzer. Run ./install.sh."
            encoder = replace(encoder, state="missing", reason=why)
        yield encoder

    def _part(self, entry: PartEntry, running: Running) -> CloningPart:
        """Describe a part that can be downloaded."""
        part = CloningPart(
            entry.id,
            entry.kind,
            entry.title,
            "ready",
            " ".join(entry.languages),
            entry.about_bytes,
            entry.licence,
            entry.licence_url,
            suggested=entry.suggested,
        )
        if self.is_ready(entry.id):
            return part
        fraction = running(entry.id)
        state: PartState = "available" if fraction is None else "downloading"
        return replace(part, state=state, size_bytes=self._missing_bytes(entry), fraction=fraction)


def takes_published(config: FamilyConfig) -> bool:
    """Whether a family's semantic tokens are Bark's, which the published quantizers give."""
    return config.semantic.vocabulary == BARK_TOKENS


def suggested_quantizer(language: str) -> PartEntry:
    """Name the published quantizer for a language; English where it has none."""
    offered = [each for each in CLONING_CATALOGUE.values() if each.suggested]
    for wanted in (language, FALLBACK_LANGUAGE):
        for entry in offered:
            if entry.kind == "quantizer" and wanted in entry.languages:
                return entry
    raise AssertionError("the fallback language has a quantizer")


def installed_part(
    package: str, kind: PartKind, title: str, language: str, licence: str
) -> CloningPart:
    """Describe a part that comes with the app's packages."""
    part = CloningPart(
        package,
        kind,
        title,
        "ready",
        language,
        licence=licence,
        suggested=True,
    )
    if find_spec(package) is not None:
        return part
    return replace(
        part, state="missing", reason=f"The package {package} is not installed. Run ./install.sh."
    )


def _coqui_part(model: "CoquiModel") -> CloningPart:
    """Describe one of Coqui's converters, which bring their models themselves at first use."""
    part = CloningPart(
        model.name,
        "converter",
        model.title,
        "ready",
        licence=model.licence,
        licence_url="https://github.com/idiap/coqui-ai-TTS",
        needs_licence_consent=model.needs_acceptance,
    )
    if TTS_PYTHON.exists():
        return part
    why = "It needs Coqui's libraries. Run ./install.sh --with tts."
    return replace(part, state="missing", reason=why)


def _methods(config: FamilyConfig, parts: Iterable[CloningPart]) -> Iterator[CloningPart]:
    """Say which methods can be used now."""
    known = list(parts)
    quantizer = CloningPart("quantizer", "method", "With the quantizer (method 2)", "ready")
    if not any(each.kind == "quantizer" and each.state == "ready" for each in known):
        offered = takes_published(config)
        why = "Download a quantizer first." if offered else f"{config.title} has no quantizer."
        quantizer = replace(quantizer, state="missing", reason=why)
    yield replace(quantizer, suggested=quantizer.state == "ready")
    yield CloningPart("transcript", "method", "From the transcript (method 1)", "ready")
    yield CloningPart("conversion", "method", "By conversion (method 3)", "ready")


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:.1f} GB" if size_bytes >= 1e9 else f"{size_bytes / 1e6:.0f} MB"
