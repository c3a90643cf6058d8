"""Makes a quantizer: Bark speaks nonsense, and a network learns to hear Bark's tokens in it."""
