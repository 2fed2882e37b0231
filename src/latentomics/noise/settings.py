"""Names of the settings that say how samples are corrupted while training.

In: nothing. Out: ``noise`` (the model), ``sigma`` (its level), ``photons`` (of a low dose, in place
of sigma), and the options of every model.
"""

from latentomics.noise.model import NOISES


def noise_setting_names() -> set[str]:
    """Return every name that a setting about noise can have."""
    options = {option for name in NOISES for option in NOISES[name].options}
    return {"noise", "sigma", "photons"} | options
