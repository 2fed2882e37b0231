"""The frozen records that every room shares.

Arrays are numpy, channels first, spatial axes (x, y, z), RAS+ after preparation: for an image read
from a file ``values[c, i, j, k]`` lies at ``origin + direction @ (spacing * (i, j, k))`` in RAS+
millimetres. Signals have one spatial axis, in seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from latentomics.core.outputs import MEAN, MEAN_AND_LOG_SD

if TYPE_CHECKING:
    from torch import Tensor

FloatArray = npt.NDArray[np.float32]
DoubleArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
Target = str | float | None
Options = Mapping[str, float | str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRef:
    """Where an array lies: a file, and for an ``.npz`` the key and row."""

    path: Path
    npz_key: str | None = None
    npz_index: int | None = None

    def __str__(self) -> str:
        row = "" if self.npz_index is None else f"[{self.npz_index}]"
        return f"{self.path}{'' if self.npz_key is None else '::' + self.npz_key}{row}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One row of a cohort: who was studied, and where the pictures lie."""

    id: str
    patient: str
    image: tuple[FileRef, ...]  # one a channel
    mask: FileRef | None = None
    mask_label: int | None = None
    roi: str | None = None
    modality: str | None = None  # of the first channel; None: from the file
    further: tuple[str, ...] = ()  # modality of each channel after it
    site: str | None = None
    split: str | None = None  # train, val or test where the manifest says so
    targets: Mapping[str, Target] = field(default_factory=dict)
    retest_of: str | None = None

    def __str__(self) -> str:
        return f"case {self.id} ({self.image[0]})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A case left out: one row of rejected.csv."""

    case: str
    file: str
    code: str
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A lattice in space (mm, RAS+) or time (s)."""

    spacing: tuple[float, ...]
    origin: tuple[float, ...]
    direction: tuple[float, ...]  # row-major, d x d; column a is the unit vector of axis a
    unit: str = "mm"  # mm, s, or px where a file has no physical size

    def __str__(self) -> str:
        return " x ".join(f"{s:g}" for s in self.spacing) + f" {self.unit}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Acquisition:
    """What was measured: values (C, *spatial) on a grid; modality and unit are of channel 0."""

    values: FloatArray
    grid: Grid
    modality: str
    unit: str  # HU, SUV, mV, a.u.
    further: tuple[tuple[str, str], ...] = ()  # modality and unit of each channel after it

    @property
    def channels(self) -> tuple[tuple[str, str], ...]:
        """Modality and unit of every channel."""
        own = (self.modality, self.unit)
        return (own, *self.further, *[own] * (len(self.values) - 1 - len(self.further)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mask:
    """A region of interest: bool (*spatial) on its own grid."""

    values: BoolArray
    grid: Grid


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The invertible way from a sample back to the acquisition's own grid and unit."""

    source: Grid
    source_size: tuple[int, ...]
    target: Grid  # of the sample; direction is the identity (RAS+)
    size: tuple[int, ...]
    offset: tuple[float, ...]  # one a channel: raw = sample * scale + offset
    scale: tuple[float, ...]
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """What a network sees: values (C, *size) float32, mask (*size) bool, and the way back."""

    values: FloatArray
    mask: BoolArray  # all ones where the case has none
    frame: Frame
    case: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One figure, with where it comes from; exactly these keys stand in results.json."""

    evaluation: str
    features: str
    target: str | None
    metric: str
    value: float
    low: float | None
    high: float | None
    n: int
    settings: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Point:
    """A deterministic code, z (batch, latent)."""

    z: Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gaussian:
    """A diagonal Gaussian posterior, mean and log_var (batch, latent)."""

    mean: Tensor
    log_var: Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Map:
    """A code that keeps its place: z (batch, channels, *positions)."""

    z: Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Quantised:
    """A code made of entries of a codebook: z (batch, latent) or (batch, channels, *positions).

    ``index`` (batch, *parts) says which entry each part of z is; z passes its gradient on to
    ``encoded``, what the encoder gave, of the shape of z.
    """

    z: Tensor
    index: Tensor
    encoded: Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Capsules:
    """Parts of an image: presence (batch, capsules) in [0, 1], pose (batch, capsules, d) in voxels.

    z (batch, capsules * (1 + d)) is both in one row, presences first.
    """

    z: Tensor
    presence: Tensor
    pose: Tensor


Code = Point | Gaussian | Map | Quantised | Capsules


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StepView:
    """What an objective sees of one training step. Shapes: (batch, channels, *size) for images."""

    target: Tensor
    weight: Tensor  # (batch, 1, *size), weight of each voxel in the likelihood; 0 outside
    code: Code
    draw: Tensor  # the code that was decoded: (batch, latent) or (batch, channels, *positions)
    output: Tensor
    log_scale: Tensor | None  # log SD of the likelihood where it is learned
    second: Code | None  # code of the transformed view, for methods that ask for one
    domain: Tensor | None  # (batch,) site number, -1 unknown; only for methods that declare it
    step: int
    cohort_size: int  # number of training samples
    encode: Callable[[Tensor], Code] | None = None
    options: Options = field(default_factory=dict)  # of the parts of the method, by name
    input: Tensor | None = None  # what was encoded, for penalties on the encoder's derivative
    probes: Tensor | None = None  # (batch, probes, latent) of -1 and 1, to sound that derivative
    basis: Tensor | None = None  # (dimensions, latent), where the decoder reads combinations of it
    nll: Tensor | None = None  # (batch,) nats, of the likelihood, once it is known
    draws: int = 1  # so many rows in turn belong to one sample and differ in their draw
    prior: Tensor | None = None  # draws from the prior, of the shape of ``draw``
    shuffled: Tensor | None = None  # draws of other samples, each latent of another one
    critic: Callable[[Tensor], Tensor] | None = None  # a second network's nats (batch,)


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSpec:
    """Architecture of a network, complete: the same spec and seed give the same weights.

    ``kind`` is a name in the registry of networks. ``stem`` is the edge of the patches that the
    first layer reads (space-to-depth); ``widths`` the channels of each level, or the units of each
    hidden layer.
    """

    kind: str
    dimension: int
    size: tuple[int, ...]  # of a sample; for kind local the size of a training patch
    channels_in: int
    channels_out: int
    latent: int  # length of the code; for a map its channels
    code: str  # point, sigmoid, top-k, gaussian, map, quantised or capsules
    stem: int = 4
    widths: tuple[int, ...] = (64, 128)
    blocks: int = 1  # residual blocks a level
    linear_path: bool = False
    activation: str = "silu"  # of the hidden units of a dense network: silu, logistic or linear
    active: int = 0  # of a top-k code: how many units stay
    unit_columns: bool = False  # each latent enters the decoder along a direction of length one
    codebook: int = 0  # entries of a quantised code
    basis: int = 0  # dimensions of the space whose basis a code holds coefficients of; 0: none
    orthonormal: bool = False  # that basis is kept orthonormal exactly
    output: str = MEAN  # what the decoder gives for each value: see core.outputs

    @property
    def block(self) -> int:
        """Voxels an axis that one position of the code stands for; 0 where it has no positions."""
        levels = {"local": 1, "spatial": len(self.widths)}.get(self.kind)
        return 0 if levels is None else int(self.stem << (levels - 1))

    @property
    def decoder_channels(self) -> int:
        """Channels that the decoder gives: two for each of the sample's where it says log SDs."""
        return self.channels_out * (2 if self.output == MEAN_AND_LOG_SD else 1)
