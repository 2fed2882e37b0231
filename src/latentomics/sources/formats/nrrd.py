"""NRRD with the data in the same file.

In: a ``.nrrd`` file. Out: its values, axes as stored (x first), on a grid turned from the file's
space into RAS+ mm. SimpleITK decodes; size and element type are looked at before it does. A header
that names other files is refused: no file of a cohort makes us open a second one.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from latentomics.core import CaseError, FileRef
from latentomics.sources.formats.base import (
    AnyArray,
    Volume,
    pixel_grid,
    read_head,
    require_size,
    volume_format,
)
from latentomics.sources.formats.geometry import require_spacing, spatial_volume

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])  # ITK's axes point left and posterior


@volume_format("nrrd", (".nrrd",), lambda head: head.startswith(b"NRRD000"))
def read_nrrd(ref: FileRef) -> Volume:
    """Read an attached NRRD file."""
    import SimpleITK

    itk: Any = SimpleITK  # the package has no types
    header = read_head(ref.path).split(b"\n\n")[0].replace(b"\r", b"")
    if re.search(rb"(?im)^data ?file:", header):
        raise CaseError(
            "the header names other files", str(ref), "save it with the data attached", "format"
        )
    reader = itk.ImageFileReader()
    reader.SetFileName(str(ref.path))
    reader.SetImageIO("NrrdImageIO")
    reader.ReadImageInformation()
    size = tuple(int(n) for n in reader.GetSize())
    if reader.GetNumberOfComponents() != 1:
        raise CaseError(
            f"each voxel holds {reader.GetNumberOfComponents()} values",
            str(ref),
            "write one file a channel, and name the columns with --channels",
            "colour",
        )
    require_size(size, 8, ref)
    image = reader.Execute()
    values = itk.GetArrayFromImage(image).T  # (x, y, z)
    if not re.search(rb"(?im)^(spacings|space directions):", header):
        return Volume(values=values, grid=pixel_grid(values.ndim))
    return _placed(image, values, ref)


def _placed(image: Any, values: AnyArray, ref: FileRef) -> Volume:
    dimension = min(values.ndim, 3)
    direction = np.array(image.GetDirection()).reshape(values.ndim, values.ndim)
    spacing = np.array(image.GetSpacing())[:dimension]
    require_spacing(spacing, ref)
    affine = np.eye(4)
    affine[:dimension, :dimension] = direction[:dimension, :dimension] * spacing
    affine[:dimension, 3] = image.GetOrigin()[:dimension]
    return spatial_volume(values, _LPS_TO_RAS @ affine, ref)
