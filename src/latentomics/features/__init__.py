"""From a fitted network and samples to a table of features, and to cases unlike the cohort."""
