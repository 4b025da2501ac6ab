"""Sealed bytes open only for the same key, job, kind and name."""

from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatar.errors import Spoiled
from avatar.job import JobId, Kind
from avatar.vault.seal import FRAME, TAG, seal, seal_parts, unseal, unseal_parts

KEY = bytes(range(32))
JOB = JobId("job_" + "0" * 32)


@given(st.binary(max_size=5000))
def test_what_was_sealed_opens_again(data: bytes) -> None:
    assert unseal(KEY, JOB, Kind.CROP, "a", seal(KEY, JOB, Kind.CROP, "a", data)) == data


@given(st.binary(min_size=1, max_size=300), st.data())
def test_one_flipped_bit_anywhere_is_noticed(data: bytes, draw: st.DataObject) -> None:
    sealed = bytearray(seal(KEY, JOB, Kind.CROP, "a", data))
    place = draw.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[place // 8] ^= 1 << place % 8
    with pytest.raises(Spoiled):
        unseal(KEY, JOB, Kind.CROP, "a", bytes(sealed))


@pytest.mark.parametrize(
    ("key", "job", "kind", "name"),
    [
        (bytes(32), JOB, Kind.CROP, "a"),
        (KEY, JobId("job_" + "1" * 32), Kind.CROP, "a"),
        (KEY, JOB, Kind.PHOTO, "a"),
        (KEY, JOB, Kind.CROP, "b"),
    ],
)
def test_another_address_or_key_does_not_open(key: bytes, job: JobId, kind: Kind, name: str) -> None:
    with pytest.raises(Spoiled):
        unseal(key, job, kind, name, seal(KEY, JOB, Kind.CROP, "a", b"x"))


def test_the_same_bytes_are_never_sealed_the_same_way_twice() -> None:
    assert seal(KEY, JOB, Kind.CROP, "a", b"x") != seal(KEY, JOB, Kind.CROP, "a", b"x")


@given(st.lists(st.binary(max_size=40), max_size=12), st.integers(1, 50), st.integers(1, 17))
def test_parts_of_any_size_are_sealed_and_opened_alike(parts: list[bytes], frame: int, cut: int) -> None:
    whole = b"".join(parts)
    with mock.patch("avatar.vault.seal.FRAME", frame):
        sealed = b"".join(seal_parts(KEY, JOB, Kind.PHOTO, "a", parts))
        pieces = [sealed[at : at + cut] for at in range(0, len(sealed), cut)]
        assert b"".join(unseal_parts(KEY, JOB, Kind.PHOTO, "a", pieces)) == whole


def test_frames_can_not_be_cut_off_swapped_or_repeated() -> None:
    with mock.patch("avatar.vault.seal.FRAME", 100):
        sealed = seal(KEY, JOB, Kind.PHOTO, "a", bytes(range(250)) + bytes(50))
        head, frames = sealed[:11], [sealed[11 + at * 116 : 11 + (at + 1) * 116] for at in range(3)]
        assert unseal(KEY, JOB, Kind.PHOTO, "a", head + b"".join(frames)) == bytes(range(250)) + bytes(50)
        for wrong in ([0, 1], [1, 0, 2], [0, 0, 1, 2], [0, 1, 2, 2], []):
            with pytest.raises(Spoiled):
                unseal(KEY, JOB, Kind.PHOTO, "a", head + b"".join(frames[at] for at in wrong))


def test_a_large_upload_is_sealed_in_little_memory() -> None:
    held = most = 0
    for part in seal_parts(KEY, JOB, Kind.PHOTO, "a", (bytes(64 * 1024) for _ in range(1600))):
        held, most = held + len(part), max(most, len(part))
    assert held > 100_000_000
    assert most <= FRAME + TAG
