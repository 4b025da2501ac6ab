"""Photos to crops of one adult.

Reads: every `photo` of the job. Writes: one `crop` per usable photo, under the photo's name.
Covers: opening untrusted files, one clear face per photo, one person over all photos, copies, content, apparent age.
Does not cover: whether the sender is the person shown (attested); age where no estimator is at hand (then said in
`not_covered`); content that the safety back end does not cover.

One photo in which somebody may be under 18 ends the whole job; so do `policy.disallowed_photos` photos with disallowed
content, while fewer cost only themselves. Repeating the stage gives the same. Descriptors never leave this process.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from avatar.errors import PhotoRefused
from avatar.job import Done, Job, Kind, Outcome, Refused
from avatar.photos.checks import Backs, Look, Verdict, look, refused, verdict, without_copies
from avatar.photos.crops import Crop, align, pack_crop
from avatar.photos.decode import Limits, decode_each
from avatar.photos.describe import caption, scene
from avatar.photos.identity import same_person
from avatar.photos.policy import AGE_NOT_MEASURED, IntakePolicy
from avatar.ports import Ages, Face, Faces, Picture, Progress, Safety, Vault


@dataclass(frozen=True, slots=True)
class IntakePorts:
    """What intake asks of the world outside, and the policy it was given."""

    vault: Vault
    faces: Faces
    safety: Safety
    ages: Ages | None
    policy: IntakePolicy
    limits: Limits
    token: str  # the rare word that stands for the person in captions
    progress: Progress


def run(job: Job, ports: IntakePorts) -> Outcome:
    """Look at every photo, decide over all of them together, and keep the crops of the usable ones."""
    looks: list[Look] = []
    crops: dict[str, bytes] = {}
    names = ports.vault.names(job.id, Kind.PHOTO)
    for one, crop in _looks(job, names, ports):
        ports.progress(len(looks), len(names), "looking at your photos")
        looks.append(one)
        if crop is not None:
            crops[one.verdict.photo_id] = crop
    looks = same_person(without_copies(looks, ports.policy.duplicate_bits), ports.faces)
    facts = _facts(looks, ports)
    if ending := _refusal(looks, ports.policy, facts):
        return ending
    usable = [one.verdict.photo_id for one in looks if one.verdict.usable]
    for name in usable:
        ports.vault.put(job.id, Kind.CROP, name, crops[name])
    for name in set(ports.vault.names(job.id, Kind.CROP)).difference(usable):  # what an earlier attempt left; by name,
        ports.vault.drop(job.id, Kind.CROP, name)  # or a worker that slept in here would take its successor's as well
    ports.progress(len(names), len(names), "your photos are checked")
    return Done(facts)


def glance(job: Job, name: str, ports: IntakePorts) -> Verdict:
    """What can be said of one photo by itself, before the job starts; copies and strangers show over all of them."""
    for one, _ in _looks(job, [name], ports):
        return one.verdict
    raise ValueError("nothing to look at")


def _looks(job: Job, names: list[str], ports: IntakePorts) -> Iterator[tuple[Look, bytes | None]]:
    """A look at each photo in order, and its packed crop where it is good; only two pictures are held at a time."""
    taken = names[: ports.policy.max_photos]
    backs = Backs(ports.faces, ports.safety, ports.ages)
    files = (ports.vault.get(job.id, Kind.PHOTO, name) for name in taken)
    for name, opened in zip(taken, decode_each(files, ports.limits), strict=True):
        if isinstance(opened, PhotoRefused):
            yield Look(refused(name, opened)), None
            continue
        one = look(name, opened, backs, ports.policy)
        yield one, _crop(job, opened, one.face, ports) if one.face is not None else None
    for name in names[len(taken) :]:
        yield Look(verdict(name, "over_the_limit")), None


def _crop(job: Job, picture: Picture, face: Face, ports: IntakePorts) -> bytes:
    aligned, mask = align(picture, face, ports.policy)
    return pack_crop(Crop(aligned, mask, caption(scene(picture, face), ports.token, job.class_word)))


def _facts(looks: list[Look], ports: IntakePorts) -> dict[str, Any]:
    """What is recorded: codes and sentences; no distance, no age, no pixel."""
    usable = sum(one.verdict.usable for one in looks)
    return {
        "verdicts": [asdict(one.verdict) for one in looks],
        "usable": usable,
        "refused": len(looks) - usable,
        "faces": ports.faces.name,
        "safety": ports.safety.name,
        "ages": ports.ages.name if ports.ages else None,
        "not_covered": [] if ports.ages else [AGE_NOT_MEASURED],
    }


def _refusal(looks: list[Look], policy: IntakePolicy, facts: dict[str, Any]) -> Refused | None:
    """The reason to end the job, the gravest first."""
    codes = Counter(one.verdict.code for one in looks if not one.verdict.usable)
    if codes["looks_under_18"]:
        sentence = "Somebody in these photos may be under 18. This service is for adults only, so nothing was made."
        return Refused("looks_under_18", sentence, facts)
    if codes["disallowed_content"] >= policy.disallowed_photos:
        return Refused("disallowed_content", "Several of these photos show what we do not take.", facts)
    if facts["usable"] >= policy.min_usable:
        return None
    reasons = dict.fromkeys(one.verdict.sentence for one in looks if not one.verdict.usable)
    start = f"We need {policy.min_usable} usable photos and found {facts['usable']}."
    return Refused("too_few_photos", " ".join([start, *reasons]), facts)
