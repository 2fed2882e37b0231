"""A run folder in; one offline page for radiologists and statisticians out."""

from latentomics.report.card import write_card
from latentomics.report.generated import write_images
from latentomics.report.lengths import LengthFigure, draw_lengths
from latentomics.report.methods import MethodFigure, draw_methods
from latentomics.report.sample import CHARTS, CHARTS_A_LABEL, draw_sample
from latentomics.report.write import write_report

__all__ = [
    "CHARTS",
    "CHARTS_A_LABEL",
    "LengthFigure",
    "MethodFigure",
    "draw_lengths",
    "draw_methods",
    "draw_sample",
    "write_card",
    "write_images",
    "write_report",
]
