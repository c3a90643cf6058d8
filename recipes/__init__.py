"""How the families that come with the project were made, from nothing."""
