"""Samples by the batch.

In: a prepared cohort and case ids. Out: ``Batch``es of torch tensors on the CPU: values
(B, C, *size) float32 without the mask, mask and loss weight (B, 1, *size) float32. Samples of one
size come whole; crops of any size (view local) come as random patches inside the loss region.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from latentomics.core import FloatArray, IntArray, RequestError, Sample
from latentomics.dataset.collect import Prepared
from latentomics.dataset.patches import cut_patches
from latentomics.dataset.samples import Samples, load_samples

if TYPE_CHECKING:
    from torch import Tensor

LossRegion = Literal["all", "mask", "mask+ring"]

ELSEWHERE = 0.02  # loss weight outside mask and ring of whole samples (DESIGN 12)
RING_MM = 4.0  # METHODS 30


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Batch:
    """Some samples: raw = values * scale + offset, in the unit of the acquisition."""

    values: Tensor  # (B, C, *size) float32
    mask: Tensor  # (B, 1, *size) float32, 0 or 1
    weight: Tensor  # (B, 1, *size) float32, of each voxel in the likelihood
    offset: Tensor  # (B, C)
    scale: Tensor  # (B, C)
    rows: IntArray  # (B,)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Store:
    """Samples of some cases, in the order of the cases; made by ``open_store``."""

    samples: Samples
    patch: tuple[int, ...] | None
    loss_region: LossRegion
    mask_channel: float  # the mask's value in a network's input, 0: none; values never hold it
    several: bool = False  # samples a case, as views slices and patches have them

    def __len__(self) -> int:
        return len(self.samples.cases)

    @property
    def cases(self) -> tuple[str, ...]:
        """The case of each sample."""
        return self.samples.cases

    @property
    def channels(self) -> int:
        """Channels of the values."""
        return self.samples.channels

    @property
    def uniform(self) -> bool:
        """Whether all samples have one size."""
        return bool((self.samples.sizes == self.samples.sizes[:1]).all())

    def of(self, case_ids: Sequence[str]) -> Store:
        """Return the samples of some of the cases, in the order asked for, without a copy."""
        rows: dict[str, list[int]] = {}
        for row, case in enumerate(self.cases):
            rows.setdefault(case, []).append(row)
        return replace(
            self, samples=self.samples.taken([r for case in case_ids for r in rows[case]])
        )

    def sample(self, row: int) -> Sample:
        """Return a sample whole, in every view; its values are not copied."""
        return Sample(
            values=self.samples.part("values", row),
            mask=self.samples.part("masks", row)[0].astype(bool),
            frame=self.samples.frames[row],
            case=self.samples.cases[row],
        )

    def whole(self, rows: IntArray) -> FloatArray:
        """Return samples of one size as a copy (B, C, *size).

        Raises
        ------
        RequestError
            When the samples differ in size.
        """
        values: FloatArray = self._whole("values", rows)
        return values

    def _whole(self, what: str, rows: IntArray) -> npt.NDArray[Any]:
        if not self.uniform:
            raise RequestError(
                "samples differ in size", "store", "ask for patches by giving their size"
            )
        return np.stack([self.samples.part(what, row) for row in rows])

    def batch(self, rows: IntArray, generator: np.random.Generator | None) -> Batch:
        """Return samples, or a patch of each.

        Parameters
        ----------
        rows : (B,) int
            Which samples; any may come more than once.
        generator : Generator, optional
            Of the patches' places, flips and transpositions. None: from the middle of the loss
            region, as they lie.
        """
        import torch

        rows = np.asarray(rows, np.int64)
        if self.patch is None:
            values, masks = self._whole("values", rows), self._whole("masks", rows)
            near = masks if self.samples.near is self.samples.masks else self._whole("near", rows)
        else:
            values, masks, near = cut_patches(self.samples, rows, self.patch, generator)
        return Batch(
            values=torch.from_numpy(values),
            mask=torch.from_numpy(masks).float(),
            weight=self._weight(torch.from_numpy(near)),
            offset=torch.from_numpy(self.samples.offset[rows]),
            scale=torch.from_numpy(self.samples.scale[rows]),
            rows=rows,
        )

    def _weight(self, near: Tensor) -> Tensor:
        import torch

        if self.loss_region == "all":
            return torch.ones(1).expand(near.shape)
        if self.loss_region == "mask" or self.patch is not None:
            return near.float()
        return near.float() * (1.0 - ELSEWHERE) + ELSEWHERE


def open_store(
    prepared: Prepared,
    case_ids: Sequence[str],
    *,
    patch: tuple[int, ...] | None = None,
    loss_region: LossRegion = "all",
    ring_mm: float = RING_MM,
    mask_channel: float = 0.0,
    mapped: bool = False,
    several: bool = False,
) -> Store:
    """Load the samples of some cases.

    Parameters
    ----------
    case_ids : sequence of str
        In the order that the samples take.
    patch : tuple of int, optional
        Batches are random patches of this size (view local).
    loss_region : str
        Where the loss counts. "all": everywhere; "mask": inside; "mask+ring": for patches in the
        mask and ``ring_mm`` around it and nowhere else; for whole samples fully in the mask and two
        voxels around it, and by .02 elsewhere.
    mask_channel : float
        Kept for who builds the network's input.
    mapped : bool
        The samples lie in a nameless file beside the cache, not in memory.
    several : bool
        The view gives a case several samples, though some may have one.

    Raises
    ------
    RequestError
        When a case was not prepared, or a patch is larger than a crop.
    IntegrityError
        When a cache file changed after it was prepared.
    """
    by_case = {entry.case: entry for entry in prepared.entries}
    missing = [case for case in case_ids if case not in by_case]
    if missing or not case_ids:
        raise RequestError(
            f"{len(missing)} cases were not prepared" if missing else "there are no cases to load",
            ", ".join(missing[:5]) or "store",
            "prepare the cohort with them, or leave them out",
        )
    entries = [by_case[case] for case in case_ids]
    least = np.min([entry.shape[1:] for entry in entries], axis=0)
    if patch is not None and (least < np.array(patch)).any():
        raise RequestError(
            f"a patch of {patch} does not fit a crop of {least.tolist()}",
            "store",
            "prepare with a least size that holds a patch",
        )
    samples = load_samples(
        entries,
        ring=ring_of(loss_region, patch),
        ring_mm=ring_mm,
        mapped=prepared.cache if mapped else None,
    )
    return Store(
        samples=samples,
        patch=patch,
        loss_region=loss_region,
        mask_channel=mask_channel,
        several=several,
    )


def ring_of(loss_region: LossRegion, patch: tuple[int, ...] | None) -> str:
    """Return in which unit the loss region reaches beyond the mask: none, voxels or mm."""
    if loss_region != "mask+ring":
        return "none"
    return "voxels" if patch is None else "mm"
