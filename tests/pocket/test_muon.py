"""The optimiser that trains the base."""

from __future__ import annotations

import pytest
import torch

from avatar.pocket.captions import mirrored
from avatar.pocket.diffusion import middle
from avatar.pocket.muon import Muon, orthogonal


@pytest.mark.parametrize("shape", [(12, 40), (40, 12), (16, 16)])
def test_steps_have_no_direction_that_is_much_stronger(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    short = min(shape)
    left, right = (torch.linalg.qr(torch.randn(side, short))[0] for side in shape)
    steep = left @ torch.diag(torch.logspace(0, -1.5, short)) @ right.T
    before, after = (torch.linalg.svdvals(matrix) for matrix in (steep, orthogonal(steep)))
    assert before[0] / before[-1] > 20
    assert 0.3 < after.min() < after.max() < 1.3


def network() -> torch.nn.Module:
    torch.manual_seed(1)
    return torch.nn.Sequential(torch.nn.Conv2d(2, 6, 3), torch.nn.Flatten(), torch.nn.Linear(6 * 36, 3))


def train(net: torch.nn.Module, optimizer: Muon, steps: int) -> list[float]:
    given, wanted = (
        torch.randn(8, 2, 8, 8, generator=torch.Generator().manual_seed(2)),
        torch.eye(3)[torch.arange(8) % 3],
    )
    losses = []
    for _ in range(steps):
        loss = (net(given) - wanted).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def test_it_learns_convolutions_and_matrices_and_what_is_neither() -> None:
    net = network()
    before = [weight.clone() for weight in net.parameters()]
    losses = train(net, Muon(net.named_parameters(), 5e-3), 60)
    assert losses[-1] < 0.1 * losses[0]
    assert all(not torch.equal(old, new) for old, new in zip(before, net.parameters(), strict=True))


def test_it_goes_on_from_its_state_as_if_it_had_never_stopped() -> None:
    whole, halved = network(), network()
    train(whole, Muon(whole.named_parameters(), 5e-3), 6)
    first = Muon(halved.named_parameters(), 5e-3)
    train(halved, first, 3)
    second = Muon(halved.named_parameters(), 5e-3)
    second.load_state_dict(first.state_dict())
    train(halved, second, 3)
    assert all(torch.equal(one, other) for one, other in zip(whole.parameters(), halved.parameters(), strict=True))


def test_errors_count_most_where_a_face_is() -> None:
    weight = middle(16, 4.0)
    assert weight.mean() == pytest.approx(1, abs=1e-5)
    assert weight.argmax() // 16 == 7
    assert weight[7, 7] > 3 * weight[0, 0]


def test_a_mirror_turns_what_a_caption_says() -> None:
    assert mirrored("a photo of a man, turned left, blue eyes") == "a photo of a man, turned right, blue eyes"
    assert mirrored("turned right, a left-handed scarf") == "turned left, a left-handed scarf"
