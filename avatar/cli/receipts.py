"""Check a receipt without asking anybody: the file, a public key, and the chain if there is one.

Exit codes: 0 it holds; 1 it does not, with the reasons; 2 wrong use.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from avatar.cli import show
from avatar.errors import AvatarError
from avatar.settings import Settings

app = typer.Typer(
    no_args_is_help=True, help="Receipts of what was erased: check one, show the key they are signed with."
)
File = Annotated[Path, typer.Argument(help="the receipt, as JSON", exists=True, dir_okay=False)]
Key = Annotated[
    Path | None, typer.Option("--key", help="file of the public key: a JWK, hex, or what GET /v1/receipts/key gave")
]
Chain = Annotated[Path | None, typer.Option("--chain", help="file of what GET /v1/receipts gave")]
AsJson = Annotated[bool, typer.Option("--json", help="print a document instead of sentences")]


class Unreadable(AvatarError):
    code = "unreadable"


@app.command()
def verify(file: File, key: Key = None, chain: Chain = None, as_json: AsJson = False) -> None:
    """Whether a receipt is whole and signed. Without --key by this machine's own keys."""
    from avatar.erasure.signing import faults, key_id

    document = _read(file)
    publics = [_public(key)] if key else _own()
    named = [public for public in publics if key_id(public) == _signer(document)] or publics[:1]
    if not named:
        raise Unreadable("There is no public key to check with.", remedy="give --key FILE")
    found = faults(document, named[0])
    if chain is not None:
        found += _misplaced(document, _read(chain), named[0])
    if as_json:
        typer.echo(json.dumps({"valid": not found, "faults": found}))
    elif found:
        show.errors.print(f"[bold red]✗[/] This receipt does not hold: {'; '.join(found)}.")
    else:
        show.console.print(_said(document))
    raise typer.Exit(int(bool(found)))


@app.command("key")
def show_key(
    local: Annotated[bool, typer.Option("--local", help="of jobs that run on this machine by themselves")] = False,
) -> None:
    """The public key of this machine's receipts, as JSON, for whoever wants to check them."""
    from avatar.erasure.signing import jwk, key_id, signer_at

    settings = Settings()
    public = signer_at(settings.signing_here if local else settings.signing).public
    typer.echo(json.dumps({"key": key_id(public), "hex": public.hex(), "jwk": jwk(public)}, indent=2))


def _said(document: dict[str, Any]) -> str:
    objects = sum(line["objects"] for line in document["erased"])
    place = document["chain"]["sequence"]
    said = f"[green]✓[/] {document['job']}: {objects} objects erased, key destroyed, {document['listed_again']['at']}"
    return said + (f"; number {place} of the chain" if place else "; outside a chain")


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes(), object_pairs_hook=_once)
    except ValueError:  # also what is no UTF-8
        raise Unreadable(f"{path.name} is not JSON as we write it.", code="not_json") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; ValueError where a name stands twice, since a reader could be shown the other one."""
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name stands twice")
    return dict(pairs)


def _public(path: Path) -> bytes:
    import base64

    text = path.read_text(errors="replace").strip()
    try:
        told = json.loads(text)
        told = told.get("jwk", told)
        raw = base64.urlsafe_b64decode(told["x"] + "=")
    except (ValueError, KeyError, TypeError, AttributeError):
        try:
            raw = bytes.fromhex(text)
        except ValueError:
            raw = b""
    if len(raw) != 32:
        raise Unreadable(f"{path.name} is no Ed25519 public key.", code="not_a_key")
    return raw


def _own() -> list[bytes]:
    from avatar.erasure.signing import signer_at

    settings = Settings()
    return [signer_at(path).public for path in (settings.signing_here, settings.signing) if path.exists()]


def _signer(document: Any) -> str:
    try:
        return str(document["signature"]["key"])
    except (KeyError, TypeError):
        return ""


def _misplaced(document: Any, told: Any, public: bytes) -> list[str]:
    """What is wrong with a chain, and with the receipt's place in it."""
    from avatar.erasure.signing import broken

    try:
        links = told["links"] if isinstance(told, dict) else told
        found = broken(links, public)
        at = {entry["sequence"]: entry["link"] for entry in links}
        if at.get(document["chain"]["sequence"]) != document["chain"]["link"]:
            found.append("it is not in this chain")
    except (KeyError, TypeError):
        return ["the chain is not of a known form"]
    return found
