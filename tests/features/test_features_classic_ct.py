"""The IBSI-1 CT phantom, whose images are no part of the repository."""

from __future__ import annotations

import pytest
from ibsi_phantom import CONFIGURATIONS, compare, data


@pytest.mark.slow
@pytest.mark.parametrize("configuration", sorted(CONFIGURATIONS))
def test_KA_23_the_ct_phantom_within_its_tolerances(configuration: str) -> None:
    folder = data()
    if folder is None:
        pytest.skip("LATENTOMICS_DATA names no folder with phantoms/ibsi1_ct_image.nii.gz")
    rows = compare(folder, configuration)
    assert len(rows) == (228 if configuration in "ab" else 146)
    assert [row for row in rows if not row.met] == []
