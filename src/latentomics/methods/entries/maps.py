"""Methods whose code keeps its place (METHODS, section 30)."""

from latentomics.methods.method import Method, enter

enter(
    Method(
        name="local",
        summary="a code that keeps its place, pooled over core, rim and ring of a lesion",
        paper="Masci et al. 2011; regional statistics ours",
        code="map",
        kinds=("local",),
    ),
)
