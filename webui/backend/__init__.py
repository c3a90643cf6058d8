"""Runs the synthesis: models in memory, jobs on devices, voices on disk."""
