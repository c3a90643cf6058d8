"""Recording -> a voice: the three ways of cloning, and what they need."""
