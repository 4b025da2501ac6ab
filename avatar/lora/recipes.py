"""How each base is tuned: every number of the fine-tune, with its unit and its reason, in one place.

A recipe is looked up by the base's name, then by its family. None of them trains a text encoder: a published run fell
from 4.5 h to 30 min without it, and captions, masks and the class word keep likeness.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from avatar.errors import UnknownBase
from avatar.weights.registry import TABLE, Base, Family, Origin

ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")  # the four projections of self- and cross-attention
SELF_ATTENTION = tuple(f"attn1.{name}" for name in ATTENTION)
SMALL = 256  # px; a base below this is tuned as the one in the package is
CONVOLUTIONS = ("conv1", "conv2")  # of the residual blocks


@dataclass(frozen=True, slots=True)
class Recipe:
    """One fine-tune. Shares and fractions are in [0, 1]; lengths are optimiser steps."""

    rank: int  # columns of each low-rank pair
    alpha: float  # the update is scaled by alpha / rank
    learning_rate: float  # AdamW's, at its top
    batch: int  # pictures per step, prior pictures included
    steps_per_photo: int
    least_steps: int
    most_steps: int
    targets: tuple[str, ...] = ATTENTION  # names of the layers that get an adapter
    within: str = ""  # only those below this part of the network
    warm_up: float = 0.05  # of all steps: Adam's variance is not yet known in the first ones
    gamma: float = 5.0  # min-SNR clamp; the value of arXiv 2303.09556
    focus: float | None = None  # log signal-to-noise drawn most, without weights; None: all alike, under min-SNR
    prior_weight: float = 0.5  # of the class pictures' loss: half is enough beside an adapter and an early stop
    prior_share: float = 0.25  # of the batch: half, as in arXiv 2208.12242, doubles the cost of a step
    prior_count: int = 100  # class pictures made where a base brings none; the reference scripts' number
    mask_floor: float = 0.2  # weight of what is not face: .1 to .3 is common; 0 lets the surroundings fall apart
    caption_dropout: float = 0.05  # of person's pictures: guidance needs the empty prompt to know the person, too
    noise_offset: float = 0.03  # std of a constant per channel: dark and bright light become reachable
    decay: float = 0.01  # AdamW's weight decay
    betas: tuple[float, float] = (0.9, 0.99)  # short runs: 0.999 would still remember the first step at the last
    clip: float = 1.0  # norm of the gradient
    checkpointing: bool = False  # recompute activations: about a third slower, for cards that are short of memory
    marks: tuple[float, ...] = (0.6, 0.8, 1.0)  # of all steps: where checkpoints are taken and scored
    shots: int = 4  # pictures rendered to score a checkpoint
    seed: int = 0  # the stage puts the job's own here

    def steps(self, photos: int) -> int:
        """Optimiser steps for so many photos."""
        return max(self.least_steps, min(self.most_steps, self.steps_per_photo * photos))

    def at_most(self, steps: int) -> Recipe:
        """The same in so many steps at most; 0 leaves it as it is."""
        if not steps:
            return self
        return replace(self, least_steps=min(self.least_steps, steps), most_steps=min(self.most_steps, steps))

    def priors(self) -> int:
        """Rows of the batch that are class pictures; at least one row stays the person's."""
        return min(self.batch - 1, round(self.batch * self.prior_share)) if self.prior_weight > 0 else 0


RECIPES: dict[str, Recipe] = {
    "pocket": Recipe(
        rank=32,  # of two people, at 16 photos came to a distance of 0.39, at 32 to 0.37, at 64 to 0.38
        alpha=32.0,
        learning_rate=5e-3,  # 1e-3 left a stranger with the person's hair; 4e-3 and 6e-3 look alike
        batch=6,  # at 8 the same time gives fewer steps and no better likeness
        steps_per_photo=90,  # of two people, 500 steps came to a distance of 0.42, 900 to 0.40
        least_steps=500,
        most_steps=900,
        prior_share=0.0,  # to its small text encoder token and class word are one: class pictures undid the face
        targets=(*SELF_ATTENTION, *CONVOLUTIONS),  # cross-attention forgot the words of styles; decisions/0017
        within="up_blocks",  # as alike as with an adapter everywhere, in two thirds of the time
        mask_floor=0.4,  # hair and outline make a drawn person, too
        shots=3,  # a picture costs half a second, and up to another one to look for a face
        noise_offset=0.0,  # it was not trained with one, and drawn light varies little
        focus=-1.0,  # as it was trained itself: faces take shape there
    ),
    Family.SD15: Recipe(
        rank=16,  # the middle of the 8 to 32 that practice uses
        alpha=16.0,
        learning_rate=1e-4,
        batch=4,
        steps_per_photo=80,  # 800 for ten photos
        least_steps=400,
        most_steps=1200,  # beyond it copies the photos
        targets=(*ATTENTION, *CONVOLUTIONS),
    ),
    Family.SDXL: Recipe(
        rank=32,
        alpha=32.0,
        learning_rate=1e-4,
        batch=4,
        steps_per_photo=80,
        least_steps=500,  # published lower end at effective batch 4
        most_steps=1500,
        noise_offset=0.0357,  # as SDXL's reference recipe
    ),
}


def recipe_for(base: Base) -> Recipe:
    """The base's own recipe, else its family's; UnknownBase for what can not be tuned.

    A base given by path that is none of the table's is known by its family and size.
    """
    key: str = base.name
    known = TABLE.get(base.name)
    if base.origin is Origin.FOLDER and (known is None or known.family is not base.family):
        key = "pocket" if 0 < base.resolution < SMALL else base.family
    recipe = RECIPES.get(key) or RECIPES.get(base.family)
    if recipe is None:
        raise UnknownBase(f"There is no recipe to tune {base.name!r}.")
    return recipe
