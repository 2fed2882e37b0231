"""A run folder in; one offline page for radiologists and statisticians out."""

from latentomics.report.write import write_report

__all__ = ["write_report"]
