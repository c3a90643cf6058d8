"""Voice converters: they move speech from one voice to another."""
