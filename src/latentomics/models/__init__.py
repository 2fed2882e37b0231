"""Encoders, decoders and codes for signals, images and volumes.

In: samples (batch, channels, *size). Out: codes and reconstructions. ``build_network`` makes any
architecture from its spec and a seed; everything else here reads codes or counts parameters.
"""

from latentomics.core import import_siblings
from latentomics.models.capsules import shifted
from latentomics.models.codes import centre, draw, repeated
from latentomics.models.counts import ParameterCounts, dense_parameter_count, parameter_counts
from latentomics.models.network import Network, ParameterGroup, build_network

import_siblings(__name__, list(__path__))

__all__ = [
    "Network",
    "ParameterCounts",
    "ParameterGroup",
    "build_network",
    "centre",
    "dense_parameter_count",
    "draw",
    "parameter_counts",
    "repeated",
    "shifted",
]
