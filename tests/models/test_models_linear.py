"""The linear network and the linear path are PCA (METHODS, section 2)."""

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from latentomics.core import Gaussian, NetworkSpec, Point, RequestError
from latentomics.models import Network, build_network, centre

SPECTRUM = np.array([10, 4, 1, 0.5, 0.2])


def exact_data(spectrum: np.ndarray, count: int = 400, seed: int = 0) -> np.ndarray:
    """Samples whose 1/N covariance has exactly this spectrum, in random axes."""
    generator = np.random.default_rng(seed)
    white = generator.standard_normal((count, spectrum.size))
    white -= white.mean(0)
    left, _, _ = np.linalg.svd(white, full_matrices=False)
    axes = np.linalg.qr(generator.standard_normal((spectrum.size, spectrum.size)))[0]
    return left * np.sqrt(count * spectrum) @ axes + 3.0


def pca(data: np.ndarray, latent: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    mean = data.mean(0)
    _, singular, axes = np.linalg.svd(data - mean, full_matrices=False)
    parts = (mean, axes[:latent], singular[:latent] ** 2 / len(data))
    return tuple(torch.from_numpy(part).float() for part in parts)  # type: ignore[return-value]


def linear_spec(size: tuple[int, ...], latent: int, code: str = "point") -> NetworkSpec:
    return NetworkSpec(
        kind="linear", dimension=len(size), size=size, channels_in=1, channels_out=1,
        latent=latent, code=code,
    )  # fmt: skip


@pytest.mark.parametrize(("latent", "loss"), [(3, 0.7), (2, 1.7)])
@pytest.mark.parametrize("scaled", [True, False])
def test_KA_2_1_loss_is_the_discarded_variance(latent: int, loss: float, scaled: bool) -> None:
    data = exact_data(SPECTRUM)
    mean, components, variances = pca(data, latent)
    network = build_network(linear_spec((5,), latent), 0)
    network.set_linear_path(mean, components, variances if scaled else None)
    values = torch.from_numpy(data).float()[:, None]
    code, output = network(values)
    assert float((output - values).detach().square().sum((1, 2)).mean()) == pytest.approx(
        loss, rel=1e-4
    )
    spread = centre(code).var(0, correction=0)
    wanted = variances / variances.mean() if scaled else variances
    torch.testing.assert_close(spread, wanted, rtol=1e-3, atol=1e-4)


def test_KA_30_3_patches_lose_their_discarded_eigenvalues() -> None:
    image = np.random.default_rng(1).standard_normal((64, 64)).cumsum(0).cumsum(1)
    patches = image.reshape(16, 4, 16, 4).transpose(0, 2, 1, 3).reshape(256, 16)
    mean, components, _ = pca(patches, 5)
    network = build_network(linear_spec((4, 4), 5), 0)
    network.set_linear_path(mean, components)
    values = torch.from_numpy(patches).float().reshape(256, 1, 4, 4)
    loss = (network(values)[1] - values).detach().square().sum((1, 2, 3)).mean()
    eigenvalues = np.linalg.eigvalsh(np.cov(patches.T, bias=True))[::-1]
    assert float(loss) == pytest.approx(eigenvalues[5:].sum(), rel=1e-3)


def convolutional(code: str) -> Network:
    spec = NetworkSpec(
        kind="convolutional", dimension=2, size=(10, 13), channels_in=1, channels_out=1, latent=4,
        code=code, widths=(8, 16), linear_path=True,
    )  # fmt: skip
    return build_network(spec, 0)


def test_linear_path_starts_exactly_at_pca() -> None:
    data = np.random.default_rng(2).standard_normal((60, 130)) * np.linspace(3, 0.1, 130)
    mean, components, variances = pca(data, 4)
    network = convolutional("point")
    values = torch.from_numpy(data).float().reshape(60, 1, 10, 13)
    before = network(values)[1]
    network.set_linear_path(mean, components, variances)
    encoded, output = network(values)
    centred = values.flatten(1) - mean
    expected = (mean + centred @ components.T @ components).reshape(output.shape)
    assert not torch.allclose(before, expected, atol=1e-2)
    torch.testing.assert_close(output, expected, rtol=1e-4, atol=1e-4)
    assert isinstance(encoded, Point)
    spread = centre(encoded).var(0, correction=0)
    torch.testing.assert_close(spread, variances / variances.mean(), rtol=1e-3, atol=1e-3)


def test_a_gaussian_code_starts_at_probabilistic_pca_whose_bound_is_the_likelihood() -> None:
    data = np.random.default_rng(2).standard_normal((300, 130)) * np.linspace(3, 0.1, 130)
    mean, components, variances = pca(data, 4)
    noise = float(np.linalg.eigvalsh(np.cov(data.T, bias=True))[:-4].mean())
    network = convolutional("gaussian")
    network.set_probabilistic(mean, components, variances, noise)
    values = torch.from_numpy(data).float().reshape(300, 1, 10, 13)
    with torch.no_grad():
        code = network.encode(values)
        assert isinstance(code, Gaussian)
        output = network.decode(code.mean).flatten(1)
        columns = network.decode(torch.eye(4)).flatten(1) - network.decode(
            torch.zeros(1, 4)
        ).flatten(1)
    width = code.log_var.exp()
    error = (values.flatten(1) - output).square().sum(1) + width @ columns.square().sum(1)
    likelihood = -0.5 * (error / noise + 130 * np.log(2 * np.pi * noise))
    kl = 0.5 * (width + code.mean.square() - 1 - code.log_var).sum(1)
    covariance = (columns.T @ columns).double().numpy() + noise * np.eye(130)
    exact = multivariate_normal(mean.double().numpy(), covariance).logpdf(data).mean()
    assert float((likelihood - kl).mean()) == pytest.approx(exact, rel=1e-5)


def test_only_gaussian_codes_start_at_probabilistic_pca() -> None:
    with pytest.raises(RequestError, match="probabilistic PCA"):
        convolutional("point").set_probabilistic(*pca(np.eye(130), 4), 1.0)


def test_convolutions_learn_from_the_start_at_pca() -> None:
    data = np.random.default_rng(3).standard_normal((20, 130))
    network = convolutional("point")
    network.set_linear_path(*pca(data, 4))
    values = torch.from_numpy(data).float().reshape(20, 1, 10, 13)
    (network(values)[1] - values).square().sum().backward()
    for layer in (network.into_code, network.decoder.head.convolution):  # type: ignore[union-attr]
        assert layer.weight.grad.any()  # type: ignore[union-attr,operator]


def test_linear_path_learns_slowly_and_does_not_decay() -> None:
    network = convolutional("point")
    path = {id(p) for p in network.linear_path.parameters()}  # type: ignore[union-attr]
    for group in network.parameter_groups():
        if any(id(p) in path for p in group["params"]):
            assert group["lr_factor"] == 0.003
            assert group["weight_decay"] == 0


def test_layer_into_the_code_slows_with_its_fan_in() -> None:
    spec = NetworkSpec(
        kind="convolutional", dimension=3, size=(32, 32, 32), channels_in=1, channels_out=1,
        latent=4, code="point", widths=(8, 16),
    )  # fmt: skip
    network = build_network(spec, 0)
    layer = network.into_code.weight  # type: ignore[union-attr]
    factor = next(
        g["lr_factor"] for g in network.parameter_groups() if any(p is layer for p in g["params"])
    )
    assert factor == 512 / (16 * 4**3)


def test_components_of_another_size_are_refused() -> None:
    with pytest.raises(RequestError, match="another size"):
        convolutional("point").set_linear_path(torch.zeros(9), torch.zeros(4, 9))
    with pytest.raises(RequestError, match="linear path"):
        build_network(
            NetworkSpec(
                kind="dense", dimension=1, size=(9,), channels_in=1, channels_out=1, latent=2,
                code="point",
            ), 0,
        ).set_linear_path(torch.zeros(9), torch.zeros(2, 9))  # fmt: skip
