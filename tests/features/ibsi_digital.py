"""Consensus values of the IBSI-1 digital phantom, and the phantom itself.

Zwanenburg et al., Radiology 295, 2020: 5 x 4 x 4 voxels of 2 mm, grey levels used directly, 74
voxels in the region. Values are given to three significant digits.
"""

from __future__ import annotations

import numpy as np

PLANES = (  # z, then y (a block each), then x
    ("14411", "14611", "41641", "44641"),
    ("14411", "11611", "11311", "44611"),
    ("14411", "11111", "11911", "11611"),
    ("14411", "11111", "11111", "11611"),
)
OUTSIDE = ((1, 2, 0), (2, 0, 3), (2, 0, 4), (2, 2, 2), (3, 0, 3), (3, 0, 4))  # (z, y, x)
SPACING_MM = 2.0
AGGREGATIONS = (
    "2d-averaged",
    "2d-merged",
    "2.5d-averaged",
    "2.5d-merged",
    "3d-averaged",
    "3d-merged",
)

ONCE = """
statistics_mean 2.15
statistics_variance 3.05
statistics_skewness 1.08
statistics_kurtosis -0.355
statistics_median 1
statistics_minimum 1
statistics_percentile_10 1
statistics_percentile_90 4
statistics_maximum 6
statistics_interquartile_range 3
statistics_range 5
statistics_mean_absolute_deviation 1.55
statistics_robust_mean_absolute_deviation 1.11
statistics_median_absolute_deviation 1.15
statistics_coefficient_of_variation 0.812
statistics_quartile_coefficient 0.6
statistics_energy 567
statistics_root_mean_square 2.77
histogram_mean 2.15
histogram_variance 3.05
histogram_skewness 1.08
histogram_kurtosis -0.355
histogram_median 1
histogram_minimum 1
histogram_percentile_10 1
histogram_percentile_90 4
histogram_maximum 6
histogram_mode 1
histogram_interquartile_range 3
histogram_range 5
histogram_mean_absolute_deviation 1.55
histogram_robust_mean_absolute_deviation 1.11
histogram_median_absolute_deviation 1.15
histogram_coefficient_of_variation 0.812
histogram_quartile_coefficient 0.6
histogram_entropy 1.27
histogram_uniformity 0.512
histogram_maximum_gradient 8
histogram_maximum_gradient_level 3
histogram_minimum_gradient -50
histogram_minimum_gradient_level 1
morphology_volume 556
morphology_approximate_volume 592
morphology_surface_area 388
morphology_surface_to_volume_ratio 0.698
morphology_compactness_1 0.0411
morphology_compactness_2 0.599
morphology_spherical_disproportion 1.19
morphology_sphericity 0.843
morphology_asphericity 0.186
morphology_centre_of_mass_shift 0.672
morphology_maximum_diameter 13.1
morphology_major_axis_length 11.4
morphology_minor_axis_length 9.31
morphology_least_axis_length 8.54
morphology_elongation 0.816
morphology_flatness 0.749
morphology_volume_density_box 0.869
morphology_area_density_box 0.866
morphology_volume_density_ellipsoid 1.17
morphology_area_density_ellipsoid 1.36
morphology_volume_density_convex_hull 0.961
morphology_area_density_convex_hull 1.03
morphology_integrated_intensity 1200
"""

AGGREGATED = """
glcm_joint_maximum 0.519 0.512 0.489 0.492 0.503 0.509
glcm_joint_average 2.14 2.14 2.2 2.2 2.14 2.15
glcm_joint_variance 2.69 2.71 3.22 3.24 3.1 3.13
glcm_joint_entropy 2.05 2.24 2.48 2.61 2.4 2.57
glcm_difference_average 1.42 1.4 1.46 1.44 1.43 1.38
glcm_difference_variance 2.9 3.06 3.11 3.23 3.06 3.21
glcm_difference_entropy 1.4 1.49 1.61 1.67 1.56 1.64
glcm_sum_average 4.28 4.29 4.41 4.41 4.29 4.3
glcm_sum_variance 5.47 5.66 7.48 7.65 7.07 7.41
glcm_sum_entropy 1.6 1.79 2.01 2.14 1.92 2.11
glcm_angular_second_moment 0.368 0.352 0.286 0.277 0.303 0.291
glcm_contrast 5.28 5.19 5.39 5.29 5.32 5.12
glcm_dissimilarity 1.42 1.4 1.46 1.44 1.43 1.38
glcm_inverse_difference 0.678 0.683 0.668 0.673 0.677 0.688
glcm_normalised_inverse_difference 0.851 0.854 0.847 0.85 0.851 0.856
glcm_inverse_difference_moment 0.619 0.625 0.606 0.613 0.618 0.631
glcm_normalised_inverse_difference_moment 0.899 0.901 0.897 0.899 0.898 0.902
glcm_inverse_variance 0.0567 0.0553 0.0597 0.0582 0.0604 0.0574
glcm_correlation -0.0121 0.0173 0.178 0.182 0.157 0.183
glcm_autocorrelation 5.09 5.14 5.4 5.45 5.06 5.19
glcm_cluster_tendency 5.47 5.66 7.48 7.65 7.07 7.41
glcm_cluster_shade 7 6.98 16.6 16.4 16.6 17.4
glcm_cluster_prominence 79.1 80.4 147 142 145 147
glcm_information_correlation_1 -0.155 -0.0341 -0.124 -0.0334 -0.157 -0.0288
glcm_information_correlation_2 0.487 0.263 0.487 0.291 0.52 0.269
glrlm_short_runs_emphasis 0.641 0.661 0.665 0.68 0.705 0.729
glrlm_long_runs_emphasis 3.78 3.51 3.46 3.27 3.06 2.76
glrlm_low_grey_level_run_emphasis 0.604 0.609 0.58 0.585 0.603 0.607
glrlm_high_grey_level_run_emphasis 9.82 9.74 10.3 10.2 9.7 9.64
glrlm_short_run_low_grey_level_emphasis 0.294 0.311 0.296 0.312 0.352 0.372
glrlm_short_run_high_grey_level_emphasis 8.57 8.67 9.03 9.05 8.54 8.67
glrlm_long_run_low_grey_level_emphasis 3.14 2.92 2.79 2.63 2.39 2.16
glrlm_long_run_high_grey_level_emphasis 17.4 16.1 17.9 17 17.6 15.6
glrlm_grey_level_non_uniformity 5.2 20.5 19.5 77.1 21.8 281
glrlm_normalised_grey_level_non_uniformity 0.46 0.456 0.413 0.412 0.43 0.43
glrlm_run_length_non_uniformity 6.12 21.6 22.3 83.2 26.9 328
glrlm_normalised_run_length_non_uniformity 0.492 0.441 0.461 0.445 0.513 0.501
glrlm_run_percentage 0.627 0.627 0.632 0.632 0.68 0.68
glrlm_grey_level_variance 3.35 3.37 3.58 3.59 3.46 3.48
glrlm_run_length_variance 0.761 0.778 0.758 0.767 0.574 0.598
glrlm_run_entropy 2.17 2.57 2.52 2.76 2.43 2.62
"""


def phantom() -> tuple[np.ndarray, np.ndarray]:
    """Return grey levels and mask, (x, y, z)."""
    levels = np.array([[[int(level) for level in row] for row in plane] for plane in PLANES])
    inside = np.ones(levels.shape, bool)
    for place in OUTSIDE:
        inside[place] = False
    return levels.T, inside.T


def consensus() -> dict[tuple[str, str], str]:
    """Return the published value, as printed, of each feature and aggregation."""
    found = {}
    for line in ONCE.split("\n"):
        if line:
            name, value = line.split()
            found[name, AGGREGATIONS[-1]] = value
    for line in AGGREGATED.split("\n"):
        if line:
            name, *values = line.split()
            found |= {(name, agg): v for agg, v in zip(AGGREGATIONS, values, strict=True)}
    return found
