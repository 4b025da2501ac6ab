"""Receipts that anybody can check: signed, chained, and no byte of them may change."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select
from typer.testing import CliRunner

from avatar.cli.main import app
from avatar.erasure.receipt import canonical, erased, receipt
from avatar.erasure.settle import bound
from avatar.erasure.signing import Signer, broken, faults, jwk, signer_at
from avatar.errors import Unsafe
from avatar.job import JobId
from avatar.ledger import chain, deletions
from avatar.ledger.deletions import What, demand
from avatar.ledger.engine import reading, transaction
from avatar.ledger.tables import DeletionRow
from tests.ledger.conftest import client, engine, started  # noqa: F401 (fixtures: both databases)

SIGNER = Signer(bytes(range(32)))
VERIFY = Path(__file__).with_name("verify.mjs")


def signed(sequence: int = 7, previous: str = "ab" * 32) -> dict[str, object]:
    lines = [erased("photo", ["p01", "ü"], "purge"), erased("crop", ["a"], "second_look")]
    return SIGNER.sign(receipt(f"job_{sequence}", "request", lines, key_destroyed=True, remains=[]), sequence, previous)


def valid(raw: bytes) -> bool:
    try:
        return faults(json.loads(raw), SIGNER.public) == []
    except ValueError:
        return False


@pytest.mark.parametrize("written", [canonical, lambda paper: json.dumps(paper, indent=2).encode()])
def test_a_flip_of_any_bit_of_any_byte_of_a_receipt_is_noticed(written: Callable[[object], bytes]) -> None:
    raw = written(signed())
    assert valid(raw)
    flips = [(at, bit) for at in range(len(raw)) for bit in range(8)]
    assert len(flips) > 8000
    unseen = [
        flip for flip in flips if valid(raw[: flip[0]] + bytes([raw[flip[0]] ^ (1 << flip[1])]) + raw[flip[0] + 1 :])
    ]
    assert unseen == []


@given(
    st.binary(max_size=300)
    | st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x))
)
def test_what_is_no_receipt_at_all_is_no_valid_one_and_no_fault_of_ours(anything: object) -> None:
    assert faults(anything, SIGNER.public) != []  # type: ignore[arg-type]


def test_another_signer_is_noticed() -> None:
    assert faults(signed(), Signer(bytes(32)).public) != []
    forged = Signer(bytes(32)).sign(signed(), 7, "ab" * 32)
    assert faults(forged, SIGNER.public) == [f"it names another key than {jwk(SIGNER.public)['kid']}"]


def test_the_signing_key_is_made_once_private_and_refused_when_others_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "signing" / "signing.key"
    made = signer_at(path)
    assert signer_at(path).public == made.public
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    with pytest.raises(Unsafe):
        signer_at(path)


def entries(count: int) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    previous = chain.BEGINNING
    for sequence in range(1, count + 1):
        one = bound(signed(sequence, previous))
        found.append(
            {"sequence": sequence, "previous": previous, "digest": one.digest, "link": one.link,
             "signature": one.signature, "key": one.key}
        )  # fmt: skip
        previous = one.link
    return found


def test_a_receipt_taken_out_put_in_or_moved_breaks_the_chain() -> None:
    links, begin = entries(5), (0, chain.BEGINNING)
    assert broken(links, SIGNER.public, begin) == []
    assert broken(links[2:], SIGNER.public) == []
    assert broken(links[1:], SIGNER.public, begin) != []
    assert broken(links[:2] + links[3:], SIGNER.public, begin) != []
    assert broken([links[0], links[2], links[1]], SIGNER.public, begin) != []
    assert broken([*links[:2], {**links[2], "digest": links[3]["digest"]}, *links[3:]], SIGNER.public, begin) != []
    assert broken(links, Signer(bytes(32)).public, begin) != []


def test_purges_at_once_give_one_chain_without_a_gap(engine: Engine, started: Callable[[], JobId]) -> None:  # noqa: F811
    jobs = [started() for _ in range(12)]  # each in its own transaction, before the one that demands
    with transaction(engine) as session:
        owed = [demand(session, job, What.INPUTS, "test") for job in jobs]
    debts = [deletions.take(engine, one, 60) for one in owed]

    def pay(mine: list[deletions.Debt | None]) -> None:
        for debt in mine:
            assert debt is not None
            paper = receipt(debt.job, debt.reason, [], key_destroyed=True, remains=[])
            deletions.pay(engine, debt, paper, lambda n, before: bound(SIGNER.sign(paper, n, before)))  # noqa: B023

    threads = [threading.Thread(target=pay, args=(debts[at::4],)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    links = [_told(entry) for entry in chain.entries(engine, 0, 100)]
    assert [one["sequence"] for one in links] == list(range(1, 13))
    assert broken(links, SIGNER.public, (0, chain.BEGINNING)) == []
    assert [_told(entry) for entry in chain.entries(engine, 5, 3)] == links[5:8]
    with reading(engine) as session:
        papers = session.scalars(select(DeletionRow.receipt)).all()
    assert all(paper is not None and faults(paper, SIGNER.public) == [] for paper in papers)
    assert {paper["chain"]["link"] for paper in papers if paper} == {one["link"] for one in links}


def _told(entry: chain.Entry) -> dict[str, object]:
    return {name: getattr(entry, name) for name in ("sequence", "previous", "digest", "link", "signature", "key")}


def verify(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["receipt", "verify", "--json", *words])
    return done.exit_code, done.output


def test_the_command_checks_a_file_with_a_key_and_a_chain_and_asks_nobody(tmp_path: Path) -> None:
    links = entries(3)
    paper = signed(2, str(links[0]["link"]))
    for name, content in (("r", paper), ("k", {"jwk": jwk(SIGNER.public)}), ("c", {"links": links}), ("d", links[:1])):
        (tmp_path / name).write_text(json.dumps(content))
    (tmp_path / "h").write_text(SIGNER.public.hex())
    (tmp_path / "changed").write_text(json.dumps(paper | {"complete": 1}))
    file, key, held, short, spelt, changed = (str(tmp_path / name) for name in ("r", "k", "c", "d", "h", "changed"))
    assert verify(file, "--key", key) == (0, '{"valid": true, "faults": []}\n')
    assert verify(file, "--key", spelt, "--chain", held)[0] == 0
    assert verify(file, "--key", spelt, "--chain", short)[0] == 1
    assert verify(changed, "--key", key)[0] == 1
    (tmp_path / "twice").write_text(json.dumps(paper)[:-1] + ', "complete": false}')
    assert CliRunner().invoke(app, ["receipt", "verify", str(tmp_path / "twice"), "--key", key]).exit_code == 1


@pytest.mark.skipif(shutil.which("node") is None, reason="no JavaScript here")
def test_the_javascript_of_the_documentation_checks_the_same_receipt(tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text(json.dumps(signed(), indent=1))
    (tmp_path / "bad.json").write_text(json.dumps(signed() | {"ending": "done"}))
    said = [
        subprocess.run(["node", VERIFY, tmp_path / name, SIGNER.public.hex()], capture_output=True, text=True)
        for name in ("r.json", "bad.json")
    ]
    assert [one.stdout.strip() for one in said] == ["true", "false"], said[0].stderr
