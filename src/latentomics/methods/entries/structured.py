"""Gaussian codes of networks of a special structure (METHODS, sections 10 and 16)."""

from latentomics.methods.method import Method, enter

enter(
    Method(
        name="basis-vae",
        summary="a VAE whose code holds the coefficients of a learned orthonormal basis",
        paper="Kim and Cho 2019",
        code="gaussian",
        likelihood="gaussian-learned",
        penalties={"kl": 1.0, "orthonormality": 1.0},
        network={"basis": None, "linear_path": False},
        variants={
            "kind": {
                "soft": {},
                "strict": {
                    "penalties": {"kl": 1.0},
                    "network": {"basis": None, "orthonormal": True, "linear_path": False},
                },
            }
        },
        schedule="warm-up",
        warm_up_steps=500,
    ),
    Method(
        name="recurrent-vae",
        summary="a VAE that reads a signal sample after sample and writes it from its code alone",
        paper="Fabius and van Amersfoort 2014",
        code="gaussian",
        kinds=("recurrent",),
        likelihood="gaussian-learned",
        penalties={"kl": 1.0},
        schedule="warm-up",
        warm_up_steps=500,
        latent=16,
        dimensions=(1,),
    ),
)
