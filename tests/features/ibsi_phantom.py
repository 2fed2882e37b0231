"""Configurations of the IBSI-1 CT phantom beside their consensus values and tolerances.

In: ``LATENTOMICS_DATA`` with ``phantoms/`` and ``reference/``. Out: comparisons; run as a program,
a Markdown table of all of them, exit 1 where one is missed.
"""

from __future__ import annotations

import csv
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from latentomics.core import Case, FileRef
from latentomics.features.classic import classic_features, measure_region, region_of
from latentomics.planning import Classic
from latentomics.sources import read_case

GRID = {"spacing": (2.0, 2.0, 2.0), "rounded": True}
FLAT = {"spacing": (2.0, 2.0, 3.0), "rounded": True}
CT = {"lower": -1000.0, "upper": 400.0}
SOFT = {"lower": -500.0, "upper": 400.0}
CONFIGURATIONS: dict[str, dict[str, object]] = {
    "a": {**SOFT, "bin_width": 25.0},
    "b": {**FLAT, **SOFT, "bins": 32},
    "c": {**GRID, **CT, "bin_width": 25.0},
    "d": {**GRID, "outliers_sd": 3.0, "bins": 32},
    "e": {**GRID, **CT, "interpolation": "spline", "outliers_sd": 3.0, "bins": 32},
}
AGGREGATIONS = {  # as the tags of the reference files end
    "2D_avg": "2d-averaged",
    "2D_comb": "2d-merged",
    "2_5D_avg": "2.5d-averaged",
    "2_5D_comb": "2.5d-merged",
    "3D_avg": "3d-averaged",
    "3D_comb": "3d-merged",
}
FAMILIES = {
    "stat": "statistics",
    "ih": "histogram",
    "morph": "morphology",
    "cm": "glcm",
    "rlm": "glrlm",
}
SHARED = """mean=mean var=variance skew=skewness kurt=kurtosis median=median min=minimum
 p10=percentile_10 p90=percentile_90 max=maximum iqr=interquartile_range range=range
 mad=mean_absolute_deviation rmad=robust_mean_absolute_deviation medad=median_absolute_deviation
 cov=coefficient_of_variation qcod=quartile_coefficient"""
TAGS = {  # the tag's name and ours, by family
    "stat": f"{SHARED} energy=energy rms=root_mean_square",
    "ih": f"""{SHARED} mode=mode entropy=entropy uniformity=uniformity max_grad=maximum_gradient
 max_grad_g=maximum_gradient_level min_grad=minimum_gradient min_grad_g=minimum_gradient_level""",
    "morph": """volume=volume vol_approx=approximate_volume area_mesh=surface_area
 av=surface_to_volume_ratio comp_1=compactness_1 comp_2=compactness_2
 sph_dispr=spherical_disproportion sphericity=sphericity asphericity=asphericity
 com=centre_of_mass_shift diam=maximum_diameter pca_maj_axis=major_axis_length
 pca_min_axis=minor_axis_length pca_least_axis=least_axis_length pca_elongation=elongation
 pca_flatness=flatness vol_dens_aabb=volume_density_box area_dens_aabb=area_density_box
 vol_dens_aee=volume_density_ellipsoid area_dens_aee=area_density_ellipsoid
 vol_dens_conv_hull=volume_density_convex_hull area_dens_conv_hull=area_density_convex_hull
 integ_int=integrated_intensity""",
    "cm": """joint_max=joint_maximum joint_avg=joint_average joint_var=joint_variance
 joint_entr=joint_entropy diff_avg=difference_average diff_var=difference_variance
 diff_entr=difference_entropy sum_avg=sum_average sum_var=sum_variance sum_entr=sum_entropy
 energy=angular_second_moment contrast=contrast dissimilarity=dissimilarity
 inv_diff=inverse_difference inv_diff_norm=normalised_inverse_difference
 inv_diff_mom=inverse_difference_moment inv_diff_mom_norm=normalised_inverse_difference_moment
 inv_var=inverse_variance corr=correlation auto_corr=autocorrelation clust_tend=cluster_tendency
 clust_shade=cluster_shade clust_prom=cluster_prominence info_corr1=information_correlation_1
 info_corr2=information_correlation_2""",
    "rlm": """sre=short_runs_emphasis lre=long_runs_emphasis lgre=low_grey_level_run_emphasis
 hgre=high_grey_level_run_emphasis srlge=short_run_low_grey_level_emphasis
 srhge=short_run_high_grey_level_emphasis lrlge=long_run_low_grey_level_emphasis
 lrhge=long_run_high_grey_level_emphasis glnu=grey_level_non_uniformity
 glnu_norm=normalised_grey_level_non_uniformity rlnu=run_length_non_uniformity
 rlnu_norm=normalised_run_length_non_uniformity r_perc=run_percentage
 gl_var=grey_level_variance rl_var=run_length_variance rl_entr=run_entropy""",
}
NAMES = {
    f"{family}_{tag}": f"{FAMILIES[family]}_{name}"
    for family, pairs in TAGS.items()
    for tag, name in (pair.split("=") for pair in pairs.split())
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One value beside the consensus."""

    feature: str
    aggregation: str | None  # None: of no matrix
    found: float
    wanted: float
    tolerance: float

    @property
    def met(self) -> bool:
        """Whether the value lies within the tolerance, or is the same to its three digits."""
        near = abs(self.found - self.wanted) <= self.tolerance * (1 + 1e-9)
        return near or float(f"{self.found:.3g}") == self.wanted


def data() -> Path | None:
    """Return the folder of the phantoms and their reference values, where there is one."""
    named = os.environ.get("LATENTOMICS_DATA")
    folder = Path(named or ".")
    return folder if named and (folder / "phantoms" / "ibsi1_ct_image.nii.gz").is_file() else None


def compare(folder: Path, configuration: str) -> list[Comparison]:
    """Compare every value of our families that the reference has for a configuration."""
    wanted = _reference(folder / "reference" / f"ibsi_1_chest_config_{configuration}.csv")
    kinds = sorted({kind for _, kind in wanted if kind is not None})
    files = [FileRef(path=folder / "phantoms" / f"ibsi1_ct_{p}.nii.gz") for p in ("image", "mask")]
    case = Case(id="ct", patient="ct", image=(files[0],), mask=files[1], modality="CT")
    acquisition, mask = read_case(case)
    found = {}
    for kind in kinds:
        settings = Classic(**CONFIGURATIONS[configuration], aggregation=kind)
        values = measure_region(region_of(acquisition, mask, settings, "the phantom"))
        features = classic_features(3)
        found[kind] = {f.name: float(v) for f, v in zip(features, values, strict=True)}
    return [
        Comparison(
            feature=feature,
            aggregation=kind,
            found=found[kind or kinds[-1]][feature],
            wanted=value,
            tolerance=tolerance,
        )
        for (feature, kind), (value, tolerance) in wanted.items()
    ]


def _reference(path: Path) -> dict[tuple[str, str | None], tuple[float, float]]:
    found = {}
    with path.open(newline="") as opened:
        for row in csv.DictReader(opened, delimiter=";"):
            endings = [end for end in AGGREGATIONS if row["tag"].endswith(f"_{end}")]
            end = max(endings, key=len, default="")
            name = NAMES.get(row["tag"].removesuffix(f"_{end}") if end else row["tag"])
            if name and row["reference value"]:
                value, tolerance = float(row["reference value"]), float(row["tolerance"])
                found[name, AGGREGATIONS.get(end)] = value, tolerance
    return found


def markdown(tables: dict[str, list[Comparison]]) -> str:
    """Return every value with the consensus beside it; what is missed in bold."""
    cells: dict[tuple[str, str], dict[str, str]] = {}
    for name, rows in tables.items():
        for row in rows:
            text = f"{row.found:.4g} ({row.wanted:g} ± {row.tolerance:g})"
            key = row.feature, row.aggregation or "–"
            cells.setdefault(key, {})[name] = text if row.met else f"**{text}**"
    lines = ["| feature | aggregation | " + " | ".join(name.upper() for name in tables) + " |"]
    lines.append("|" + " --- |" * (2 + len(tables)))
    for key, by_name in cells.items():
        lines.append("| " + " | ".join([*key, *(by_name.get(name, "–") for name in tables)]) + " |")
    missed = sum(not row.met for rows in tables.values() for row in rows)
    counts = ", ".join(f"{name.upper()} {len(rows)}" for name, rows in tables.items())
    return "\n".join([*lines, "", f"Compared: {counts}; missed: {missed}.", ""])


def main() -> None:
    folder = data()
    if folder is None:
        raise SystemExit("LATENTOMICS_DATA names no folder with phantoms/ and reference/")
    names = sys.argv[1:] or sorted(CONFIGURATIONS)
    tables = {name: compare(folder, name) for name in names}
    sys.stdout.write(markdown(tables))
    raise SystemExit(any(not row.met for rows in tables.values() for row in rows))


if __name__ == "__main__":
    main()
