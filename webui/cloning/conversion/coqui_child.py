"""Runs one of Coqui's converters: a program for the environment .venv-tts, where webui is not.

Reads requests from standard input and answers on what was standard output. A message is a line of
JSON; its `bytes` says how many bytes of each sound follow it. Requests: `{"do": "load", "model":
NAME, "device": DEVICE}` and `{"do": "convert", "bytes": [SOURCE, TARGET]}`, both sounds as wav
files. Answers: `{"rate": HZ}`, `{"rate": HZ, "bytes": [SOUND]}` with float32 samples, or
`{"fault": TEXT}`. The end of standard input ends the program.
"""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any, BinaryIO


def main() -> None:
    """Answer requests until there are no more."""
    asked = os.fdopen(os.dup(0), "rb")
    answered = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # nobody is there to answer a question
    os.dup2(2, 1)  # what the library prints is no answer
    if len(sys.argv) > 1:
        os.environ["TTS_HOME"] = sys.argv[1]  # where it keeps what it downloads,
        os.environ["HF_HUB_CACHE"] = str(Path(sys.argv[1]) / "hub")  # and what comes from the hub
    model: Any = None
    while line := asked.readline():
        request = json.loads(line)
        sounds = [asked.read(count) for count in request.get("bytes", ())]
        try:
            if request["do"] == "load":
                model = load(request["model"], request["device"])
                answer(answered, {"rate": rate_of(model)})
            else:
                with tempfile.TemporaryDirectory() as folder:
                    made = convert(model, Path(folder), *sounds)
                answer(answered, {"rate": rate_of(model), "bytes": [len(made)]}, made)
        except Exception as fault:  # noqa: BLE001  (whatever it is, the app must hear of it)
            answer(answered, {"fault": f"{type(fault).__name__}: {fault}"[:500]})


def answer(stream: BinaryIO, header: dict[str, Any], sound: bytes = b"") -> None:
    """Send one message."""
    stream.write(json.dumps(header).encode() + b"\n" + sound)
    stream.flush()


def load(name: str, device: str) -> Any:  # noqa: ANN401  (the library has no types)
    """Load a model, downloading it the first time."""
    from TTS.api import TTS

    model = TTS(model_name=name, progress_bar=False).to(device)
    processor = getattr(getattr(model.synthesizer, "tts_model", None), "ap", None)
    if processor is not None:
        processor.do_trim_silence = False  # YourTTS would shorten what it is given
    return model


def rate_of(model: Any) -> int:  # noqa: ANN401
    """The sample rate of what a model says, in Hz."""
    part = model.voice_converter or model.synthesizer
    return int(part.output_sample_rate)


def convert(model: Any, folder: Path, source: bytes, target: bytes) -> bytes:  # noqa: ANN401
    """Convert one sound file towards another; gives float32 samples."""
    import numpy as np

    (folder / "source.wav").write_bytes(source)
    (folder / "target.wav").write_bytes(target)
    made = model.voice_conversion(
        source_wav=str(folder / "source.wav"), target_wav=str(folder / "target.wav")
    )
    if hasattr(made, "detach"):
        made = made.detach().cpu().numpy()
    return np.asarray(made, dtype="<f4").ravel().tobytes()


if __name__ == "__main__":
    main()
