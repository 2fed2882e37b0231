"""Codes of whole samples, errors, and promise D2."""

import numpy as np
import pytest
import torch
from features_store import ball, make_plan, make_store

from latentomics.core import NetworkSpec
from latentomics.dataset import fit_pca
from latentomics.features import (
    encode_store,
    mean_errors,
    mean_image,
    network_errors,
    pca_errors,
    pca_features,
    posteriors,
)
from latentomics.models import build_network

SIZE = (20, 24)


def spec_of(**values):
    given = {
        "kind": "convolutional", "dimension": 2, "size": SIZE, "channels_in": 1, "channels_out": 1,
        "latent": 6, "code": "point", "stem": 4, "widths": (16, 32),
    }  # fmt: skip
    return NetworkSpec(**(given | values))


def pictures(count=21, seed=0, channels=1):
    return list(
        np.random.default_rng(seed).normal(size=(count, channels, *SIZE)).astype(np.float32)
    )


@pytest.mark.parametrize("symmetries", ["none", "flips"])
@pytest.mark.parametrize("spec", [spec_of(), spec_of(kind="dense", code="gaussian", widths=(32,))])
def test_D2_features_do_not_depend_on_order_or_neighbours(spec, symmetries):
    network = build_network(spec, 0)
    plan = make_plan(spec, symmetries=symmetries, pooled=spec.kind == "convolutional")
    values = pictures()
    whole = encode_store(network, plan, make_store(values))
    order = np.random.default_rng(1).permutation(len(values))
    mixed = encode_store(network, plan, make_store([values[i] for i in order]))
    assert whole.latent.values[order].tobytes() == mixed.latent.values.tobytes()
    alone = encode_store(network, plan, make_store(values[17:18]))
    assert alone.latent.values[0].tobytes() == whole.latent.values[17].tobytes()
    if whole.pooled is not None:
        assert alone.pooled.values[0].tobytes() == whole.pooled.values[17].tobytes()


def test_D2_a_local_code_is_read_alone():
    spec = spec_of(kind="local", latent=3, code="map", widths=(8, 8))
    network = build_network(spec, 0)
    plan = make_plan(spec, view="local", loss_region="mask+ring", symmetries="flips")
    masks = [ball(SIZE, 5)] * 5
    values = pictures(5)
    whole = encode_store(
        network, plan, make_store(values, masks, loss_region="mask+ring", patch=SIZE)
    )
    alone = encode_store(
        network, plan, make_store(values[3:4], masks[:1], loss_region="mask+ring", patch=SIZE)
    )
    assert alone.latent.values[0].tobytes() == whole.latent.values[3].tobytes()


@pytest.mark.parametrize("kind", ["convolutional", "local"])
def test_D2_features_do_not_depend_on_the_number_of_threads(kind):
    spec = spec_of(kind=kind, code="map" if kind == "local" else "point", widths=(64, 128))
    network = build_network(spec, 0)
    plan = make_plan(spec, view="local" if kind == "local" else "whole")
    store = make_store(pictures(), patch=SIZE if kind == "local" else None)
    before = torch.get_num_threads()
    found = set()
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        features, errors = encode_store(network, plan, store), network_errors(network, store)
        found.add(features.latent.values.tobytes() + errors.tobytes())
        assert torch.get_num_threads() == threads
    torch.set_num_threads(before)
    assert len(found) == 1


def test_the_code_is_the_posterior_mean_and_kl_is_that_of_the_code():
    spec = spec_of(code="gaussian")
    network = build_network(spec, 0).eval()
    values = pictures(5)
    found = encode_store(network, make_plan(spec), make_store(values))
    with torch.inference_mode():
        code = network.encode(torch.from_numpy(np.stack(values + values[:3])))
    np.testing.assert_array_equal(found.latent.values, code.mean[:5].numpy())
    kl = 0.5 * (code.mean**2 + code.log_var.exp() - 1 - code.log_var)[:5]
    np.testing.assert_allclose(found.kl, kl.numpy(), rtol=1e-4)
    assert found.latent.names[5] == "latent_005"


def test_flips_average_the_code_of_every_flip():
    spec = spec_of()
    network = build_network(spec, 0).eval()
    values = pictures(1)
    found = encode_store(network, make_plan(spec, symmetries="flips"), make_store(values))
    turned = [np.flip(values[0], axes).copy() for axes in ((), (1,), (2,), (1, 2))]
    codes = [
        encode_store(network, make_plan(spec), make_store([one])).latent.values[0] for one in turned
    ]
    np.testing.assert_allclose(found.latent.values[0], np.mean(codes, axis=0), rtol=1e-5, atol=1e-6)
    again = encode_store(network, make_plan(spec, symmetries="flips"), make_store(turned[1:2]))
    np.testing.assert_allclose(found.latent.values, again.latent.values, rtol=1e-5, atol=1e-6)


def test_the_mask_goes_in_as_the_last_channel():
    spec = spec_of(channels_in=2, channels_out=2)
    network = build_network(spec, 0)
    values = pictures(2)
    masks = [ball(SIZE, 4), ball(SIZE, 8)]
    both = make_store([np.concatenate([v, m[None]]) for v, m in zip(values, masks, strict=True)])
    plan = make_plan(spec)
    found = encode_store(network, plan, make_store(values, masks)).latent.values
    np.testing.assert_array_equal(found, encode_store(network, plan, both).latent.values)


def test_several_samples_of_a_case_become_mean_and_sd():
    spec = spec_of()
    network = build_network(spec, 0)
    values = pictures(5)
    cases = ["a", "b", "a", "b", "a"]
    found = encode_store(network, make_plan(spec), make_store(values, cases=cases))
    each = encode_store(network, make_plan(spec), make_store(values)).latent.values
    assert found.cases == ("a", "b")
    np.testing.assert_allclose(found.latent.values[0, :6], each[[0, 2, 4]].mean(0), rtol=1e-5)
    np.testing.assert_allclose(found.latent.values[1, 6:], each[[1, 3]].std(0), rtol=1e-4)
    assert found.latent.names[6] == "latent_000_sd"


def test_training_mode_comes_back_and_progress_is_told():
    network = build_network(spec_of(), 0).train()
    seen, told = [], []
    network.encoder.register_forward_pre_hook(lambda module, _: seen.append(module.training))
    encode_store(
        network,
        make_plan(spec_of()),
        make_store(pictures(11)),
        on_done=lambda a, b: told.append((a, b)),
    )
    assert network.training
    assert seen == [False, False]
    assert told == [(8, 11), (11, 11)]


def test_KA_2_1_errors_of_components_and_of_the_mean_image():
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(300, 5)) * np.sqrt([10, 4, 1, 0.5, 0.2])
    values = rows.reshape(300, 1, 5).astype(np.float32)
    store = make_store(list(values))
    eigenvalues = np.linalg.eigvalsh(np.cov(rows.T, bias=True))[::-1]
    pca = fit_pca(values.reshape(300, 5), 3, 0)
    assert pca_errors(pca, store).mean() * 5 == pytest.approx(eigenvalues[3:].sum(), rel=1e-4)
    total = mean_errors(mean_image(store), store).mean() * 5
    assert total == pytest.approx(eigenvalues.sum(), rel=1e-5)
    codes = pca_features(pca, store).values
    np.testing.assert_allclose(codes.var(axis=0), eigenvalues[:3], rtol=1e-4)


@pytest.mark.parametrize("kind", ["convolutional", "local"])
def test_network_errors_are_those_of_the_decoder_in_the_loss_region(kind):
    extra = {"latent": 3, "code": "map", "widths": (8, 8)} if kind == "local" else {}
    spec = spec_of(kind=kind, channels_in=2, channels_out=2, **extra)
    network = build_network(spec, 0).eval()
    values, masks = pictures(3), [ball(SIZE, 5)] * 3
    inputs = np.stack([np.concatenate([v, m[None]]) for v, m in zip(values, masks, strict=True)])
    with torch.inference_mode():
        output = network.decode(network.encode(torch.from_numpy(inputs.astype(np.float32))).z)
    squared = (np.stack(values)[:, 0] - output[:, 0].numpy()) ** 2
    plain = network_errors(network, make_store(values, masks))
    np.testing.assert_allclose(plain, squared.mean((1, 2)), rtol=1e-4)
    inside = network_errors(network, make_store(values, masks, loss_region="mask", patch=SIZE))
    np.testing.assert_allclose(inside, squared[:, masks[0]].mean(1), rtol=1e-4)
    ringed = make_store(values, masks, loss_region="mask+ring")
    weight = ringed.batch(np.arange(3), None).weight[:, 0].numpy()
    assert np.unique(weight).tolist() == pytest.approx([0.02, 1])
    expected = (squared * weight).sum((1, 2)) / weight.sum((1, 2))
    np.testing.assert_allclose(network_errors(network, ringed), expected, rtol=1e-4)


def test_flipped_components_equal_the_mean_over_flipped_pictures():
    values = pictures(30)
    pca = fit_pca(np.stack(values).reshape(30, -1), 4, 0)
    found = pca_features(pca, make_store(values), symmetries="flips").values
    turned = [np.flip(np.stack(values), axes).reshape(30, -1) for axes in ((), (2,), (3,), (2, 3))]
    np.testing.assert_allclose(found, np.mean([pca.encode(t) for t in turned], axis=0), atol=1e-4)


def test_posteriors_are_those_behind_the_codes_and_their_kl():
    spec = spec_of(kind="dense", code="gaussian", widths=(32,))
    network, store = build_network(spec, 0), make_store(pictures(11))
    encoded = encode_store(network, make_plan(spec), store)
    rows = np.array([3, 7, 0, 10])
    mean, _ = posteriors(network, store, rows)
    np.testing.assert_allclose(mean, encoded.codes[rows], atol=1e-6)
    every = posteriors(network, store, np.arange(11))
    kl = 0.5 * (every[0] ** 2 + np.exp(every[1]) - 1 - every[1])
    np.testing.assert_allclose(kl, encoded.kl, rtol=1e-5)
    assert posteriors(build_network(spec_of(), 0), store, rows) is None
