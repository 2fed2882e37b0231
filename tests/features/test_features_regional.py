"""Regional statistics: known answers, symmetries and small regions."""

import numpy as np
import pytest
from features_store import ball, make_plan, make_store

from latentomics.core import NetworkSpec
from latentomics.dataset import fit_pca
from latentomics.features import (
    encode_store,
    fit_patch_pca,
    intensity_features,
    patch_pca_features,
    regional_statistics,
    regions_of,
    signed_distance,
)
from latentomics.features.regional import REGIONS, STATISTICS, at_positions, statistic_names
from latentomics.models import build_network

LOCAL = NetworkSpec(
    kind="local", dimension=3, size=(16, 16, 16), channels_in=1, channels_out=1, latent=4,
    code="map", stem=4, widths=(8, 16), blocks=1,
)  # fmt: skip


def local_plan(**values):
    return make_plan(LOCAL, view="local", loss_region="mask+ring", symmetries="flips", **values)


def lesion(size=(24, 28, 24), seed=0):
    generator = np.random.default_rng(seed)
    return generator.normal(size=(1, *size)).astype(np.float32), ball(size, 7.3)


def test_KA_30_1_identity_encoder_gives_numpys_statistics_by_region():
    values, mask = lesion()
    distance = signed_distance(mask, (1.0,) * 3)
    found = regional_statistics(values, distance)
    for number, (above, up_to) in enumerate(REGIONS.values()):
        inside = values[0][(distance > above) & (distance <= up_to)]
        expected = [inside.mean(), inside.std(), *np.quantile(inside, (0.1, 0.5, 0.9))]
        np.testing.assert_allclose(found[0, number], expected, atol=1e-6)
    assert (distance[mask] > 0).all()
    assert (distance[~mask] < 0).all()
    table = intensity_features(make_store([values], [mask]), by_region=True)
    np.testing.assert_array_equal(table.values[0], found.ravel())
    assert table.names[6] == "intensity_c00_rim_sd"


def test_KA_30_1_a_constant_image_gives_sd_0():
    found = regional_statistics(np.full((2, 9, 9), 0.1), signed_distance(ball((9, 9), 3), (1, 1)))
    assert (found[:, :, STATISTICS.index("sd")] == 0).all()
    np.testing.assert_allclose(found[:, :, [0, 2, 3, 4]], 0.1, rtol=1e-6)


def test_distances_are_in_millimetres_on_anisotropic_grids():
    mask = np.zeros((40, 20), bool)
    mask[10:30, 5:15] = True  # 20 mm x 20 mm
    distance = signed_distance(mask, (1.0, 2.0))
    assert distance[20, 10] == pytest.approx(9.5, abs=0.51)
    assert distance[9, 10] == pytest.approx(-0.5)
    assert distance[20, 15] == pytest.approx(-1.5)


def test_a_region_of_few_positions_takes_the_four_nearest():
    mask = np.zeros((9, 9), bool)
    mask[4, 4] = True  # no core at all
    values = np.random.default_rng(0).normal(size=(1, 9, 9))
    found = regional_statistics(values, signed_distance(mask, (1.0, 1.0)))
    assert np.isfinite(found).all()
    around = [
        values[0, 4, 4],
        *(values[0, 3, 4], values[0, 4, 3], values[0, 4, 5], values[0, 5, 4]),
    ]
    assert found[0, 0, 0] == pytest.approx(np.mean(around[:4]), abs=1e-6)


def test_positions_are_read_between_voxels():
    ramp = np.arange(12.0)[:, None] + 10 * np.arange(8.0)
    read = at_positions(ramp, (5, 3), stride=2, first=1.5)
    np.testing.assert_allclose(
        read, (1.5 + 2 * np.arange(5))[:, None] + 10 * (1.5 + 2 * np.arange(3))
    )


def test_names_say_channel_region_and_statistic():
    names = statistic_names(16, tuple(REGIONS))
    assert len(names) == 240
    assert names[3 * 15 + 5 + 4] == "latent_c03_rim_q90"


def test_KA_30_2_shifting_the_crop_by_the_stride_changes_nothing():
    generator = np.random.default_rng(0)
    size = (64, 64, 64)
    picture, mask = generator.normal(size=(1, *size)), ball(size, 6.2)
    network, plan = build_network(LOCAL, 0), local_plan()
    found = []
    for shift in (0, 4, 2):  # stride of the code, and the stride at which it is read
        window = tuple(slice(4 + shift, 60 + shift) for _ in range(3))
        store = make_store(
            [picture[(slice(None), *window)]],
            [mask[window]],
            loss_region="mask+ring",
            patch=LOCAL.size,
        )
        found.append(encode_store(network, plan, store).latent.values[0])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found[0], found[2], rtol=1e-5, atol=1e-5)


def test_KA_30_2_flipping_the_picture_changes_nothing():
    values, mask = lesion()
    mask[9:12, 4:9, 10:12] = True  # not symmetric
    network, plan = build_network(LOCAL, 0), local_plan()
    found = []
    for axes in ((), (0,), (1, 2)):
        store = make_store(
            [np.flip(values, [1 + a for a in axes])], [np.flip(mask, axes)],
            loss_region="mask+ring", patch=LOCAL.size,
        )  # fmt: skip
        found.append(encode_store(network, plan, store))
    for other in found[1:]:
        np.testing.assert_allclose(
            found[0].latent.values, other.latent.values, rtol=1e-5, atol=1e-5
        )
    still = make_plan(LOCAL, view="local", loss_region="mask+ring", symmetries="none")
    unaveraged = encode_store(network, still, store).latent.values
    assert np.abs(unaveraged - found[2].latent.values).max() > 1e-3
    assert len(found[0].latent.names) == 4 * 15
    assert found[0].codes.shape[1] == 4


def test_KA_30_3_components_of_patches_leave_the_discarded_eigenvalues():
    from latentomics.features import patch_pca_errors

    generator = np.random.default_rng(0)
    mixing = generator.normal(size=(16, 16)) * np.linspace(3, 0.1, 16)[:, None]
    blocks = generator.normal(size=(400, 16)) @ mixing
    picture = blocks.reshape(20, 20, 4, 4).transpose(0, 2, 1, 3).reshape(1, 80, 80)
    store = make_store([picture])
    fitted = fit_patch_pca(store, 5, block=4, stride=4, channels=1, seed=0)
    rest = fitted.pca.total_variance - fitted.pca.variances.sum()
    assert patch_pca_errors(fitted, store)[0] == pytest.approx(rest / 16, rel=1e-4)
    none = patch_pca_errors(fitted, store, components=False)[0]
    assert none == pytest.approx(fitted.pca.total_variance / 16, rel=1e-4)
    exact = fit_pca(blocks.astype(np.float32), 5, 0)
    np.testing.assert_allclose(fitted.pca.variances, exact.variances, rtol=1e-4)
    codes = fitted.read(picture.astype(np.float32), ((),)).reshape(5, -1)
    np.testing.assert_allclose(codes.var(1), 1, rtol=1e-3)


def test_patch_components_are_pooled_alike_and_flips_equal_flipped_pictures():
    values, mask = lesion()
    store = make_store([values], [mask], loss_region="mask+ring", patch=LOCAL.size)
    fitted = fit_patch_pca(store, 3, block=4, stride=2, channels=1, seed=0)
    regions = regions_of(store, stride=2, first=1.5, block=4)
    averaged = patch_pca_features(fitted, store, regions=regions, symmetries="flips")
    assert averaged.values.shape == (1, 45)
    maps = fitted.read(values, ((0, 2),))[0]
    flipped = fitted.read(np.flip(values, (1, 3)), ((),))[0]
    np.testing.assert_allclose(maps, np.flip(flipped, (1, 3)), atol=1e-4)


def test_sizes_that_are_no_multiple_of_the_block():
    generator = np.random.default_rng(0)
    values, mask = generator.normal(size=(1, 17, 22, 19)), ball((17, 22, 19), 6)
    store = make_store([values], [mask], loss_region="mask+ring", patch=LOCAL.size)
    found = encode_store(build_network(LOCAL, 0), local_plan(), store)
    assert np.isfinite(found.latent.values).all()
    without = encode_store(
        build_network(LOCAL, 0), make_plan(LOCAL, symmetries="flips"), make_store([values])
    )
    assert without.latent.names[:2] == ("latent_c00_whole_mean", "latent_c00_whole_sd")
