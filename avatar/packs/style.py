"""A style pack: one reviewed TOML document that says what is drawn, in which words, by whom, and under which licence.

The file is checked strictly where it is read (an unknown key is an error, so a misspelt one can not become a silent
default) and is a frozen value from there on. There is one wardrobe for everybody: the schema has no place in which a
class of people could be dressed apart, because that is how other products came to undress women and not men.

Covers: keys, types, ranges, placeholders, every word of the pack (lint.py).
Does not cover: whether the base draws what the words say; that is looked at, per base, on the preview.
"""

from __future__ import annotations

import difflib
import functools
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from pydantic import Field, ValidationError

from avatar.errors import BrokenPack, UnknownStyle
from avatar.packs import lint
from avatar.packs.manner import Blocks, Drawing, Identity, Inks, Manner, Strict, Text
from avatar.packs.prompts import Pieces, check_pieces
from avatar.weights.registry import TABLE

ANY = "any"  # the prompt that serves every base without words of its own
BASES = frozenset({base.name for base in TABLE.values()} | {base.family.value for base in TABLE.values()})
NAMES: Mapping[str, frozenset[str]] = {"base": BASES, "prompt": BASES | {ANY}}  # that tables of a pack may have


class Safety(StrEnum):
    """For whom a pack is fit. There is one level: nothing else is made here."""

    EVERYONE = "everyone"


@dataclass(frozen=True, slots=True)
class Credit:
    """Somebody whose work is in the pack; `bundle` counts how often each was used."""

    name: str
    part: str


@dataclass(frozen=True, slots=True)
class Style:
    """One pack, checked. `face_visible` is false where the look hides faces from a detector made for photographs."""

    name: str
    title: str
    version: str
    licence: str
    author: str
    summary: str
    provenance: str
    safety: Safety
    count: int
    face_visible: bool
    credits: tuple[Credit, ...]
    prompts: Mapping[str, Pieces]  # by base, by family, or for any
    drawing: Drawing
    identity: Identity
    blocks: Blocks | None
    manners: Mapping[str, Manner]  # by base or by family
    preview: Path | None

    def pieces(self, base: str, family: str) -> Pieces:
        """The words for one base: its own where the pack has them, else its family's, else the ones for any."""
        return self.prompts.get(base) or self.prompts.get(family) or self.prompts[ANY]

    def manner(self, base: str, family: str) -> tuple[Drawing, Identity, Inks | None]:
        """How one base is to draw it."""
        own = self.manners.get(base) or self.manners.get(family) or Manner()
        return own.drawing or self.drawing, own.identity or self.identity, own.inks


class _Credit(Strict):
    name: Text
    part: Text


class _Prompt(Strict):
    text: Text
    negative: str = Field(default="", max_length=400)  # empty is what a base learns as "no words"
    wardrobe: tuple[Text, ...] = ()
    scene: tuple[Text, ...] = ()
    light: tuple[Text, ...] = ()
    framing: tuple[Text, ...] = ()


class _File(Strict):
    name: str = Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=40)
    title: str = Field(min_length=2, max_length=40)
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    licence: str = Field(min_length=2, max_length=40)
    author: Text
    summary: Text
    provenance: Text
    safety: Safety
    count: int = Field(ge=1, le=50)
    face_visible: bool
    credits: tuple[_Credit, ...] = Field(min_length=1)
    prompt: dict[str, _Prompt]
    drawing: Drawing
    identity: Identity
    blocks: Blocks | None = None
    base: dict[str, Manner] = Field(default_factory=dict)
    preview: str = Field(default="preview.png", pattern=r"^[a-z0-9-]+\.png$")


def load_styles(folder: Path) -> dict[str, Style]:
    """Every pack under `folder`, by name, in order of name. One broken pack is an error for all: BrokenPack."""
    paths = sorted(folder.glob("*/pack.toml"))
    if not paths:
        raise BrokenPack(f"There is no style pack in {folder.name}.", remedy="Point the styles folder at one.")
    return {path.parent.name: _read_once(path, _state(path.parent)) for path in paths}


@functools.lru_cache(maxsize=256)
def _read_once(path: Path, _: tuple[tuple[str, int, int], ...]) -> Style:
    """A pack, read and linted again only when a file of it has changed: a service asks at every call."""
    return load_style(path)


def _state(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Name, time and size of every file of a pack."""
    return tuple(sorted((file.name, file.stat().st_mtime_ns, file.stat().st_size) for file in folder.iterdir()))


def load_style(path: Path) -> Style:
    """One pack from its `pack.toml`. BrokenPack tells the pack, the key and what is wrong with it."""
    shelf = path.parent.name
    try:
        read = _File.model_validate(tomllib.loads(path.read_text("utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BrokenPack(f"{shelf}: pack.toml is not TOML: {error}") from error
    except ValidationError as error:
        raise BrokenPack(f"{shelf}: {_say(error)}") from None
    if read.name != shelf:
        raise BrokenPack(f"{shelf}: the pack calls itself {read.name}; folder and name must agree.")
    style = _freeze(read, path.parent)
    _check(style)
    return style


def pick(styles: Mapping[str, Style], names: Iterable[str]) -> tuple[Style, ...]:
    """The named styles, in the order asked. UnknownStyle comes with the nearest name there is."""
    chosen = []
    for name in names:
        if name not in styles:
            near = difflib.get_close_matches(name.lower(), styles, n=1, cutoff=0.5)
            hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(sorted(styles))}."
            raise UnknownStyle(f"There is no style called {name[:40]!r}.", remedy=hint)
        chosen.append(styles[name])
    return tuple(chosen)


def _say(error: ValidationError) -> str:
    """The first complaint with its place; a misspelt key is told together with the key that was meant."""
    complaints = error.errors(include_url=False, include_input=False)
    first = min(complaints, key=lambda one: one["type"] != "extra_forbidden")
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] != "extra_forbidden":
        return f"{place}: {first['msg']}"
    schemas = (_File, _Prompt, Drawing, Identity, Blocks, Inks, Manner, _Credit)
    known = {key for schema in schemas for key in schema.model_fields}
    near = difflib.get_close_matches(str(first["loc"][-1]), sorted(known), n=1)
    return f"{place} is not a key of a pack" + (f"; did you mean {near[0]}?" if near else "")


def _freeze(read: _File, folder: Path) -> Style:
    picture = folder / read.preview
    return Style(
        **read.model_dump(include={"name", "title", "version", "licence", "author", "summary", "provenance", "count"}),
        safety=read.safety,
        face_visible=read.face_visible,
        credits=tuple(Credit(one.name, one.part) for one in read.credits),
        prompts=MappingProxyType(
            {
                family: Pieces(one.text, one.wardrobe, one.scene, one.light, one.framing, one.negative)
                for family, one in read.prompt.items()
            }
        ),
        drawing=read.drawing,
        identity=read.identity,
        blocks=read.blocks,
        manners=MappingProxyType(read.base),
        preview=picture if picture.is_file() else None,
    )


def _check(style: Style) -> None:
    """What types can not say: the prompt for any family is there, slots and lists agree, every word is fit to print."""
    if ANY not in style.prompts:
        raise BrokenPack(f"{style.name}: there must be words for every base, under [prompt.{ANY}].")
    if not style.prompts[ANY].wardrobe:
        raise BrokenPack(f"{style.name}: prompt.{ANY} names no clothes; everyone is dressed.")
    for family, pieces in style.prompts.items():
        if wrong := check_pieces(pieces):
            raise BrokenPack(f"{style.name}: prompt.{family}: {wrong}")
    for table, names in (("prompt", style.prompts), ("base", style.manners)):
        for name in names:
            if name not in NAMES[table]:
                near = difflib.get_close_matches(name, NAMES[table], n=1)
                hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(sorted(NAMES[table]))}."
                raise BrokenPack(f"{style.name}: {table}.{name} is for a base that is not known{hint}")
    said = [style.title, style.summary, style.author, style.provenance]
    said += [word for credit in style.credits for word in (credit.name, credit.part)]
    said += [text for pieces in style.prompts.values() for text in pieces.texts()]
    found = [hit for text in said for hit in lint.refuse(text)]
    found += [hit for pieces in style.prompts.values() for hit in lint.refuse_negative(pieces.negative)]
    if found:
        raise BrokenPack(f"{style.name}: {'; '.join(str(hit) for hit in found)}")
