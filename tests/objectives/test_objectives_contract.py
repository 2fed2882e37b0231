"""Contract of every likelihood and penalty: what they declare is what they do."""

import pytest
import torch

from latentomics.core import MEAN_AND_LOG_SD, Code, Gaussian, Map, Point, Quantised, StepView
from latentomics.objectives import LIKELIHOODS, PENALTIES, total, usual_options

SIZES = [(7,), (3, 5), (3, 5, 2)]
BATCH = 5
PARTS = [*(PENALTIES[name] for name in PENALTIES), *(LIKELIHOODS[name] for name in LIKELIHOODS)]
OPTIONS = {**usual_options(part.options for part in PARTS), "free_nats": 2.0}
PENALTY_CASES = [(name, code) for name in PENALTIES for code in PENALTIES[name].codes]


def make_code(kind: str, seed: int) -> Code:
    generator = torch.Generator().manual_seed(seed)
    first, second = torch.randn(2, BATCH, 3, 2, generator=generator)
    first.requires_grad_()
    if kind == "map":
        return Map(z=first)
    if kind == "quantised":
        return Quantised(z=second, index=second[:, 0].round().long(), encoded=first)
    if kind != "gaussian":
        return Point(z=first[..., 0].sigmoid() if kind == "sigmoid" else first[..., 0])
    return Gaussian(mean=first[..., 0], log_var=0.1 * second[..., 0] + first[..., 1])


def make_view(
    size: tuple[int, ...], kind: str = "gaussian", seed: int = 0, likelihood: str = "gaussian"
) -> StepView:
    generator = torch.Generator().manual_seed(seed)
    target = torch.rand(BATCH, 2, *size, generator=generator)
    given = 4 if LIKELIHOODS[likelihood].output == MEAN_AND_LOG_SD else 2
    output = torch.rand(BATCH, given, *size, generator=generator)
    weight = (torch.rand(BATCH, 1, *size, generator=generator) > 0.4).float()
    weight[:, :, 0] = 1
    code = make_code(kind, seed)
    drawn = (
        code.mean + torch.randn(BATCH, 3, generator=generator) * (0.5 * code.log_var).exp()
        if isinstance(code, Gaussian)
        else code.z.flatten(1)
    )
    return StepView(
        target=target, weight=weight, code=code, draw=drawn, output=output.requires_grad_(),
        log_scale=None, second=make_code(kind, seed + 1), step=3, cohort_size=9,
        domain=torch.tensor([0, 1, 1, 0, 0]),
        options=OPTIONS, nll=drawn.sum(1), prior=torch.randn(drawn.shape, generator=generator),
        critic=lambda draws: (draws**2).sum(1), input=target, basis=BASIS, encode=encode,
        probes=torch.randn(BATCH, 1, 3, generator=generator).sign(),
    )  # fmt: skip


BASIS = torch.arange(12.0).reshape(4, 3).requires_grad_()
LAYER = torch.linspace(-1, 1, 12).reshape(4, 3).requires_grad_()


def encode(values: torch.Tensor) -> Code:
    """A dense layer of moments of each sample, so that it takes samples of any size."""
    flat = values.flatten(1)
    moments = [flat.mean(1), flat.square().mean(1), flat[:, 0], flat[:, -1]]
    return Point(z=(torch.stack(moments, 1) @ LAYER).sigmoid())


def leaf_of(name: str, view: StepView) -> torch.Tensor:
    """What a penalty's gradient has to reach: the code, or what stands behind the view."""
    behind = {"derivative": LAYER, "basis": BASIS}
    for need in PENALTIES[name].needs:
        if need in behind:
            return behind[need]
    if isinstance(view.code, Quantised):
        return view.code.encoded
    return view.code.mean if isinstance(view.code, Gaussian) else view.code.z


def pick(view: StepView, rows: list[int]) -> StepView:
    def of(value: object) -> object:
        if isinstance(value, torch.Tensor):
            return value[rows]
        if isinstance(value, Code):
            return type(value)(**{name: getattr(value, name)[rows] for name in value.__slots__})
        return value

    own = [name for name in StepView.__slots__ if name != "basis"]
    return StepView(basis=view.basis, **{name: of(getattr(view, name)) for name in own})


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", list(LIKELIHOODS))
def test_KA_1_1_doubling_the_batch_leaves_a_likelihood_unchanged(
    name: str, size: tuple[int, ...]
) -> None:
    view = make_view(size, likelihood=name)
    term = LIKELIHOODS[name].nll(view)
    assert term.shape == (BATCH,)
    twice = LIKELIHOODS[name].nll(pick(view, [*range(BATCH)] * 2))
    torch.testing.assert_close(twice, term.repeat(2))


@pytest.mark.parametrize(("name", "code"), PENALTY_CASES)
def test_KA_1_1_doubling_the_batch_leaves_a_penalty_unchanged(name: str, code: str) -> None:
    view = make_view((3, 5), code)
    term = PENALTIES[name].term(view)
    assert term.shape == (BATCH,)
    twice = PENALTIES[name].term(pick(view, [*range(BATCH)] * 2))
    same = torch.allclose(twice, term.repeat(2), rtol=1e-5, atol=1e-5)
    assert same != PENALTIES[name].pairs


def test_a_per_sample_term_does_not_depend_on_its_neighbours() -> None:
    for registry in (LIKELIHOODS, PENALTIES):
        for name in registry:
            entry = registry[name]
            compute = getattr(entry, "nll", None) or entry.term  # type: ignore[union-attr]
            code = getattr(entry, "codes", ("gaussian",))[0]
            view = make_view(
                (3, 5), code, likelihood=name if registry is LIKELIHOODS else "gaussian"
            )
            alone, together = compute(pick(view, [1, 2])), compute(view)[1:3]
            same = torch.allclose(alone, together, rtol=1e-5, atol=1e-6)
            assert same == entry.per_sample, name


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", list(LIKELIHOODS))
def test_KA_1_1_values_outside_the_mask_change_nothing(name: str, size: tuple[int, ...]) -> None:
    view = make_view(size, likelihood=name)
    outside = (view.weight == 0).expand_as(view.target)
    unseen = (view.weight == 0).expand_as(view.output)
    other = pick(view, [*range(BATCH)])
    other = StepView(
        **{
            **{field: getattr(other, field) for field in StepView.__slots__},
            "target": torch.where(outside, 1 - view.target, view.target),
        }
    )
    results = []
    for given in (view, other):
        loss, terms = total(given, name, ("kl",), {"kl": 1.0})
        gradient = torch.autograd.grad(loss.sum(), view.output)[0]
        results.append((loss, gradient, terms["mse"], terms["nll_per_voxel"]))
        assert not gradient[unseen].any()
        assert gradient[~unseen].all()
    for first, second in zip(*results, strict=True):
        torch.testing.assert_close(first, second)


@pytest.mark.parametrize(("name", "code"), PENALTY_CASES)
def test_a_penalty_reaches_the_code(name: str, code: str) -> None:
    view = make_view((3, 5), code)
    leaf = leaf_of(name, view)
    gradient = torch.autograd.grad(PENALTIES[name].term(view).sum(), leaf, allow_unused=True)[0]
    assert gradient is not None
    assert gradient.any()
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize(("name", "code"), PENALTY_CASES)
def test_one_sample_alone_has_a_term_of_the_usual_size(name: str, code: str) -> None:
    """Of one sample nothing varies: a part of a batch that ran out of memory, or a validation."""
    view = make_view((3, 5), code)
    usual, leaf = PENALTIES[name].term(view).abs().max(), leaf_of(name, view)
    term = PENALTIES[name].term(pick(view, [1]))
    assert float(term.detach().abs()) < 10 * float(usual.detach()) + 10
    if term.requires_grad:
        gradient = torch.autograd.grad(term.sum(), leaf, allow_unused=True)[0]
        assert gradient is None or torch.isfinite(gradient).all()


def test_the_total_is_the_sum_of_its_terms() -> None:
    view = make_view((3, 5))
    weights = {"kl": 2.5, "variance_floor": 0.5}
    loss, terms = total(view, "gaussian", weights, weights)
    expected = terms["nll"] + 2.5 * terms["kl"] + 0.5 * terms["variance_floor"]
    torch.testing.assert_close(loss, expected)
    assert set(terms) == {"nll", "nll_per_voxel", "mse", "kl", "variance_floor"}
    assert all(term.shape == (BATCH,) for term in terms.values())


def test_the_mean_squared_error_is_over_channels_and_voxels() -> None:
    view = make_view((3, 5))
    inside = (view.weight > 0).expand_as(view.target)
    error = (view.output - view.target).detach().square()
    expected = [float(error[n][inside[n]].mean()) for n in range(BATCH)]
    mse = total(view, "gaussian", (), {})[1]["mse"]
    torch.testing.assert_close(mse, torch.tensor(expected))


def test_every_entry_says_what_it_is() -> None:
    assert all(LIKELIHOODS[name].summary for name in LIKELIHOODS)
    assert all(PENALTIES[name].summary for name in PENALTIES)
