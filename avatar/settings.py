"""Settings, read once from the environment (`AVATAR_...`), frozen. Nothing here is secret yet; secrets will be masked.

`hush` turns off what dependencies would tell others, and must run before any of them is imported.
"""

from __future__ import annotations

import os
import resource
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

QUIET = {
    "ORT_DISABLE_TELEMETRY": "1",  # onnxruntime reports home by default since 1.29
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",  # forked children would warn on stderr
    "TRANSFORMERS_VERBOSITY": "error",
    "DIFFUSERS_VERBOSITY": "error",
}
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}


def hush(*, offline: bool = True) -> None:
    """Silence telemetry of every dependency, forbid core dumps, and (unless fetching weights) forbid the hub."""
    os.environ.update(QUIET)
    if offline:
        os.environ.update(OFFLINE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would hold pixels and descriptors


def _home(variable: str, fallback: str) -> Path:
    return Path(os.environ.get(variable) or Path.home() / fallback) / "avatar"


class Settings(BaseSettings):
    """What an operator may choose, each by `AVATAR_<NAME>`; `avatar doctor` points at a misspelt one."""

    model_config = SettingsConfigDict(env_prefix="AVATAR_", frozen=True, extra="ignore")

    state: Path = Field(default_factory=lambda: _home("XDG_STATE_HOME", ".local/state"))
    weights: Path = Field(default_factory=lambda: _home("XDG_DATA_HOME", ".local/share") / "weights")
    styles: Path | None = None  # None: the packs that ship with the product
    faces: Literal["auto", "dlib", "insightface"] = "auto"
    safety: Literal["skin", "nudenet"] = "skin"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    commercial: bool = True  # research-only weights are refused
    threads: int = Field(default=0, ge=0)  # 0: as many as the machine has
