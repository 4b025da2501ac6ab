"""The judge of generated pictures, and the lines of the evaluation."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from avatar.errors import Spoiled
from avatar.pocket import judge
from avatar.pocket.dataset import traits
from avatar.pocket.evaluate import Line, asked
from avatar.pocket.judge import HEADS, UNASKED, read, rightness, shown, train
from avatar.pocket.looks import THEMES
from avatar.pocket.people import person

PLAIN = {"hair_colour": "red", "glasses": "none", "beard": "full", "skin_group": "tan"}


def shard(folder: Path, count: int) -> Path:
    """Photos with a bar for glasses, and oils that are blue all over."""
    dice = np.random.default_rng(1)
    pictures = dice.integers(90, 110, (count, 256, 256, 3)).astype(np.uint8)
    entries = []
    for at in range(count):
        theme, worn = ("photo", "oil")[at % 2], at % 4 == 0
        pictures[at, :, :, 2] += 120 if theme == "oil" else 0
        if worn:
            pictures[at, 100:130] = 10
        entries.append({"theme": theme, "traits": {**PLAIN, "glasses": "round" if worn else "none"}})
    np.save(folder / "0000.npy", pictures)
    (folder / "0000.json").write_text(json.dumps(entries))
    return folder / "0000.npy"


def test_the_judge_learns_what_the_labels_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "SIDE", 32)  # coarse shapes are all there is to see here
    path = shard(tmp_path, 64)
    given = read([path])
    seen = train(given, epochs=12, batch=8)
    right = rightness(seen, given)
    assert right["theme"] > 0.95
    assert right["glasses"] > 0.9
    pictures = np.load(path)[:8]
    assert [said["theme"] for said in seen.say(list(pictures))] == ["photo", "oil"] * 4
    judge.keep(seen, tmp_path / "judge.safetensors")
    assert judge.load(tmp_path / "judge.safetensors").say(list(pictures)) == seen.say(list(pictures))


def test_what_is_no_judge_is_told(tmp_path: Path) -> None:
    (tmp_path / "judge.safetensors").write_bytes(b"no judge")
    with pytest.raises(Spoiled, match="is no judge"):
        judge.load(tmp_path / "judge.safetensors")
    with pytest.raises(Spoiled, match="is no judge"):
        judge.load(tmp_path / "nowhere.safetensors")


def test_a_judge_of_other_words_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many themes in another order: every answer would be wrong, and nothing else would tell."""
    judge.keep(judge.Judge(), tmp_path / "judge.safetensors")
    judge.load(tmp_path / "judge.safetensors")
    monkeypatch.setattr(judge, "HEADS", {**HEADS, "theme": tuple(reversed(THEMES))})
    with pytest.raises(Spoiled, match="is no judge"):
        judge.load(tmp_path / "judge.safetensors")


def test_an_untrained_judge_is_no_better_than_chance(tmp_path: Path) -> None:
    torch.manual_seed(0)
    right = rightness(judge.Judge().eval(), read([shard(tmp_path, 32)]))["theme"]
    assert right <= 0.5  # of two themes it names the same one always, or another


def test_what_a_theme_hides_is_not_asked() -> None:
    heads = list(HEADS)
    bronze = shown({"theme": "bronze", "traits": PLAIN})
    assert bronze[0] == THEMES.index("bronze")
    assert set(bronze[1:]) == {UNASKED}
    photo = shown({"theme": "photo", "traits": {**PLAIN, "beard": "stubble", "hair_colour": "none"}})
    assert photo[heads.index("beard")] == photo[heads.index("hair colour")] == UNASKED
    assert photo[heads.index("skin group")] == HEADS["skin group"].index("tan")


def test_the_words_for_drawn_people_are_the_judges() -> None:
    for seed in range(40):
        found = shown({"theme": "photo", "traits": traits(person(seed))})
        assert found[list(HEADS).index("skin group")] != UNASKED
        assert found[list(HEADS).index("glasses")] != UNASKED


def test_captions_state_every_look_for_every_skin_alike() -> None:
    wanted = asked(36)
    for group in ("pale", "deep"):
        own = [looks for skin, _, looks in wanted if skin == group]
        assert len(own) == 36
        assert sum(looks["glasses"] == "yes" for looks in own) == sum(looks["beard"] == "yes" for looks in own) == 18
        assert len({looks["hair colour"] for looks in own}) == 9
    assert all(("glasses" in caption) == (looks["glasses"] == "yes") for _, caption, looks in wanted)


@pytest.mark.parametrize(
    ("value", "bar", "below", "met"), [(91, 90, False, True), (1.2, 1, True, False), (5, None, False, None)]
)
def test_a_line_knows_whether_its_bar_is_met(value: float, bar: float | None, below: bool, met: bool | None) -> None:
    assert Line("a", value, bar, below=below).met is met
