"""The pack over HTTP: whole, by range, as an archive; and gone when it is gone."""

from __future__ import annotations

import io
import random
import zipfile
from typing import Any

import pytest

from avatar.job import JobId, Kind
from avatar.packs.archive import archive
from avatar.service import ARCHIVE, Pack, Service
from avatar.web.files import cut, span
from tests.web.conftest import Call
from tests.web.test_jobs import delivered, made

DATA = random.Random(1).randbytes(2_500_000)  # more than two frames


@pytest.fixture
def pack(caller: Call, service: Service, wanted: Any) -> tuple[Any, str]:
    """A caller and the job of a delivered pack."""
    client = caller()
    job = made(client, wanted)
    client.post(f"/v1/jobs/{job}/photos", content=b"x")
    client.post(f"/v1/jobs/{job}/start")
    delivered(service, job)
    Pack(service.vault, JobId(job)).deliver({"01-photo.png": DATA, "report.json": b"{}"})
    return client, job


def test_all_files_come_in_one_archive(pack: tuple[Any, str]) -> None:
    client, job = pack
    answer = client.get(f"/v1/jobs/{job}/pack.zip")
    assert answer.headers["Content-Type"] == "application/zip"
    assert 'filename="avatars.zip"' in answer.headers["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as held:
        assert held.testzip() is None
        assert {name: held.read(name) for name in held.namelist()} == {"01-photo.png": DATA, "report.json": b"{}"}
    assert ARCHIVE not in client.get(f"/v1/jobs/{job}/pictures").json()
    assert client.get(f"/v1/jobs/{job}/pictures/{ARCHIVE}").status_code == 404


def test_an_archive_is_written_as_it_is_read() -> None:
    sizes = [len(part) for part in archive((f"{n}.png", bytes(1000)) for n in range(50))]
    assert len(sizes) == 51
    assert max(sizes[:-1]) < 1200


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=0-", 0, 2_499_999),
        ("bytes=1048575-1048577", 1_048_575, 1_048_577),
        ("bytes=2000000-99999999", 2_000_000, 2_499_999),
        ("bytes=-1", 2_499_999, 2_499_999),
        ("bytes=-99999999", 0, 2_499_999),
    ],
)
def test_a_range_is_given_to_the_byte(pack: tuple[Any, str], asked: str, first: int, last: int) -> None:
    client, job = pack
    answer = client.get(f"/v1/jobs/{job}/pictures/01-photo.png", headers={"Range": asked})
    assert answer.status_code == 206
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/2500000"
    assert answer.headers["Content-Length"] == str(last - first + 1)
    assert answer.content == DATA[first : last + 1]


@pytest.mark.parametrize("asked", ["bytes=2500000-", "bytes=-0", "bytes=5-4"])
def test_a_range_that_is_not_there_is_said_to_be(pack: tuple[Any, str], asked: str) -> None:
    client, job = pack
    answer = client.get(f"/v1/jobs/{job}/pictures/01-photo.png", headers={"Range": asked})
    assert (answer.status_code, answer.json()["code"]) == (416, "no_such_range")
    assert answer.headers["Content-Range"] == "bytes */2500000"


@pytest.mark.parametrize(
    "asked", ["bytes=-", "bytes=a-b", "lines=0-1", "bytes=0-1,5-6", "", "bytes=" + "9" * 5000 + "-"]
)
def test_what_is_no_range_gives_the_whole(pack: tuple[Any, str], asked: str) -> None:
    client, job = pack
    answer = client.get(f"/v1/jobs/{job}/pictures/01-photo.png", headers={"Range": asked})
    assert (answer.status_code, answer.content) == (200, DATA)


def test_a_range_of_another_file_gives_the_whole(pack: tuple[Any, str]) -> None:
    client, job = pack
    path = f"/v1/jobs/{job}/pictures/01-photo.png"
    tag = client.get(path).headers["ETag"]
    assert client.get(path, headers={"Range": "bytes=0-4", "If-Range": tag}).status_code == 206
    assert client.get(path, headers={"Range": "bytes=0-4", "If-Range": '"else"'}).content == DATA


def test_spans_and_cuts_agree_with_slices() -> None:
    dice = random.Random(2)
    data = dice.randbytes(1000)
    for _ in range(300):
        first, last = sorted(dice.choices(range(1000), k=2))
        parts = [data[at : at + 7] for at in range(0, 1000, 7)]
        assert span(str(first), str(last), 1000) == (first, last)
        assert b"".join(cut(iter(parts), first, last)) == data[first : last + 1]


def test_an_erased_pack_is_gone(pack: tuple[Any, str], service: Service) -> None:
    client, job = pack
    deletion = client.delete(f"/v1/jobs/{job}").json()["id"]
    assert client.get(f"/v1/jobs/{job}/pictures/01-photo.png").status_code == 404
    service.purge(deletion)
    for path in ("pictures", "pictures/01-photo.png", "pack.zip"):
        assert client.get(f"/v1/jobs/{job}/{path}").json()["code"] == "not_found"
    told = client.get(f"/v1/jobs/{job}").json()
    assert (told["state"], told["erased"]) == ("done", True)
    assert service.vault.remains(JobId(job), (Kind.PACK,)) == []
