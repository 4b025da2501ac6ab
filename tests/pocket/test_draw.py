from dataclasses import replace

import numpy as np
import pytest
import torch

from avatar.errors import UnknownStyle
from avatar.pocket import features
from avatar.pocket.clothes import linear
from avatar.pocket.colours import skin_rgb
from avatar.pocket.draw import draw, geometry, shade
from avatar.pocket.looks import THEMES, themed
from avatar.pocket.paint import hairs
from avatar.pocket.people import Beard, Glasses, Hair, HairColour, person, recolour
from avatar.pocket.shapes import Part
from avatar.pocket.view import Backdrop, View, view

SIZE = 40
WHO = replace(person(36), hair=Hair.SHORT, glasses=Glasses.NONE)
FRONT = View(seed=1, span=2.9, backdrop=Backdrop.PLAIN)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # pictures this small only wait for one another
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def buffer():
    with torch.inference_mode():
        return geometry(WHO, FRONT, SIZE)


def test_a_photo_has_the_size_asked_for_and_the_same_seed_draws_it_again():
    first = draw(WHO, FRONT, SIZE)
    assert first.shape == (SIZE, SIZE, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, draw(WHO, FRONT, SIZE))


def test_the_buffer_sees_skin_eyes_hair_neck_and_clothes(buffer):
    assert {Part.SKIN, Part.EYE, Part.HAIR, Part.NECK, Part.BODY} <= set(buffer.part.tolist())


def test_normals_are_unit_and_look_at_the_camera(buffer):
    assert torch.allclose(buffer.normal.norm(dim=-1), torch.ones(len(buffer.where)), atol=1e-3)
    assert ((buffer.normal * buffer.ray).sum(-1) < 0.2).float().mean() > 0.98


def test_a_second_shading_keeps_the_bones_and_changes_the_colours(buffer):
    first = shade(buffer, WHO, FRONT, clean=True)
    other = shade(buffer, recolour(WHO, 4), replace(FRONT, cloth_colour="yellow"), clean=True)
    assert np.abs(first.astype(int) - other).mean() > 5
    assert np.array_equal(first[:3, :3], other[:3, :3])


def test_deep_skin_is_drawn_deeper_than_light_skin(buffer):
    light, deep = (shade(buffer, replace(WHO, tone=tone), FRONT, clean=True) for tone in (2.0, 9.0))
    middle = slice(SIZE // 2 - 4, SIZE // 2 + 4)
    assert light[middle, middle].mean() > deep[middle, middle].mean() + 40


def test_a_smile_and_a_turn_change_the_picture():
    plain = draw(WHO, FRONT, SIZE).astype(int)
    for other in (replace(FRONT, smile=1.0, mouth_open=0.5), replace(FRONT, yaw=0.4)):
        assert np.abs(draw(WHO, other, SIZE) - plain).mean() > 0.3


@pytest.mark.parametrize("hair", list(Hair))
def test_every_shape_of_hair_is_drawn(hair):
    who = replace(WHO, hair=hair)
    with torch.inference_mode():
        seen = geometry(who, FRONT, 24)
    assert (Part.HAIR in seen.part.tolist()) == (hair not in (Hair.BALD, Hair.BUZZ))


def test_there_are_twelve_themes_beside_photo_and_each_changes_it(buffer):
    assert len(THEMES[1:]) >= 12
    assert len(set(THEMES)) == len(THEMES)
    photo = themed(buffer, WHO, FRONT, "photo").astype(int)
    for theme in THEMES[1:]:
        picture = themed(buffer, WHO, FRONT, theme)
        assert picture.shape == (SIZE, SIZE, 3)
        assert picture.dtype == np.uint8
        assert np.abs(picture - photo).mean() > 4, theme


def test_an_unknown_theme_is_named_with_those_that_are_known(buffer):
    with pytest.raises(UnknownStyle, match=r"'lava'.*watercolour"):
        themed(buffer, person(3), View(), "lava")


@pytest.mark.parametrize("tone", [2.0, 6.0, 10.0])
def test_brows_and_beards_are_not_much_paler_than_the_skin(tone):
    who = replace(person(3), tone=tone, hair_colour=HairColour.WHITE, beard=Beard.FULL, brow_dark=0.3)
    skin = linear(skin_rgb(who), torch.zeros(1)).mean()
    x, z = torch.tensor([who.brow_inner + 0.4 * who.brow_length]), torch.tensor([0.6])
    up = torch.linspace(-0.1, 0.5, 200)
    across = x.expand_as(up)
    brows = features.brow(across, up, who, View()) > 0.9
    colours = hairs(linear(skin_rgb(who), x).repeat(len(up), 1), across, up, z.expand_as(up), who, View())
    assert brows.any()
    assert (colours[brows].mean(1) < skin).all()
    chin = features.mouth_height(who) - 0.2
    down, front = torch.linspace(chin - 0.05, chin, 20), torch.full((20,), 0.6)
    beard = hairs(linear(skin_rgb(who), x).repeat(20, 1), torch.zeros(20), down, front, who, View())
    assert (beard.mean(1) <= 5 * skin + 0.1).all()


def test_a_camera_shows_deep_skin_brighter_and_leaves_light_skin_alone(buffer, monkeypatch):
    light, deep = (replace(person(3), tone=tone) for tone in (3.0, 10.0))
    own = [shade(buffer, who, View(), clean=True) for who in (light, deep)]
    monkeypatch.setattr("avatar.pocket.draw.METERED", 0.0)
    unmetered = [shade(buffer, who, View(), clean=True) for who in (light, deep)]
    assert np.array_equal(own[0], unmetered[0])
    assert own[1].mean() > unmetered[1].mean() + 1


def test_views_of_one_seed_are_equal_and_stay_within_half_a_radian():
    assert view(3) == view(3)
    assert all(abs(view(seed).yaw) <= 0.5 for seed in range(200))
