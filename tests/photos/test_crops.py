"""Pixels, crops and captions."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from photos.people import face_at, figure

from avatar.errors import Spoiled
from avatar.photos import pixels, tensors
from avatar.photos.crops import Crop, align, frame_of, head_mask, pack_crop, unpack_crop
from avatar.photos.describe import COLOURS, Scene, caption, light, scene, turn, word_of
from avatar.photos.policy import IntakePolicy

POLICY = IntakePolicy(resolution=128)
PHOTO, FACE = figure()


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**31))
def test_a_picture_survives_the_way_to_a_tensor_and_back(width: int, height: int, seed: int) -> None:
    picture = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    tensor = tensors.to_tensor(picture)
    assert tensor.shape == (1, 3, height, width)
    assert -1 <= float(tensor.min()) <= float(tensor.max()) <= 1
    assert np.array_equal(tensors.to_picture(tensor), picture)
    assert np.array_equal(tensors.to_pictures(tensors.to_tensors([picture, picture]))[1], picture)


def test_values_outside_are_clipped_and_not_wrapped() -> None:
    assert tensors.to_picture(torch.full((1, 3, 2, 2), 1.5)).max() == 255
    assert tensors.to_picture(torch.full((3, 2, 2), -9.0)).max() == 0


def test_the_shelf_needs_no_torch_but_for_tensors() -> None:
    code = (
        "import sys, avatar.stages.intake, avatar.photos.faces, avatar.photos.safety; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_lab_knows_black_white_and_red() -> None:
    black, white, red = pixels.lab(np.array([[[0, 0, 0], [255, 255, 255], [255, 0, 0]]], np.uint8))[0]
    assert black == pytest.approx([0, 0, 0], abs=0.1)
    assert white == pytest.approx([100, 0, 0], abs=0.2)
    assert red == pytest.approx([53.2, 80.1, 67.2], abs=0.3)


def test_a_crop_over_the_edge_mirrors() -> None:
    row = np.arange(4, dtype=np.uint8)[None, :, None].repeat(3, 2)
    assert pixels.crop(row, (-2, 0, 6, 1))[0, :, 0].tolist() == [1, 0, 0, 1, 2, 3, 3, 2]


def test_encoded_files_hold_nothing_but_pixels() -> None:
    for data in (pixels.png(PHOTO), pixels.jpeg(PHOTO)):
        assert not any(mark in data for mark in (b"eXIf", b"tEXt", b"iCCP", b"Exif", b"ICC_PROFILE"))


def test_a_crop_is_square_and_centred_on_the_face() -> None:
    picture, mask = align(PHOTO, FACE, POLICY)
    assert picture.shape == (128, 128, 3)
    assert mask.shape == (128, 128)
    assert mask.dtype == np.float32
    frame = frame_of(PHOTO, FACE, POLICY)
    assert frame.side == pytest.approx(2.1 * 128)
    assert mask[64, 64] == 1
    assert mask[0, 0] == mask[-1, 0] == 0


def test_a_tilted_head_is_turned_upright_but_not_too_far() -> None:
    frame = frame_of(PHOTO, face_at(FACE.box, tilt=10), POLICY)
    assert frame.angle == pytest.approx(math.atan2(10, 0.4 * 128))
    assert frame_of(PHOTO, face_at(FACE.box, tilt=90), POLICY).angle == pytest.approx(math.radians(20))


def test_turning_brings_the_eyes_level() -> None:
    picture = np.full((400, 400, 3), 200, np.uint8)
    face = face_at((150, 150, 250, 250), tilt=12)
    for x, y in face.eyes:
        picture[round(y) - 4 : round(y) + 4, round(x) - 4 : round(x) + 4] = 0
    out, _ = align(picture, face, IntakePolicy(resolution=210))
    ys, xs = np.nonzero(out[..., 0] < 60)
    left, right = ys[xs < 105].mean(), ys[xs > 105].mean()
    assert abs(left - right) < 1.5


@settings(deadline=None, max_examples=60)
@given(
    st.tuples(st.integers(160, 700), st.integers(160, 700)),
    st.tuples(st.floats(0, 1), st.floats(0, 1)),
    st.floats(64, 400),
    st.floats(-80, 80),
)
def test_any_face_in_any_place_gives_a_crop_with_the_face_in_it(
    shape: tuple[int, int], place: tuple[float, float], size: float, tilt: float
) -> None:
    picture = np.zeros((*shape, 3), np.uint8)
    x, y = place[1] * shape[1], place[0] * shape[0]
    face = face_at((x - size / 2, y - size / 2, x + size / 2, y + size / 2), tilt=tilt)
    policy = IntakePolicy(resolution=32)
    frame = frame_of(picture, face, policy)
    assert frame.side >= 1.5 * size - 1e-6
    assert math.hypot(frame.x - x, frame.y - y) < frame.side / 2
    out, mask = align(picture, face, policy)
    assert out.shape == (32, 32, 3)
    assert 0 <= mask.min() <= mask.max() <= 1


def test_the_mask_follows_the_face() -> None:
    frame = frame_of(PHOTO, FACE, POLICY)
    mask = head_mask(face_at((FACE.box[0] + 30, *FACE.box[1:2], FACE.box[2] + 30, FACE.box[3])), frame, 128)
    columns = (mask.sum(0) * np.arange(128)).sum() / mask.sum()
    assert columns == pytest.approx(64 + 30 * 128 / frame.side, abs=1)


def test_a_packed_crop_opens_again_and_is_always_the_same() -> None:
    picture, mask = align(PHOTO, FACE, POLICY)
    one = Crop(picture, mask, "a photo of ohwx person, blue top")
    data = pack_crop(one)
    again = unpack_crop(data)
    assert np.array_equal(again.picture, picture)
    assert np.abs(again.mask - mask).max() < 1 / 255
    assert again.caption == one.caption
    assert pack_crop(one) == data


def test_bytes_that_are_no_crop_are_spoiled() -> None:
    whole = pack_crop(Crop(PHOTO, np.ones(PHOTO.shape[:2], np.float32), ""))
    for data in (b"", b"PK\3\4", whole[:200], whole[: len(whole) - 40], pack_crop(Crop(PHOTO, np.ones((2, 2)), ""))):
        with pytest.raises(Spoiled):
            unpack_crop(data)


def test_colours_are_called_by_their_names() -> None:
    for word, shades in COLOURS.items():
        for shade in shades:
            assert word_of(pixels.lab(np.array([[shade]], np.uint8))[0, 0]) == word


def test_a_scene_names_clothes_backdrop_and_pose() -> None:
    picture, face = figure(clothes=(40, 60, 140), backdrop=(40, 120, 60))
    seen = scene(picture, face_at(face.box, yaw=-0.4))
    assert seen == Scene("blue", "green", "turned left", None)
    assert caption(seen, "ohwx", "person") == "a photo of ohwx person, blue top, green backdrop, turned left"


def test_a_caption_leaves_out_what_is_not_seen() -> None:
    assert caption(Scene(None, None, None, None), "ohwx", "woman") == "a photo of ohwx woman"
    close, face = figure()
    cut = close[: int(face.box[3]), int(face.box[0]) : int(face.box[2])]
    seen = scene(cut, face_at((0, face.box[1], cut.shape[1], face.box[3]), yaw=0.15))
    assert seen.clothes is None
    assert seen.backdrop is None
    assert seen.turn is None


def test_side_light_and_dim_light_are_said() -> None:
    half = PHOTO.copy()
    half[:, 256:] //= 3
    assert light(half, FACE) == "lit from the left"
    assert light(np.ascontiguousarray(half[:, ::-1]), FACE) == "lit from the right"
    assert light((PHOTO * 0.3).astype(np.uint8), FACE) == "dim"
    assert light(PHOTO, FACE) is None


def test_a_caption_never_names_what_is_permanent() -> None:
    for skin in [(235, 195, 170), (80, 54, 42)]:
        picture, face = figure(skin=skin)
        words = caption(scene(picture, face), "ohwx", "person").split()
        assert not {"skin", "hair", "eyes", "face", "young", "old", "dark", "pale"} & set(words)


def test_turns_have_a_silent_middle() -> None:
    assert [turn(yaw) for yaw in (-0.3, -0.15, 0, 0.15, 0.3)] == [
        "turned left",
        None,
        "facing the camera",
        None,
        "turned right",
    ]
