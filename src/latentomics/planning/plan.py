"""The plan: every choice that a run makes, as a value and its reason, in YAML that can be edited.

In: YAML text or the planner. Out: one frozen record that decides everything a run does; with fixed
steps, precision, threads and seed it gives the same bytes on the same machine (PROMISES D1).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Generic, Literal, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from latentomics.core import NetworkSpec, RequestError
from latentomics.dataset import Deformation

T = TypeVar("T")

SHARES = (0.7, 0.1, 0.2)  # train, validation, test where the manifest has no split
DEFAULT_BUDGET_S = 600.0  # wall time of a whole run without --budget

View = Literal["local", "scaled", "fixed", "pose", "whole", "slices", "patches"]
Normalisation = Literal["hu-window", "robust-z", "percentile", "suv", "identity"]
Aggregation = Literal[
    "2d-averaged", "2d-merged", "2.5d-averaged", "2.5d-merged", "3d-averaged", "3d-merged"
]
Aggregate = Literal["mean", "largest", "deviant"]


class Settings(BaseModel):
    """Base of every part of a plan: frozen, and no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Choice(Settings, Generic[T]):
    """A value and the reason why it was chosen."""

    value: T
    reason: str


class Request(Settings):
    """What the user asked for, once for every door; None leaves the choice to the plan."""

    manifest: str = ""  # set from the cohort that is given
    labels: tuple[str, ...] = ()  # columns, or comparisons such as grade>=2
    site: str | None = None  # column that names the site
    channels: tuple[str, ...] = ("image",)
    mask_label: int | None = None
    folds: int = 0  # 0: one split
    budget_s: float | None = None  # wall time of the whole run
    epochs: int | None = None
    memory_bytes: int | None = None
    method: str | None = None
    latent: int | None = None  # length of the code
    settings: dict[str, float | str | bool] = {}  # of the method
    seed: int = 0
    per: Literal["case", "patient"] = "case"  # rows of the table and of its evidence
    aggregate: Aggregate | None = None  # of a patient's cases; None: their mean
    demonstration: str | None = None  # said on the report's first page; intervals are left out

    @model_validator(mode="after")
    def _rows_known(self) -> Self:
        if self.aggregate is not None and self.per == "case":
            raise ValueError("aggregate says what becomes of a patient's cases: add per patient")
        return self

    def of(self, source: Path) -> Request:
        """Return what is asked, of this cohort."""
        return self.model_copy(update={"manifest": str(source.resolve())})


def request_from(asked: Mapping[str, object]) -> Request:
    """Return a request from names and values.

    Raises
    ------
    RequestError
        With the name that is unknown, or whose value is wrong.
    """
    try:
        return Request.model_validate(asked)
    except ValidationError as error:
        known = ", ".join(name for name in Request.model_fields if name != "manifest")
        raise _refused(error, "what is asked", "the request", f"known: {known}") from None


class Noise(Settings):
    """Corruption of the input while training; ``sigma`` in ``unit``."""

    model: str  # name in the noise registry
    sigma: float
    unit: str  # HU, SUV, or "scale" = the image's own robust scale, or what the model says
    options: dict[str, float] = {}  # of the model, where they are not its usual ones


class Length(Settings):
    """How long training goes on: optimiser steps, the last ``decay_steps`` with falling rate.

    ``steps`` is None until a run by wall time has resolved it; the resolved plan is what is saved.
    ``stop`` is set where training ended before ``steps``: no time left, or no improvement. From
    each step of ``halved_at`` on, a batch is computed in twice as many parts: memory had run out.
    """

    budget_s: float | None = None  # wall time of training, validation included
    epochs: int | None = None
    steps: int | None = None
    decay_steps: int | None = None
    stop: int | None = None
    halved_at: tuple[int, ...] = ()


class Classic(Settings):
    """Settings of classic radiomics; exactly one of ``bins`` and ``bin_width`` is set.

    Parameters
    ----------
    spacing : tuple of float, optional
        Of the grid along the image's own axes; None: each image's own grid.
    interpolation : str
        linear or spline (cubic); masks always linear, cut at one half.
    rounded : bool
        Interpolated intensities become whole numbers again (HU).
    lower, upper : float, optional
        Intensities outside are left out (resegmentation); bins of fixed width begin at ``lower``.
    outliers_sd : float, optional
        Intensities further than so many SDs from the mean are left out.
    bins : int, optional
        Fixed number of grey levels (FBN) from the region's minimum to its maximum.
    bin_width : float, optional
        Fixed width of grey levels (FBS).
    aggregation : str
        Of texture matrices: over the directions of the volume (3d), or of the planes with one
        matrix a plane (2d) or for all planes (2.5d); merged before features are computed, or
        features averaged.
    """

    spacing: tuple[float, ...] | None = None
    interpolation: Literal["linear", "spline"] = "linear"
    rounded: bool = False
    lower: float | None = None
    upper: float | None = None
    outliers_sd: float | None = Field(default=None, gt=0)
    bins: int | None = Field(default=None, gt=0, le=1024)
    bin_width: float | None = Field(default=None, gt=0)
    aggregation: Aggregation = "3d-merged"

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if (self.bins is None) == (self.bin_width is None):
            raise ValueError("give either bins or bin_width")
        if self.bin_width is not None and self.lower is None:
            raise ValueError("bins of fixed width begin at the lowest intensity: give lower")
        if self.lower is not None and self.upper is not None and self.lower >= self.upper:
            raise ValueError("lower must lie below upper")
        if self.spacing is not None and not all(0 < value < math.inf for value in self.spacing):
            raise ValueError("spacing must be positive")
        return self

    def describe(self) -> str:
        """Say the settings in one line."""
        grid = "own grid"
        if self.spacing is not None:
            how = "cubic spline" if self.interpolation == "spline" else "linear"
            grid = " x ".join(f"{value:g}" for value in self.spacing) + f", {how}"
        low = "-inf" if self.lower is None else f"{self.lower:g}"
        high = "inf" if self.upper is None else f"{self.upper:g}"
        bounded = self.lower is not None or self.upper is not None
        parts = [
            f"spacing {grid}",
            "rounded to whole numbers" if self.rounded else "",
            f"intensities {low} to {high}" if bounded else "",
            f"within {self.outliers_sd:g} SD" if self.outliers_sd is not None else "",
            f"{self.bins} bins" if self.bins else f"bins of {self.bin_width:g}",
            self.aggregation,
        ]
        return "; ".join(part for part in parts if part)


class Scale(Settings):
    """How the intensities of one channel are brought to numbers of about one."""

    modality: str
    normalisation: Normalisation
    window: tuple[float, float]


class Memory(Settings):
    """What a run takes at its peak, as estimated for the machine at hand."""

    limit_bytes: int
    peak_bytes: int
    workers: int  # processes that prepare cases


class Effort(Settings):
    """How thoroughly features are judged; a budget too short for all of it takes less.

    Parameters
    ----------
    draws : int
        Resamples of patients behind the intervals of a probe.
    few_labels : tuple of int
        Numbers of labelled patients of the label-efficiency curve; none: no curve.
    remeasured : bool
        Whether test cases are perturbed and encoded again.
    untrained : int
        Untrained encoders that every case is read by.
    """

    draws: int = Field(default=2000, ge=100)
    few_labels: tuple[int, ...] = (20,)
    remeasured: bool = True
    untrained: int = Field(default=3, ge=1)


class Plan(Settings):
    """Everything a run does. Sizes in voxels, spacings in mm (px without a physical size)."""

    version: Literal[1] = 1
    request: Request
    dimension: Choice[int]
    view: Choice[View]
    spacing: Choice[tuple[float, ...]]
    size: Choice[tuple[int, ...]]  # of a sample; for view local the size of a training patch
    margin: Choice[float]  # mm around the mask (fixed, local); factor on its extent (scaled)
    normalisation: Choice[Normalisation]
    window: Choice[tuple[float, float]]  # HU window, percentiles, or SUV range, by normalisation
    further: Choice[tuple[Scale, ...]] = Choice(value=(), reason="there is one channel")
    method: Choice[str]
    uses: Choice[tuple[str, ...]] = Choice(value=(), reason="pictures alone")  # beside pictures
    network: Choice[NetworkSpec]
    mask_channel: Choice[float]  # what the mask is inside, as last channel in and out; 0: none
    loss_region: Choice[Literal["all", "mask", "mask+ring"]]
    noise: Choice[Noise | None]
    shift: Choice[int]  # random shifts of up to this many voxels while training
    deformation: Choice[Deformation | None] = Choice(value=None, reason="none was asked for")
    symmetries: Choice[Literal["none", "flips"]]  # the code is the mean over these
    pooled: Choice[bool]  # pooled encoder maps beside the code
    batch: Choice[int]
    learning_rate: Choice[float]
    precision: Choice[Literal["float32", "bfloat16"]]
    length: Choice[Length]
    split: Choice[tuple[float, float, float]]  # train, val, test shares where the manifest has none
    threads: Choice[int]
    classic: Choice[Classic | None] = Choice(value=None, reason="none was asked for")
    components_bytes: Choice[int] = Choice(  # of training samples that PCA is fitted on
        value=2**31, reason="of training samples and their moved copies, for principal components"
    )
    mapped: Choice[bool] = Choice(value=False, reason="samples fit in memory")
    memory: Choice[Memory | None] = Choice(value=None, reason="until it was estimated")
    effort: Choice[Effort] = Choice(value=Effort(), reason="everything")

    @property
    def seed(self) -> int:
        """The seed of all randomness."""
        return self.request.seed

    @property
    def several(self) -> bool:
        """Whether the view gives a case several samples."""
        return self.view.value in ("slices", "patches")

    @property
    def workers(self) -> int | None:
        """Processes that prepare cases; None before the memory was estimated."""
        return self.memory.value.workers if self.memory.value else None

    def to_yaml(self) -> str:
        """Return the plan as YAML, reasons beside the values."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, width=100)


def load_plan(path: Path) -> Plan:
    """Read a plan from YAML; loaded safely, and every key is known.

    Raises
    ------
    RequestError
        With the key that is wrong and what was expected.
    """
    try:
        return Plan.model_validate(yaml.safe_load(path.read_text()))
    except ValidationError as error:
        remedy = "correct the key, or make a new plan with 'latentomics plan COHORT'"
        raise _refused(error, "the plan", str(path), remedy) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RequestError(
            f"the plan cannot be read: {error}", str(path), "give a YAML file that 'plan' wrote"
        ) from None


def _refused(error: ValidationError, what: str, where: str, remedy: str) -> RequestError:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    return RequestError(
        f"{what} is not valid: {first['msg']}", f"{where}, key {key or '(top)'}", remedy
    )
