"""Text to audio: the three stages of Bark and its codec, arrays in, arrays out."""
