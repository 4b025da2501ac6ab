"""Packs are read strictly, and the packs that ship are sound."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import pytest

from avatar.errors import BrokenPack, UnknownStyle
from avatar.packs.prompts import compose
from avatar.packs.style import Style, load_styles, pick
from avatar.pocket.captions import LEADS, VOCABULARY, words

SHELF = Path(__file__).parents[2] / "styles"
GOOD = (SHELF / "oil" / "pack.toml").read_text("utf-8")


@pytest.fixture(scope="module")
def styles() -> dict[str, Style]:
    return load_styles(SHELF)


def _shelve(folder: Path, text: str) -> Path:
    (folder / "oil").mkdir()
    (folder / "oil" / "pack.toml").write_text(text, "utf-8")
    return folder


def test_there_is_a_pack_for_every_theme_the_pocket_base_knows(styles: dict[str, Style]) -> None:
    assert set(styles) == set(LEADS)
    assert len(styles) >= 14


def test_every_pack_speaks_words_the_pocket_base_learned(styles: dict[str, Style]) -> None:
    for style in styles.values():
        for turn in range(24):
            said = words(compose(style.pieces("pocket", "sd15"), "ohwx person", "", style.name, turn))
            assert not [word for word in said if word not in VOCABULARY], said
            assert len(said) < 40


def test_no_prompt_is_longer_than_a_large_base_can_read(styles: dict[str, Style]) -> None:
    for style in styles.values():
        for turn in range(24):
            text = compose(style.pieces("sdxl", "sdxl"), "ohwx person", "", style.name, turn)
            tokens = len(re.findall(r"\w+|[^\w\s]", text)) + 6  # and a few words that fall into two
            assert tokens <= 75, (style.name, tokens)


def test_everyone_wears_clothes_and_the_same_ones(styles: dict[str, Style]) -> None:
    for style in styles.values():
        assert style.prompts["any"].wardrobe
        pieces = style.pieces("sdxl", "sdxl")
        texts = {compose(pieces, noun, "", style.name, 3).replace(noun, "X") for noun in ("woman", "man", "person")}
        assert len(texts) == 1


def test_a_style_can_not_be_changed_after_it_was_read(styles: dict[str, Style]) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        styles["oil"].count = 9  # type: ignore[misc]
    with pytest.raises(TypeError):
        styles["oil"].prompts["any"] = styles["oil"].prompts["pocket"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("effort =", "efort =", "did you mean effort"),
        ("licence =", "license =", "license is not a key of a pack; did you mean licence"),
        ('safety = "everyone"', 'safety = "adults"', "safety"),
        ("count = 4", "count = 0", "count"),
        ("count = 4", 'count = "4 of them"', "count"),
        ("low = 0.3", "low = 9.0", "drawing: low must lie below high"),
        ("{subject}", "somebody", "{subject} must stand in the text exactly once"),
        ("{light}", "light", "{light} needs both"),
        ("{scene}", "{scenery}", "no slot {scenery}"),
        ("{traits}", "{traits.__class__}", "not a plain slot"),
        ("{traits}", "{traits", "field name"),
        ("candlelight", "cand{}lelight", "a filling holds a brace"),
        ("[prompt.any]", "[prompt.sdxl]", "must be words for every base"),
        ("[prompt.pocket]", "[prompt.pockets]", "prompt.pockets is for a base that is not known; did you mean pocket?"),
        ('name = "oil"', 'name = "oils"', "folder and name must agree"),
        ("[identity]", "[identity", "not TOML"),
    ],
)
def test_a_broken_pack_is_refused_and_says_where(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in GOOD
    with pytest.raises(BrokenPack, match=re.escape(told)) as caught:
        load_styles(_shelve(tmp_path, GOOD.replace(old, new, 1)))
    assert str(tmp_path) not in caught.value.sentence


OWN = """
[base.sd15.identity]
scale = 0.9
early = 0.1
settled = 7.0
around = 0.3
reason = "A helmet needs room."

[base.sd15.inks]
steps = 6
line = 1.5
shade = 60.0
reason = "Lines that are lines."
"""


def test_a_base_may_have_its_own_manner(tmp_path: Path) -> None:
    style = load_styles(_shelve(tmp_path, GOOD + OWN))["oil"]
    assert style.manner("sdxl", "sdxl") == (style.drawing, style.identity, None)
    drawing, identity, inks = style.manner("sd15", "sd15")
    assert inks is not None
    assert (inks.steps, inks.line, inks.shade) == (6, 1.5, 60.0)
    assert drawing == style.drawing
    assert (identity.scale, identity.early, identity.settled, identity.around) == (0.9, 0.1, 7.0, 0.3)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("early =", "erly =", "did you mean early"),
        ("early = 0.1", "early = 3", "base.sd15.identity.early"),
        ("line = 1.5", "line = 9", "base.sd15.inks.line"),
        ("shade =", "shades =", "did you mean shade"),
        ("settled =", "# ", "early acts until settled"),
        ("[base.sd15", "[base.sd1", "did you mean sd15?"),
    ],
)
def test_a_broken_manner_is_refused_and_says_where(tmp_path: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(BrokenPack, match=re.escape(told)):
        load_styles(_shelve(tmp_path, GOOD + OWN.replace(old, new)))


BLOCKS = """
[blocks]
side = 64
levels = 8
reason = "Squares that are square."
"""


def test_a_pack_may_ask_for_blocks(tmp_path: Path) -> None:
    style = load_styles(_shelve(tmp_path, GOOD + BLOCKS))["oil"]
    assert style.blocks is not None
    assert (style.blocks.side, style.blocks.levels) == (64, 8)
    assert load_styles(SHELF)["oil"].blocks is None


@pytest.mark.parametrize(
    ("old", "new", "told"), [("side", "sides", "did you mean side"), ("side = 64", "side = 8", "blocks.side")]
)
def test_broken_blocks_are_refused_and_say_where(tmp_path: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(BrokenPack, match=re.escape(told)):
        load_styles(_shelve(tmp_path, GOOD + BLOCKS.replace(old, new, 1)))


def test_a_pack_without_clothes_is_refused(tmp_path: Path) -> None:
    undressed = GOOD.replace(", wearing {wardrobe}", "", 1)
    text = re.sub(r"wardrobe = \[.*?\]\n", "", undressed, count=1, flags=re.S)
    with pytest.raises(BrokenPack, match="everyone is dressed"):
        load_styles(_shelve(tmp_path, text))


def test_the_schema_has_no_place_for_clothes_of_one_class(tmp_path: Path) -> None:
    for key in ("wardrobe_woman", "woman", "men"):
        folder = tmp_path / key
        folder.mkdir()
        with pytest.raises(BrokenPack, match="is not a key of a pack"):
            load_styles(_shelve(folder, GOOD.replace("[prompt.any]\n", f'[prompt.any]\n{key} = ["a coat"]\n')))


def test_refused_words_are_found_in_every_part_of_a_pack(tmp_path: Path) -> None:
    places = ["title", "summary", "author", "provenance", "text", "part"]
    for at, key in enumerate(places):
        text = re.sub(rf'^{key} = "', f'{key} = "Greg Rutkowski ', GOOD, count=1, flags=re.M)
        assert text != GOOD, key
        folder = tmp_path / str(at)
        folder.mkdir()
        with pytest.raises(BrokenPack, match="greg rutkowski"):
            load_styles(_shelve(folder, text))


def test_an_empty_shelf_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BrokenPack, match="no style pack"):
        load_styles(tmp_path)


def test_an_unknown_style_comes_with_the_nearest_name(styles: dict[str, Style]) -> None:
    with pytest.raises(UnknownStyle) as caught:
        pick(styles, ["watercolor"])
    assert caught.value.remedy == "Did you mean watercolour?"
    with pytest.raises(UnknownStyle) as caught:
        pick(styles, ["qqqq"])
    assert "oil" in caught.value.remedy


def test_reading_packs_and_finishing_do_not_load_torch() -> None:
    code = "import sys, avatar.packs.style, avatar.stages.finish; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
