"""Figures: known answers for orientation, proportions, outlines and scales."""

from __future__ import annotations

import io
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from latentomics.report.figures import (
    Colouring,
    ForestRow,
    Ladder,
    Shown,
    TraversalRow,
    comparison,
    forest,
    ladders,
    latent_map,
    mosaic,
    moved_traces,
    png,
    svg,
    traces,
)
from latentomics.report.figures.forest import FAR
from latentomics.report.figures.planes import Plane, finite_box, focus_of, planes_of
from latentomics.report.figures.reconstruction import WIDTH
from latentomics.report.figures.signals import limits_of
from latentomics.report.sections.stability import LOWEST, _limits_of

SIZE, SPACING = (6, 8, 4), (1.0, 0.5, 3.0)


def planes(focus: tuple[int, int, int] = (3, 4, 2)) -> dict[str, Plane]:
    return {p.name: p for p in planes_of(SIZE, SPACING, focus, anatomical=True)}


def bright(voxel: tuple[int, int, int]) -> np.ndarray:
    volume = np.zeros(SIZE)
    volume[voxel] = 1
    return volume


@pytest.mark.parametrize(
    ("name", "voxel", "pixel"),
    [
        ("axial", (5, 7, 2), (0, 0)),  # right and anterior: upper left
        ("axial", (0, 0, 2), (7, 5)),  # left and posterior: lower right
        ("coronal", (5, 4, 3), (0, 0)),  # right and superior: upper left
        ("coronal", (0, 4, 0), (3, 5)),  # left and inferior: lower right
        ("sagittal", (3, 7, 3), (0, 0)),  # anterior and superior: upper left
        ("sagittal", (3, 0, 0), (3, 7)),  # posterior and inferior: lower right
    ],
)
def test_planes_hang_as_in_a_reading_room(name, voxel, pixel) -> None:
    image = planes()[name].cut(bright(voxel))
    assert np.unravel_index(image.argmax(), image.shape) == pixel
    assert image.sum() == 1


def test_letters_name_the_sides_left_right_bottom_top() -> None:
    letters = {name: "".join(plane.letters) for name, plane in planes().items()}
    assert letters == {"axial": "RLPA", "coronal": "RLIS", "sagittal": "APIS"}


def test_extent_is_physical_and_agrees_with_the_pixels() -> None:
    extents = {name: (plane.width, plane.height) for name, plane in planes().items()}
    assert extents == {"axial": (6, 4), "coronal": (6, 12), "sagittal": (4, 12)}
    for plane in planes().values():
        rows, columns = plane.cut(np.zeros(SIZE)).shape
        steps = {"axial": (1, 0.5), "coronal": (1, 3), "sagittal": (0.5, 3)}[plane.name]
        assert (plane.width, plane.height) == (columns * steps[0], rows * steps[1])


def test_a_picture_keeps_its_rows_and_columns() -> None:
    cut = [planes_of((2, 3), (1.0, 1.0), (1, 1), anatomical=True, flat=flat) for flat in range(3)]
    assert [(p.name, p.letters[:2]) for (p,) in cut] == [
        ("sagittal", ("A", "P")), ("coronal", ("R", "L")), ("axial", ("R", "L"))
    ]  # fmt: skip
    (plane,) = planes_of((2, 3), (2.0, 1.0), (1, 1), anatomical=False)
    values = np.arange(6).reshape(2, 3)
    assert np.array_equal(plane.cut(values), values)
    assert (plane.width, plane.height, plane.letters) == (3, 4, ("", "", "", ""))


def test_planes_pass_through_most_of_the_mask() -> None:
    mask = np.zeros((9, 9, 9), bool)
    mask[2, 1:8, 3] = True
    mask[2, 5, 2:8] = True
    assert focus_of(mask, mask.shape) == (2, 5, 3)
    assert focus_of(None, (9, 8, 7)) == (4, 4, 3)
    assert focus_of(np.ones((4, 4), bool), (4, 4)) == (2, 2)


def test_padding_is_cut_away() -> None:
    padded = np.full((5, 6, 7), np.nan)
    padded[1:4, 0:2, 3:7] = 0
    assert finite_box(padded) == (slice(1, 4), slice(0, 2), slice(3, 7))


def shown(values: np.ndarray, reconstruction: np.ndarray, mask: np.ndarray | None) -> Shown:
    return Shown(
        case="one", values=values, reconstruction=reconstruction, mask=mask, spacing=(1.0, 1.0),
        length_unit="mm", unit="HU", window=(0.0, 100.0), limit=50.0, anatomical=False,
    )  # fmt: skip


def pixels_of(one: Shown) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png(comparison(one), 100).content)).convert("RGB"))


def columns_of(pixels: np.ndarray) -> list[np.ndarray]:
    """The middle of the three pictures, away from titles, letters, bars and scale bar."""
    column = int(WIDTH * 100 / 3)
    return [pixels[60:120, column * i + 40 : column * i + 130] for i in range(3)]


def test_KA_grey_level_and_difference_have_the_colours_of_their_scales() -> None:
    values = np.full((20, 20), 50.0)
    first, second, difference = columns_of(pixels_of(shown(values, values + 50, None)))
    assert np.abs(first.astype(int) - 128).max() <= 2  # the middle of the window
    assert second.min() >= 253  # its upper end
    assert np.abs(difference.astype(int) - (103, 0, 31)).max() <= 3  # RdBu_r's red end
    _, _, none = columns_of(pixels_of(shown(values, values, None)))
    assert none.min() >= 245  # no difference is white
    _, _, below = columns_of(pixels_of(shown(values, values - 50, None)))
    assert np.abs(below.astype(int) - (5, 48, 97)).max() <= 3  # and blue is too dark


def test_the_mask_is_outlined_and_not_filled() -> None:
    values = np.full((20, 20), 50.0)
    mask = np.zeros((20, 20), bool)
    mask[5:15, 5:15] = True
    first = columns_of(pixels_of(shown(values, values, mask)))[0].astype(int)
    yellow = (first[..., 0] - first[..., 2]) > 60
    assert 0.01 < yellow.mean() < 0.2
    assert not (columns_of(pixels_of(shown(values, values, None)))[0].std() > 3)


def test_a_mask_that_fills_the_picture_is_outlined_at_its_edge() -> None:
    values = np.full((20, 20), 50.0)
    mask = np.zeros((20, 20), bool)
    mask[:, :10] = True
    row = pixels_of(shown(values, values, mask)).astype(int)[90, : int(WIDTH * 100 / 3) - 4]
    yellow = np.flatnonzero(row[:, 0] - row[:, 2] > 60)
    assert yellow.min() < 4  # the picture's left edge
    assert abs(yellow.max() - WIDTH * 100 / 6) < 4  # and its middle


def test_KA_what_lies_outside_the_image_is_neither_black_nor_white() -> None:
    values = np.full((20, 20), 100.0)
    values[:, 10:] = np.nan
    for part in columns_of(pixels_of(shown(values, values, None))):
        assert np.abs(part[:, -15:].astype(int) - (213, 218, 224)).max() <= 2
        assert part[:, :15].min() >= 245


def signal(values: np.ndarray, reconstruction: np.ndarray, unit: str = "s") -> Shown:
    return Shown(
        case="one", values=values, reconstruction=reconstruction, mask=None, spacing=(0.01,),
        length_unit=unit, unit="mV", window=(0.0, 1.0), limit=0.5, anatomical=False,
    )  # fmt: skip


def test_KA_a_signal_made_too_high_is_red_and_too_low_blue() -> None:
    moved = np.repeat([0.5, -0.5], 100)
    content = png(traces(signal(np.zeros(200), moved)), 100).content
    pixels = np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(int)
    places = {}
    for name, colour in (("red", (178, 24, 43)), ("blue", (33, 102, 172))):
        rows, columns = np.nonzero(np.abs(pixels - colour).max(axis=2) <= 3)
        places[name] = (rows.mean(), columns.mean(), len(rows))
    assert places["red"][0] < places["blue"][0]  # above zero
    assert places["red"][1] < places["blue"][1]  # the first half
    assert places["red"][2] == pytest.approx(places["blue"][2], rel=0.05)


def test_signals_carry_their_unit_of_time_and_of_values() -> None:
    text = svg(traces(signal(np.zeros(50), np.ones(50)))).content
    assert b"time (s)" in text
    assert b"mV" in text
    assert b"sample" in svg(traces(signal(np.zeros(50), np.ones(50), "px"))).content
    row = TraversalRow(name="latent_003", images=np.eye(3, 20))
    figure = moved_traces((row, row), (-2.5, 0, 2.5), spacing=0.01, time_unit="s", unit="mV")
    drawn = svg(figure).content.decode()
    assert {"−2.5 SD", "mean", "+2.5 SD", "high − low", "latent_003", "time (s)", "mV"} <= {
        text.strip() for text in ElementTree.fromstring(drawn).itertext()
    }


def test_KA_limits_hold_all_signals_and_a_margin() -> None:
    assert limits_of(np.array([0.0, 1.0]), np.array([2.0, np.nan])) == pytest.approx((-0.12, 2.12))
    assert limits_of(np.zeros(3)) == (-1.0, 1.0)


def test_errors_far_apart_stand_on_a_logarithmic_axis() -> None:
    def ticks(highest: float) -> list[str]:
        rows = tuple(
            ForestRow(name=str(v), value=v, low=None, high=None, seeds=(), learned=True)
            for v in (0.01, 0.02, highest)
        )
        drawn = svg(forest(rows, axis="error", metric="mse", reference=None, reference_name=""))
        return [t.strip() for t in ElementTree.fromstring(drawn.content).itertext()]

    assert "0.005" not in ticks(0.01 * FAR / 2)
    assert {"0.01", "0.1", "1"} <= set(ticks(2.0))


def test_forest_says_intervals_only_where_there_are() -> None:
    row = ForestRow(name="latent", value=0.9, low=0.85, high=0.95, seeds=(), learned=True)
    bare = ForestRow(name="latent", value=0.9, low=None, high=None, seeds=(0.8,), learned=True)
    options = {"axis": "AUROC", "metric": "auroc", "reference": 0.5, "reference_name": "chance"}
    assert b"0.850 to 0.950" in svg(forest((row,), **options)).content
    text = svg(forest((bare,), **options)).content
    assert b"0.900" in text
    assert b" to " not in text


def test_names_are_never_read_as_mathematics() -> None:
    places = np.random.default_rng(0).normal(size=(6, 2))
    group = "$\\frac{"
    colouring = Colouring(name="$x^2$", groups=(group, "b", group, "b", None, group))
    drawing = ElementTree.fromstring(
        svg(latent_map(places, (colouring,), axes_names=("$x_1$", "b"))).content
    )
    texts = [text.strip() for text in drawing.itertext()]
    assert {"$x^2$", "$x_1$"} <= set(texts)
    assert "$\\frac{ (n = 3)" in texts
    assert "grey: 1 other or unknown" in texts


@pytest.mark.parametrize("size", [(8, 8), (8, 8, 6)])
def test_a_mosaic_reads_row_by_row_under_one_grey_scale(size: tuple[int, ...]) -> None:
    images = np.stack([np.full(size, level) for level in (0.0, 1.0, 2.0, 3.0)])
    figure = mosaic(images, ("",) * 4, spacing=(1.0,) * len(size), anatomical=len(size) == 3)
    pixels = np.asarray(Image.open(io.BytesIO(png(figure, 100).content)).convert("L"))
    height, width = pixels.shape
    shades = [
        int(pixels[row, column])
        for row in (height // 4, 3 * height // 4)
        for column in (width // 4, 3 * width // 4)
    ]
    assert shades == [0, 85, 170, 255]


def test_a_mosaic_draws_signals_and_names_the_ends_of_a_path() -> None:
    waves = np.sin(np.linspace(0, 6, 50)) * np.arange(1, 4)[:, None]
    figure = mosaic(waves, ("first", "", "last"), spacing=(1.0,), anatomical=False)
    drawn = " ".join(ElementTree.fromstring(svg(figure).content).itertext())
    assert "first" in drawn
    assert "last" in drawn
    assert len(figure.axes[0].lines) == 3


def test_agreements_below_zero_are_drawn_where_they_are() -> None:
    values = np.array([0.8, -0.2, 0.1])
    mild = Ladder(name="a", values=values, low=values - 0.1, high=values + 0.1)
    assert _limits_of([mild]) == pytest.approx((-0.3, 1.0))
    far = Ladder(name="a", values=np.array([0.8, -3.0, np.nan]))
    assert _limits_of([mild, far]) == (LOWEST, 1.0)
    figure = ladders((mild, far), axis="ICC", lines=((0.75, "0.75"),), limits=(LOWEST, 1.0))
    figure.canvas.draw()
    drawn = [c.get_offsets().tolist() for c in figure.axes[0].collections[1:]]
    assert [3.0, -0.2] in [point for points in drawn for point in points]
    triangles, rungs, _ = figure.axes[1].collections
    assert triangles.get_offsets().tolist() == [[2.0, LOWEST], [3.0, LOWEST]]
    assert rungs.get_offsets().tolist() == [[1.0, 0.8]]
    (named,) = [text for text in figure.axes[0].texts if text.get_text() == "0.75"]
    assert named.get_window_extent().x0 >= figure.axes[0].bbox.x1
