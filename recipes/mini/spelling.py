"""Which letter of a word each of its phones comes from: a cheapest monotone alignment."""

import numpy as np

PHONES = [
    "pau",
    "aa",
    "ae",
    "ah",
    "ao",
    "aw",
    "ax",
    "ay",
    "b",
    "ch",
    "d",
    "dh",
    "eh",
    "er",
    "ey",
    "f",
    "g",
    "hh",
    "ih",
    "iy",
    "jh",
    "k",
    "l",
    "m",
    "n",
    "ng",
    "ow",
    "oy",
    "p",
    "r",
    "s",
    "sh",
    "t",
    "th",
    "uh",
    "uw",
    "v",
    "w",
    "y",
    "z",
    "zh",
]
"""The phones of flite's American voices."""

_LIKELY = {
    "aa": "ao", "ae": "a", "ah": "uoa", "ao": "oa", "aw": "o", "ax": "aeiou", "ay": "iy", "b": "b",
    "ch": "ct", "d": "d", "dh": "t", "eh": "ea", "er": "eiuor", "ey": "ae", "f": "fpg", "g": "gx",
    "hh": "hw", "ih": "iye", "iy": "eiy", "jh": "jgd", "k": "ckqx", "l": "l", "m": "m", "n": "nkg",
    "ng": "n", "ow": "o", "oy": "o", "p": "p", "r": "rw", "s": "scxz", "sh": "sct", "t": "td",
    "th": "t", "uh": "uo", "uw": "uoe", "v": "vf", "w": "wuo", "y": "yu", "z": "zsx", "zh": "sgz",
}  # fmt: skip
_VOWELS = set("aeiouy")


def letters_of_phones(word: str, phones: list[str]) -> list[int]:
    """The index of the letter that each phone comes from; never goes back."""
    word = word.lower()
    cost = np.ones((len(phones), len(word)))
    for row, phone in enumerate(phones):
        likely = _LIKELY.get(phone, "")
        for column, letter in enumerate(word):
            if letter in likely:
                cost[row, column] = 0.0
            elif (likely[:1] in _VOWELS) == (letter in _VOWELS):
                cost[row, column] = 0.6
            # two letters far from the diagonal are a worse guess
            along = (row + 0.5) / len(phones) - (column + 0.5) / len(word)
            cost[row, column] += 0.3 * abs(along)
    best = np.full_like(cost, np.inf)
    back = np.zeros(cost.shape, dtype=np.int64)
    best[0] = cost[0] + 0.05 * np.arange(len(word))
    for row in range(1, len(phones)):
        for column in range(len(word)):
            before = best[row - 1, : column + 1] + np.where(
                np.arange(column + 1) == column, 0.35, 0.05 * np.arange(column, -1, -1)
            )
            back[row, column] = int(before.argmin())
            best[row, column] = before.min() + cost[row, column]
    path = [int(best[-1].argmin())]
    for row in range(len(phones) - 1, 0, -1):
        path.append(int(back[row, path[-1]]))
    return path[::-1]
