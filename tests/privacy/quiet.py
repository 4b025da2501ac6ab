"""Load every dependency and start what starts by itself, as a part of the service does; tell what was noticed, as JSON.

    HOME=... python -m tests.privacy.quiet [loud]

Names are not resolved and no address is reached: each try is written down and refused. What a library does without
Python is seen by its sockets, and by the files it makes. `loud`: telemetry is not turned off, as a control.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

import avatar.settings

WAIT = 4.0  # seconds in which a library's own thread would call home; 2 are usual
NETWORK = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto")
MODULES = (
    "numpy", "PIL.Image", "pi_heif", "cryptography", "pydantic", "typer", "rich", "torch", "diffusers", "transformers",
    "peft", "accelerate", "safetensors", "huggingface_hub", "dlib", "cv2", "sqlalchemy", "alembic", "psycopg", "boto3",
    "celery", "redis", "fastapi", "uvicorn", "prometheus_client", "onnxruntime", "workers.light", "workers.heavy",
    "workers.purge", "workers.schedule",
)  # fmt: skip


def watched() -> list[str]:
    """What asks for a name or an address from here on; it is refused."""
    tried: list[str] = []

    def hook(event: str, words: tuple[Any, ...]) -> None:
        if event in NETWORK and not (event == "socket.connect" and isinstance(words[1], str)):  # a path: this machine
            tried.append(f"{event} {words[1:] or words!r}")
            raise OSError("no network here")

    sys.addaudithook(hook)
    return tried


def used() -> list[str]:
    """Start what these libraries start: a session of onnxruntime, the API with its lifespan, a class of the hub."""
    missing = []
    for name in MODULES:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            missing.append(str(error))
    import onnx
    import onnxruntime
    from diffusers import DDPMScheduler
    from fastapi.testclient import TestClient

    from avatar.web.main import made

    place = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", ["x"], ["y"])], "g", [place],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])],
    )  # fmt: skip
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9)
    onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    DDPMScheduler()
    with TestClient(made()) as call:
        assert call.get("/healthz").status_code == 200
    return missing


def sockets() -> list[str]:
    """Sockets of this process that lead out of it, however they were opened."""
    held = set()
    for handle in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            held.add(str(handle.readlink()).removeprefix("socket:[").rstrip("]"))
    lines = [
        line.split()
        for kind in ("tcp", "tcp6", "udp", "udp6")
        for line in Path(f"/proc/self/net/{kind}").read_text().splitlines()[1:]
    ]
    return [f"{words[1]} to {words[2]}" for words in lines if words[9] in held]


def main() -> None:
    most = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (most, most))
    if sys.argv[1:] == ["loud"]:
        avatar.settings.hush = lambda **_: None  # before anything of ours takes it from there
    avatar.settings.hush()
    tried = watched()
    missing = used()
    time.sleep(WAIT)
    home = Path(os.environ["HOME"])
    files = sorted(str(path.relative_to(home)) for path in home.rglob("*") if path.is_file())
    core = resource.getrlimit(resource.RLIMIT_CORE)[0]
    told = {"tried": tried, "sockets": sockets(), "files": files, "core": core, "missing": missing}
    print(json.dumps(told | {"could": most}))


if __name__ == "__main__":
    main()
