"""Refuse words in style packs: living artists, marks of others, words for kinds of people, youth, sex.

The words of a pack decide what is drawn of a person who only gave their face. A pack that says "fair skin" changes
everybody's skin, a pack that names an artist takes their hand without asking. So neither loads.

Covers: the listed words and names in any case, with accents, full-width or look-alike digits, split by spaces, dots,
        hyphens or zero-width characters; plurals where the list has them.
Does not cover: names that are not in the list, other languages, a description that means a listed thing without
        naming it; packs are still read by a person before they are taken in.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from avatar.packs.refused import KEPT_OUT, LISTS

ALIKE = str.maketrans("0134578@$!|", "oieastbasil")  # digits and signs that stand in for letters
NARROW = 8  # letters; single words at least this long are also found with gaps in them


@dataclass(frozen=True, slots=True)
class Hit:
    """A refused word with the reason's group: artist, mark, people, youth or sexual."""

    group: str
    word: str

    def __str__(self) -> str:
        return f"{self.word!r} is refused ({self.group})"


def refuse(text: str) -> list[Hit]:
    """What is refused in a text meant to be drawn; empty where nothing is."""
    hits: dict[Hit, None] = {}
    for variant in (text, text.translate(ALIKE)):
        words = plain(variant).split()
        for first in range(len(words)):
            hits |= dict.fromkeys(_from(words[first:]))
    return list(hits)


def refuse_negative(text: str) -> list[Hit]:
    """The same for a negative prompt, which may name what is to be kept out (nudity, a young look) and nothing else."""
    allowed = {plain(word) for word in KEPT_OUT.split("|")}
    return [hit for hit in refuse(text) if plain(hit.word) not in allowed]


def plain(text: str) -> str:
    """Lower case without accents; each run of anything but letters and digits becomes one space."""
    folded = unicodedata.normalize("NFKD", text).casefold()
    shown = "".join(char for char in folded if not unicodedata.combining(char) and unicodedata.category(char) != "Cf")
    return re.sub(r"[\W_]+", " ", shown).strip()


def _from(words: list[str]) -> Iterator[Hit]:
    """The hits that begin at the first word: it alone, and it with those after it when the gaps are closed.

    Short single words must stand whole ("as s" is nothing); names may have gaps anywhere or nowhere.
    """
    listed, longest, stems = _listed()
    yield from (hit for stem, hit in stems if words[0].startswith(stem))
    closed = ""
    for count, word in enumerate(words, 1):
        closed += word
        if len(closed) > longest:
            return
        hit = listed.get(closed)
        if hit and (count == 1 or len(closed) >= NARROW or " " in plain(hit.word)):
            yield hit


@functools.cache
def _listed() -> tuple[dict[str, Hit], int, list[tuple[str, Hit]]]:
    """Each listed word by its letters without gaps, the longest one's length, and the beginnings that are listed."""
    hits = [
        Hit(group, word)
        for group, listed in LISTS.items()
        for word in (one.strip() for one in listed.replace("\n", "").split("|"))
        if word
    ]
    hits.sort(key=lambda hit: " " in hit.word)  # of two that differ by a gap alone, the one with the gap stays
    whole = {plain(hit.word).replace(" ", ""): hit for hit in hits}
    return whole, max(map(len, whole)), [(plain(hit.word), hit) for hit in hits if hit.word.endswith("*")]
