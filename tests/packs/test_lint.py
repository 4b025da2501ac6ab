"""Refused words are found however they are written, and plain words are left alone."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avatar.packs.lint import plain, refuse, refuse_negative
from avatar.packs.refused import LISTS

NAMES = ["greg rutkowski", "hayao miyazaki", "harry potter", "star wars", "wonder woman", "annie leibovitz"]
WORDS = ["girl", "teen", "young", "asian", "sexy", "nude", "disney", "lingerie", "child"]
GAPS = st.sampled_from([" ", "  ", "-", "_", ".", " \u00b7 ", "\u00a0", "\n"])
ACCENTS = st.sampled_from(["", "\u0301", "\u0308", "\u0327"])


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(NAMES + WORDS), st.data())
def test_case_accents_and_gaps_hide_nothing(word: str, data: st.DataObject) -> None:
    shown = "".join(
        data.draw(GAPS) if char == " " else data.draw(st.sampled_from([char, char.upper()])) + data.draw(ACCENTS)
        for char in word
    )
    shown = unicodedata.normalize(data.draw(st.sampled_from(["NFC", "NFD", "NFKC"])), shown)
    assert plain(word) in {plain(hit.word) for hit in refuse(f"a portrait of a knight, {shown}, in oil")}


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(NAMES), st.integers(1, 8))
def test_a_name_with_a_gap_in_a_wrong_place_is_found(name: str, at: int) -> None:
    closed = name.replace(" ", "")
    torn = closed[:at] + " " + closed[at:]
    assert refuse(f"by {torn}, oil")


def test_a_name_spelt_letter_by_letter_is_found() -> None:
    assert refuse("by g r e g  r u t k o w s k i")
    assert refuse("by g.r.e.g-r.u.t.k.o.w.s.k.i")


ALIKE = ["ｇｉｒｌ", "d1sney", "$exy", "n\u200bude", "t33n", "gi\u00adrl", "GIRL'S", "skin-whitening"]


@pytest.mark.parametrize("text", ALIKE)
def test_look_alike_signs_hide_nothing(text: str) -> None:
    assert refuse(text)


@pytest.mark.parametrize(
    "text",
    [
        "a teal embroidered linen shirt in an orchard, candlelight",
        "a classic bass guitar by the grass, embraced by ivy",
        "polished steel, an analysis of light, therapist, cockpit, Essex",
        "a manor house, human warmth, romantic ruins, emphasis, mandolin",
        "a childproof lock",  # one word, and not the word
        "matte paint, jacket potatoes, pennants, shirts",
        "art germinates, a miniature, minority report of flowers",
    ],
)
def test_plain_words_are_left_alone(text: str) -> None:
    assert refuse(text) == []


def test_words_for_kinds_of_people_are_refused_with_their_reason() -> None:
    assert {hit.group for hit in refuse("a young asian woman by Banksy, sexy, on a Disney set")} == set(LISTS)


def test_a_negative_prompt_may_keep_nudity_out_and_name_nothing_else() -> None:
    assert refuse_negative("blurry, nudity, NSFW, child, watermark") == []
    assert [hit.word for hit in refuse_negative("nudity, dark skin, by greg rutkowski")]
    assert refuse_negative("asian") != []


def test_every_listed_word_is_refused_as_it_stands() -> None:
    for group, listed in LISTS.items():
        for word in filter(None, (one.strip() for one in listed.replace("\n", "").split("|"))):
            assert group in {hit.group for hit in refuse(word.rstrip("*"))}, word


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=80))
def test_no_text_makes_the_linter_fail(text: str) -> None:
    refuse(text)
