"""Measure drawn people with real face tools: python -m avatar.pocket.measure --count 60

Prints how often dlib's detectors find exactly one face, how often its recogniser names the right person
among all (each picture against three others of each), and how far apart its descriptors are.
"""

from __future__ import annotations

import argparse
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from avatar.pocket.draw import draw, geometry
from avatar.pocket.looks import THEMES, themed
from avatar.pocket.people import Person, person
from avatar.pocket.view import view


@dataclass(frozen=True, slots=True)
class Tools:
    """dlib's detectors, landmark finder and recogniser."""

    hog: Any
    mmod: Any
    landmarks: Any
    recogniser: Any

    @classmethod
    def load(cls) -> Tools:
        """Read the weights that the package face_recognition_models carries, without importing it."""
        import dlib

        spec = importlib.util.find_spec("face_recognition_models")
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError("face_recognition_models")
        home = Path(spec.origin).parent / "models"
        return cls(
            dlib.get_frontal_face_detector(),
            dlib.cnn_face_detection_model_v1(str(home / "mmod_human_face_detector.dat")),
            dlib.shape_predictor(str(home / "shape_predictor_5_face_landmarks.dat")),
            dlib.face_recognition_model_v1(str(home / "dlib_face_recognition_resnet_model_v1.dat")),
        )

    def look(self, picture: np.ndarray) -> tuple[str, np.ndarray | None]:
        """Who found exactly one face ("hog", "mmod" or "none") and its descriptor (128,)."""
        picture = np.ascontiguousarray(picture)  # of a pipeline's pictures the axes were only exchanged
        found, by = list(self.hog(picture, 0)), "hog"
        if len(found) != 1:
            found, by = [d.rect for d in self.mmod(picture, 0) if d.confidence > 0.6], "mmod"
        if len(found) != 1:
            return "none", None
        shape = self.landmarks(picture, found[0])
        return by, np.array(self.recogniser.compute_face_descriptor(picture, shape))


def rank_one(vectors: dict[int, list[np.ndarray]]) -> float:
    """Share of pictures that are nearest to one of their own person's other pictures; each in its turn is looked for.

    As many pictures of everybody else are in the gallery as are left of that person.
    """
    sure = {seed: v for seed, v in vectors.items() if len(v) > 1}
    right = total = 0
    for seed, own in sure.items():
        for at, vector in enumerate(own):
            others = {other: seen[: len(own) - 1] for other, seen in sure.items()}
            right += nearest(vector, others | {seed: own[:at] + own[at + 1 :]}) == seed
            total += 1
    return right / max(total, 1)


def nearest(vector: np.ndarray, gallery: dict[int, list[np.ndarray]]) -> int:
    """Whose picture in the gallery is nearest."""
    near = {seed: min(float(np.linalg.norm(vector - v)) for v in seen) for seed, seen in gallery.items()}
    return min(near, key=lambda seed: near[seed])


def by_theme(people: list[Person], gallery: dict[int, list[np.ndarray]]) -> dict[str, tuple[float, float]]:
    """For each theme the share of drawn pictures with one face, and of those the share named rightly from photos."""
    tools = Tools.load()
    faced: dict[str, list[bool]] = {theme: [] for theme in THEMES}
    named: dict[str, list[bool]] = {theme: [] for theme in THEMES}
    for who in people:
        sight = view(who.seed * 1000 + 999, calm=True)
        with torch.inference_mode():
            buffer = geometry(who, sight)
        for theme in THEMES:
            _, vector = tools.look(themed(buffer, who, sight, theme))
            faced[theme].append(vector is not None)
            if vector is not None:
                named[theme].append(nearest(vector, gallery) == who.seed)
    return {theme: (_share(faced[theme]), _share(named[theme])) for theme in THEMES}


def _share(hits: list[bool]) -> float:
    return sum(hits) / len(hits) if hits else 0.0


def distances(vectors: dict[int, list[np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Distances between pictures of one person, and of two."""
    who = np.array([seed for seed, seen in vectors.items() for _ in seen])
    flat = np.array([v for seen in vectors.values() for v in seen])
    far = np.linalg.norm(flat[:, None] - flat[None], axis=-1)
    upper = np.triu(np.ones_like(far, bool), 1)
    same = who[:, None] == who[None]
    return far[upper & same], far[upper & ~same]


def report(found: list[str], vectors: dict[int, list[np.ndarray]]) -> str:
    """The table."""
    same, different = distances(vectors)
    at = (5, 25, 50, 75, 95)
    rows = [
        f"pictures               {len(found)}",
        f"one face, HOG          {found.count('hog') / len(found):.1%}",
        f"one face, HOG or MMOD  {1 - found.count('none') / len(found):.1%}",
        f"rank-1 of {len(vectors):3d} people   {rank_one(vectors):.1%}",
        "distance, percentile   " + " ".join(f"{p:5d}" for p in at),
        "  one person           " + " ".join(f"{v:5.2f}" for v in np.percentile(same, at)),
        "  two people           " + " ".join(f"{v:5.2f}" for v in np.percentile(different, at)),
    ]
    return "\n".join(rows)


def measure(people: list[Person], pictures: int = 4) -> tuple[list[str], dict[int, list[np.ndarray]]]:
    """Draw and look at people: who found each picture, and descriptors by seed."""
    tools = Tools.load()
    found: list[str] = []
    vectors: dict[int, list[np.ndarray]] = {}
    for who in people:
        for k in range(pictures):
            by, vector = tools.look(draw(who, view(who.seed * 1000 + k)))
            found.append(by)
            if vector is not None:
                vectors.setdefault(who.seed, []).append(vector)
    return found, vectors


def main() -> None:
    """Read the command line, measure, print."""
    ask = argparse.ArgumentParser(description="Measure drawn people with dlib.")
    ask.add_argument("--count", type=int, default=60)
    ask.add_argument("--pictures", type=int, default=4)
    told = ask.parse_args()
    if told.count < 2 or told.pictures < 2:
        ask.error("distances are between two people, and between two pictures of one")
    torch.set_num_threads(1)
    print(report(*measure([person(seed) for seed in range(told.count)], told.pictures)))


if __name__ == "__main__":
    main()
