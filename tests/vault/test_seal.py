"""Sealed bytes open only for the same key, job, kind and name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatar.errors import Spoiled
from avatar.job import JobId, Kind
from avatar.vault.seal import seal, unseal

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
