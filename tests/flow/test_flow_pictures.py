"""What the report's pictures are made of."""

from __future__ import annotations

import numpy as np
import pytest

from latentomics.core import Frame, Grid, Sample
from latentomics.flow.pictures import SHOWN, THUMBNAIL, TRACE, _seen, _thumbnail, shown_rows


def grid(origin: tuple[float, ...]) -> Grid:
    d = len(origin)
    return Grid(spacing=(1.0,) * d, origin=origin, direction=tuple(np.eye(d).ravel()))


def sample(size: tuple[int, ...], source: tuple[int, ...], first: tuple[float, ...]) -> Sample:
    """A sample that starts ``first`` voxels from the image's own first one."""
    frame = Frame(
        source=grid((0.0,) * len(size)),
        source_size=source,
        target=grid(first),
        size=size,
        offset=(0.0,),
        scale=(1.0,),
        unit="HU",
    )
    values = np.arange(np.prod(size), dtype=np.float32).reshape(1, *size)
    return Sample(values=values, mask=np.ones(size, bool), frame=frame, case="one")


class OneSample:
    """A store of one sample."""

    def __init__(self, only: Sample) -> None:
        self.only = only

    def sample(self, row: int) -> Sample:
        return self.only


def test_KA_what_pads_a_crop_beyond_the_image_is_not_shown() -> None:
    seen = _seen(sample((6, 4), (4, 4), (-1.0, 0.0)))
    assert np.isnan(seen[[0, 5]]).all()
    assert np.array_equal(seen[1:5], np.arange(4, 20).reshape(4, 4))


def test_KA_a_thumbnail_repeats_no_edge() -> None:
    drawn = _thumbnail(OneSample(sample((8, 4, 1), (8, 4, 1), (0.0, 0.0, 0.0))), 0)
    shown = np.isfinite(drawn)
    assert drawn.shape == (THUMBNAIL, THUMBNAIL)
    assert shown.mean() == pytest.approx(0.5)  # 4 of the 8 rows
    assert drawn[shown].min() == 0
    assert drawn[shown].max() == 31


def test_a_signal_keeps_its_course_in_its_thumbnail() -> None:
    drawn = _thumbnail(OneSample(sample((100,), (100,), (0.0,))), 0)
    assert drawn.shape == (TRACE,)
    assert np.allclose(drawn, np.linspace(0, 99, TRACE), atol=1e-4)


def test_each_class_is_shown_and_the_rule_is_said() -> None:
    classes = ["0.0"] * 190 + [None] + ["1.0"] * 9
    rows, rule = shown_rows(range(200), classes)
    assert [classes[row] for row in rows] == ["0.0"] * 3 + ["1.0"] * 3
    assert rule == "Shown: of each class up to 3 test cases, spread evenly over the table."
    rows, rule = shown_rows(range(199), [None] * 199)
    assert rows == [33 * place for place in range(SHOWN)]
    assert "every 33rd test case" in rule
