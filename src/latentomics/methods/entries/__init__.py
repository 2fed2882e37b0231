"""Entries of ``METHODS``, a file for each family of codes; a file's presence is enough."""

from latentomics.core import import_siblings

import_siblings(__name__, list(__path__))
