"""The door for programs: OpenAI's calls for speech, voices, long jobs, over HTTP."""
