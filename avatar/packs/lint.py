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
from dataclasses import dataclass

from avatar.packs.refused import KEPT_OUT, LISTS

ALIKE = str.maketrans("0134578@$!|", "oieastbasil")  # digits and signs that stand in for letters
NARROW = 8  # letters; names at least this long are also found when all gaps are closed or opened ("g r e g rutkowski")


@dataclass(frozen=True, slots=True)
class Hit:
    """A refused word with the reason's group: artist, mark, people, youth or sexual."""

    group: str
    word: str

    def __str__(self) -> str:
        return f"{self.word!r} is refused ({self.group})"


def refuse(text: str) -> list[Hit]:
    """What is refused in a text meant to be drawn; empty where nothing is."""
    spaced = plain(text)
    variants = (spaced, plain(text.translate(ALIKE)))
    closed = spaced.replace(" ", "")
    hits = []
    for group, word, pattern in _patterns():
        whole = plain(word).replace(" ", "")
        torn = len(whole) >= NARROW and _torn(whole, closed, spaced)
        if torn or any(pattern.search(variant) for variant in variants):
            hits.append(Hit(group, word))
    return hits


def refuse_negative(text: str) -> list[Hit]:
    """The same for a negative prompt, which may name what is to be kept out (nudity, a young look) and nothing else."""
    allowed = {plain(word) for word in KEPT_OUT.split("|")}
    return [hit for hit in refuse(text) if plain(hit.word) not in allowed]


def plain(text: str) -> str:
    """Lower case without accents; each run of anything but letters and digits becomes one space."""
    folded = unicodedata.normalize("NFKD", text).casefold()
    shown = "".join(char for char in folded if not unicodedata.combining(char) and unicodedata.category(char) != "Cf")
    return re.sub(r"[\W_]+", " ", shown).strip()


def _torn(word: str, closed: str, spaced: str) -> bool:
    """A long name written with gaps inside it. Only where the text has single letters or the parts fit no word edge."""
    at = closed.find(word)
    while at >= 0:
        edges = _edges(spaced)
        if at in edges and at + len(word) in edges:
            return True
        at = closed.find(word, at + 1)
    return False


def _edges(spaced: str) -> set[int]:
    """Where words begin and end, counted in letters with all gaps closed."""
    edges, at = {0}, 0
    for word in spaced.split():
        at += len(word)
        edges.add(at)
    return edges


@functools.cache
def _patterns() -> tuple[tuple[str, str, re.Pattern[str]], ...]:
    """Each listed word as a pattern over `plain` text; a gap in a name may be there or not."""
    made = []
    for group, listed in LISTS.items():
        for word in filter(None, (one.strip() for one in listed.replace("\n", "").split("|"))):
            body = r"\s?".join(re.escape(part) for part in plain(word).split())
            made.append((group, word, re.compile(rf"\b{body}" + (r"\w*" if word.endswith("*") else r"\b"))))
    return tuple(made)
