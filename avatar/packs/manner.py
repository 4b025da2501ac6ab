"""How a pack wants to be drawn: the numbers of a style pack, read and checked where they stand, frozen from there on.

Each has a `reason`, which is for whoever reviews the pack.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

NEVER = 1e9  # sigma that no schedule reaches

Text = Annotated[str, Field(min_length=1, max_length=400)]


class Strict(BaseModel):
    """A table of a pack; a key that it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Drawing(Strict):
    """How it is drawn, against what the base itself asks for, so that one pack serves bases of every size."""

    effort: float = Field(ge=0.25, le=2)  # times the base's own number of steps
    guidance: float = Field(ge=0, le=2)  # times the base's own guidance scale; beyond, colours burn
    low: float = Field(ge=0)  # guidance acts where low < sigma <= high; arXiv 2404.07724
    high: float = Field(gt=0)
    reason: Text

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.low >= self.high:
            raise PydanticCustomError("order", "low must lie below high")
        return self


class Identity(Strict):
    """How much of the person's adapter is applied: 1 as trained, 0 not at all.

    While sigma > `settled` it is `early`: there shapes are laid out, and an adapter's hair leaves a helmet no room.
    From there on, with `around`, it is `scale` on the face alone and `around` everywhere else (packs/region.py); each
    step then takes two evaluations for one.
    """

    scale: float = Field(ge=0, le=1.25)  # beyond, the adapter's noise shows before more likeness does
    early: float = Field(default=1.0, ge=0, le=1.25)
    settled: float = Field(default=NEVER, gt=0)  # sigma
    around: float | None = Field(default=None, ge=0, le=1.25)
    reason: Text

    @model_validator(mode="after")
    def _acts(self) -> Self:
        if self.settled == NEVER and "early" in self.model_fields_set:
            raise PydanticCustomError("acts", "early acts until settled, which is not given")
        return self


class Blocks(Strict):
    """Draw it in squares of one colour each: no diffusion model draws them square or of one colour by itself."""

    side: int = Field(ge=32, le=256)  # squares along a side of the picture
    levels: int = Field(ge=3, le=32)  # of each channel
    reason: Text


class Inks(Strict):
    """Go over it in flat colours, lines and printed dots (packs/inks.py): for a base whose own comics are smudged."""

    steps: int = Field(ge=3, le=12)  # of lightness
    line: float = Field(ge=0, le=2)  # how strong the lines are; 1 is usual
    shade: float = Field(ge=0, le=100)  # L* below which dots are printed
    reason: Text


class Manner(Strict):
    """What one base needs otherwise than all others; None is as for all."""

    drawing: Drawing | None = None
    identity: Identity | None = None
    inks: Inks | None = None
