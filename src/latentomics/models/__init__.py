"""Encoders, decoders and codes for signals, images and volumes.

In: samples (batch, channels, *size). Out: codes and reconstructions. ``build_network`` makes any
architecture from its spec and a seed; everything else here reads codes or counts parameters.
"""

from latentomics.core import import_siblings
from latentomics.models.capsules import shifted
from latentomics.models.codes import centre, draw, repeated
from latentomics.models.counts import ParameterCounts, dense_parameter_count, parameter_counts
from latentomics.models.headed import Crop, Headed
from latentomics.models.network import Network, ParameterGroup, build_network
from latentomics.models.portable import (
    DecoderHalf,
    EncoderHalf,
    free_size,
    onnx_bytes,
    require_onnx,
)
from latentomics.models.statistics import Regions

import_siblings(__name__, list(__path__))

__all__ = [
    "Crop",
    "DecoderHalf",
    "EncoderHalf",
    "Headed",
    "Network",
    "ParameterCounts",
    "ParameterGroup",
    "Regions",
    "build_network",
    "centre",
    "dense_parameter_count",
    "draw",
    "free_size",
    "onnx_bytes",
    "parameter_counts",
    "repeated",
    "require_onnx",
    "shifted",
]
