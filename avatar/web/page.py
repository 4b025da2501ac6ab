"""The page for people without an app: its files, read once and packed once, under headers that let nothing else in.

Covers: no script or style but our own files, no other origin, no frame, no referrer; the key of a job stands in the
fragment of the address, which browsers send to nobody. Does not cover: what an extension of the browser does.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import Response
from PIL import Image

from avatar.errors import NotFound
from avatar.packs.style import load_styles
from avatar.web.guard import Here
from avatar.wiring import styles_folder

router = APIRouter(include_in_schema=False)
FOLDER = Path(__file__).with_name("page")
MEDIA = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
    ".webmanifest": "application/manifest+json",
}
PACKED = (".html", ".css", ".js", ".svg", ".webmanifest")
QUALITY = 82  # of 100, WebP: a preview of 192 px has 5 to 9 kB and no edge that one would see
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",  # pictures are fetched with the job's key, so they are blobs here
        "connect-src 'self'",
        "manifest-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
        "report-uri /v1/page/reports",
    )
)
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",  # asked again each time, by its tag: a new version is seen at once
    "Vary": "Accept-Encoding",
}
STRICT = {  # of what a browser opens by itself; on thirty scripts and pictures they would weigh as much as the scripts
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()",
}
OPENED = ("text/html", "image/svg+xml")


@dataclass(frozen=True, slots=True)
class File:
    """A file as it is sent."""

    body: bytes
    packed: bytes | None  # gzip, where that is smaller
    media: str
    tag: str


@router.api_route("/", methods=["GET", "HEAD"])
def document(request: Request) -> Response:
    """The one document; everything that is seen on it depends on the job whose key its address holds."""
    return answer(request, files()["index.html"])


@router.api_route("/operator", methods=["GET", "HEAD"])
def operator(request: Request) -> Response:
    """The operator's document. It holds nothing and opens nothing: an admin's key, typed in, opens the calls."""
    return answer(request, files()["operator.html"])


@router.api_route("/page/previews/{name}.webp", methods=["GET", "HEAD"])
def preview(name: str, request: Request, service: Here) -> Response:
    """A style's preview, a sixth of the size that it has in the pack."""
    path = _shelf(styles_folder(service.settings)).get(name)
    if path is None:
        raise NotFound("There is no such preview.")
    return answer(request, _smaller(path, path.stat().st_mtime_ns))


@router.api_route("/page/{path:path}", methods=["GET", "HEAD"])
def file(path: str, request: Request) -> Response:
    """A script, a style sheet or a picture of the page."""
    if path not in files():
        raise NotFound("There is no such file.")
    return answer(request, files()[path])


def answer(request: Request, found: File) -> Response:
    """The file, packed where that is understood; 304 where the browser has it."""
    headers = {**ALWAYS, "ETag": found.tag, **(STRICT if found.media.startswith(OPENED) else {})}
    if found.tag in [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers=headers)
    if found.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(found.packed, headers={**headers, "Content-Encoding": "gzip"}, media_type=found.media)
    return Response(found.body, headers=headers, media_type=found.media)


@functools.cache
def files() -> dict[str, File]:
    """Every file of the page by its path; what is not in here is not served."""
    found = sorted(path for path in FOLDER.rglob("*") if path.suffix in MEDIA)
    return {path.relative_to(FOLDER).as_posix(): _read(path.read_bytes(), path.suffix) for path in found}


@functools.lru_cache(maxsize=4)
def _shelf(folder: Path) -> dict[str, Path]:
    """Where each preview lies; the shelf is read once, since twelve pictures are asked for at once."""
    return {style.name: style.preview for style in load_styles(folder).values() if style.preview}


@functools.lru_cache(maxsize=64)
def _smaller(path: Path, _: int) -> File:
    told = io.BytesIO()
    with Image.open(path) as image:
        image.convert("RGB").save(told, "WEBP", quality=QUALITY, method=6)
    return _read(told.getvalue(), ".webp")


def _read(body: bytes, suffix: str) -> File:
    packed = gzip.compress(body, 9, mtime=0) if suffix in PACKED else None
    digest = hashlib.sha256(body).hexdigest()[:20]
    return File(body, packed, MEDIA[suffix], f'"{digest}"')
