"""Linear methods, in closed form (METHODS, section 2)."""

from latentomics.methods.method import Method, enter

enter(
    Method(
        name="linear",
        summary="principal components, in closed form",
        paper="Baldi and Hornik 1989",
        kinds=("linear",),
        closed_form=True,
    ),
)
