"""What the features are worth: one evaluation a file, tables in, records out, no model in sight."""

from latentomics.evaluation.cautions import cautions
from latentomics.evaluation.collapse import active_latents, collapse
from latentomics.evaluation.columns import comparable
from latentomics.evaluation.confounding import confounding, label_by_site
from latentomics.evaluation.contest import (
    Apart,
    development_score,
    leads,
    mean_ranks,
    rank_correlation,
)
from latentomics.evaluation.curation import STEPS as CURATION_STEPS
from latentomics.evaluation.curation import Again, Curation, Training, curation_records
from latentomics.evaluation.curation import curate as curate_columns
from latentomics.evaluation.disentanglement import disentanglement, factors_of
from latentomics.evaluation.embedding import averaged, embedding, ranked_rows
from latentomics.evaluation.judgement import Facts, Sentence
from latentomics.evaluation.ks import ks
from latentomics.evaluation.label_curve import COMPARED, label_curve
from latentomics.evaluation.labels import TAUGHT, Curves, label_efficiency
from latentomics.evaluation.likelihood import description_bits, importance_nll, likelihood
from latentomics.evaluation.linear import COMPONENTS
from latentomics.evaluation.maps import (
    perplexities,
    principal_map,
    tsne_map,
    umap_map,
    umap_version,
)
from latentomics.evaluation.memorisation import memorisation, memorisation_sentence
from latentomics.evaluation.mmd import FEWEST_PATIENTS, MOST_IMAGES, mmd
from latentomics.evaluation.permutation import permutation
from latentomics.evaluation.probe import DRAWS, default_comparisons, probe
from latentomics.evaluation.reconstruction import reconstruction, sample_errors
from latentomics.evaluation.scoring import LabelLike, Part, truth_of
from latentomics.evaluation.site import site_columns, site_label, site_predictability
from latentomics.evaluation.site_variance import site_variance
from latentomics.evaluation.stability import GOOD as LOWEST_ICC
from latentomics.evaluation.stability import retest_pairs, stability
from latentomics.evaluation.statistics import draws_for, numbered
from latentomics.evaluation.structure import redundancy, structure
from latentomics.evaluation.taught_curve import Lesson, lessons, taught_curve
from latentomics.evaluation.unsupervised_ranking import udr
from latentomics.evaluation.verdict import verdict

__all__ = [
    "COMPARED",
    "COMPONENTS",
    "CURATION_STEPS",
    "DRAWS",
    "FEWEST_PATIENTS",
    "LOWEST_ICC",
    "MOST_IMAGES",
    "TAUGHT",
    "Again",
    "Apart",
    "Curation",
    "Curves",
    "Facts",
    "LabelLike",
    "Lesson",
    "Part",
    "Sentence",
    "Training",
    "active_latents",
    "averaged",
    "cautions",
    "collapse",
    "comparable",
    "confounding",
    "curate_columns",
    "curation_records",
    "default_comparisons",
    "description_bits",
    "development_score",
    "disentanglement",
    "draws_for",
    "embedding",
    "factors_of",
    "importance_nll",
    "ks",
    "label_by_site",
    "label_curve",
    "label_efficiency",
    "leads",
    "lessons",
    "likelihood",
    "mean_ranks",
    "memorisation",
    "memorisation_sentence",
    "mmd",
    "numbered",
    "permutation",
    "perplexities",
    "principal_map",
    "probe",
    "rank_correlation",
    "ranked_rows",
    "reconstruction",
    "redundancy",
    "retest_pairs",
    "sample_errors",
    "site_columns",
    "site_label",
    "site_predictability",
    "site_variance",
    "stability",
    "structure",
    "taught_curve",
    "truth_of",
    "tsne_map",
    "udr",
    "umap_map",
    "umap_version",
    "verdict",
]
