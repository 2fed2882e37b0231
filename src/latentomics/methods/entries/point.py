"""Methods with one deterministic code for the whole sample (METHODS 3 to 5, 12, 13 and 20)."""

from latentomics.methods.method import Method, enter

INVARIANT = {"consistency": 1.0, "variance_floor": 1.0}

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
        name="dense",
        summary="all values of the sample into each hidden unit",
        paper="Hinton and Salakhutdinov 2006; He et al. 2015",
        kinds=("dense",),
    ),
    Method(
        name="deep",
        summary="the deep autoencoder of 1000, 500, 250 and 30 units; Adam in place of RBMs",
        paper="Hinton and Salakhutdinov 2006",
        kinds=("dense",),
        latent=30,
        network={"activation": "logistic", "widths": (1000, 500, 250)},
    ),
    Method(
        name="sparse",
        summary="a code of which few units are active, by divergence, by L1 or by the largest k",
        paper="Ng 2011; Makhzani and Frey 2014",
        code="sigmoid",
        penalties={"sparsity": 0.003},
        variants={
            "kind": {
                "kl": {},
                "l1": {
                    "code": "point",
                    "penalties": {"l1": 0.1},
                    "network": {"unit_columns": True, "linear_path": False},
                },
                "top-k": {"code": "top-k", "penalties": {}, "network": {"active": None}},
            }
        },
    ),
    Method(
        name="contractive",
        summary="a code that hardly moves when the sample changes a little",
        paper="Rifai et al. 2011",
        code="sigmoid",
        penalties={"contraction": 1e-6},
    ),
    Method(
        name="transforming",
        summary="capsules that know where their part of the image is, learned from known shifts",
        paper="Hinton et al. 2011",
        code="capsules",
        kinds=("capsules",),
        dimensions=(2, 3),
    ),
    Method(
        name="invariant",
        summary="the code ignores small rotations, gain and offset",
        paper="METHODS 20; Bardes et al. 2022; Ganin et al. 2016",
        penalties=INVARIANT,
        second_view="rotation-intensity",
        variants={
            "against_site": {
                "nothing": {},
                "mmd": {"penalties": {**INVARIANT, "site_mmd": 1.0}},
                "adversary": {
                    "penalties": {**INVARIANT, "site_information": 1.0},
                    "companion": "site classifier",
                },
            }
        },
    ),
)
