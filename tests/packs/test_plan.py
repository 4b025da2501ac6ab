"""The plan: exact shares, the same every time, and one style never changes another."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avatar.errors import UnknownStyle
from avatar.job import ClassWord, Consent, Job, JobId
from avatar.packs.plan import from_json, more, plan, quotas, split, to_json
from avatar.packs.prompts import Pieces, compose, tidy
from avatar.packs.style import load_styles
from avatar.weights.registry import TABLE

STYLES = load_styles(Path(__file__).parents[2] / "styles")
POCKET = TABLE["pocket"]
NAMES = st.lists(st.sampled_from(sorted(STYLES)), min_size=1, max_size=6, unique=True)
CONSENT = Consent("yes", datetime(2026, 1, 1, tzinfo=UTC))
JOB = Job(JobId("job_0"), ClassWord.PERSON, ("oil", "photo", "knight"), 8, "pocket", 7, CONSENT)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 200), NAMES)
def test_the_order_is_split_exactly_and_evenly(count: int, names: list[str]) -> None:
    shares = split(count, names)
    assert sum(shares.values()) == count
    assert max(shares.values()) - min(shares.values()) <= 1


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 60), NAMES, st.floats(1, 3))
def test_every_style_is_oversampled_and_rounded_up(count: int, names: list[str], oversample: float) -> None:
    job = replace(JOB, count=count, styles=tuple(names))
    drawn = Counter(shot.style for shot in plan(job, STYLES, POCKET, oversample))
    assert drawn == {name: math.ceil(number * oversample) for name, number in quotas(job).items()}


def test_the_same_job_gives_the_same_plan_and_another_seed_another() -> None:
    assert plan(JOB, STYLES, POCKET) == plan(JOB, STYLES, POCKET)
    one, other = plan(JOB, STYLES, POCKET), plan(replace(JOB, seed=8), STYLES, POCKET)
    assert not {shot.seed for shot in one} & {shot.seed for shot in other}


def test_no_two_shots_share_an_index_or_a_seed() -> None:
    first = plan(replace(JOB, count=90), STYLES, POCKET)
    both = first + more(JOB, STYLES, POCKET, {"oil": 5, "knight": 2}, first)
    assert [shot.index for shot in both] == list(range(len(both)))
    assert len({shot.seed for shot in both}) == len(both)


def test_a_style_draws_the_same_pictures_whatever_else_is_ordered() -> None:
    alone = plan(replace(JOB, count=3, styles=("oil",)), STYLES, POCKET)
    among = [shot for shot in plan(replace(JOB, count=9), STYLES, POCKET) if shot.style == "oil"]
    assert [(s.seed, s.prompt) for s in alone] == [(s.seed, s.prompt) for s in among]


def test_a_plan_survives_json() -> None:
    shots = plan(JOB, STYLES, POCKET)
    assert from_json(to_json(shots)) == shots
    with pytest.raises(TypeError):
        from_json(to_json(shots).replace(b'"seed"', b'"sead"'))


def test_pixel_art_is_planned_in_blocks() -> None:
    blocks = STYLES["pixel"].blocks
    assert blocks is not None
    (shot,) = plan(replace(JOB, styles=("pixel",), count=1), STYLES, POCKET, 1.0)
    assert (shot.blocks, shot.levels) == (blocks.side, blocks.levels)
    assert POCKET.resolution % shot.blocks == 0


def test_a_comic_is_inked_where_its_base_needs_it() -> None:
    order = replace(JOB, styles=("comic",), count=1)
    (small,), (large,) = (plan(order, STYLES, TABLE[name], 1.0) for name in ("pocket", "sdxl"))
    inks = STYLES["comic"].manner("pocket", "sd15")[2]
    assert inks is not None
    assert (small.ink_steps, small.ink_line, small.ink_shade) == (inks.steps, inks.line, inks.shade)
    assert (large.ink_steps, large.ink_line, large.ink_shade) == (0, 0.0, 0.0)


def test_a_style_named_twice_counts_once() -> None:
    assert quotas(replace(JOB, styles=("oil", "photo", "oil"), count=4)) == {"oil": 2, "photo": 2}


def test_fewer_pictures_than_styles_leave_the_last_ones_out() -> None:
    assert quotas(replace(JOB, count=2)) == {"oil": 1, "photo": 1}


def test_an_unknown_style_stops_the_plan() -> None:
    with pytest.raises(UnknownStyle):
        plan(replace(JOB, styles=("oyl",)), STYLES, POCKET)


def test_settings_follow_the_base_and_words_its_own_prompt() -> None:
    small, large = (plan(JOB, STYLES, TABLE[name])[0] for name in ("pocket", "sdxl"))
    drawing, identity, _ = STYLES[small.style].manner("pocket", "sd15")
    assert (small.width, small.steps) == (POCKET.resolution, POCKET.steps)
    assert small.guidance == POCKET.guidance * drawing.guidance
    assert (small.identity, small.early, small.settled) == (identity.scale, identity.early, identity.settled)
    assert small.around == identity.around is not None
    assert [(shot.blocks, shot.levels) for shot in (small, large)] == [(0, 0)] * 2
    assert (large.width, large.steps, large.guidance) == (1024, TABLE["sdxl"].steps, TABLE["sdxl"].guidance)
    assert f"{POCKET.native_token} person" in small.prompt
    assert len(large.prompt) > len(small.prompt)
    assert small.negative == ""
    assert "nudity" in large.negative


def test_every_filling_is_used_once_before_any_is_used_twice() -> None:
    pieces = Pieces("{subject} in {scene}", scene=("a", "b", "c", "d"))
    told = [compose(pieces, "X", "", "key", turn) for turn in range(8)]
    assert len(set(told[:4])) == len(set(told[4:])) == 4


def test_empty_slots_leave_no_stray_commas() -> None:
    assert compose(Pieces("{subject}, {traits}, in oil"), "X", "", "k", 0) == "X, in oil"
    assert tidy(" , a ,, b  c ,") == "a, b c"
