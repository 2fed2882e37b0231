"""Classic radiomics: hand-made features by the definitions of the standard (METHODS 23).

One family of features a file; a file's presence is enough.
"""

from latentomics.core import import_siblings
from latentomics.features.classic.cohort import Classified, measure_classic
from latentomics.features.classic.directions import AGGREGATIONS
from latentomics.features.classic.extract import (
    classic_features,
    classic_names,
    feature_named,
    measure_region,
)
from latentomics.features.classic.family import FAMILIES, Family, Feature
from latentomics.features.classic.region import Region, region_of

import_siblings(__name__, list(__path__))

__all__ = [
    "AGGREGATIONS",
    "FAMILIES",
    "Classified",
    "Family",
    "Feature",
    "Region",
    "classic_features",
    "classic_names",
    "feature_named",
    "measure_classic",
    "measure_region",
    "region_of",
]
