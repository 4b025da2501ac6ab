"""Pieces of a pack to the text of one prompt.

A pack gives a sentence with slots and, for most slots, several fillings. Each picture takes other fillings, and every
filling is used once before any is used twice, so that a person does not get the same shirt in the same light ten times.
"""

from __future__ import annotations

import random
import re
import string
from dataclasses import dataclass

FIXED = ("subject", "traits")  # filled by the job
VARIED = ("wardrobe", "scene", "light", "framing")  # filled by the pack


@dataclass(frozen=True, slots=True)
class Pieces:
    """The words of one pack for one family of bases; `text` holds the slots, the rest their fillings."""

    text: str
    wardrobe: tuple[str, ...] = ()
    scene: tuple[str, ...] = ()
    light: tuple[str, ...] = ()
    framing: tuple[str, ...] = ()
    negative: str = ""  # what to stay away from

    def texts(self) -> tuple[str, ...]:
        """Every piece of text that is to be drawn; the linter reads them."""
        return (self.text, *self.wardrobe, *self.scene, *self.light, *self.framing)


def slots(text: str) -> list[str]:
    """The names between braces, in order. ValueError where braces do not close or a slot holds more than a name."""
    found = []
    for _, name, spec, conversion in string.Formatter().parse(text):
        if name is not None:
            if not name.isidentifier() or spec or conversion:
                raise ValueError(f"{{{name}}} is not a plain slot")
            found.append(name)
    return found


def check_pieces(pieces: Pieces) -> str | None:
    """What is wrong with the slots, or None. A filling without its slot would never be seen, so it is an error too."""
    try:
        used = slots(pieces.text)
    except ValueError as error:
        return str(error)
    for name in used:
        if name not in FIXED + VARIED:
            return f"there is no slot {{{name}}}; there are {', '.join(FIXED + VARIED)}"
    if used.count("subject") != 1:
        return "{subject} must stand in the text exactly once: the picture is of one person"
    for name in VARIED:
        if bool(getattr(pieces, name)) != (name in used):
            return f"{{{name}}} needs both a place in the text and a list of fillings"
    if any("{" in text or "}" in text for text in pieces.texts()[1:]):
        return "a filling holds a brace"
    return None


def compose(pieces: Pieces, subject: str, traits: str, key: str, turn: int) -> str:
    """The prompt of the `turn`-th picture (from 0); `key` decides the order in which the fillings come."""
    filled = {name: _filling(getattr(pieces, name), f"{key}/{name}", turn) for name in VARIED}
    return tidy(pieces.text.format_map({**filled, "subject": subject, "traits": traits}))


def tidy(text: str) -> str:
    """Spaces and commas made right after a slot stayed empty: `a , b,, c ` becomes `a, b, c`."""
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r"(?:\s*,)+", ",", text)
    return text.strip(" ,")


def _filling(fillings: tuple[str, ...], key: str, turn: int) -> str:
    if not fillings:
        return ""
    lap, place = divmod(turn, len(fillings))
    return random.Random(f"{key}/{lap}").sample(fillings, len(fillings))[place]
