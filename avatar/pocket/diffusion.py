"""Train the diffusion network and the text encoder of the pocket base, together, on latents held in memory.

The network predicts the velocity (arXiv 2202.00512) under a schedule that ends in pure noise (arXiv 2305.08891).
Most noise levels that it sees lie where a face takes shape (weights/levels.py); drawn evenly, under min-SNR weights,
43,000 pictures made heads without a face. Faces lie in the middle, where errors count more. Steps are made by Muon
(muon.py). What is shipped is a running mean of the weights.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import DDPMScheduler, DPMSolverMultistepScheduler, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from torch import Tensor
from torch.nn import functional
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from avatar.pocket.autoencoder import follow
from avatar.pocket.muon import Muon
from avatar.pocket.pair import average, processes, rank
from avatar.weights.cores import halves
from avatar.weights.levels import chances, pick

SCHEDULE = {
    "num_train_timesteps": 1000,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "prediction_type": "v_prediction",
    "rescale_betas_zero_snr": True,
    "timestep_spacing": "trailing",
    "steps_offset": 1,  # no effect with this spacing, but the pipeline asks for it
}


@dataclass(frozen=True, slots=True)
class DiffusionPlan:
    """Shape and recipe of the diffusion network and its text encoder; the defaults are the shipped ones."""

    widths: tuple[int, ...] = (80, 160, 224)  # at 16, 8 and 4 cells; 0.6 G multiplications a forward pass
    attentive: tuple[bool, ...] = (False, True, False)  # at the finest it costs as much as all convolutions there
    head: int = 32  # width of an attention head
    groups: int = 16  # of the norms; divides every width
    text_width: int = 192
    text_layers: int = 3
    text_length: int = 64  # tokens; the longest training caption takes about 55
    batch: int = 64  # of each process
    rate: float = 2e-3  # learning rate at its height, on AdamW's scale
    warm_up: int = 100  # steps
    settling: float = 0.4  # last share of the training, in which the rate falls evenly to almost nothing
    behind: int = 2  # words before it that each word is to know, so that "red" is of the hair and not of the shirt
    bound: float = 0.1  # weight of that loss
    centre: float = 4.0  # how much more an error counts in the middle of the picture than at its edge
    wordless: float = 0.12  # share of pictures trained without their words, for guidance
    focus: float = -1.0  # logarithm of the signal-to-noise ratio that is trained most; faces appear at -3 to 0
    mean_decay: float = 0.998  # of the running mean, reached slowly


def make_unet(plan: DiffusionPlan, channels: int) -> UNet2DConditionModel:
    """An untrained diffusion network; beside the sizes that the plan says, its middle always has attention."""
    kinds = ["CrossAttn" if attentive else "" for attentive in plan.attentive]
    return UNet2DConditionModel(
        sample_size=16,
        in_channels=channels,
        out_channels=channels,
        block_out_channels=plan.widths,
        down_block_types=tuple(f"{kind}DownBlock2D" for kind in kinds),
        up_block_types=tuple(f"{kind}UpBlock2D" for kind in reversed(kinds)),
        layers_per_block=1,
        norm_num_groups=plan.groups,
        cross_attention_dim=plan.text_width,
        attention_head_dim=tuple(width // plan.head for width in plan.widths),  # heads, whatever its name says
    )


def make_text(plan: DiffusionPlan, tokenizer: CLIPTokenizer) -> CLIPTextModel:
    """An untrained text encoder for this tokenizer."""
    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=plan.text_width,
        intermediate_size=3 * plan.text_width,
        num_hidden_layers=plan.text_layers,
        num_attention_heads=plan.text_width // plan.head,
        max_position_embeddings=plan.text_length,
        projection_dim=plan.text_width,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    config._attn_implementation = "eager"  # on cores faster than the fused one, forward and back
    return CLIPTextModel(config)


def tokens(tokenizer: CLIPTokenizer, texts: Sequence[str]) -> Tensor:
    """Token ids of texts, filled and cut to the tokenizer's length: int64 (N, length)."""
    coded = tokenizer(list(texts), padding="max_length", truncation=True, return_tensors="pt")
    ids: Tensor = coded.input_ids
    return ids


def middle(size: int, more: float) -> Tensor:
    """How much an error counts in each cell, (size, size), one on average: a hill a little above the middle."""
    down, across = torch.meshgrid(*[torch.arange(size, dtype=torch.float32) / size] * 2, indexing="ij")
    far = (down - 7 / 16).square() + (across - 7.5 / 16).square()
    weight = 1 + more * torch.exp(-far / (2 * (3 / 16) ** 2))
    return weight / weight.mean()


class Binding(torch.nn.Module):
    """Says from what the text encoder made of each word which words stood before it.

    Words and pictures alone teach this too slowly: after 258,256 pictures a linear map found the colour in what was
    made of "red hair" for 60 of 100 captions, and shirts became red instead. The loss falls to almost nothing in
    some hundred steps, and then leaves the text encoder to the pictures. Not shipped.
    """

    def __init__(self, plan: DiffusionPlan, vocabulary: int) -> None:
        super().__init__()
        self.heads = torch.nn.ModuleList(torch.nn.Linear(plan.text_width, vocabulary) for _ in range(plan.behind))

    def forward(self, said: Tensor, words: Tensor, end: int) -> Tensor:
        """Cross entropy (scalar); `said` (N, length, width), `words` int64 (N, length), `end` the id after a text."""
        inside = (words == end).cumsum(1) <= 1  # with the first end mark, without those that fill
        lost = [
            functional.cross_entropy(head(said[:, far:][inside[:, far:]]).float(), words[:, :-far][inside[:, far:]])
            for far, head in enumerate(self.heads, 1)
        ]
        return torch.stack(lost).mean()


class Bank:
    """Latents of the training pictures, each with a few captions, as tensors that grow while pictures are drawn."""

    def __init__(self, tokenizer: CLIPTokenizer) -> None:
        self._tokenizer = tokenizer
        self.names: set[str] = set()  # of the shards that are in
        self._latents: list[Tensor] = []  # float16 (channels, 16, 16)
        self._words: list[Tensor] = []  # int16 (captions, length)

    def __len__(self) -> int:
        return len(self._latents)

    def add(self, name: str, latents: Tensor, captions: Sequence[Sequence[str]]) -> None:
        """A shard: its name, scaled latents (N, channels, 16, 16) and the captions of each."""
        self.names.add(name)
        self._latents += list(latents.half())
        self._words += [tokens(self._tokenizer, texts).short() for texts in captions]

    def draw(self, count: int, dice: torch.Generator) -> tuple[Tensor, Tensor]:
        """So many latents, float (count, channels, 16, 16), and one caption of each, int64 (count, length)."""
        rows = torch.randint(len(self), (count,), generator=dice).tolist()
        picks = torch.rand(count, generator=dice).tolist()
        words = [self._words[row][int(pick * len(self._words[row]))] for row, pick in zip(rows, picks, strict=True)]
        return torch.stack([self._latents[row] for row in rows]).float(), torch.stack(words).long()


class DiffusionTraining:
    """The network and text encoder while they are trained; `step` moves them by one batch of the bank."""

    def __init__(
        self, plan: DiffusionPlan, tokenizer: CLIPTokenizer, channels: int, seed: int, device: str = "cpu"
    ) -> None:
        torch.manual_seed(seed)
        self.device = torch.device(device)
        self.plan, self.tokenizer = plan, tokenizer
        parts = {"unet": make_unet(plan, channels), "text": make_text(plan, tokenizer)}
        self.net = torch.nn.ModuleDict({**parts, "binding": Binding(plan, len(tokenizer))}).train()
        if self.device.type == "cpu":
            unet: Any = self.net["unet"]
            unet.set_attn_processor(AttnProcessor())  # on cores faster than the fused one, forward and back
        self.net.to(self.device)
        self.mean = deepcopy(self.net).eval().requires_grad_(False)
        self.alphas = DDPMScheduler(**SCHEDULE).alphas_cumprod
        self.levels = chances(self.alphas, plan.focus)
        self.empty = tokens(tokenizer, [""])[0]
        self.seed, self.dice, self.noise = seed, torch.Generator(), torch.Generator(self.device)
        self.optimizer = Muon(self.net.named_parameters(), plan.rate)
        self.weight = middle(16, plan.centre).to(self.device)
        self.steps, self.seen, self.loss = 0, 0, float("nan")

    def step(self, bank: Bank, progress: float) -> float:
        """One update; `progress` in [0, 1] sets the learning rate. Returns the loss."""
        plan = self.plan
        for place, dice in enumerate((self.dice, self.noise)):  # apart: choices made of the noise would be no choices
            dice.manual_seed((self.seed << 32) + 2 * (16 * self.steps + rank()) + place)
        latents, words = bank.draw(plan.batch, self.dice)
        words[torch.rand(len(words), generator=self.dice) < plan.wordless] = self.empty
        height = min(1, (self.steps + 1) / plan.warm_up) * min(1, max(0, 1 - progress) / plan.settling + 0.02)
        self.optimizer.rate = plan.rate * height
        loss, loose = self._losses(latents, words)
        self.optimizer.zero_grad()
        (loss + plan.bound * loose).backward()  # type: ignore[no-untyped-call]
        average(self.net.parameters())
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimizer.step()
        self.steps, self.seen = self.steps + 1, self.seen + len(latents) * processes()
        follow(self.mean, self.net, min(plan.mean_decay, (1 + self.steps) / (10 + self.steps)))
        value = loss.item()
        self.loss = value if math.isnan(self.loss) else 0.99 * self.loss + 0.01 * value
        return value

    def _losses(self, latents: Tensor, words: Tensor) -> tuple[Tensor, Tensor]:
        """Of the velocity at one noise level per picture (those of a batch are spread evenly), and of the binding."""
        count = len(latents)
        spread = (torch.arange(count) + torch.rand(count, generator=self.dice)) / count
        at = pick(self.levels, spread)
        share = self.alphas[at][:, None, None, None].to(self.device)
        latents, words, at = (one.to(self.device) for one in (latents, words, at))
        noise = torch.randn(latents.shape, generator=self.noise, device=self.device)
        noisy = share.sqrt() * latents + (1 - share).sqrt() * noise
        velocity = share.sqrt() * noise - (1 - share).sqrt() * latents
        with halves(self.device):
            said = self.net["text"](words).last_hidden_state
            predicted = self.net["unet"](noisy, at, said).sample
            loose = self.net["binding"](said, words, self.tokenizer.eos_token_id)
        missed = (predicted.float() - velocity).square()
        return (self.weight * missed).mean(), loose.float()

    def state(self) -> dict[str, Any]:
        return {
            "net": self.net.state_dict(),
            "mean": self.mean.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "counts": [self.steps, self.seen],
            "loss": self.loss,
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.net.load_state_dict(state["net"])
        self.mean.load_state_dict(state["mean"])
        self.optimizer.load_state_dict(state["optimizer"])
        (self.steps, self.seen), self.loss = state["counts"], state["loss"]


@torch.no_grad()
def sample(
    net: torch.nn.ModuleDict, words: Tensor, empty: Tensor, seed: int, steps: int = 20, guidance: float = 3.0
) -> Tensor:
    """Scaled latents drawn from token ids (N, length), with DPM-Solver++ and guidance away from the `empty` ids."""
    solver = DPMSolverMultistepScheduler(**SCHEDULE)
    with warnings.catch_warnings():  # it turns a tensor into an array in a way that numpy means to forbid
        warnings.simplefilter("ignore", DeprecationWarning)
        solver.set_timesteps(steps)
    config: Any = net["unet"].config
    shape = (len(words), config.in_channels, config.sample_size, config.sample_size)
    device = next(net.parameters()).device
    latents = torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(device)
    said = net["text"](torch.cat([empty.expand_as(words), words]).to(device)).last_hidden_state
    for at in solver.timesteps:
        away, towards = net["unet"](torch.cat([latents, latents]), at, said).sample.chunk(2)
        latents = solver.step(away + guidance * (towards - away), at, latents).prev_sample
    return latents
