"""A small classifier of drawn pictures: the theme of each, and of photos hair colour, glasses, beard and skin group.

It is trained in minutes on pictures that the project draws, shifted and dimmed a little, half of them blurred so that
it does not mind a soft picture, and then judges what the base generates. How often it is right about drawn pictures
that it never saw is told beside each of its figures: no figure of the base can be truer than that.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from avatar.errors import Spoiled
from avatar.pocket.looks import THEMES
from avatar.pocket.people import HairColour
from avatar.pocket.plainly import write_whole
from avatar.weights.cores import halves

Pixels = NDArray[np.uint8]
SIDE = 128  # pixels that it looks at
NO, YES = "no", "yes"
SKINS = ("pale", "light", "tan", "brown", "deep")
HEADS: Mapping[str, tuple[str, ...]] = {
    "theme": tuple(THEMES),
    "hair colour": tuple(map(str, HairColour)),
    "glasses": (NO, YES),
    "beard": (NO, YES),
    "skin group": SKINS,
}
UNASKED = -100  # the label of what a picture does not show; cross entropy passes over it
BEARDS = {"none": NO, "full": YES, "goatee": YES, "moustache": YES}  # stubble is neither


@dataclass(frozen=True, slots=True)
class Labelled:
    """Pictures, uint8 (N, 3, SIDE, SIDE), and what each shows, int64 (N, heads)."""

    pictures: Tensor
    labels: Tensor


class Judge(torch.nn.Module):
    """Four halvings and a head for each question; 0.5 M parameters."""

    def __init__(self, widths: Sequence[int] = (24, 48, 96, 160)) -> None:
        super().__init__()
        layers: list[torch.nn.Module] = []
        for before, after in zip((3, *widths), widths, strict=False):
            layers += [
                torch.nn.Conv2d(before, after, 3, stride=2, padding=1),
                torch.nn.BatchNorm2d(after),
            ]  # over the batch: shades stay apart
            layers += [torch.nn.SiLU(), torch.nn.Conv2d(after, after, 3, padding=1), torch.nn.SiLU()]
        self.trunk = torch.nn.Sequential(*layers)
        wide = widths[-1]
        self.middle = torch.nn.Sequential(
            torch.nn.AdaptiveAvgPool2d(4), torch.nn.Flatten(), torch.nn.Dropout(0.2), torch.nn.Linear(16 * wide, wide)
        )
        self.heads = torch.nn.ModuleList(torch.nn.Linear(wide, len(words)) for words in HEADS.values())

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """Float (N, 3, SIDE, SIDE) in [0, 1] to the logits of each head."""
        seen = functional.silu(self.middle(self.trunk(pictures - 0.5)))
        return [head(seen) for head in self.heads]

    @torch.inference_mode()
    def say(self, pictures: Sequence[Pixels]) -> list[dict[str, str]]:
        """What each picture, uint8 (H, W, 3), shows, by head."""
        shrunk = torch.stack([small(picture) for picture in pictures]).float() / 255
        found = [logits.argmax(1).tolist() for logits in self.eval()(shrunk)]
        return [
            {head: words[place[at]] for (head, words), place in zip(HEADS.items(), found, strict=True)}
            for at in range(len(pictures))
        ]


def small(picture: Pixels) -> Tensor:
    """The picture as the judge looks at it: uint8 (3, SIDE, SIDE)."""
    whole = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float()
    return functional.interpolate(whole, (SIDE, SIDE), mode="area")[0].round().byte()


def shown(entry: Mapping[str, Any]) -> list[int]:
    """The labels of one picture, from its entry in a shard; what its theme hides is not asked."""
    traits = entry["traits"]
    said = {"theme": str(entry["theme"])}
    if said["theme"] == "photo":
        said |= {
            "hair colour": str(traits["hair_colour"]),
            "glasses": NO if traits["glasses"] == "none" else YES,
            "beard": BEARDS.get(str(traits["beard"]), ""),
            "skin group": str(traits["skin_group"]),
        }
    return [words.index(said[head]) if said.get(head) in words else UNASKED for head, words in HEADS.items()]


def read(paths: Sequence[Path]) -> Labelled:
    """The pictures of these shards (see dataset.py)."""
    pictures, labels = [], []
    for path in paths:
        entries = json.loads(path.with_suffix(".json").read_text())
        pictures += [small(picture) for picture in np.load(path, mmap_mode="r")]
        labels += [shown(entry) for entry in entries]
    return Labelled(torch.stack(pictures), torch.tensor(labels))


def roughened(pictures: Tensor, dice: torch.Generator) -> Tensor:
    """Pictures in [0, 1] mirrored, moved, dimmed and made noisy at random, and half of the time blurred.

    Not always: lead lines and pixel blocks are gone in a blur, and comics were seen in their place.
    """

    def roll(low: float, high: float) -> float:
        return low + (high - low) * float(torch.rand((), generator=dice))

    if roll(0, 1) < 0.5:
        pictures = pictures.flip(3)
    pictures = pictures.roll((round(roll(-8, 8)), round(roll(-8, 8))), (2, 3))
    if roll(0, 1) < 0.5:
        keep = round(roll(0.5, 1) * SIDE)
        soft = functional.interpolate(pictures, (keep, keep), mode="area")
        pictures = functional.interpolate(soft, (SIDE, SIDE), mode="bilinear", align_corners=False)
    noise = torch.randn(pictures.shape, generator=dice) * roll(0, 0.05)
    return (pictures * roll(0.85, 1.1) + roll(-0.05, 0.05) + noise).clamp(0, 1)


def train(given: Labelled, epochs: int = 8, batch: int = 32, seed: int = 0) -> Judge:
    """A judge of these pictures."""
    torch.manual_seed(seed)
    judge, dice = Judge().train(), torch.Generator().manual_seed(seed)
    steps = epochs * -(-len(given.pictures) // batch)
    optimizer = torch.optim.AdamW(judge.parameters(), 2e-3, weight_decay=0.02)
    slope = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)
    for _ in range(epochs):
        for rows in torch.randperm(len(given.pictures), generator=dice).split(batch):
            with halves(torch.device("cpu")):
                logits = [said.float() for said in judge(roughened(given.pictures[rows].float() / 255, dice))]
            labels = given.labels[rows]
            losses = [
                functional.cross_entropy(said, labels[:, head], ignore_index=UNASKED, label_smoothing=0.05)
                for head, said in enumerate(logits)
                if bool((labels[:, head] != UNASKED).any())
            ]
            optimizer.zero_grad(set_to_none=True)
            torch.stack(losses).sum().backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            slope.step()
    return judge.eval()


def keep(judge: Judge, path: Path) -> None:
    """Write it as safetensors, with the words of its answers."""
    words = json.dumps(HEADS, default=list)
    write_whole(path, lambda part: save_file(judge.state_dict(), part, {"heads": words}))


def load(path: Path) -> Judge:
    """What `keep` wrote; Spoiled where the file is something else, or knows other words."""
    judge = Judge()
    try:
        with safe_open(str(path), "pt") as file:
            if json.loads(file.metadata()["heads"]) != {head: list(words) for head, words in HEADS.items()}:
                raise KeyError("heads")
            judge.load_state_dict({name: file.get_tensor(name) for name in judge.state_dict()})
    except (SafetensorError, RuntimeError, KeyError, TypeError, FileNotFoundError) as fault:
        raise Spoiled(f"{path.name} is no judge; python -m avatar.pocket.evaluate writes one.") from fault
    return judge.eval()


@torch.inference_mode()
def rightness(judge: Judge, given: Labelled, batch: int = 64) -> dict[str, float]:
    """The share of pictures that it is right about, by head."""
    said = [judge(part.float() / 255) for part in given.pictures.split(batch)]
    right = {}
    for head, name in enumerate(HEADS):
        found = torch.cat([logits[head].argmax(1) for logits in said])
        asked = given.labels[:, head] != UNASKED
        right[name] = float((found == given.labels[:, head])[asked].float().mean())
    return right
