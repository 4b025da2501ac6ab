"""Settings, read once from the environment (`AVATAR_...`), frozen; secrets are masked when they are printed.

`hush` turns off what dependencies would tell others, and must run before any of them is imported.
"""

from __future__ import annotations

import os
import resource
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

QUIET = {
    "ORT_DISABLE_TELEMETRY": "1",  # onnxruntime reports home by default since 1.29
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "DISABLE_TELEMETRY": "1",
    "OTEL_SDK_DISABLED": "true",  # FastAPI has spans of its own, with ids of jobs in their paths
    "FASTAPI_OTEL_AUTO_CONFIGURE": "false",  # an address in the environment would be enough to send them
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
    tune_steps: int = Field(default=0, ge=0)  # most of one fine-tune, for a trial in a hurry; 0: as the recipe has it
    threads: int = Field(default=0, ge=0)  # 0: as many as the machine has

    # the service; what is empty lies in the state folder
    ledger: SecretStr = SecretStr("")  # postgresql+psycopg://...; empty: SQLite
    broker: SecretStr = SecretStr("")  # redis:// or rediss://; empty: a server of our own on a private socket
    bucket: str = ""  # of S3; empty: a folder
    s3_endpoint: str | None = None
    s3_region: str | None = None
    keys: Path | None = None  # folder of the jobs' keys; shared by all machines, and in no backup
    sealing_key: Path | None = None  # file of 32 bytes that wraps them; made on the first start
    signing_key: Path | None = None  # file of 32 bytes that signs receipts; made on the first start
    keep_days: int = Field(default=30, ge=1, le=90)  # of a delivered pack
    webhooks_ports: tuple[int, ...] = (443,)  # that a client's address may name, as JSON: [443, 8443]
    webhooks_local: bool = False  # also call this very machine, without TLS as well; for an app's developer alone
    metrics_token: SecretStr = SecretStr("")  # opens /metrics beside the admins' keys; empty: they alone do
    logs: Literal["auto", "json", "words"] = "auto"  # auto: words on a terminal, else a JSON object a line
    page: Literal["auto", "open", "links", "off"] = "auto"  # who may order on the page: decisions/0007
    page_jobs_a_day: int = Field(default=20, ge=1, le=10_000)  # of all visitors together
    page_jobs_an_hour: int = Field(default=4, ge=1, le=1_000)  # of one address; a family behind one has several people
    pace: float = Field(default=1.0, gt=0, le=1)  # shrinks every wait alike, for tests that must see hours pass

    @property
    def service(self) -> Path:
        """The folder of what the service keeps on this machine."""
        return self.state / "service"

    @property
    def sealing(self) -> Path:
        """The file of the sealing key."""
        return self.sealing_key or self.service / "sealing" / "sealing.key"

    @property
    def signing(self) -> Path:
        """The file of the key that signs the service's receipts; beside the sealing key unless it was named."""
        return self.signing_key or self.sealing.with_name("signing.key")

    @property
    def signing_here(self) -> Path:
        """The same of jobs on one's own machine; not in the state folder, of which such a job leaves nothing."""
        return self.signing_key or self.weights.with_name("signing") / "signing.key"
