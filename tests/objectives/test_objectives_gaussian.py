"""Known answers of penalties on Gaussian codes (METHODS, sections 7 and 8)."""

import math
from itertools import permutations

import numpy as np
import pytest
import torch
from objectives_view import coded, make_view, of_divergence

from latentomics.core import Gaussian, RequestError
from latentomics.objectives import PENALTIES, total
from latentomics.objectives.penalties.covariance import squared_covariances
from latentomics.objectives.penalties.mmd import SCALES, squared_mmd

SPECTRUM = torch.tensor([10, 4, 1, 0.5, 0.2], dtype=torch.float64)


def correlated(count: int, seed: int) -> torch.Tensor:
    """Means of KA-8.3: covariance [[.9, .8], [.8, .9]]."""
    factor = torch.linalg.cholesky(torch.tensor([[0.9, 0.8], [0.8, 0.9]], dtype=torch.float64))
    normal = torch.randn(
        count, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64
    )
    return normal @ factor.T


@pytest.mark.parametrize(("capacity", "error"), [(1, 6.35335), (2, 3.40447), (3, 2.08745)])
def test_KA_7_1_a_capacity_is_reverse_water_filling(capacity: float, error: float) -> None:
    # posterior of each component of a linear decoder with noise variance 1, by its distortion
    raw = torch.zeros(5, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([raw], max_iter=100, line_search_fn="strong_wolfe")

    def distortion() -> torch.Tensor:
        return SPECTRUM * raw.sigmoid()

    def loss() -> torch.Tensor:
        share = (distortion() / SPECTRUM).clamp_max(1 - 1e-12)
        code = Gaussian(
            mean=(1 - share).sqrt().expand(2, 5) * torch.tensor([[1.0], [-1]]),
            log_var=share.log().expand(2, 5),
        )  # over these two samples the means have the variance 1 - share: KL_j = -log(share) / 2
        view = make_view(code=code, options={"capacity": capacity, "capacity_steps": 0.0})
        return 0.5 * distortion().sum() + 1000 * PENALTIES["capacity"].term(view).mean() ** 2

    def close() -> torch.Tensor:
        optimiser.zero_grad()
        value = loss()
        value.backward()
        return value

    optimiser.step(close)
    assert float(distortion().sum().detach()) == pytest.approx(error, abs=0.01)


def test_KA_7_1_the_capacity_grows_and_stands_on_the_batch_mean() -> None:
    code = of_divergence([[0.0, 4.0], [2.0, 0.0]])  # 4 and 2 nats, 3 in the mean
    options = {"capacity": 8.0, "capacity_steps": 100.0}
    for step, distance in ((0, 3.0), (25, 1.0), (50, 1.0), (100, 5.0), (2**62, 5.0)):
        term = PENALTIES["capacity"].term(make_view(code=code, step=step, options=options))
        torch.testing.assert_close(term, torch.full((2,), distance))


def test_KA_7_3_free_bits_stand_on_the_batch_mean() -> None:
    code = of_divergence([[0.0, 0.4], [0.2, 0.0]])
    view = make_view(code=code, options={"free_nats": 0.15})
    floored = PENALTIES["kl"].term(view) + PENALTIES["free_bits"].term(view)
    assert float(floored.mean()) == pytest.approx(0.35)  # a floor for each sample gives .45
    none = make_view(code=code, options={"free_nats": 0.0})
    assert not PENALTIES["free_bits"].term(none).any()


def test_KA_7_3_a_latent_below_its_free_nats_is_not_pulled() -> None:
    mean = torch.tensor([[0.1, 1.0], [-0.2, -1.0]], requires_grad=True)
    view = make_view(
        code=Gaussian(mean=mean, log_var=torch.zeros(2, 2)), options={"free_nats": 0.1}
    )
    weights = {"kl": 1.0, "free_bits": 1.0}
    loss = PENALTIES["kl"].term(view).mean() + PENALTIES["free_bits"].term(view).mean()
    (gradient,) = torch.autograd.grad(loss, mean)
    torch.testing.assert_close(gradient, torch.tensor([[0, 0.5], [0, -0.5]]))
    assert weights.keys() <= set(PENALTIES)
    assert not PENALTIES["free_bits"].compared  # models are chosen by the true bound


def dip(kind: str, count: int = 20_000) -> tuple[float, float]:
    # KA-8.3's population: four points with exactly its covariance of means, each so many times
    covariance = torch.tensor([[0.9, 0.8], [0.8, 0.9]], dtype=torch.float64)
    points = torch.tensor([[1.0, 1], [1, -1], [-1, 1], [-1, -1]], dtype=torch.float64)
    population = (points @ torch.linalg.cholesky(covariance).T).repeat(count, 1)
    view = coded(population, 0.1, options={"kind": kind})
    terms = [PENALTIES[name].term(view) for name in ("off_diagonal", "diagonal")]
    assert all(term.shape == (4 * count,) for term in terms)
    return float(terms[0][0]), float(terms[1][0])


def test_KA_8_5_squared_covariances_of_means_and_of_posteriors() -> None:
    assert dip("I") == pytest.approx((1.28, 0.02), abs=1e-4)
    assert dip("II") == pytest.approx((1.28, 0.0), abs=1e-4)


def test_KA_8_5_squares_are_the_mean_over_all_choices_of_four_samples() -> None:
    values = torch.randn(6, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    every = []
    for a, b, c, d in permutations(values, 4):
        first, second = a - b, c - d
        every.append(first[:, None] * first * (second[:, None] * second) / 4)
    torch.testing.assert_close(squared_covariances(values), torch.stack(every).mean(0))


def test_KA_8_5_chance_correlations_of_small_batches_add_up_to_nothing() -> None:
    # the plain squares of 10 independent latents in batches of 16 add up to about 90 / 15
    generator = torch.Generator().manual_seed(0)
    found = []
    for _ in range(2000):
        view = coded(torch.randn(16, 10, generator=generator), 1.0, options={"kind": "I"})
        found.append([float(PENALTIES[n].term(view)[0]) for n in ("off_diagonal", "diagonal")])
    assert np.mean(found, axis=0) == pytest.approx([0, 0], abs=0.15)


def test_several_draws_of_a_sample_are_one_sample_to_its_covariance() -> None:
    means = torch.randn(8, 3, generator=torch.Generator().manual_seed(0))
    once = coded(means, 1.0, options={"kind": "II"})
    often = coded(means.repeat_interleave(5, 0), 1.0, options={"kind": "II"}, draws=5)
    for name in ("off_diagonal", "diagonal"):
        terms = [PENALTIES[name].term(view) for view in (once, often)]
        assert (len(terms[0]), len(terms[1])) == (8, 40)
        torch.testing.assert_close(terms[0][0], terms[1][0])


def reference_mmd(x: torch.Tensor, y: torch.Tensor) -> float:
    """The definition, pair by pair."""

    def kernel(a: torch.Tensor, b: torch.Tensor) -> float:
        squared = float(((a - b) ** 2).sum())
        return sum(2 * len(a) * s / (2 * len(a) * s + squared) for s in SCALES)

    n = len(x)
    within = [
        sum(kernel(z[i], z[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
        for z in (x, y)
    ]
    return sum(within) - 2 * sum(kernel(a, b) for a in x for b in y) / n**2


def test_mmd_is_its_definition_and_leaves_out_the_diagonal() -> None:
    x, y = torch.randn(2, 7, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert float(squared_mmd(x, y)) == pytest.approx(reference_mmd(x, y), rel=1e-9)
    assert float(squared_mmd(x[:1], y[:1])) == 0
    term = PENALTIES["mmd"].term(make_view(draw=x, prior=y))
    assert term.shape == (7,)


def test_KA_21_1_mmd_of_equal_distributions_is_zero_in_the_mean_and_may_be_negative() -> None:
    generator = torch.Generator().manual_seed(1)
    values = [
        float(squared_mmd(*torch.randn(2, 16, 2, generator=generator, dtype=torch.float64)))
        for _ in range(600)
    ]
    mean, error = torch.tensor(values).mean(), torch.tensor(values).std() / math.sqrt(600)
    assert abs(mean) < 4 * error  # with its diagonal it would be 7 * 2 / 16 too large
    assert min(values) < 0


def test_terms_say_what_they_need() -> None:
    for name, words in (("mmd", "prior"), ("density_ratio", "discriminator")):
        with pytest.raises(RequestError, match=words):
            PENALTIES[name].term(coded(torch.zeros(4, 2), 1.0))
    for name in ("capacity", "free_bits", "importance", "off_diagonal"):
        with pytest.raises(RequestError, match="Gaussian code"):
            PENALTIES[name].term(make_view(options={"kind": "I", "draws": 1.0}))


def test_the_kl_of_a_gaussian_code_is_logged_where_it_costs_nothing() -> None:
    view = coded(torch.ones(4, 1), 0.25)
    loss, terms = total(view, "gaussian", (), {})
    assert float(terms["kl"][0]) == pytest.approx(0.818147, abs=1e-6)
    torch.testing.assert_close(loss, terms["nll"])
