"""Spoils good files in ways that know their format, and has each reader read what came out."""
