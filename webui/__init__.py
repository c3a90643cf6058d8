"""Bark Voice Studio: text to speech and voice cloning with Suno's Bark."""

__version__ = "0.1.0"
