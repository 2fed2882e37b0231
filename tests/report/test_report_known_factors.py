"""What the report shows where the factors are known."""

from __future__ import annotations

import numpy as np

from latentomics.evaluation import disentanglement
from latentomics.evaluation.factor_gaps import Factor
from latentomics.report.page import Gallery, Mark, Table, Words
from latentomics.report.sections.known_factors import known_factor_blocks


def test_the_matrix_and_the_scores_say_which_latent_holds_what() -> None:
    draws = np.random.default_rng(0)
    known = draws.uniform(size=(120, 2))
    factors = [Factor(name="size", values=known[:, 0]), Factor(name="<b>", values=known[:, 1])]
    code = known[:, ::-1] + 0.02 * draws.normal(size=known.shape)
    names = ["latent_000", "latent_001"]
    found = disentanglement("latent", code, factors, np.arange(120), names=names)
    found += disentanglement("pca", draws.normal(size=(120, 3)), factors, np.arange(120))
    blocks = known_factor_blocks(found)
    (picture,) = next(block for block in blocks if isinstance(block, Gallery)).pictures
    assert "size most in latent_001" in picture.alternative
    assert "20 bins" in picture.caption
    assert f"White: {found[0].settings['shuffled']:.2f}" in picture.caption
    table = next(block for block in blocks if isinstance(block, Table))
    assert table.columns[-1] == "PCA"
    assert len(table.rows) == 6
    mig = next(row for row in table.rows if str(row[0]).startswith("MIG"))
    assert isinstance(mig[3], Mark)
    assert mig[3].text == "say more"
    assert float(str(mig[1])) > float(str(mig[2]))
    assert any("rotation" in block.text for block in blocks if isinstance(block, Words))


def test_nothing_is_shown_where_nothing_was_asked() -> None:
    assert known_factor_blocks([]) == []
