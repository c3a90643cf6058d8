"""How the whole app is, in one line: from what its engine, its families and its last job tell."""

from collections.abc import Sequence
from dataclasses import replace

from webui.backend.facts import EngineStatus, FamilyInfo, ServiceStatus, State
from webui.events import Failed

CLONING_STAGES = frozenset({"check", "listen", "encode", "convert", "report"})
TRAINING_STAGES = frozenset({"pairs", "features", "train", "evaluate"})
DEVICE_TITLES = {"": "", "cpu": "CPU", "mps": "Apple GPU"}


def service_status(
    engine: EngineStatus, families: Sequence[FamilyInfo], speaking: str, failure: Failed | None
) -> ServiceStatus:
    """Put the most important thing first: work, then what keeps the app from working.

    Args:
        engine: how the process that computes is.
        families: all of them.
        speaking: the family that speaks when nobody chooses.
        failure: how the last job failed; None when it ended well.
    """
    known = {family.id: family for family in families}
    family = known.get(speaking)
    title = speaking if family is None else family.title
    usable = family is not None and family.state == "installed"
    device = engine.device_name or DEVICE_TITLES.get(engine.device, engine.device)
    cluster = f"{engine.devices} devices" if engine.devices > 1 else ""
    facts = " · ".join(part for part in (title, device, cluster) if part)
    base = ServiceStatus(
        "ready",
        "Ready",
        facts,
        family=speaking if usable else None,
        device=device,
        precision=engine.precision,
    )
    if engine.running:
        return _at_work(base, engine)
    downloading = next((each for each in families if each.state == "downloading"), None)
    if not usable:
        return _without_family(base, family, downloading)
    if failure is not None and failure.kind in ("EngineError", "DeviceMemoryError"):
        return _changed(base, "failed", "The last job failed", failure.message)
    if engine.asleep and not engine.loaded:
        return _changed(
            base, "asleep", "Asleep", f"{title} left the memory and comes back with the next text"
        )
    return base


def _at_work(base: ServiceStatus, engine: EngineStatus) -> ServiceStatus:
    if engine.stage == "load":
        return _changed(base, "loading", "Loading the model", base.detail, engine.fraction)
    waiting = f"{engine.waiting} waiting" if engine.waiting else ""
    detail = " · ".join(part for part in (base.detail, waiting) if part)
    headline = "Cloning" if engine.stage in CLONING_STAGES else "Speaking"
    headline = "Training" if engine.stage in TRAINING_STAGES else headline
    return _changed(base, "busy", headline, detail, engine.fraction)


def _without_family(
    base: ServiceStatus, family: FamilyInfo | None, downloading: FamilyInfo | None
) -> ServiceStatus:
    if downloading is not None:
        return _changed(base, "downloading", "Downloading", downloading.title, downloading.fraction)
    if family is not None and family.broken:
        return _changed(base, "failed", "The model cannot be used", family.broken)
    return _changed(
        base, "no_model", "No model yet", "Download a family under Models & settings to speak"
    )


def _changed(
    base: ServiceStatus,
    state: State,
    headline: str,
    detail: str,
    fraction: float | None = None,
) -> ServiceStatus:
    return replace(base, state=state, headline=headline, detail=detail, fraction=fraction)
