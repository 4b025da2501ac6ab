"""Finish or undo what killed jobs left: their ciphertext goes, half a delivery goes, a whole one gets its receipt."""

from __future__ import annotations

import json

from avatar.erasure.erase import erase_job
from avatar.erasure.signing import signer_at
from avatar.job import Ending
from avatar.settings import Settings
from avatar.vault.folder import undo
from avatar.vault.keys import MemoryKeys
from avatar.vault.local import LocalVault


def sweep(settings: Settings) -> list[str]:
    """Erase every job whose process is gone; the ids of those. Twice is the same as once."""
    vault = LocalVault(settings.state / "jobs", MemoryKeys())
    done = []
    for job in vault.dead_jobs():
        pack = undo(vault.read_note(job))
        paper = erase_job(vault, job, Ending.DONE if pack else Ending.FAILED)
        if pack is not None and not (pack / "receipt.json").exists():
            signed = signer_at(settings.signing_here).sign(paper)
            (pack / "receipt.json").write_text(json.dumps(signed, indent=2))
        vault.remove(job)
        done.append(str(job))
    return done
