"""Load a base and wrap it in one convention, so that the rest of the house knows nothing of pipelines.

Pictures are float BCHW in [-1, 1]; latents are float BCHW, scaled to about unit variance as the UNet wants them;
hidden states are BLC. Files are safetensors only, from a local folder only; nothing here can reach the network.

Covers: Stable Diffusion 1.5 and XL architectures, epsilon, v and sample prediction, fp16 variant files.
Does not cover: downloading (fetch), adapters (the lora shelf), sampling (the packs shelf).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from avatar.errors import WeightsMissing, WeightsRefused
from avatar.weights.registry import Base, Family, place

PREDICTIONS = ("epsilon", "v_prediction", "sample")
_CHUNK = 32  # prompts or pictures through an encoder at once


@dataclass(frozen=True, slots=True)
class Prompts:
    """Encoded prompts: `hidden` (B, L, C) and, where the family has it, `pooled` (B, D)."""

    hidden: Tensor
    pooled: Tensor | None = None

    def __len__(self) -> int:
        return len(self.hidden)

    def __getitem__(self, which: int | slice | Sequence[int] | Tensor) -> Prompts:
        """Some of the prompts; an int gives a batch of one."""
        rows: Any = [which] if isinstance(which, int) else which
        return Prompts(self.hidden[rows], None if self.pooled is None else self.pooled[rows])

    def repeat(self, times: int) -> Prompts:
        """Each prompt `times` times, side by side: a a b b."""
        pooled = None if self.pooled is None else self.pooled.repeat_interleave(times, 0)
        return Prompts(self.hidden.repeat_interleave(times, 0), pooled)

    @staticmethod
    def concat(parts: Sequence[Prompts]) -> Prompts:
        """All parts one after another."""
        pooled = [part.pooled for part in parts if part.pooled is not None]
        return Prompts(torch.cat([part.hidden for part in parts]), torch.cat(pooled) if pooled else None)


@dataclass(eq=False, slots=True)
class LoadedBase:
    """A base in memory, frozen. `known_digest` was taken at load; `digest()` is taken now."""

    base: Base
    folder: Path
    unet: nn.Module
    vae: Any  # AutoencoderKL; its encoder is None once dropped
    scheduler_config: dict[str, Any]
    prediction: str  # one of PREDICTIONS
    resolution: int  # px
    encoders: list[tuple[Any, nn.Module]]  # (tokenizer, text encoder), one or two; empty once dropped
    empty_is_zero: bool  # the base was trained with zeros for the empty prompt
    known_digest: str = field(default="")

    @property
    def device(self) -> torch.device:
        return next(self.unet.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        return next(self.unet.parameters()).dtype

    @property
    def shrink(self) -> int:
        """Pixels per latent cell along one side."""
        return int(2 ** (len(_config(self.vae).block_out_channels) - 1))

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """(C, h, w) of one picture's latent at the base's own resolution."""
        side = self.resolution // self.shrink
        return int(_config(self.unet).in_channels), side, side

    @torch.no_grad()
    def embed(self, prompts: Sequence[str]) -> Prompts:
        """Encode words; too long ones are cut at the encoder's window. RuntimeError once the encoders were dropped."""
        if not self.encoders:
            raise RuntimeError("the text encoders of this base were dropped from memory")
        chunks = [list(prompts[at : at + _CHUNK]) for at in range(0, len(prompts), _CHUNK)]
        coded = Prompts.concat([self._embed(chunk) for chunk in chunks])
        if self.empty_is_zero:
            empty = [at for at, words in enumerate(prompts) if not words.strip()]
            coded.hidden[empty] = 0
            if coded.pooled is not None:
                coded.pooled[empty] = 0
        return coded

    def _embed(self, prompts: list[str]) -> Prompts:
        states, pooled = [], None
        for tokenizer, encoder in self.encoders:
            window = tokenizer.model_max_length
            coded = tokenizer(prompts, padding="max_length", max_length=window, truncation=True, return_tensors="pt")
            out = encoder(coded.input_ids.to(encoder.device), output_hidden_states=True)
            if self.base.family is Family.SDXL:
                states.append(out.hidden_states[-2])  # the layer before the last, as SDXL was trained; arXiv 2307.01952
                pooled = out[0]  # of the last encoder, projected
            else:
                states.append(out[0])
        return Prompts(torch.cat(states, dim=-1), pooled)

    @torch.no_grad()
    def moments(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of the latents' posterior, each BCHW and scaled."""
        config, means, deviations = _config(self.vae), [], []
        for chunk in pictures.split(_CHUNK):
            posterior = self.vae.encode(chunk.to(self.device, next(self.vae.parameters()).dtype)).latent_dist
            means.append((posterior.mean.float() - (config.shift_factor or 0.0)) * config.scaling_factor)
            deviations.append(posterior.std.float() * config.scaling_factor)
        return torch.cat(means), torch.cat(deviations)

    def encode(self, pictures: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Pictures to latents: a draw from the posterior with a generator (CPU), else its mean."""
        mean, deviation = self.moments(pictures)
        if generator is None:
            return mean
        return mean + deviation * torch.randn(mean.shape, generator=generator).to(mean)

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """Latents to pictures BCHW, clipped to [-1, 1]."""
        config = _config(self.vae)
        raw = latents.float() / config.scaling_factor + (config.shift_factor or 0.0)
        dtype = next(self.vae.parameters()).dtype
        return torch.cat([self.vae.decode(one.to(dtype)).sample.float() for one in raw.split(_CHUNK)]).clamp(-1, 1)

    def denoise(self, latents: Tensor, timesteps: Tensor, prompts: Prompts) -> Tensor:
        """What the UNet predicts for noisy `latents` BCHW at `timesteps` (B,), as float32 BCHW. Gradients flow."""
        extra = None
        if self.base.family is Family.SDXL:
            if prompts.pooled is None:
                raise ValueError("this family wants pooled prompts")
            height, width = (int(side) * self.shrink for side in latents.shape[-2:])
            # original size, crop corner, target size, (height, width) each: whole and uncut; arXiv 2307.01952, 2.2
            ids = torch.tensor([height, width, 0, 0, height, width], device=latents.device, dtype=self.dtype)
            extra = {"text_embeds": prompts.pooled.to(self.dtype), "time_ids": ids.expand(len(latents), -1)}
        out = self.unet(
            latents.to(self.dtype), timesteps, prompts.hidden.to(self.dtype), added_cond_kwargs=extra, return_dict=False
        )[0]
        return torch.as_tensor(out).float()

    def drop_encoders(self) -> None:
        """Free the text encoders and the picture encoder; rendering and tuning go on, `embed` and `encode` do not."""
        self.encoders.clear()
        self.vae.encoder = None
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def digest(self) -> str:
        """sha256 over the UNet's own tensors as they are now; the same with or without an adapter attached."""
        return digest_of(self.unet)


def digest_of(unet: nn.Module) -> str:
    """sha256 over names, types, shapes and bytes, sorted by name; adapter tensors and peft's wrapping do not count."""
    digest = hashlib.sha256()
    own = {name.replace(".base_layer.", "."): t for name, t in unet.state_dict().items() if ".lora_" not in name}
    for name, tensor in sorted(own.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)};".encode())
        digest.update(tensor.detach().contiguous().cpu().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def load(base: Base, device: str | torch.device, dtype: torch.dtype, shelf: Path | None = None) -> LoadedBase:
    """Load a base that is on this machine. `shelf` is the folder of fetched weights; use float32 on a CPU."""
    folder = place(base, shelf)
    pipe = pipeline(base, folder, dtype)
    prediction = pipe.scheduler.config.prediction_type
    if prediction not in PREDICTIONS:
        raise WeightsRefused(f"{base.name!r} predicts {prediction!r}; known are {', '.join(PREDICTIONS)}.")
    encoders = [(pipe.tokenizer, pipe.text_encoder)]
    if base.family is Family.SDXL:
        encoders.append((pipe.tokenizer_2, pipe.text_encoder_2))
    for part in (pipe.unet, pipe.vae, *(encoder for _, encoder in encoders)):
        part.to(device=device).eval().requires_grad_(False)
    loaded = LoadedBase(
        base=base,
        folder=folder,
        unet=pipe.unet,
        vae=pipe.vae,
        scheduler_config=dict(pipe.scheduler.config),
        prediction=prediction,
        resolution=base.resolution,
        encoders=encoders,
        empty_is_zero=bool(pipe.config.get("force_zeros_for_empty_prompt", False)),
    )
    loaded.known_digest = loaded.digest()
    return loaded


def pipeline(base: Base, folder: Path, dtype: torch.dtype) -> Any:
    """The diffusers pipeline, read from safetensors in `folder` only; WeightsMissing where there are none."""
    files = [path.name for path in (folder / "unet").glob("*.safetensors")]
    if not files:
        raise WeightsMissing(f"{base.name!r} has no safetensors; other formats can run code and are not read.")
    import diffusers
    from transformers.utils import logging as transformers_logging

    diffusers.utils.logging.disable_progress_bar()
    transformers_logging.disable_progress_bar()
    upcast = json.loads((folder / "vae" / "config.json").read_text()).get("force_upcast", True)
    options: dict[str, Any] = {
        # the picture encoder's activations overflow in half precision unless its config says that they do not
        "dtype": {"default": dtype, "vae": torch.float32 if upcast else dtype},
        "use_safetensors": True,
        "local_files_only": True,
        "variant": "fp16" if all(".fp16." in name for name in files) else None,
    }
    if base.family is Family.SDXL:
        return diffusers.StableDiffusionXLPipeline.from_pretrained(str(folder), add_watermarker=False, **options)
    nobody = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    return diffusers.StableDiffusionPipeline.from_pretrained(str(folder), **nobody, **options)


def _config(part: Any) -> Any:
    """The configuration that diffusers keeps on each of its networks."""
    return part.config
