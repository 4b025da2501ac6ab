"""Where processes of a hunted service may leave something, all of it in one folder, and the proof that it is searched.

A control plants each mark of a person in each place: the search must find it there and name the place. A hunt begins
with that, since a search that finds nothing anywhere would pass every other test.
"""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from avatar.job import JobId, Kind
from avatar.service import Service
from tests.privacy.canaries import Canaries, traces
from tests.privacy.scan import Thief, memory, open_though_gone, search

SHARED = Path("/dev/shm")  # files in memory that processes share
FOLDERS = ("temp", "home", "log")
ELSEWHERE = (  # what would lead a library's cache out of the home and the temp folder
    "HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_ASSETS_CACHE", "HF_XET_CACHE", "TRANSFORMERS_CACHE",
    "TORCH_HOME", "TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR", "TRITON_HOME", "TORCH_EXTENSIONS_DIR",
    "CUDA_CACHE_PATH", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR",
    "MPLCONFIGDIR", "NUMBA_CACHE_DIR", "PYTHONPYCACHEPREFIX", "TEMP", "TMP",
)  # fmt: skip
CACHES = """
import json, pathlib, tempfile
import huggingface_hub.constants as hub
import torch.hub
from torch._inductor.runtime.cache_dir_utils import cache_dir, triton_cache_dir
print(json.dumps({
    "home": str(pathlib.Path.home()), "temp": tempfile.gettempdir(), "hub": hub.HF_HUB_CACHE,
    "assets": hub.HF_ASSETS_CACHE, "torch": torch.hub.get_dir(), "compiler": cache_dir(),
    "kernels": triton_cache_dir(0),
}))
"""  # asks the libraries themselves
IN_CACHES = (".cache/huggingface/hub", ".cache/torch/hub", ".triton/cache", ".nv/ComputeCache")  # of the home folder
COMPILED = "torchinductor_root"  # of the temp folder
HOLDING = """
import sys, tempfile, time
with tempfile.TemporaryFile() as gone:
    held = sys.stdin.buffer.read()
    if sys.argv[1] == "file":
        gone.write(held); gone.flush()
    print(flush=True)
    time.sleep(600)
"""


def surroundings(folder: Path, before: Mapping[str, str]) -> dict[str, str]:
    """The environment of processes whose home, temp folder and every cache are inside `folder`."""
    for name in FOLDERS:
        (folder / name).mkdir(exist_ok=True)
    kept = {name: value for name, value in before.items() if name not in ELSEWHERE}
    own = {"HOME": str(folder / "home"), "TMPDIR": str(folder / "temp"), "OMP_NUM_THREADS": "1"}
    return {**kept, **own, "AVATAR_STATE": str(folder / "s")}


def missed(service: Service, folder: Path, client: Any = None) -> list[str]:
    """The marks, and their places, that the search does not find although they were planted; none is well."""
    thief = Thief(JobId(f"job_{uuid.uuid4().hex}"), Canaries(), {}, {}, {})
    unseen = []
    marks = thief.canaries.marks()
    for place, path in planted(service, folder):
        paths = [path.with_name(f"{path.name}{number}" if number else path.name) for number in range(len(marks))]
        path.parent.mkdir(parents=True, exist_ok=True)
        for each, mark in zip(paths, marks.values(), strict=True):
            each.write_bytes(b"before " + mark + b" behind")
        seen = {find.what for _, find in search(service, [thief], *searched(folder)) if find.store == place}
        unseen += [f"{name} in {path.parent.name} of {place}" for name in set(marks) - seen]
        for each in paths:
            each.unlink()
    unseen += [] if client is None else _unseen_in_bucket(service, client, thief)
    return unseen + _unseen_in_process(thief)


def searched(folder: Path) -> list[Path]:
    """What is searched beside the service's own folders."""
    return [*(folder / name for name in FOLDERS), SHARED]


def planted(service: Service, folder: Path) -> Iterator[tuple[str, Path]]:
    """A file in each place, and the name that the search gives to the place."""
    for store in ("vault", "keys", "ledger", "broker"):
        yield store, service.settings.service / store / "control"
    yield "state", service.settings.service / "control"
    for name in (".", *IN_CACHES, ".local/share/avatar/weights"):
        yield "home", folder / "home" / name / "control"
    for name in (".", COMPILED):
        yield "temp", folder / "temp" / name / "control"
    yield "shm", SHARED / f"control-{uuid.uuid4().hex}"
    yield "log", folder / "log" / "control"


def _unseen_in_bucket(service: Service, client: Any, thief: Thief) -> list[str]:
    """Each mark in a version behind another and a marker; the marker; an upload that was never completed."""
    name, unseen = service.settings.bucket, []
    where = {"Bucket": name, "Key": f"{thief.job}/{Kind.PHOTO}/control"}
    for called, mark in thief.canaries.marks().items():
        for body in (mark, b"another"):
            client.put_object(**where, Body=body)
        client.delete_object(**where)
        found = {find.what for _, find in search(service, [thief], client=client)}
        unseen += [f"{called} in a bucket's old version"] * (called not in found)
        unseen += ["a delete marker"] * ("a delete marker" not in found)
        service.vault.remove(thief.job)
    upload = client.create_multipart_upload(**where)["UploadId"]
    client.upload_part(**where, UploadId=upload, PartNumber=1, Body=thief.canaries.token)
    unseen += ["an open upload"] * (
        "an open upload" not in {find.what for _, find in search(service, [thief], client=client)}
    )
    service.vault.remove(thief.job)
    return unseen


def _unseen_in_process(thief: Thief) -> list[str]:
    """Each mark in the memory of a process, and in a file that it holds open although it is gone."""
    marks, unseen = thief.canaries.marks(), []
    for how in ("memory", "file"):
        command = (sys.executable, "-c", HOLDING, how)
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write((b"-" * 300).join(marks.values()))
            process.stdin.close()
            process.stdout.readline()
            if how == "memory":
                found = {what for _, what in memory(process.pid, [thief], 0)}
            else:
                found = set(traces(b"".join(open_though_gone(process.pid)), thief.canaries))
            process.kill()
        unseen += [f"{name} in a process's {how}" for name in set(marks) - found]
    return unseen


def caches(environment: Mapping[str, str]) -> Sequence[str]:
    """Where the libraries would keep what they cache, asked in a process with this environment, as JSON."""
    asked = (sys.executable, "-c", CACHES)
    return subprocess.run(asked, env=dict(environment), capture_output=True, text=True, check=True).stdout.splitlines()
