"""Images from codes, and their distance to samples."""

import numpy as np
from features_store import ball, make_store
from test_features_likelihood import SPECTRUM, principal, samples

from latentomics.features import decode_codes, nearest_distances


def test_KA_2_3_draws_from_the_prior_have_the_spectrum_of_the_data() -> None:
    values = samples()
    codes = np.random.default_rng(0).standard_normal((20_000, 3)).astype(np.float32)
    images = decode_codes(principal(values, 3), codes, 1)
    assert images.shape == (20_000, 1, 5)
    found = np.linalg.eigvalsh(np.cov(images[:, 0].T))[::-1]
    np.testing.assert_allclose(found[:3], SPECTRUM[:3] - 0.35, rtol=0.05)  # noise is left out
    np.testing.assert_allclose(found[3:], 0, atol=1e-4)


def test_a_path_of_a_linear_decoder_is_straight() -> None:
    network = principal(samples(), 3)
    ends = np.random.default_rng(1).standard_normal((2, 3))
    along = np.linspace(0, 1, 11)[:, None]
    images = decode_codes(network, (1 - along) * ends[0] + along * ends[1], 1)[:, 0]
    np.testing.assert_allclose(images, (1 - along) * images[0] + along * images[-1], atol=1e-5)


def test_D2_an_image_does_not_depend_on_its_neighbours() -> None:
    network = principal(samples(), 3)
    codes = np.random.default_rng(1).standard_normal((13, 3))
    whole, alone = decode_codes(network, codes, 1), decode_codes(network, codes[9:10], 1)
    assert whole[9].tobytes() == alone[0].tobytes()


def test_distances_are_those_to_the_nearest_sample_where_it_counts() -> None:
    generator = np.random.default_rng(0)
    values = generator.normal(size=(70, 2, 6, 7)).astype(np.float32)
    masks = [ball((6, 7), 2.5, generator.uniform(2, 4, 2)) for _ in values]
    images = np.concatenate([values[68:69], generator.normal(size=(3, 2, 6, 7))])
    for region in ("all", "mask"):
        store = make_store(list(values), masks, loss_region=region)
        found = nearest_distances(images, store)
        wanted = [
            min(
                np.sqrt(np.mean((image - one)[:, mask if region == "mask" else ...] ** 2))
                for one, mask in zip(values, masks, strict=True)
            )
            for image in images
        ]
        np.testing.assert_allclose(found, wanted, atol=1e-6)
        assert found[0] < 1e-6
