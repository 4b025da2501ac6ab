"""Low-rank adapters: put on, taken off without a trace, written to bytes and read back.

The base's own tensors are never written: the adapter is added beside them and nothing is fused, as fusing and
unfusing is not exact in half precision. Low-rank adaptation: arXiv 2106.09685.

Covers: attach, complete detach (the very same modules are back), safetensors bytes with a manifest, checks on bytes
read (size, header, names, shapes, types, finite values, the base they belong to), overwriting before freeing.
Does not cover: copies that Python or the allocator made on the way, and `bytes` objects, which can not be overwritten.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors import torch as tensors_io
from torch import nn

from avatar.errors import Spoiled, WeightsRefused
from avatar.weights.load import LoadedBase

NAME = "person"  # peft's name for the adapter inside the unet; one at a time
FORMAT = 2  # of the manifest
LIBRARIES = ("torch", "diffusers", "peft", "transformers")
MOST_BYTES = 512 * 2**20  # of one adapter: five times what rank 32 on SDXL takes
MOST_HEADER = 2 * 2**20  # bytes: SDXL's header takes about 300 kB
MOST_RANK = 256
_NAMES = re.compile(r"unet\.[A-Za-z0-9_.]{1,200}\.lora_[AB]\.weight")
_TARGETS = re.compile(r"[A-Za-z0-9_.]{1,80}")


@dataclass(eq=False, slots=True)
class Adapter:
    """An adapter that is attached. `tensors` are the live parameters, by the names they are written under."""

    unet: nn.Module
    rank: int
    alpha: float
    targets: tuple[str, ...]
    within: str
    tensors: dict[str, nn.Parameter]


def attach(
    loaded: LoadedBase, rank: int, alpha: float, targets: tuple[str, ...], seed: int = 0, within: str = ""
) -> Adapter:
    """Put a fresh adapter on the base. It changes nothing until trained: one factor of each pair starts at zero.

    Layers whose names end in one of `targets` get it; with `within` (a name such as "up_blocks") only those below it.
    """
    from peft import LoraConfig
    from peft.tuners.tuners_utils import BaseTunerLayer

    if any(isinstance(module, BaseTunerLayer) for module in loaded.unet.modules()):
        raise RuntimeError("this base already wears an adapter")
    unet: Any = loaded.unet
    layers = _below(unet, targets, within) if within else list(targets)
    config = LoraConfig(r=rank, lora_alpha=alpha, target_modules=layers, lora_dropout=0.0, bias="none")
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            unet.add_adapter(config, adapter_name=NAME)
        live = {_outer(name): part for name, part in unet.named_parameters() if f".{NAME}." in name}
        for part in live.values():
            part.data = part.data.float()  # the optimiser needs the precision, even on a half-precision base
            part.requires_grad_(True)
    except BaseException:
        detach(loaded)
        raise
    return Adapter(unet, rank, alpha, targets, within, live)


def _below(unet: nn.Module, targets: tuple[str, ...], within: str) -> list[str]:
    """The names of the layers below `within` that end in one of `targets`."""
    ends = tuple(f".{target}" for target in targets)
    return [name for name, _ in unet.named_modules() if name.startswith(f"{within}.") and name.endswith(ends)]


def detach(loaded: LoadedBase) -> None:
    """Take any adapter off; the base has its own modules back, unwrapped. Twice is the same as once."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    unet: Any = loaded.unet
    unet.unload_lora()  # deleting the adapter alone would leave the layers wrapped
    vars(unet).pop("_hf_peft_config_loaded", None)  # peft's mark on the network; the class has its own default
    if any(isinstance(module, BaseTunerLayer) for module in unet.modules()):
        raise RuntimeError("an adapter could not be taken off; this process must not go on")


def overwrite(adapter: Adapter) -> None:
    """Zero the adapter's tensors and gradients in place: freed memory is not cleared by anybody else."""
    with torch.no_grad():
        for part in adapter.tensors.values():
            part.zero_()
            if part.grad is not None:
                part.grad.zero_()


def set_strength(adapter: Adapter, strength: float) -> None:
    """How strongly the adapter acts: 0 is the bare base, 1 as trained."""
    from peft.tuners.lora import LoraLayer

    for module in adapter.unet.modules():
        if isinstance(module, LoraLayer):
            module.set_scale(NAME, strength)


def export(adapter: Adapter, base_digest: str) -> bytes:
    """The adapter as safetensors bytes, float32. Repeatable."""
    manifest = {
        "format": FORMAT,
        "base": base_digest,
        "rank": adapter.rank,
        "alpha": adapter.alpha,
        "targets": list(adapter.targets),
        "within": adapter.within,
        "libraries": {name: version(name).split("+")[0] for name in LIBRARIES},
    }
    parts = {name: part.detach().float().cpu().contiguous() for name, part in adapter.tensors.items()}
    return bytes(tensors_io.save(parts, {"manifest": json.dumps(manifest, sort_keys=True)}))


def load(loaded: LoadedBase, data: bytes) -> Adapter:
    """Attach the adapter in `data`. Spoiled where the bytes are not one; WeightsRefused where the base is another."""
    manifest = read_manifest(data)
    if manifest["base"] != loaded.known_digest:
        raise WeightsRefused("This adapter belongs to another base.", code="other_base")
    try:
        stored = tensors_io.load(data)
    except SafetensorError as error:
        raise Spoiled("The stored adapter is not whole.") from error
    adapter = _attach_as(loaded, manifest)
    try:
        if {name: part.shape for name, part in stored.items()} != {n: p.shape for n, p in adapter.tensors.items()}:
            raise Spoiled("The stored adapter does not fit its base.")
        if not all(bool(torch.isfinite(part).all()) for part in stored.values()):
            raise Spoiled("The stored adapter holds numbers that are not finite.")
        with torch.no_grad():
            for name, part in adapter.tensors.items():
                part.copy_(stored[name])
                part.requires_grad_(False)
                stored[name].zero_()
    except BaseException:
        overwrite(adapter)
        detach(loaded)
        raise
    return adapter


def _attach_as(loaded: LoadedBase, manifest: Mapping[str, Any]) -> Adapter:
    """A fresh adapter of the manifest's shape; Spoiled where the base has no such layers."""
    try:
        asked = manifest["rank"], manifest["alpha"], tuple(manifest["targets"])
        return attach(loaded, *asked, within=manifest["within"])
    except ValueError as error:  # peft's, of target modules that match nothing
        raise Spoiled("The stored adapter is for layers that its base has not.") from error


@contextmanager
def worn(loaded: LoadedBase, data: bytes) -> Iterator[Callable[[float], None]]:
    """The base wearing the adapter in `data`, and the function that sets its strength (1 at first).

    Whatever happens inside, the adapter is overwritten and taken off after.
    """
    adapter = load(loaded, data)
    try:
        yield partial(set_strength, adapter)
    finally:
        overwrite(adapter)
        detach(loaded)


def read_manifest(data: bytes) -> dict[str, Any]:
    """The manifest, with the header's bounds checked before anything is parsed by a library. Spoiled if not sound."""
    try:
        if not 8 < len(data) <= MOST_BYTES:
            raise ValueError("size")
        length = int.from_bytes(data[:8], "little")
        if not 0 < length <= min(MOST_HEADER, len(data) - 8):
            raise ValueError("header")
        header = json.loads(data[8 : 8 + length])
        manifest = json.loads(header.pop("__metadata__")["manifest"])
        if not all(_NAMES.fullmatch(name) and entry["dtype"] == "F32" for name, entry in header.items()):
            raise ValueError("tensors")
        _check(manifest)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Spoiled("The stored adapter is not one.") from error
    return dict(manifest)


def _check(manifest: Any) -> None:
    """ValueError where a field has a wrong kind or an unreasonable size."""
    rank, alpha, targets = manifest["rank"], manifest["alpha"], manifest["targets"]
    sound = (
        manifest["format"] == FORMAT
        and isinstance(manifest["base"], str)
        and type(rank) is int
        and 0 < rank <= MOST_RANK
        and isinstance(alpha, int | float)
        and 0 < alpha <= 16 * MOST_RANK
        and isinstance(targets, list)
        and 0 < len(targets) <= 64
        and all(isinstance(name, str) and _TARGETS.fullmatch(name) for name in targets)
        and isinstance(manifest["within"], str)
        and (not manifest["within"] or bool(_TARGETS.fullmatch(manifest["within"])))
    )
    if not sound:
        raise ValueError("manifest")


def _outer(name: str) -> str:
    """peft's name of a parameter to the name it is written under, which diffusers' own loader also reads."""
    return "unet." + name.replace(f".{NAME}.", ".")
