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
    Method(
        name="probabilistic-pca",
        summary="principal components as a likelihood, in closed form: the linear VAE at its best",
        paper="Tipping and Bishop 1999; Lucas et al. 2019",
        code="gaussian",
        kinds=("linear",),
        likelihood="gaussian-learned",
        penalties={"kl": 1.0},
        closed_form=True,
    ),
)
