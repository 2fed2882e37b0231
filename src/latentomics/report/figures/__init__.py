"""Figures, one kind a file: plain arrays and records in, matplotlib figures out, no state kept."""

from latentomics.report.figures.activity import latent_activity
from latentomics.report.figures.curves import Curve, learning_curves
from latentomics.report.figures.factors import factor_matrix
from latentomics.report.figures.forest import ForestRow, forest
from latentomics.report.figures.histogram import region_sizes
from latentomics.report.figures.label_curves import LabelCurve, label_curves
from latentomics.report.figures.ladder import Ladder, ladders
from latentomics.report.figures.latent_map import Colouring, latent_map
from latentomics.report.figures.matrix import alike_matrix
from latentomics.report.figures.mosaic import mosaic
from latentomics.report.figures.neighbours import Neighbour, neighbour_rows
from latentomics.report.figures.reconstruction import Shown, comparison
from latentomics.report.figures.signals import moved_traces, traces
from latentomics.report.figures.steps import columns_left
from latentomics.report.figures.style import png, svg
from latentomics.report.figures.traversal import TraversalRow, traversals

__all__ = [
    "Colouring",
    "Curve",
    "ForestRow",
    "LabelCurve",
    "Ladder",
    "Neighbour",
    "Shown",
    "TraversalRow",
    "alike_matrix",
    "columns_left",
    "comparison",
    "factor_matrix",
    "forest",
    "label_curves",
    "ladders",
    "latent_activity",
    "latent_map",
    "learning_curves",
    "mosaic",
    "moved_traces",
    "neighbour_rows",
    "png",
    "region_sizes",
    "svg",
    "traces",
    "traversals",
]
