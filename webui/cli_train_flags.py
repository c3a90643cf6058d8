"""What the actions of `python -m webui train` are told: their words and flags."""

import argparse
from pathlib import Path

from webui.cli_speak_flags import number, whole_number
from webui.training_results import Architecture

ARCHITECTURES: dict[str, Architecture] = {"0": "version_0", "1": "version_1", "2": "version_2"}
TEXTS = 1_500


def add_nothing(parser: argparse.ArgumentParser) -> None:
    """Ask for nothing."""


def add_training(parser: argparse.ArgumentParser) -> None:
    """Ask for which training."""
    parser.add_argument("training", metavar="ID", help="an id of `train list`")


def add_start(parser: argparse.ArgumentParser) -> None:
    """Ask for what is to be made."""
    _add_name(parser)
    parser.add_argument(
        "--texts", type=whole_number, default=TEXTS, metavar="N",
        help=f"how many texts are spoken; default: {TEXTS}",
    )  # fmt: skip
    parser.add_argument(
        "--corpus", type=Path, default=None, metavar="FILE",
        help="a text in UTF-8 to make nonsense of; default: a built-in one of the language",
    )  # fmt: skip
    parser.add_argument(
        "--by-letter", action="store_true", default=False, help="make words up as well"
    )
    parser.add_argument(
        "--voice", action="append", default=[], metavar="VOICE",
        help="a voice that speaks; repeat; default: the family's own ones of the language",
    )  # fmt: skip
    parser.add_argument(
        "--no-voices", action="store_true", default=False, help="let it speak without any voice"
    )
    parser.add_argument(
        "--temperature", type=number, default=0.7, metavar="X",
        help="how boldly it speaks, 0.6 to 0.8 is good; default: 0.7",
    )  # fmt: skip
    _add_learning(parser)


def add_import(parser: argparse.ArgumentParser) -> None:
    """Ask for pairs that are there already."""
    parser.add_argument(
        "sources", metavar="PATH", nargs="+", type=Path,
        help="folders of N_semantic.npy and N_wav.wav, or zips of semantic/ and wav/",
    )  # fmt: skip
    _add_name(parser)
    _add_learning(parser)


def _add_name(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", required=True, metavar="N", help="what the quantizer is called")
    parser.add_argument(
        "--language", metavar="CODE", default="en", help="that is spoken: en (the default), de"
    )


def _add_learning(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seed", type=whole_number, default=0, metavar="N", help="the same seed, the same result"
    )
    parser.add_argument(
        "--architecture", choices=tuple(ARCHITECTURES), default="2",
        help="2 (the default) hears what comes before and after; other tools read 0 and 1",
    )  # fmt: skip
    parser.add_argument(
        "--augment", action="store_true", default=False,
        help="listen to every pair with noise and at other levels as well",
    )  # fmt: skip
    parser.add_argument(
        "--epochs", type=whole_number, default=None, metavar="N",
        help="how often all pairs are learned from at most",
    )  # fmt: skip
    parser.add_argument(
        "--layer", type=whole_number, default=None, metavar="N",
        help="of the encoder that is learned from; default: the family's own choice, Bark's is 9",
    )  # fmt: skip


def add_compare(parser: argparse.ArgumentParser) -> None:
    """Ask for two quantizers."""
    for name in ("first", "second"):
        parser.add_argument(
            name, metavar=name.upper(), help="a training, or a quantizer of `models --cloning`"
        )
    parser.add_argument(
        "--on", metavar="ID", default="", help="the training whose held-out pairs are listened to"
    )


def add_export(parser: argparse.ArgumentParser) -> None:
    """Ask for a training and a file."""
    add_training(parser)
    parser.add_argument(
        "--out", "-o", required=True, metavar="PATH", type=Path,
        help="a new .pth (architectures 0 and 1, for other tools too) or .safetensors",
    )  # fmt: skip
