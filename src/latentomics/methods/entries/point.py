"""Methods with one deterministic code for the whole sample (METHODS, sections 3, 5 and 20)."""

from latentomics.methods.method import Method, enter

enter(
    Method(
        name="autoencoder",
        summary="one code for the whole sample, squared error",
        paper="Masci et al. 2011",
    ),
    Method(
        name="denoising",
        summary="gives back the clean image from one corrupted by the modality's own noise",
        paper="Vincent et al. 2010",
        corruption=True,
    ),
    Method(
        name="invariant",
        summary="the code ignores small rotations, gain and offset",
        paper="METHODS 20; Bardes et al. 2022",
        penalties={"consistency": 1.0, "variance_floor": 1.0},
        second_view="rotation-intensity",
    ),
)
