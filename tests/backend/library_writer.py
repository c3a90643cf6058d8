"""One of several programs that change the voices of one folder at once; told what by its words."""

import sys
import threading
from pathlib import Path

from webui.backend.family_folders import FamilyFolders
from webui.backend.favourite_voices import FavouriteVoices
from webui.backend.library_desk import LibraryDesk
from webui.backend.speaker_library import SpeakerLibrary


def main(own: Path, models: Path, part: str, rounds: int) -> None:
    library = SpeakerLibrary(own, FamilyFolders((models,)), FavouriteVoices(own))
    desk = LibraryDesk(library, threading.Lock(), own, lambda family, fine: (fine, 0))
    shared = library.id_of(own / "shared.npz")
    data = (own / "shared.npz").read_bytes()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    for number in range(rounds):
        if part == "tags":
            desk.describe(shared, tags=[f"tag {each}" for each in range(number + 1)])
        else:
            desk.describe(shared, notes="n" * (number + 1))
        (new,) = desk.import_files([("same.npz", data)]).added
        desk.set_favourite(new.id, True)
        token = desk.delete(new.id).token
        desk.undelete(token)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
