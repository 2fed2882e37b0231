"""ComBat: what sites differ by goes, the rest stays, and nothing of a test row is fitted."""

import numpy as np
import pytest

from latentomics.core import RequestError
from latentomics.features import fit_combat


def two_sites(shift, gain, n=60, d=200, seed=0):
    draws = np.random.default_rng(seed)
    site = np.array(["A", "B"] * (n // 2))
    values = draws.normal(size=(n, d)) + draws.normal(5, 2, d)
    second = site == "B"
    offset = shift + 0.3 * draws.normal(size=d) * bool(shift)
    centre = values.mean(axis=0)
    values[second] = (values[second] - centre) * gain + centre + offset
    return values, site.tolist()


def gaps(values, site):
    second = np.array(site) == "B"
    mean = np.abs(values[second].mean(0) - values[~second].mean(0)).mean()
    return mean, (values[second].var(0, ddof=1) / values[~second].var(0, ddof=1)).mean()


def test_KA_21_5_two_batches_come_together():
    values, site = two_sites(1.0, 1.5, n=120)
    before, after = gaps(values, site), gaps(fit_combat(values, site).apply(values, site), site)
    assert before == pytest.approx((1.0, 2.4), abs=0.25)
    assert after[0] == pytest.approx(0.121, abs=0.02)
    assert after[1] == pytest.approx(1.04, abs=0.1)


def test_KA_21_5_without_a_batch_effect_little_changes():
    values, site = two_sites(0.0, 1.0, n=2000, d=50)
    changed = fit_combat(values, site).apply(values, site) - values
    assert np.sqrt((changed**2).mean()) == pytest.approx(0.009, abs=0.006)


def test_agrees_with_neurocombat():
    theirs = pytest.importorskip("neuroCombat")
    import pandas

    values, site = two_sites(1.0, 1.5, n=40, d=30)
    frame = pandas.DataFrame({"site": site})
    found = theirs.neuroCombat(dat=values.T, covars=frame, batch_col="site")["data"].T
    np.testing.assert_allclose(fit_combat(values, site).apply(values, site), found, atol=1e-3)


def test_L2_test_rows_change_nothing_that_was_fitted():
    values, site = two_sites(1.0, 1.5)
    fitted = fit_combat(values[:40], site[:40])
    again = fitted.apply(values[40:], site[40:])
    noise = np.random.default_rng(1).normal(size=(20, 200))
    fitted.apply(noise, site[40:])
    np.testing.assert_array_equal(fitted.apply(values[40:], site[40:]), again)
    assert gaps(again, site[40:])[0] < gaps(values[40:], site[40:])[0]


def test_a_covariate_keeps_its_effect_where_it_goes_with_the_site():
    draws = np.random.default_rng(0)
    site = np.array(["A"] * 100 + ["B"] * 100)
    age = draws.normal(size=200) + (site == "B")
    values = draws.normal(size=(200, 40)) + age[:, None] + (site == "B")[:, None]
    even = fit_combat(values, site.tolist(), age[:, None]).apply(values, site.tolist(),
                                                                 age[:, None])  # fmt: skip
    kept = np.polyfit(age, even.mean(axis=1), 1)[0]
    assert kept == pytest.approx(1, abs=0.15)


def test_an_unseen_site_is_named_or_kept_and_a_tiny_one_refused():
    values, site = two_sites(1.0, 1.5)
    fitted = fit_combat(values, site)
    with pytest.raises(RequestError, match="C"):
        fitted.apply(values[:3], ["A", "C", "B"])
    kept = fitted.apply(values[:3], ["A", "C", None], unseen="keep")
    np.testing.assert_array_equal(kept[1:], values[1:3])
    with pytest.raises(RequestError, match="training rows"):
        fit_combat(values, ["C", *site[1:]])
