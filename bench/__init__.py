"""Measurements of speed and quality, each one command with JSON out; see README.md beside this."""
