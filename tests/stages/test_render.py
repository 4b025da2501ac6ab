"""Render, with a tiny base of the real architecture, a real adapter and a recogniser that is told what to see."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from avatar.errors import Cancelled, Spoiled
from avatar.job import Done, Kind, Refused
from avatar.lora.adapter import attach, detach, export, worn
from avatar.marks.label import read_label
from avatar.packs.candidates import SHOWN, previews
from avatar.packs.choose import Taste
from avatar.packs.style import load_styles
from avatar.ports import Descriptor, Face, Picture
from avatar.stages.render import PREVIEW, RenderPolicy, RenderPorts, run
from avatar.weights.load import LoadedBase, load
from avatar.weights.registry import find
from tests.stages.holding import JOB, Shelf, crop
from tests.tiny import tiny_sd15

STYLES = load_styles(Path(__file__).parents[2] / "styles")
POLICY = RenderPolicy(batch=2, taste=Taste(sharpness=0.0))


@dataclass
class Faces:
    """Sees one face in everything, near to the person as often as `alike` says (in turn)."""

    alike: Sequence[bool] = (True,)
    name: str = "told"
    same_person: float = 0.5
    seen: int = 0

    def find(self, picture: Picture) -> list[Face]:
        self.seen += 1
        return [Face((0, 0, 8, 8), ((1, 1), (3, 1)), 0.0, 1.0, np.array([picture.mean()], np.float32))]

    def distance(self, one: Descriptor, other: Descriptor) -> float:
        return 0.1 if self.alike[self.seen % len(self.alike)] else 0.9


class Safety:
    name = "none"

    def judge(self, picture: Picture, faces: Sequence[Face]) -> str | None:
        return None


@dataclass
class Wearing:
    """Counts how often the adapter was put on, and keeps its tensors to look at afterwards."""

    times: int = 0
    tensors: list[torch.Tensor] = field(default_factory=list)

    @contextmanager
    def __call__(self, loaded: LoadedBase, data: bytes) -> Iterator[Callable[[float], None]]:
        self.times += 1
        with worn(loaded, data) as strength:
            self.tensors += [part for name, part in loaded.unet.named_parameters() if ".lora_" in name]
            yield strength


def _quiet(done: int, total: int, note: str = "") -> None: ...


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> LoadedBase:
    base = load(find(tiny_sd15(tmp_path_factory.mktemp("base"))), "cpu", torch.float32)
    base.base = replace(base.base, steps=3)
    return base


@pytest.fixture(scope="module")
def adapter(loaded: LoadedBase) -> bytes:
    fresh = attach(loaded, 2, 2.0, ("to_q", "to_v"))
    with torch.no_grad():
        for part in fresh.tensors.values():
            part.normal_(generator=torch.Generator().manual_seed(1))
    data = export(fresh, loaded.known_digest)
    detach(loaded)
    return data


@pytest.fixture
def shelf(adapter: bytes) -> Shelf:
    return Shelf({(Kind.ADAPTER, "best"): adapter, (Kind.CROP, "c1"): crop(1), (Kind.CROP, "c2"): crop(2)})


def _ports(shelf: Shelf, loaded: LoadedBase, faces: Faces | None = None) -> RenderPorts:
    return RenderPorts(shelf, faces or Faces(), Safety(), lambda _: loaded, STYLES, _quiet, policy=POLICY)


def _written(shelf: Shelf) -> list[str]:
    assert {kind for kind, _ in shelf.written} <= {Kind.CANDIDATE}
    return [name for _, name in shelf.written if not name.startswith("preview-")]


def test_exactly_what_was_ordered_is_chosen_from_more_that_were_drawn(shelf: Shelf, loaded: LoadedBase) -> None:
    outcome = run(JOB, _ports(shelf, loaded))
    assert isinstance(outcome, Done)
    assert [one["style"] for one in outcome.facts["chosen"]] == ["oil", "oil", "bronze", "bronze"]
    assert outcome.facts["shortfall"] == 0
    assert outcome.facts["drawn"] == 6
    assert outcome.facts["face_hidden"] == [name for name in ("bronze",) if not STYLES[name].face_visible]
    assert _written(shelf) == ["plan-1.json", *[f"{at:04d}.png" for at in range(6)]]


def test_the_next_best_of_each_style_are_spares_and_never_what_was_chosen(shelf: Shelf, loaded: LoadedBase) -> None:
    facts = run(JOB, _ports(shelf, loaded)).facts  # type: ignore[union-attr]
    assert [one["style"] for one in facts["spares"]] == ["oil", "bronze"]
    indices = [one["index"] for one in (*facts["chosen"], *facts["spares"])]
    assert sorted(indices) == list(range(6))


def test_what_passes_is_shown_small_and_labelled_while_the_rest_is_drawn(shelf: Shelf, loaded: LoadedBase) -> None:
    run(JOB, _ports(shelf, loaded, Faces(alike=(True, True, False))))
    order = [name for _, name in shelf.written]
    shown = [name for name in order if name.startswith("preview-")]
    assert 0 < len(shown) < 6
    assert order.index(shown[0]) < order.index("0005.png")
    data = shelf.held[Kind.CANDIDATE, shown[0]]
    label = read_label(data)
    assert label is not None
    assert label.generated
    assert Image.open(io.BytesIO(data)).size == (PREVIEW, PREVIEW)
    number, style = previews(shelf, JOB.id).popitem()[0], previews(shelf, JOB.id)
    assert style[number][0] in JOB.styles


def test_a_strip_is_twelve_at_most(shelf: Shelf, loaded: LoadedBase) -> None:
    run(replace(JOB, styles=("oil",), count=10), _ports(shelf, loaded))
    assert len(previews(shelf, JOB.id)) == SHOWN


def test_facts_are_json_and_hold_no_words_of_prompts(shelf: Shelf, loaded: LoadedBase) -> None:
    told = json.dumps(run(JOB, _ports(shelf, loaded)).facts)  # type: ignore[union-attr]
    assert "painting" not in told
    assert loaded.base.native_token not in told


def test_a_repeat_draws_nothing_and_chooses_the_same(shelf: Shelf, loaded: LoadedBase) -> None:
    first = run(JOB, _ports(shelf, loaded))
    shelf.written.clear()
    wearing = Wearing()
    second = run(JOB, replace(_ports(shelf, loaded), attach=wearing))
    assert second == first
    assert wearing.times == 0
    assert shelf.written == []


def test_after_a_stop_only_what_is_missing_is_drawn(shelf: Shelf, loaded: LoadedBase) -> None:
    whole = Shelf(dict(shelf.held))
    expected = run(JOB, _ports(whole, loaded))

    def stop(done: int, total: int, note: str = "") -> None:
        if done:
            raise Cancelled("stopped")

    wearing = Wearing()
    with pytest.raises(Cancelled):
        run(JOB, replace(_ports(shelf, loaded), progress=stop, attach=wearing))
    assert _written(shelf) == ["plan-1.json", "0000.png", "0001.png"]
    assert not any(tensor.any() for tensor in wearing.tensors)
    shelf.written.clear()
    assert run(JOB, _ports(shelf, loaded)) == expected
    assert _written(shelf) == [f"{at:04d}.png" for at in range(2, 6)]
    assert all(np.array_equal(shelf.held[key], whole.held[key]) for key in whole.held)


def test_the_base_is_as_before_and_the_adapter_is_overwritten(shelf: Shelf, loaded: LoadedBase) -> None:
    wearing = Wearing()
    run(JOB, replace(_ports(shelf, loaded), attach=wearing))
    assert wearing.times == 1
    assert wearing.tensors
    assert not any(tensor.any() for tensor in wearing.tensors)
    assert loaded.digest() == loaded.known_digest


def test_the_adapter_shows_in_the_pictures(shelf: Shelf, loaded: LoadedBase) -> None:
    @contextmanager
    def bare(base: LoadedBase, data: bytes) -> Iterator[Callable[[float], None]]:
        yield lambda strength: None

    other = Shelf(dict(shelf.held))
    run(JOB, _ports(shelf, loaded))
    run(JOB, replace(_ports(other, loaded), attach=bare))
    assert shelf.held[Kind.CANDIDATE, "0000.png"] != other.held[Kind.CANDIDATE, "0000.png"]


def test_too_few_that_pass_lead_to_one_more_round_with_new_seeds(shelf: Shelf, loaded: LoadedBase) -> None:
    job = replace(JOB, styles=("oil",), count=2)
    outcome = run(job, _ports(shelf, loaded, Faces(alike=(True, False, False, False))))
    assert isinstance(outcome, Done)
    assert "plan-2.json" in _written(shelf)
    assert outcome.facts["drawn"] > 3
    assert outcome.facts["shortfall"] == 0
    assert outcome.facts["rejected"]["unlike"] >= 2
    plans = [json.loads(shelf.held[Kind.CANDIDATE, f"plan-{number}.json"]) for number in (1, 2)]
    assert not {shot["seed"] for shot in plans[0]} & {shot["seed"] for shot in plans[1]}


def test_a_shortfall_is_counted_and_never_padded(shelf: Shelf, loaded: LoadedBase) -> None:
    job = replace(JOB, styles=("oil",), count=4)
    outcome = run(job, _ports(shelf, loaded, Faces(alike=(True, *[False] * 10))))
    assert isinstance(outcome, Done)
    assert 0 < len(outcome.facts["chosen"]) < 4
    assert outcome.facts["shortfall"] == 4 - len(outcome.facts["chosen"])


def test_nothing_that_passes_is_a_refusal_and_not_an_empty_pack(shelf: Shelf, loaded: LoadedBase) -> None:
    outcome = run(replace(JOB, styles=("oil",), count=1), _ports(shelf, loaded, Faces(alike=(False,))))
    assert isinstance(outcome, Refused)
    assert outcome.code == "nothing_passed"


def test_an_adapter_that_does_not_open_stops_the_stage(shelf: Shelf, loaded: LoadedBase) -> None:
    shelf.held[Kind.ADAPTER, "best"] = b"not an adapter"
    with pytest.raises(Spoiled):
        run(JOB, _ports(shelf, loaded))
    assert loaded.digest() == loaded.known_digest
