"""How good a speech or a voice is, in numbers."""
