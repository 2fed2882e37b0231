"""Codes that do not tell the site (METHODS, sections 20 and 21)."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from latentomics.core import Point, RequestError, StepView
from latentomics.objectives import PENALTIES
from latentomics.objectives.companions.site_classifier import SiteClassifier, reversal
from latentomics.objectives.penalties import site_mmd

CPU = torch.device("cpu")


def view_of(z: torch.Tensor, domain: torch.Tensor | None, step: int = 10**6) -> StepView:
    ones = torch.ones(len(z), 1, 1)
    return StepView(
        target=ones, weight=ones, code=Point(z=z), draw=z, output=ones, log_scale=None, second=None,
        domain=domain, step=step, cohort_size=len(z),
    )  # fmt: skip


def two_sites(count: int, apart: float, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    site = torch.arange(count) % 2
    return torch.randn(count, 1, generator=generator) + apart * site[:, None], site


def test_KA_21_1_mmd_of_two_sites(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site_mmd, "SCALES", (1.0,))
    found = []
    for seed in range(40):
        z, site = two_sites(600, 1.0, seed)
        width = torch.ones(())
        found.append(float(site_mmd.squared_mmd(z[site == 0], z[site == 1], width)))
    error = np.std(found) / math.sqrt(len(found))
    assert abs(np.mean(found) - 0.177268) < 4 * error
    same = [
        float(site_mmd.squared_mmd(*two_sites(600, 0.0, seed)[0].chunk(2), torch.ones(())))
        for seed in range(40)
    ]
    assert abs(np.mean(same)) < 4 * np.std(same) / math.sqrt(40)  # unbiased
    assert min(same) < 0


def test_the_term_is_free_of_the_scale_of_the_code() -> None:
    z, site = two_sites(60, 1.0)
    term = PENALTIES["site_mmd"].term
    torch.testing.assert_close(term(view_of(z, site)), term(view_of(100 * z, site)))


@pytest.mark.parametrize("domain", [None, torch.full((6,), -1), torch.tensor([0, 1, 1, 1, -1, -1])])
def test_without_two_known_sites_there_is_nothing_to_compare(domain: torch.Tensor | None) -> None:
    z = torch.randn(6, 2)
    assert not PENALTIES["site_mmd"].term(view_of(z, domain)).any()
    if domain is None:
        assert not PENALTIES["site_information"].term(view_of(z, None)).any()


def test_descending_the_mmd_brings_sites_together() -> None:
    z, site = two_sites(80, 3.0)
    shift = torch.zeros(1, requires_grad=True)
    optimiser = torch.optim.Adam([shift], 0.1)
    for _ in range(150):
        moved = z - shift * site[:, None]
        loss = PENALTIES["site_mmd"].term(view_of(moved, site)).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert float(shift.detach()) == pytest.approx(3, abs=0.5)


def classifier(**options: float) -> SiteClassifier:
    return SiteClassifier(1, CPU, 0, {"reversal_steps": 0.0, **options})


def trained(apart: float, steps: int = 300) -> SiteClassifier:
    found = classifier()
    for step in range(steps):
        z, site = two_sites(256, apart, step)
        found.attend(view_of(z, site), {}, training=True)
    return found


def nats(found: SiteClassifier, apart: float) -> float:
    z, site = two_sites(20_000, apart, 10**6)
    view, _ = found.attend(view_of(z, site), {}, training=False)
    return float(PENALTIES["site_information"].term(view).detach().mean())


def test_the_classifier_estimates_what_the_code_knows() -> None:
    x = np.linspace(-8, 11, 20_001)
    one, two = (np.exp(-((x - m) ** 2) / 2) / math.sqrt(2 * math.pi) for m in (0, 3))
    both = (one + two) / 2
    density = sum(p * np.log(p / both) for p in (one, two)) / 2
    information = np.trapezoid(density, x)  # mutual information of site and code, nats
    assert nats(trained(3.0), 3.0) == pytest.approx(information, abs=0.03)
    assert nats(trained(0.0), 0.0) == pytest.approx(0, abs=0.02)


def test_the_reversed_gradient_moves_the_code_away_from_its_site() -> None:
    found = trained(3.0)
    z, site = two_sites(200, 3.0, 7)
    z.requires_grad_()
    view, _ = found.attend(view_of(z, site), {}, training=False)
    term = PENALTIES["site_information"].term(view)
    slope = torch.autograd.grad(term.mean(), z)[0]
    with torch.no_grad():
        better, _ = found.attend(view_of(z - 200 * slope, site), {}, training=False)
        after = PENALTIES["site_information"].term(better).mean()
    assert float(after) < float(term.detach().mean()) - 0.01
    assert not any(p.requires_grad for p in found.second.network.parameters())


def test_KA_20_the_reversal_grows_from_0_to_1() -> None:
    values = [reversal(step, 500) for step in range(0, 600, 50)]
    assert values[0] == 0
    assert values == sorted(values)
    assert values[-1] == pytest.approx(1, abs=1e-4)
    slopes = []
    for step in (0, 50, 10**6):
        found = trained(3.0, 50)
        found.steps = 500.0
        z, site = two_sites(40, 3.0)
        z.requires_grad_()
        view, _ = found.attend(view_of(z, site, step), {}, training=False)
        slopes.append(torch.autograd.grad(PENALTIES["site_information"].term(view).sum(), z)[0])
    assert not slopes[0].any()
    torch.testing.assert_close(slopes[1], slopes[2] * reversal(50, 500), rtol=1e-3, atol=1e-6)


def test_samples_of_unknown_site_teach_nothing() -> None:
    known, both = classifier(), classifier()
    z, site = two_sites(40, 3.0)
    known.attend(view_of(z, site), {}, training=True)
    more = torch.cat([z, torch.full((10, 1), 99.0)])
    view, _ = both.attend(
        view_of(more, torch.cat([site, torch.full((10,), -1)])), {}, training=True
    )
    for one, other in zip(known.state().values(), both.state().values(), strict=True):
        torch.testing.assert_close(one, other)
    assert not PENALTIES["site_information"].term(view)[40:].any()


def test_it_goes_on_from_its_state() -> None:
    first = trained(3.0, 20)
    second = classifier()
    second.restore({name: value.clone() for name, value in first.state().items()})
    for found in (first, second):
        z, site = two_sites(64, 3.0, 99)
        found.attend(view_of(z, site), {}, training=True)
    for one, other in zip(first.state().values(), second.state().values(), strict=True):
        assert torch.equal(one, other)


def test_too_many_sites_are_refused() -> None:
    z = torch.randn(4, 1)
    with pytest.raises(RequestError, match="more than 64"):
        classifier().attend(view_of(z, torch.tensor([0, 1, 2, 64])), {}, training=True)
