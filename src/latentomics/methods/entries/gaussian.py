"""Methods with a Gaussian posterior for each sample (METHODS, sections 6 to 10)."""

from latentomics.methods.method import Method, enter

enter(
    Method(
        name="vae",
        summary="Gaussian code and learned noise level: a bound on the likelihood",
        paper="Kingma and Welling 2014; Rybkin et al. 2021",
        code="gaussian",
        likelihood="gaussian-learned",
        penalties={"kl": 1.0},
        schedule="warm-up",
        warm_up_steps=500,
    ),
    Method(
        name="beta-vae",
        summary="a VAE that pays more for each nat of its code, for axes that vary alone",
        paper="Higgins et al. 2017",
        code="gaussian",
        penalties={"kl": 4.0},
        schedule="warm-up",
        warm_up_steps=500,
    ),
)
