"""The table of base models and face packs: where each comes from, under which licence, and what it needs.

Nothing here reads weights or imports torch. A base is found by its name in the table or by the path of a folder that
holds one; `place` says where its files lie on this machine.

Covers: source and pinned revision, known digests, licence, memory, and refusing a folder that names foreign code.
Does not cover: downloading (fetch), loading (load), whether the licence fits your use (read it).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Any

from avatar.errors import UnknownBase, WeightsMissing, WeightsRefused

LOCK = "weights.lock.json"
HISTORY = "history.json"  # in the folder of a base of our own making: which one it is, and what it went through


class Family(StrEnum):
    """The architecture, as far as loading has to know it; further families get their line here and in load."""

    SD15 = "sd15"
    SDXL = "sdxl"
    FACES = "faces"  # recognisers, no base: fetched from here, loaded by the photos shelf


class Origin(StrEnum):
    HUB = "hub"  # fetched once by an explicit command
    PACKAGE = "package"  # ships inside the package
    FOLDER = "folder"  # handed in by path


@dataclass(frozen=True, slots=True)
class Base:
    """One line of the table. What the scheduler predicts is not here: it is read from the weights' own files."""

    name: str
    family: Family
    origin: Origin
    source: str  # hub repository, folder inside the package, or path
    licence: str
    licence_url: str
    commercial: bool  # may be used commercially, within the licence's own restrictions
    needs_acceptance: bool = False  # the licence restricts uses, so somebody has to have read it
    revision: str | None = None  # full commit of the hub repository; None: resolved at fetch and kept in the lock file
    digests: tuple[tuple[str, str], ...] = ()  # (file, sha256) where known beforehand
    files: tuple[str, ...] = ()  # patterns that are fetched, nothing else
    resolution: int = 0  # px, the side of the square it was trained at
    memory_tune_gb: float = 0.0
    memory_render_gb: float = 0.0
    native_token: str = "sks"  # noqa: S105 - no secret: a word the base knows but has no strong picture of
    steps: int = 30  # sampler steps
    guidance: float = 6.0  # classifier-free guidance scale
    crop: float = 2.1  # side of a selfie's crop over the size of the face's box: head, hair and shoulders
    oversample: float = 1.5  # drawn per ordered picture; best of a few gains most of what best of many does


_COMMON = ("model_index.json", "scheduler/*.json", "tokenizer/*", "text_encoder/config.json", "unet/config.json")
_SD15_FILES = (
    *_COMMON, "vae/config.json", "text_encoder/model.fp16.safetensors",
    "unet/diffusion_pytorch_model.fp16.safetensors", "vae/diffusion_pytorch_model.fp16.safetensors", "LICENSE*",
)  # fmt: skip
_SDXL_FILES = (*_SD15_FILES, "tokenizer_2/*", "text_encoder_2/config.json", "text_encoder_2/model.fp16.safetensors")

TABLE: dict[str, Base] = {
    base.name: base
    for base in (
        Base(
            name="pocket",
            family=Family.SD15,
            origin=Origin.PACKAGE,
            source="pocket/base",
            licence="Apache-2.0",
            licence_url="https://www.apache.org/licenses/LICENSE-2.0",
            commercial=True,
            resolution=256,
            memory_tune_gb=1.0,
            memory_render_gb=0.6,
            native_token="ohwx",  # noqa: S106 - a word, kept free while it was trained
            steps=20,
            guidance=2.0,  # of one person tuned, 8 of 8 photos are named rightly; at 3.0 it is 5 and at 4.5 it is 6
            crop=1.7,  # of two people the distance fell from 0.43 and 0.41 at 2.1 to 0.39 and 0.39; nearer cuts hair
            oversample=4.0,  # half a second each; of one person the best 6 of 24 lie at 0.41, the best 6 of 15 at 0.44
        ),
        Base(
            name="sd15",
            family=Family.SD15,
            origin=Origin.HUB,
            source="stable-diffusion-v1-5/stable-diffusion-v1-5",
            revision="451f4fe16113bff5a5d2269ed5ad43b0592e9a14",
            licence="CreativeML OpenRAIL-M",
            licence_url="https://huggingface.co/spaces/CompVis/stable-diffusion-license",
            commercial=True,
            needs_acceptance=True,
            files=_SD15_FILES,
            resolution=512,
            memory_tune_gb=9.0,
            memory_render_gb=4.0,
            guidance=7.0,
        ),
        Base(
            name="sdxl",
            family=Family.SDXL,
            origin=Origin.HUB,
            source="stabilityai/stable-diffusion-xl-base-1.0",
            revision="462165984030d82259a11f4367a4eed129e94a7b",
            licence="CreativeML Open RAIL++-M",
            licence_url="https://huggingface.co/stabilityai/stable-diffusion-xl-base-1.0/blob/main/LICENSE.md",
            commercial=True,
            needs_acceptance=True,
            files=_SDXL_FILES,
            resolution=1024,
            memory_tune_gb=28.0,
            memory_render_gb=12.0,
            native_token="ohwx",  # noqa: S106 - a word, no secret
        ),
        Base(
            name="auraface",
            family=Family.FACES,
            origin=Origin.HUB,
            source="fal/AuraFace-v1",
            revision="af6d057c9b0ec4071d4c49c80e3539258798b609",
            licence="Apache-2.0",
            licence_url="https://huggingface.co/fal/AuraFace-v1",
            commercial=True,
            # The recogniser alone: the detectors beside it are reported to be the files of a non-commercial pack.
            files=("glintr100.onnx",),
            digests=(("glintr100.onnx", "a7933ea5330113b01c9b60351d8f4c33003f145d8470ac5f0e52ee2effe25c60"),),
        ),
    )
}

_PIPELINES = {"StableDiffusionPipeline": Family.SD15, "StableDiffusionXLPipeline": Family.SDXL}
_LIBRARIES = frozenset({None, "diffusers", "transformers", "stable_diffusion", "stable_diffusion_xl"})


def entry(name: str) -> Base:
    """The line of the table, face packs included; UnknownBase if there is none."""
    if name not in TABLE:
        raise UnknownBase(f"There is no base called {name!r}.", remedy="Known names: " + ", ".join(TABLE) + ".")
    return TABLE[name]


def named(name: str) -> Base:
    """A base that can draw, by its name in the table and nothing else: what callers from outside may ask for."""
    base = entry(name)
    if base.family is Family.FACES:
        raise UnknownBase(f"{base.name!r} is a face pack, not a base that can draw.")
    return base


def find(name_or_path: str | Path) -> Base:
    """A base by its name in the table, or by the path of a folder that holds a pipeline's files."""
    folder = Path(name_or_path)
    if isinstance(name_or_path, str) and name_or_path in TABLE:
        return named(name_or_path)
    if (folder / "model_index.json").is_file():
        return _from_folder(folder.resolve())
    return entry(str(name_or_path))


def place(base: Base, shelf: Path | None = None) -> Path:
    """The folder of the base's files here; `shelf` is where fetched weights lie. WeightsMissing if absent."""
    if base.origin is Origin.PACKAGE:
        folder = Path(str(resources.files("avatar"))) / base.source
    elif base.origin is Origin.FOLDER:
        folder = Path(base.source)
    else:
        folder = home(base, shelf) if shelf else Path()
    wanted = LOCK if base.origin is Origin.HUB else "model_index.json"
    if not folder.parts or not (folder / wanted).is_file():
        remedy = f"avatar weights fetch {base.name}" if base.origin is Origin.HUB else "Install the package again."
        raise WeightsMissing(f"The weights of {base.name!r} are not on this machine.", remedy=remedy)
    check_index(folder)
    return folder


def home(base: Base, shelf: Path) -> Path:
    """Where fetched files belong: `shelf/NAME`, or `shelf/models/NAME` for face packs, where insightface looks."""
    return shelf / "models" / base.name if base.family is Family.FACES else shelf / base.name


def check_index(folder: Path) -> dict[str, Any]:
    """The pipeline's table of contents; WeightsRefused where it names code from elsewhere. Face packs have none: {}."""
    path = folder / "model_index.json"
    if not path.is_file():
        return {}
    index = _table(path)
    libraries = {part[0] for part in index.values() if isinstance(part, list) and part}
    if index.get("_class_name") not in _PIPELINES or not libraries <= _LIBRARIES:
        raise WeightsRefused(f"The folder {folder.name!r} holds a kind of pipeline that is not known here.")
    return dict(index)


def _from_folder(folder: Path) -> Base:
    """Describe a folder that was handed in: family from its index, size from its configs, licence unknown.

    A base that was trained here says which line of the table it is; it is tuned and drawn with as that one.
    """
    index = check_index(folder)
    kept = folder / HISTORY
    own = TABLE.get(str(_table(kept).get("base"))) if kept.is_file() else None
    if own is not None:
        return replace(
            own, origin=Origin.FOLDER, source=str(folder), licence="unknown", licence_url="", commercial=False
        )
    unet = _table(folder / "unet" / "config.json")
    vae = _table(folder / "vae" / "config.json")
    shrink = 2 ** (len(vae["block_out_channels"]) - 1)
    side = unet["sample_size"]
    return Base(
        name=folder.name if folder.name not in TABLE else f"{folder.name} (folder)",  # a name proves nothing
        family=_PIPELINES[index["_class_name"]],
        origin=Origin.FOLDER,
        source=str(folder),
        licence="unknown",
        licence_url="",
        commercial=False,  # nobody has said so
        resolution=int(side if isinstance(side, int) else min(side)) * shrink,
    )


def _table(path: Path) -> dict[str, Any]:
    """A file of settings beside the weights; WeightsRefused where it is not there or holds no table."""
    try:
        told = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise WeightsRefused(f"The file {path.name!r} of the folder {path.parent.name!r} cannot be read.") from error
    if not isinstance(told, dict):
        raise WeightsRefused(f"The file {path.name!r} of the folder {path.parent.name!r} holds no table of settings.")
    return told
