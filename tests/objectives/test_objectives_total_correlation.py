"""Known answers of minibatch estimates on the aggregate posterior (METHODS, section 8)."""

import itertools
import math

import pytest
import torch
from objectives_view import coded

from latentomics.core import StepView
from latentomics.objectives import PENALTIES
from latentomics.objectives.penalties.total_correlation import stratified_log_weights

STRATIFIED, WEIGHTED = {"estimator": "stratified"}, {"estimator": "weighted"}


def terms(view: StepView) -> tuple[float, float]:
    names = ("mutual_information", "total_correlation")
    found = [PENALTIES[name].term(view) for name in names]
    assert all(term.shape == (len(view.draw),) for term in found)
    return float(found[0].mean()), float(found[1].mean())


def test_KA_8_1_weights_are_unbiased_for_the_mixture() -> None:
    density = torch.tensor([0.9, 0.1, 0.4, 0.2, 0.7], dtype=torch.float64)
    weights = stratified_log_weights(3, 5).exp()
    batches = list(itertools.permutations(range(1, 5), 2))
    estimates = [float(weights[0] @ density[[0, *others]]) for others in batches]
    assert len(batches) == 12
    assert sum(estimates) / 12 == pytest.approx(0.46)
    for row in range(3):  # the copied bug puts 1/N into a column, not on the diagonal
        assert float(weights[row, row]) == pytest.approx(1 / 5)
    torch.testing.assert_close(weights.sum(1), torch.ones(3, dtype=torch.float64))


@pytest.mark.parametrize("batch", [2, 64, 200])
def test_KA_8_2_posteriors_apart_hold_log_n(batch: int) -> None:
    apart = 1e3 * torch.arange(batch, dtype=torch.float64)[:, None].expand(batch, 2)
    information, _ = terms(coded(apart, 1.0, cohort_size=1000, options=STRATIFIED))
    assert information == pytest.approx(math.log(1000), abs=1e-6)  # the bug gives log(B - 1)
    if batch == 64:
        information, _ = terms(coded(apart, 1.0, cohort_size=1000, options=WEIGHTED))
        assert information == pytest.approx(11.06664, abs=1e-4)


def cohort(count: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Means of covariance [[.9, .8], [.8, .9]] and draws with posterior variance .1."""
    factor = torch.linalg.cholesky(torch.tensor([[0.9, 0.8], [0.8, 0.9]], dtype=torch.float64))
    generator = torch.Generator().manual_seed(seed)
    normal, noise = torch.randn(2, count, 2, generator=generator, dtype=torch.float64)
    mean = normal @ factor.T
    return mean, mean + 0.1**0.5 * noise


def of_batches(batch: int, options: dict[str, str], repeats: int) -> tuple[float, float]:
    sums = torch.zeros(2)
    for seed in range(repeats):
        mean, drawn = cohort(batch, seed)
        view = coded(mean, 0.1, cohort_size=1000, options=options)
        view = StepView(**{**{n: getattr(view, n) for n in view.__slots__}, "draw": drawn})
        sums += torch.tensor(terms(view))
    return float(sums[0] / repeats), float(sums[1] / repeats)


def test_KA_8_3_the_whole_mixture_gives_the_analytic_parts() -> None:
    information, correlation = of_batches(1000, STRATIFIED, 3)  # batch = cohort: weights 1/N
    assert information == pytest.approx(1.791759, abs=0.03)
    assert correlation == pytest.approx(0.510826, abs=0.06)


def test_KA_8_3_small_batches_stay_near_and_equal_weights_do_not() -> None:
    information, correlation = of_batches(64, STRATIFIED, 60)
    assert information == pytest.approx(1.878, abs=0.05)  # the bug gives 1.711
    assert correlation == pytest.approx(0.496, abs=0.05)
    information, correlation = of_batches(64, WEIGHTED, 60)
    assert information == pytest.approx(8.618, abs=0.1)
    assert correlation == pytest.approx(7.434, abs=0.1)


def test_one_latent_and_equal_posteriors_have_no_total_correlation() -> None:
    mean, _ = cohort(8)
    _, correlation = terms(coded(mean[:, :1], 0.1, cohort_size=50, options=STRATIFIED))
    assert correlation == pytest.approx(0, abs=1e-9)
    equal = coded(torch.zeros(8, 3, dtype=torch.float64), 0.5, cohort_size=50, options=STRATIFIED)
    assert terms(equal) == pytest.approx((0, 0), abs=1e-9)


def test_the_order_of_a_batch_does_not_matter() -> None:
    mean, _ = cohort(8)
    there = coded(mean, 0.1, cohort_size=50, options=STRATIFIED)
    back = coded(mean.flip(0), 0.1, cohort_size=50, options=STRATIFIED)
    torch.testing.assert_close(
        PENALTIES["total_correlation"].term(there),
        PENALTIES["total_correlation"].term(back).flip(0),
    )
