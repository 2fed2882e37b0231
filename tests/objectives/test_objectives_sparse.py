"""Known answers for sparse codes, codebooks and bases (METHODS, sections 10 and 12)."""

import math

import pytest
import torch

from latentomics.core import NetworkSpec, Point, Quantised, RequestError, StepView
from latentomics.models import build_network
from latentomics.objectives import PENALTIES
from latentomics.objectives.penalties.orthonormality import squared_distance_from_orthonormal
from latentomics.objectives.penalties.sparsity import activity_divergence


def view_of(z: torch.Tensor, voxels: int = 1, **changes: object) -> StepView:
    ones = torch.ones(len(z), 1, voxels)
    values = {
        "target": ones, "weight": ones, "code": Point(z=z), "draw": z, "output": ones,
        "log_scale": None, "second": None, "domain": None, "step": 0, "cohort_size": 9,
        "options": {"rho": 0.05},
    } | changes  # fmt: skip
    return StepView(**values)  # type: ignore[arg-type]


def test_KA_12_1_divergence_of_two_activities() -> None:
    assert float(activity_divergence(torch.tensor(0.2), 0.05)) == pytest.approx(0.093943, abs=1e-6)
    assert float(activity_divergence(torch.tensor(0.05), 0.05)) == pytest.approx(0, abs=1e-7)


def test_KA_12_1_the_mean_over_the_batch_is_what_counts() -> None:
    z = torch.tensor([[0.4, 0.05], [0.0, 0.05]])  # mean activities .2 and .05
    term = PENALTIES["sparsity"].term(view_of(z))
    torch.testing.assert_close(term, torch.full((2,), 0.093943), rtol=1e-4, atol=0)
    per_sample = activity_divergence(z, 0.05).sum(1).mean()  # the wrong form
    assert float(per_sample) > 0.2


@pytest.mark.parametrize("dead", [0.0, 1.0])
def test_a_unit_that_never_changes_has_a_finite_divergence(dead: float) -> None:
    z = torch.full((4, 1), dead, requires_grad=True)
    term = PENALTIES["sparsity"].term(view_of(z)).sum()
    assert torch.isfinite(term)


@pytest.mark.parametrize("rho", [0.0, 1.0])
def test_an_activity_that_is_no_share_is_refused(rho: float) -> None:
    with pytest.raises(RequestError, match="between 0 and 1"):
        PENALTIES["sparsity"].term(view_of(torch.rand(3, 2), options={"rho": rho}))


def test_sparsity_is_refused_on_unbounded_codes() -> None:
    assert PENALTIES["sparsity"].codes == ("sigmoid",)  # rho is undefined for others


def test_KA_12_l1_is_the_soft_threshold() -> None:
    """An orthonormal linear code under |z| weights: z = sign(c) max(|c| - w/2, 0)."""
    generator = torch.Generator().manual_seed(0)
    axes = torch.linalg.qr(torch.randn(6, 3, generator=generator))[0]
    values = 2 * torch.randn(20, 6, generator=generator)
    weight = 0.8
    z = torch.zeros(20, 3, requires_grad=True)
    optimiser = torch.optim.Adam([z], lr=0.05)
    for step in range(800):
        for group in optimiser.param_groups:
            group["lr"] = 0.05 * (1 - step / 800)
        term = PENALTIES["l1"].term(view_of(z, voxels=6))
        loss = (values - z @ axes.T).square().sum() + weight * term.sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    projected = values @ axes
    threshold = weight * math.sqrt(6) / 2
    wanted = projected.sign() * (projected.abs() - threshold).clamp_min(0)
    torch.testing.assert_close(z.detach(), wanted, rtol=0, atol=5e-3)


@pytest.mark.parametrize(("unit", "cheats"), [(True, False), (False, True)])
def test_KA_12_l1_without_unit_columns_is_cheated_by_scale(unit: bool, cheats: bool) -> None:
    """Shrinking the code and stretching the decoder leaves the error and lowers a naive L1."""
    spec = NetworkSpec(
        kind="dense", dimension=1, size=(6,), channels_in=1, channels_out=1, latent=3, code="point",
        widths=(), unit_columns=unit,
    )  # fmt: skip
    network = build_network(spec, 0)
    values = torch.randn(9, 1, 6, generator=torch.Generator().manual_seed(0))
    code, output = network(values)
    with torch.no_grad():
        for parameter in network.encoder.parameters():  # type: ignore[union-attr]
            parameter.div_(10)
        network.decoder[0].layer.weight.mul_(10)  # type: ignore[union-attr,index]
    smaller, same = network(values)
    terms = [PENALTIES["l1"].term(view_of(c.z, voxels=6)).mean().detach() for c in (code, smaller)]
    assert float(terms[1]) == pytest.approx(float(terms[0]) / 10, rel=1e-4)
    assert torch.allclose(output, same, atol=1e-5) == cheats


def test_KA_10_1_orthonormality() -> None:
    assert float(squared_distance_from_orthonormal(2 * torch.eye(3))) == 27
    basis = torch.linalg.qr(torch.randn(7, 3, generator=torch.Generator().manual_seed(0)))[0]
    assert float(squared_distance_from_orthonormal(basis)) == pytest.approx(0, abs=1e-10)
    term = PENALTIES["orthonormality"].term(view_of(torch.zeros(4, 3), basis=2 * torch.eye(3)))
    assert term.tolist() == [27] * 4


def test_KA_10_commitment_moves_the_encoder_alone() -> None:
    encoded = torch.tensor([[1.0, 2.0], [0.0, -1.0]], requires_grad=True)
    entries = torch.tensor([[0.0, 2.5], [0.0, -1.0]], requires_grad=True)
    code = Quantised(z=entries, index=torch.zeros(2, 1), encoded=encoded)
    term = PENALTIES["commitment"].term(view_of(entries, code=code))
    assert term.tolist() == [1.25, 0]
    term.sum().backward()
    assert entries.grad is None
    assert encoded.grad is not None
    assert encoded.grad.tolist() == [[2, -1], [0, 0]]


@pytest.mark.parametrize(
    ("name", "words"),
    [("commitment", "commit"), ("orthonormality", "no basis"), ("contraction", "derivative")],
)
def test_terms_that_need_more_say_so(name: str, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        PENALTIES[name].term(view_of(torch.rand(3, 2)))
