"""Untrusted bytes: each file has one clear verdict, and only pixels come back."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from photos.hostile import TRACE, encoded, heic, phone_exif, ramp, refused, sound
from PIL import ImageCms

from avatar.errors import PhotoRefused
from avatar.photos import decode as shelf
from avatar.photos import pixels
from avatar.photos.decode import AT_ONCE, REASONS, Limits, decode, decode_each

PATIENT = Limits(seconds=60, cpu=20)  # a busy machine is no reason for a test to fail
SOUND, REFUSED = sound(), refused()


def code_of(data: bytes, limits: Limits = PATIENT) -> str:
    with pytest.raises(PhotoRefused) as caught:
        decode(data, limits)
    assert caught.value.sentence
    assert caught.value.remedy
    return caught.value.code


@pytest.mark.parametrize("name", sorted(SOUND))
def test_an_odd_but_sound_file_opens_and_leaves_no_trace(name: str) -> None:
    picture = decode(SOUND[name], PATIENT)
    assert picture.dtype == np.uint8
    assert picture.shape in {(240, 320, 3), (320, 240, 3)}
    assert picture.std() > 10
    for out in (picture.tobytes(), pixels.png(picture), pixels.jpeg(picture)):
        assert TRACE not in out


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_hostile_or_wrong_file_is_refused_by_its_code(name: str) -> None:
    data, codes = REFUSED[name]
    assert code_of(data) in codes


def test_there_are_at_least_thirty_of_them() -> None:
    assert len(SOUND | REFUSED) >= 30
    assert {code for _, codes in REFUSED.values() for code in codes} <= set(REASONS)


@pytest.mark.parametrize(
    "name", ["plain.png", "exif-place.jpg", "comment.jpg", "xmp.jpg", "profile-garbage.jpg", "text.png"]
)
def test_metadata_changes_no_pixel(name: str) -> None:
    plain = decode(encoded(ramp(), "PNG" if name.endswith("png") else "JPEG"), PATIENT)
    assert np.array_equal(decode(SOUND[name], PATIENT), plain)


def test_an_orientation_tag_is_obeyed() -> None:
    for name in ("turned.jpg", "turned.png"):
        turned = decode(SOUND[name], PATIENT)
        assert turned.shape == (320, 240, 3)
        assert turned[5, -5].min() > 240, "the bright corner is now upper right"


def test_transparent_parts_become_white() -> None:
    half = decode(SOUND["half-clear.png"], PATIENT).astype(int)
    full = np.asarray(ramp()).astype(int)
    assert np.abs(half - (full * 128 + 255 * 127) / 255).max() < 2


def test_sixteen_bits_are_scaled_and_not_clipped() -> None:
    picture = decode(SOUND["sixteen-bit.png"], PATIENT)
    wanted = (np.arange(240 * 320).reshape(240, 320) % 65536) >> 8
    assert np.abs(picture[..., 0].astype(int) - wanted).max() <= 1


def test_a_profile_is_applied() -> None:
    swapped = swapped_profile()
    plain = decode(encoded(ramp(), "PNG"), PATIENT).astype(int)
    managed = decode(encoded(ramp(), "PNG", icc_profile=swapped), PATIENT).astype(int)
    right = (slice(100, 140), slice(280, 320))  # red there, so blue once the two primaries have changed places
    assert plain[right][..., 0].mean() > plain[right][..., 2].mean() + 50
    assert managed[right][..., 2].mean() > managed[right][..., 0].mean() + 50


def swapped_profile() -> bytes:
    """The sRGB profile with the names of its red and blue primaries exchanged."""
    data = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return data.replace(b"rXYZ", b"tmp!", 1).replace(b"bXYZ", b"rXYZ", 1).replace(b"tmp!", b"bXYZ", 1)


def test_cmyk_keeps_its_colours() -> None:
    difference = decode(SOUND["cmyk.jpg"], PATIENT).astype(int) - np.asarray(ramp()).astype(int)
    assert np.abs(difference).mean() < 8


def test_a_large_photo_comes_back_at_most_2048_long() -> None:
    assert decode(encoded(ramp(4200, 2000), "JPEG", exif=phone_exif()), PATIENT).shape[1] == 2048


def test_a_decoder_that_hangs_is_ended_with_its_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    note = tmp_path / "child"
    source = (
        "import os, subprocess, sys, time\n"
        "other = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(note)!r}, 'w').write(str(other.pid))\n"
        "time.sleep(60)\n"
    )
    _pretend(tmp_path, monkeypatch, source)
    start = time.monotonic()
    assert code_of(b"\xff\xd8\xff", Limits(seconds=3)) == "decoder_timeout"
    assert time.monotonic() - start < 30
    if note.exists():  # a very busy machine may have ended it before it started the other
        assert not _alive(int(note.read_text()))


def _alive(pid: int) -> bool:
    for _ in range(50):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return False
        if state == "Z":
            return False
        time.sleep(0.1)
    return True


@pytest.mark.parametrize(
    "source",
    [
        "import os; os.abort()",
        "print('ok 99999 99999')",
        "print('ok 200 200')",
        "print('ok -1 x')",
        "print('no such_code')",
        "import sys; sys.stdout.write('x' * 500)",
        "import sys; sys.stdout.buffer.write(b'ok 200 200\\n' + bytes(200 * 200 * 3 + 1))",
    ],
)
def test_a_child_that_dies_or_lies_is_not_believed(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _pretend(tmp_path, monkeypatch, source)
    assert code_of(b"\xff\xd8\xff") == "decoder_died"


def test_a_crash_costs_only_its_own_photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = "import os, sys\nif b'crash' in sys.stdin.buffer.read(): os.abort()\n"
    source += "sys.stdout.buffer.write(b'ok 200 200\\n' + bytes(200 * 200 * 3))\n"
    _pretend(tmp_path, monkeypatch, source)
    results = list(decode_each([b"\xff\xd8\xff crash", b"\xff\xd8\xff fine", b""], PATIENT))
    assert [getattr(one, "code", "picture") for one in results] == ["decoder_died", "picture", "empty_file"]


def test_no_more_than_two_photos_are_opened_ahead() -> None:
    taken = []

    def files() -> object:
        for _ in range(5):
            taken.append(1)
            yield b""

    results = decode_each(files(), PATIENT)  # type: ignore[arg-type]
    next(results)
    assert len(taken) == AT_ONCE


def test_the_child_is_given_nothing_of_our_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVATAR_SECRET", "x")
    source = "import os, sys\nif 'AVATAR_SECRET' in os.environ or os.getcwd() != '/': os.abort()\n"
    source += "sys.stdout.buffer.write(b'ok 200 200\\n' + bytes(200 * 200 * 3))\n"
    _pretend(tmp_path, monkeypatch, source)
    assert decode(b"\xff\xd8\xff", PATIENT).shape == (200, 200, 3)


def test_after_locking_the_child_can_neither_open_nor_write_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Path(shelf.CHILD).read_text().replace('if __name__ == "__main__":\n    main(sys.argv[1:])\n', "")
    source += (
        "import _socket\n"
        "lock(512 * 2**20, 5)\n"
        "refused = 0\n"
        "for what in (lambda: open('/etc/hostname'), _socket.socket, lambda: bytearray(2**30)):\n"
        "    try:\n"
        "        what()\n"
        "    except (OSError, MemoryError, ImportError):\n"
        "        refused += 1\n"
        "if refused == 3:\n"
        "    sys.stdout.buffer.write(b'ok 200 200\\n' + bytes(200 * 200 * 3))\n"
    )
    _pretend(tmp_path, monkeypatch, source)
    assert decode(b"\xff\xd8\xff", PATIENT).shape == (200, 200, 3)


def _pretend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    """Let another script stand in for the child."""
    script = tmp_path / "child.py"
    script.write_text(source)
    monkeypatch.setattr(shelf, "CHILD", script)


def test_a_decoder_that_spins_is_ended_by_its_processor_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Path(shelf.CHILD).read_text().replace('if __name__ == "__main__":\n    main(sys.argv[1:])\n', "")
    _pretend(tmp_path, monkeypatch, source + "lock(512 * 2**20, 1)\nwhile True:\n    pass\n")
    assert code_of(b"\xff\xd8\xff") == "decoder_timeout"


def test_no_child_is_left_behind() -> None:
    before = _children()
    decode(SOUND["plain.jpg"], PATIENT)
    code_of(REFUSED["half.jpg"][0])
    assert _children() == before


def _children() -> set[str]:
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if stat.read_text().rsplit(")", 1)[1].split()[1] == str(os.getpid()):
                found.add(stat.parent.name)
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def test_bytes_over_the_limit_start_no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "CHILD", Path("/nowhere"))
    assert code_of(bytes(11), replace(PATIENT, bytes=10)) == "too_many_bytes"
    assert code_of(b"") == "empty_file"


@given(st.binary(max_size=64))
def test_the_first_bytes_alone_decide_the_kind(data: bytes) -> None:
    try:
        answer = shelf.kind_of(data)
    except PhotoRefused as why:
        answer = why.code
    assert answer in {"jpeg", "png", "webp", "heic", "empty_file", "not_a_picture", "wrong_format"}


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(["JPEG", "PNG", "WEBP", "HEIC"]), st.integers(0, 2**31), st.integers(1, 40))
def test_scribbled_bytes_never_do_worse_than_a_refusal(form: str, seed: int, count: int) -> None:
    data = bytearray(heic() if form == "HEIC" else encoded(ramp(), form))
    rng = np.random.default_rng(seed)
    for place in rng.integers(12, len(data), count):
        data[place] = int(rng.integers(256))
    (result,) = decode_each([bytes(data)], PATIENT)
    assert result.code in REASONS if isinstance(result, PhotoRefused) else result.ndim == 3
