"""Writes Coqui's voice converters with random weights where Coqui looks for its downloads.

A program for .venv-tts, started by `bench.coqui_conversion`: `python coqui_random_models.py HOME`.
Architectures and sizes are the published ones but for WavLM, whose layers are made narrower so
that they fit on a small machine: its file says its sizes itself. `--as-child PROGRAM HOME` runs
PROGRAM, the app's own child, in the same environment, with the one thing replaced that Coqui
fetches by its address: the speaker encoder of FreeVC, whose weights stay random.
"""

import json
import runpy
import sys
from pathlib import Path
from typing import Any

import torch

FREEVC = "voice_conversion_models--multilingual--vctk--freevc24"
OPENVOICE = "models--myshell-ai--OpenVoiceV2"  # from the hub, in the hub's own layout
KNNVC = "voice_conversion_models--multilingual--multi-dataset--knnvc"
VOCODER = "vocoder_models--en--librispeech100--wavlm-hifigan_prematched"
YOUR_TTS = "tts_models--multilingual--multi-dataset--your_tts"


def main() -> None:
    """Write the models, or run the app's child."""
    if sys.argv[1] == "--as-child":
        _, _, program, home = sys.argv
        leave_speaker_encoder_random()
        sys.argv = [program, home]
        runpy.run_path(program, run_name="__main__")
        return
    home = Path(sys.argv[1]) / "tts"
    torch.manual_seed(0)
    leave_speaker_encoder_random()
    write_wavlm(home / "wavlm")
    write_openvoice(home.with_name("hub") / OPENVOICE)
    write_knnvc(home / KNNVC, home / VOCODER)
    write_your_tts(home / YOUR_TTS)
    write_freevc(home / FREEVC)


def leave_speaker_encoder_random() -> None:
    """Give FreeVC's speaker encoder no weights instead of those behind an address."""
    from TTS.vc.layers.freevc.speaker_encoder import speaker_encoder

    speaker_encoder.load_fsspec = lambda *_, **__: {"model_state": {}}


def write_wavlm(folder: Path) -> None:
    """Write an encoder with WavLM-Large's width and eight narrow layers."""
    from TTS.vc.layers.freevc.wavlm.wavlm import WavLM, WavLMConfig

    sizes = {
        "extractor_mode": "layer_norm", "encoder_layers": 8, "encoder_embed_dim": 1_024,
        "encoder_ffn_embed_dim": 64, "encoder_attention_heads": 16, "layer_norm_first": True,
        "normalize": True, "relative_position_embedding": True, "num_buckets": 320,
        "max_distance": 800, "gru_rel_pos": True,
    }  # fmt: skip
    folder.mkdir(parents=True)
    state = WavLM(WavLMConfig(sizes)).state_dict()
    torch.save({"cfg": sizes, "model": state}, folder / "WavLM-Large.pt")


def write_freevc(folder: Path) -> None:
    """Write FreeVC at 24 kHz; it needs the encoder of `write_wavlm`."""
    import os

    from TTS.vc.configs.freevc_config import FreeVCConfig
    from TTS.vc.models.freevc import FreeVC

    os.environ["TTS_HOME"] = str(folder.parents[1])
    config = FreeVCConfig()  # is that of 16 kHz; OlaWod/FreeVC, configs/freevc-24.json:
    config.model_args.upsample_rates = [10, 6, 4, 2]
    config.model_args.upsample_kernel_sizes = [16, 16, 4, 4]
    _write(folder, "model.pth", config, FreeVC(config))


def write_openvoice(folder: Path) -> None:
    """Write OpenVoice; its config.json is of another kind than Coqui's own."""
    from TTS.vc.configs.openvoice_config import OpenVoiceConfig
    from TTS.vc.models.openvoice import OpenVoice

    config = OpenVoiceConfig()
    audio = config.audio
    revision = "0" * 40
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text(revision)
    folder = folder / "snapshots" / revision / "converter"
    folder.mkdir(parents=True)
    torch.save({"model": OpenVoice(config).state_dict()}, folder / "checkpoint.pth")
    data = {
        "sampling_rate": audio.input_sample_rate, "filter_length": audio.fft_size,
        "hop_length": audio.hop_length, "win_length": audio.win_length,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps({"data": data}))


def write_knnvc(folder: Path, vocoder: Path) -> None:
    """Write kNN-VC's vocoder; the converter itself is WavLM and has no file of its own."""
    from TTS.vocoder.configs import HifiganConfig
    from TTS.vocoder.models.gan import GAN

    folder.mkdir(parents=True)
    config = HifiganConfig(
        generator_model="hifigan_generator",
        generator_model_params={
            "in_channels": 512, "inference_padding": 0, "resblock_type": "1",
            "resblock_dilation_sizes": [[1, 3, 5]] * 3, "resblock_kernel_sizes": [3, 7, 11],
            "upsample_kernel_sizes": [20, 16, 4, 4], "upsample_factors": [10, 8, 2, 2],
            "upsample_initial_channel": 512, "pre_linear": 1_024,
        },
    )  # fmt: skip
    config.audio.sample_rate = 16_000
    config.audio.hop_length = 320
    _write(vocoder, "model.pth", config, GAN(config))


def write_your_tts(folder: Path) -> None:
    """Write YourTTS: VITS with a residual speaker encoder, which trims silence by itself."""
    from TTS.encoder.configs.speaker_encoder_config import SpeakerEncoderConfig
    from TTS.encoder.models.resnet import ResNetSpeakerEncoder
    from TTS.tts.configs.vits_config import VitsArgs, VitsConfig
    from TTS.tts.models.vits import Vits

    folder.mkdir(parents=True)
    encoder_config = SpeakerEncoderConfig(
        num_loader_workers=0, num_classes_in_batch=2, num_utter_per_class=2
    )
    encoder_config.model_params = {
        "model_name": "resnet", "input_dim": 64, "use_torch_spec": True, "log_input": True,
        "proj_dim": 512,
    }  # fmt: skip
    encoder_config.audio.sample_rate = 16_000
    encoder_config.audio.num_mels = 64
    encoder_config.save_json(str(folder / "config_se.json"))
    encoder = ResNetSpeakerEncoder(
        64, 512, log_input=True, use_torch_spec=True, audio_config=encoder_config.audio
    )
    torch.save({"model": encoder.state_dict()}, folder / "model_se.pth")
    arguments = VitsArgs(
        use_d_vector_file=True, d_vector_dim=512, num_layers_text_encoder=10,
        resblock_type_decoder="2", use_language_embedding=True, embedded_language_dim=4,
        speaker_encoder_model_path=str(folder / "model_se.pth"),
        speaker_encoder_config_path=str(folder / "config_se.json"),
    )  # fmt: skip
    config = VitsConfig(model_args=arguments)
    config.audio.sample_rate = 16_000
    config.audio.do_trim_silence = True
    (folder / "speakers.json").write_text(
        json.dumps({each: {"name": each, "embedding": [0.04] * 512} for each in ("one", "two")})
    )
    config.model_args.d_vector_file = [str(folder / "speakers.json")]
    (folder / "language_ids.json").write_text(json.dumps({"en": 0, "fr-fr": 1, "pt-br": 2}))
    config.model_args.language_ids_file = str(folder / "language_ids.json")
    _write(folder, "model.pth", config, Vits(config))


def _write(folder: Path, name: str, config: Any, model: torch.nn.Module) -> None:  # noqa: ANN401
    folder.mkdir(parents=True, exist_ok=True)
    torch.save({"model": model.state_dict(), "config": config.to_dict()}, folder / name)
    config.save_json(str(folder / "config.json"))


if __name__ == "__main__":
    main()
