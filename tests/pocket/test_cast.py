import json

import numpy as np
import pytest
import torch
from PIL import Image

from avatar.pocket import cast, dataset
from avatar.pocket.captions import VOCABULARY, words
from avatar.pocket.people import person
from avatar.ports import Face


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # pictures this small only wait for one another
    yield
    torch.set_num_threads(before)


def test_the_cast_is_never_drawn_for_training():
    assert [who.seed for who in cast.cast(60)] == list(range(60))
    assert max(cast.SAMPLE_SEED, 59) < dataset.FIRST_SEED


def test_selfies_differ_from_one_another():
    first, second = cast.selfies(person(2), count=2, size=32)
    assert first.shape == (32, 32, 3)
    assert np.abs(first.astype(int) - second).mean() > 5


def test_selfies_carry_the_metadata_of_a_phone_in_a_place_that_does_not_exist(tmp_path):
    paths = cast.write_selfies(person(2), tmp_path, count=2, size=32)
    turned = []
    for path in paths:
        with Image.open(path) as photo:
            exif = photo.getexif()
            assert 768 <= max(photo.size) <= 1024
            assert min(photo.size) >= 768
        assert exif[0x010F] == "Drawn"
        assert exif.get_ifd(0x8769)[0x9003].startswith("2031")
        assert exif.get_ifd(0x8825)[1] == "N"
        turned.append(exif[0x0112])
    assert turned == [1, 6]


def test_the_sample_selfies_ship_with_the_package():
    paths = sorted(cast.SELFIES.glob("*.jpg"))
    assert len(paths) == 10
    assert sum(path.stat().st_size for path in paths) < 1_500_000


def test_a_shard_is_drawn_whole_and_not_drawn_twice(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "SHARD", 8)
    monkeypatch.setattr(dataset, "geometry", lambda who, sight: small(who, sight, 24))
    monkeypatch.setattr(dataset, "DlibFaces", Middle)
    dataset.shard(0, tmp_path, 0)
    pictures = np.load(tmp_path / "0000.npy")
    entries = json.loads((tmp_path / "0000.json").read_text())
    assert pictures.shape == (8, 24, 24, 3)
    assert len(entries) == 8
    assert {word for entry in entries for line in entry["captions"] for word in words(line)} <= set(VOCABULARY)
    written = (tmp_path / "0000.npy").stat().st_mtime_ns
    dataset.shard(0, tmp_path, 0)
    assert (tmp_path / "0000.npy").stat().st_mtime_ns == written
    assert not list(tmp_path.glob("*.part"))


def test_a_march_is_cut_by_the_first_face_and_left_out_without_one():
    dice = np.random.default_rng(0)
    made = [(dice.integers(0, 255, (24, 24, 3), dtype=np.uint8), {"theme": theme}) for theme in ("oil", "photo")]
    cut = dataset.framed(made, Middle())
    assert [entry["theme"] for _, entry in cut] == ["oil", "photo"]
    assert all(picture.shape == (24, 24, 3) for picture, _ in cut)
    assert not any(np.array_equal(one, other) for (one, _), (other, _) in zip(cut, made, strict=True))
    assert dataset.framed(made, Nowhere()) == []


class Middle:
    """A face in the middle of every picture."""

    def find(self, picture):
        return [Face((8, 8, 16, 16), ((10, 11), (14, 11)), 0.0, 1.0, np.zeros(1))]


class Nowhere:
    def find(self, picture):
        return []


def small(who, sight, size):
    from avatar.pocket.draw import geometry

    return geometry(who, sight, size)
