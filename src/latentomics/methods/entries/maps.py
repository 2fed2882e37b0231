"""Methods whose code keeps its place (METHODS, sections 10, 13 and 30)."""

from latentomics.methods.method import Method, enter

enter(
    Method(
        name="local",
        summary="a code that keeps its place, pooled over core, rim and ring of a lesion",
        paper="Masci et al. 2011; regional statistics ours",
        code="map",
        kinds=("local",),
    ),
    Method(
        name="masked",
        summary="tells hidden blocks of the sample from those that are seen",
        paper="He et al. 2022",
        code="map",
        kinds=("spatial",),
        own={"hidden": 0.75},
        in_volumes={"hidden": 0.85},
        hides=True,
    ),
    Method(
        name="vq-vae",
        summary="a code made of entries of a codebook",
        paper="van den Oord et al. 2017",
        code="quantised",
        kinds=("spatial", "convolutional", "dense"),
        penalties={"commitment": 0.25},
        network={"codebook": None},
    ),
)
