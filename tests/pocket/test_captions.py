from dataclasses import replace

import numpy as np
import pytest

from avatar.pocket.captions import (
    CLASS_WORDS,
    LEADS,
    RARE_TOKEN,
    VOCABULARY,
    caption,
    identity_clauses,
    sight_clauses,
    words,
)
from avatar.pocket.looks import THEMES
from avatar.pocket.people import Beard, Glasses, Hair, HairColour, person
from avatar.pocket.view import Backdrop, Clothes, View, view


def test_every_word_ever_said_is_in_the_vocabulary():
    rng = np.random.default_rng(0)
    known = set(VOCABULARY)
    for seed in range(400):
        said = words(caption(person(seed), view(seed), THEMES[seed % len(THEMES)], rng=rng))
        assert set(said) <= known
        assert len(said) < 40


def test_the_vocabulary_is_small_and_holds_the_class_words_and_the_rare_token():
    assert len(VOCABULARY) < 250
    assert len(set(VOCABULARY)) == len(VOCABULARY)
    assert {*CLASS_WORDS, RARE_TOKEN} <= set(VOCABULARY)


def test_every_theme_has_its_own_lead():
    assert set(LEADS) == set(THEMES)
    assert len(set(LEADS.values())) == len(LEADS)


def test_without_identity_no_permanent_trait_is_named():
    who = replace(person(3), hair=Hair.LONG, hair_colour=HairColour.RED, beard=Beard.FULL, glasses=Glasses.ROUND)
    sight = View(clothes=Clothes.JACKET, cloth_colour="green", backdrop=Backdrop.PARK, smile=0.9, yaw=-0.4)
    rng = np.random.default_rng(1)
    permanent = {word for clause in identity_clauses(who) for word in words(clause)}
    permanent -= {word for clause in sight_clauses(sight) for word in words(clause)}
    for _ in range(50):
        assert not permanent & set(words(caption(who, sight, identity=False, rng=rng)))


def test_a_caption_names_what_is_seen():
    who = replace(person(3), hair=Hair.LONG, hair_colour=HairColour.RED, beard=Beard.FULL, glasses=Glasses.ROUND)
    sight = View(clothes=Clothes.JACKET, cloth_colour="green", backdrop=Backdrop.PARK, smile=0.9, yaw=-0.4)
    assert {"long red hair", "full beard", "round glasses"} <= set(identity_clauses(who))
    assert sight_clauses(sight) == ["green jacket", "park backdrop", "smiling", "turned left"]


@pytest.mark.parametrize("word", CLASS_WORDS)
def test_each_class_word_is_as_likely_for_one_person(word):
    rng = np.random.default_rng(2)
    said = [words(caption(person(8), view(8), rng=rng)) for _ in range(300)]
    assert 0.23 < np.mean([word in line for line in said]) < 0.44
