"""Build the real hands of one machine from the settings: which faces, which base, which policy, for each stage.

Torch and all that needs it are imported here only when the stage that wants them begins.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avatar.erasure.signing import Signer
from avatar.job import ORDER, Job, Outcome, Stage
from avatar.packs.style import Style, load_styles, pick
from avatar.photos import faces as face_backs
from avatar.photos.checks import Verdict
from avatar.photos.decode import Limits
from avatar.photos.policy import IntakePolicy
from avatar.photos.safety import NudeNetSafety, SkinExposure
from avatar.pipeline import Hand, Record
from avatar.ports import Picture, Progress, Safety, Vault
from avatar.settings import Settings
from avatar.stages import deliver, finish, intake, purge, rehearse
from avatar.vault.folder import Folder
from avatar.vault.local import LocalVault
from avatar.weights.registry import Base, find, place

if TYPE_CHECKING:
    from avatar.packs.plan import Shot
    from avatar.weights.load import LoadedBase

Tell = Callable[[Stage], None]
Report = Callable[[Stage, int, int, str], None]

PREVIEW_STEPS = 12  # sampler steps of the pictures that score a checkpoint: enough to see whose face it is


def styles_folder(settings: Settings) -> Path:
    """The folder of packs: the operator's, or the one that ships with the product."""
    return settings.styles or Path(str(resources.files("styles")))


class Bases:
    """The base in memory and the face back ends, kept warm from job to job; another base takes its place."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._held: LoadedBase | None = None
        self._faces: face_backs.Choice | None = None

    def faces(self) -> face_backs.Choice:
        """The face back ends, chosen and loaded on the first call."""
        if self._faces is None:
            told = self._settings
            self._faces = face_backs.choose(told.faces, told.weights, told.commercial)
        return self._faces

    def get(self, base: Base) -> LoadedBase:
        """The base, loaded if it is not the one at hand."""
        if self._held is None or self._held.base != base:
            self._held = None  # the old one's memory first
            self._held = _load(base, self._settings)
        return self._held


@dataclass(slots=True)
class Bench:
    """Everything one job needs, checked before it begins; heavy parts are loaded when first asked for."""

    settings: Settings
    vault: Vault
    delivery: deliver.Delivery
    base: Base
    styles: dict[str, Style]
    backs: face_backs.Choice
    safety: Safety
    bases: Bases

    def loaded(self) -> LoadedBase:
        """The base in memory."""
        return self.bases.get(self.base)

    def works(self) -> dict[Stage, Callable[[Job, Progress], Outcome]]:
        """What each stage does."""
        return {
            Stage.INTAKE: self._intake,
            Stage.TUNE: self._tune,
            Stage.RENDER: self._render,
            Stage.FINISH: self._finish,
            Stage.DELIVER: self._deliver,
        }

    def hands(self, begin: Tell, report: Report, end: Tell) -> dict[Stage, Hand]:
        """One callable a stage, which tells when it begins, how far it is, and when it is done."""
        works = self.works()

        def hand(stage: Stage) -> Hand:
            def told(job: Job) -> Outcome:
                begin(stage)
                outcome = works[stage](job, functools.partial(report, stage))
                end(stage)
                return outcome

            return told

        return {stage: hand(stage) for stage in ORDER}

    def glance(self, job: Job, name: str) -> Verdict:
        """The verdict on one photo of a job that has not started."""
        return intake.glance(job, name, self._intake_ports(lambda *_: None))

    def _intake(self, job: Job, progress: Progress) -> Outcome:
        return intake.run(job, self._intake_ports(progress))

    def _intake_ports(self, progress: Progress) -> intake.IntakePorts:
        return intake.IntakePorts(
            vault=self.vault,
            faces=self.backs.faces,
            safety=self.safety,
            ages=self.backs.ages,
            policy=IntakePolicy(resolution=self.base.resolution, crop_factor=self.base.crop),
            limits=Limits(),
            token=self.base.native_token,
            progress=progress,
        )

    def _tune(self, job: Job, progress: Progress) -> Outcome:
        from avatar.lora.recipes import recipe_for
        from avatar.stages import tune

        ports = tune.TunePorts(
            vault=self.vault,
            faces=self.backs.faces,
            base=lambda _: self.loaded(),
            recipe=recipe_for(self.base).at_most(self.settings.tune_steps),
            token=self.base.native_token,
            sample=sample_prompts,
            progress=progress,
            prior_cache=self.settings.weights / "prior",
        )
        return tune.run(job, ports)

    def _render(self, job: Job, progress: Progress) -> Outcome:
        from avatar.lora import adapter
        from avatar.stages import render

        ports = render.RenderPorts(
            vault=self.vault,
            faces=self.backs.faces,
            safety=self.safety,
            base=lambda _: self.loaded(),
            styles=self.styles,
            attach=adapter.worn,
            progress=progress,
            policy=render.RenderPolicy(oversample=self.base.oversample),
        )
        return render.run(job, ports)

    def _finish(self, job: Job, progress: Progress) -> Outcome:
        return finish.run(job, finish.FinishPorts(self.vault, self.styles, progress))

    def _deliver(self, job: Job, progress: Progress) -> Outcome:
        return deliver.run(job, deliver.DeliverPorts(self.vault, self.delivery, progress))


def erase_local(signer: Signer, vault: LocalVault, delivery: Folder, record: Record) -> Mapping[str, Any]:
    """Erase everything of a job of this machine, leave the signed receipt beside the pack, and say how much went."""
    hand_over = functools.partial(delivery.add, "receipt.json")
    ports = purge.PurgePorts(vault, lambda: record.sweeps, hand_over, signer.sign)
    return purge.run(record.job, ports).facts


def build(settings: Settings, job: Job, vault: Vault, delivery: deliver.Delivery, bases: Bases | None = None) -> Bench:
    """A bench for this job. Every error a person could mend is raised here, before a photo is read."""
    styles = load_styles(styles_folder(settings))
    pick(styles, job.styles)
    base = find(job.base)
    place(base, settings.weights)
    bases = bases or Bases(settings)
    safety = NudeNetSafety() if settings.safety == "nudenet" else SkinExposure()
    return Bench(settings, vault, delivery, base, styles, bases.faces(), safety, bases)


def rehearsal(settings: Settings, vault: Vault, delivery: deliver.Delivery) -> dict[Stage, Hand]:
    """What each stage of a test job does; no weights are asked for."""
    styles = load_styles(styles_folder(settings))
    ports = rehearse.RehearsalPorts(vault, styles)
    return {
        Stage.INTAKE: lambda job: rehearse.intake(job, ports),
        Stage.TUNE: lambda job: rehearse.tune(job, ports),
        Stage.RENDER: lambda job: rehearse.render(job, ports),
        Stage.FINISH: lambda job: finish.run(job, finish.FinishPorts(vault, styles, lambda *_: None)),
        Stage.DELIVER: lambda job: deliver.run(job, deliver.DeliverPorts(vault, delivery, lambda *_: None)),
    }


def sample_prompts(loaded: LoadedBase, prompts: Sequence[str], seed: int) -> list[Picture]:
    """One picture a prompt, quickly; how checkpoints are looked at."""
    from avatar.packs.plan import Shot
    from avatar.packs.sampler import sample

    side = loaded.resolution
    shots: list[Shot] = [
        Shot(at, "", text, "", seed + at, side, side, loaded.base.guidance, 0.0, 1e9, PREVIEW_STEPS, 1.0)
        for at, text in enumerate(prompts)
    ]
    return [picture for _, picture in sample(loaded, shots, lambda *_: None) if picture is not None]


def _load(base: Base, settings: Settings) -> LoadedBase:
    """Load on the best device at hand: half precision on a GPU, float32 on a processor."""
    import torch

    from avatar.weights.load import load

    if settings.threads:
        torch.set_num_threads(settings.threads)
    gpu = settings.device == "cuda" or (settings.device == "auto" and torch.cuda.is_available())
    dtype = torch.bfloat16 if gpu and torch.cuda.is_bf16_supported() else torch.float16 if gpu else torch.float32
    return load(base, "cuda" if gpu else "cpu", dtype, settings.weights)
