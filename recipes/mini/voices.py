"""Whose voices are published, and what they were heard saying."""

VOICES = {
    "Ada": ("slt-wide072", "bright, calm"), "Bea": ("slt-wide033", "light, full"), "Cleo": ("slt00", "low, warm"),
    "Dora": ("slt-wide015", "high, thin"), "Eve": ("slt-wide018", "low, calm"), "Fay": ("awb03", "light, Scottish"),
    "Gus": ("rms02", "full, dry"), "Hal": ("rms04", "high, strong"), "Ivo": ("rms06", "very deep, thin"),
    "Jon": ("awb02", "middle, Scottish"), "Kit": ("rms11", "small, fast"), "Leo": ("awb01", "deep, Scottish"),
}  # fmt: skip
"""The published voices: name, teacher speaker, how it sounds; chosen by `bench.auditions`."""
PROMPT = ["We sat by the door and talked.", "Five ships were waiting in the bay this morning."]
"""What a published voice was heard saying; not a sentence of the bench.

The coarse stage hears the last two seconds, which are speech without a pause.
"""
