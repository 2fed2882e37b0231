"""latentomics: features learned from unlabelled medical images, with evidence of their worth."""

__version__ = "0.1.0"
