"""The built-in family `mini`: teacher speech, codec, encoder, tokens, three transformers, voices."""
