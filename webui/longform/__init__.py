"""Long texts: books, scripts and subtitles in, one sound out. Text and arrays only."""
