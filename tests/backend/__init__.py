"""Tests; the folders mirror webui/."""
