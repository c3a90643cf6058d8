"""The checker of types and shapes: as Python reads annotations, where an int is a float too."""

from beartype import BeartypeConf, beartype

checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
