"""The model card of the pocket base, with the figures of the run that made it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from avatar.pocket.looks import THEMES

if TYPE_CHECKING:
    from avatar.pocket.release import Figures

CARD = """---
license: apache-2.0
library_name: diffusers
pipeline_tag: text-to-image
---

# Pocket base

A small text-to-image diffusion model of drawn people, 256 x 256 px, made for this package. It reads and writes the
same files as Stable Diffusion 1.5, so the same code tunes and runs both, on two processor cores.

## Data

{pictures:,} pictures of invented people, drawn by `avatar.pocket.dataset` from numbers, in {themes} themes, with
captions from a closed vocabulary. No photograph, no picture of a real person and no picture made by another model was
used. The autoencoder also saw procedural textures (`avatar/pocket/textures.py`). The class word of a caption (person,
woman, man) was drawn by chance: looks do not follow from it.

## Recipe

`python -m avatar.pocket.train --data DIR --out DIR --from BASE`, on two CPU cores, weights and sums in float32 and
products in bfloat16.{gone_on}

| part | parameters | steps | loss at the end |
| --- | --- | --- | --- |
| autoencoder, 16 x 16 latents with {channels} channels | {vae_m:.1f} M | {vae_steps:,} | {vae_loss:.3f} |
| diffusion network, velocity prediction | {unet_m:.1f} M | {unet_steps:,} ({seen:,} pictures seen) | {unet_loss:.3f} |
| text encoder, trained with it | {text_m:.1f} M | the same | |

The encoder is linear and was solved in closed form, not trained (`avatar/pocket/beginning.py`); the steps are those of
the decoder. Its loss is L1 of pixels and of slopes on three scales, and eight times the squared error; that of the
diffusion network is the squared error of the velocity, at noise levels drawn mostly where a face takes shape
(`avatar/weights/levels.py`). The text encoder is also taught which words stood before each word. What is shipped is a
running mean of the weights, as float16.

## Evaluation

| figure | value |
| --- | --- |
| drawn pictures kept apart ({judged}), through the autoencoder | {psnr:.1f} dB |
| generated photos (of {photos}) in which dlib's HOG detector finds exactly one face | {one_face:.0%} |
| seconds a picture, 20 guided steps, batch 8, on the training machine | {seconds:.2f} |

## Limits

{state}

It knows drawn people from the shoulders up, in the words of `avatar/pocket/captions.py`, and nothing else. Unknown
words fall into letters it has not learned. It is made to show and test the path of the product, not to make likenesses
of real people: for those use a larger base. `ohwx` is left free for tuning.

Licence: Apache-2.0.
"""


GONE_ON = " It went on from a base whose diffusion network had seen {:,} pictures."
FINISHED = "Most of its photos show a face that a detector finds; the other themes are rougher."
UNFINISHED = (
    "**Unfinished.** It saw fewer pictures than such a network needs: bare, it draws people in every theme, but so\n"
    "softly that a detector finds the face in a minority of photos. Tuned on one person it draws that face more\n"
    "clearly, since one face is easier than all. The training can be taken up again from its checkpoint."
)


def card(figures: Figures) -> str:
    """The card as Markdown."""
    parts = figures.parameters
    return CARD.format(
        state=FINISHED if figures.one_face > 0.5 else UNFINISHED,
        themes=len(THEMES),
        pictures=figures.pictures,
        channels=figures.channels,
        vae_m=parts["autoencoder"],
        unet_m=parts["diffusion network"],
        text_m=parts["text encoder"],
        vae_steps=figures.vae_steps,
        unet_steps=figures.unet_steps,
        seen=figures.seen,
        gone_on=GONE_ON.format(figures.before) if figures.before else "",
        vae_loss=figures.vae_loss,
        unet_loss=figures.unet_loss,
        judged=figures.judged,
        psnr=figures.psnr,
        photos=figures.photos,
        one_face=figures.one_face,
        seconds=figures.seconds,
    )
