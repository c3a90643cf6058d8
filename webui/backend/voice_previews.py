"""The sound that a voice's own codes hold, computed once for each state of its file."""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import TypeAlias

from webui.arrays import FineCodes, Waveform
from webui.backend.engine import Engine
from webui.backend.requests import PreviewRequest
from webui.errors import EngineError
from webui.events import AudioChunk, Failed
from webui.family import FamilyConfig

PREVIEWS_KEPT = 32
HEARD_SECONDS = 60.0  # the most of a voice that a preview plays

Sound: TypeAlias = tuple[Waveform, int]  # and its rate in Hz


class VoicePreviews:
    """Asks the engine for sounds and remembers the last ones. Safe to use from several threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._kept: OrderedDict[Hashable, Sound] = OrderedDict()
        self._lock = threading.Lock()

    def sound(self, family: FamilyConfig, fine: FineCodes, key: Hashable) -> Sound:
        """Make the sound of codes; equal keys mean equal codes.

        Raises:
            EngineError: it could not be computed.
        """
        with self._lock:
            known = self._kept.get(key)
        if known is not None:
            return known
        frames = int(HEARD_SECONDS * family.coarse.rate_hz)
        sound = None
        for event in self._engine.run(PreviewRequest(family.id, fine[:, -frames:])):
            if isinstance(event, AudioChunk):
                sound = event.waveform, event.sample_rate
            elif isinstance(event, Failed):
                raise EngineError(event.message)
        if sound is None:
            raise EngineError("The preview was stopped before it could be heard. Try it again.")
        with self._lock:
            self._kept[key] = sound
            while len(self._kept) > PREVIEWS_KEPT:
                self._kept.popitem(last=False)
        return sound
