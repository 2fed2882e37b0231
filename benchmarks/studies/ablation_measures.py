"""The properties that methods claim, measured on held-out pictures.

In: what a trained method is (network, plan, method) and stores of training and test pictures. Out:
one number a property; ``MEASURES`` names each with the direction that counts as better.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from latentomics.core import DoubleArray, IntArray, Quantised, stream
from latentomics.dataset import Store
from latentomics.evaluation import importance_nll
from latentomics.evaluation.agreement import icc_agreement_value
from latentomics.evaluation.mmd import squared_mmd
from latentomics.evaluation.structure import mixture_information
from latentomics.features import encode_store, importance_weights, noise_log_sd, posteriors
from latentomics.methods import Method
from latentomics.models import Network, centre
from latentomics.objectives.penalties.contraction import squared_jacobian
from latentomics.planning import Plan
from latentomics.training.augment import second_view

ACTIVE = 0.1  # of a sigmoid unit
ACTIVE_VARIANCE = 0.01  # of a latent's mean (METHODS 11)
NOISE = 0.5  # SD of the noise that a code should ignore, of normalised pictures
FEW, DRAWS = 20, 20  # labels, and how often they are drawn
IMPORTANCE, OF_PICTURES = 100, 100
JACOBIANS = 50


@dataclass(frozen=True, kw_only=True, eq=False)
class Trained:
    """A method that was trained, and what it is judged on."""

    network: Network
    plan: Plan
    method: Method
    train: Store
    test: Store
    labels: dict[str, int]  # of each case

    @cached_property
    def values(self) -> torch.Tensor:
        """Test pictures, (n, 1, height, width)."""
        return torch.from_numpy(self.test.whole(np.arange(len(self.test))))

    @cached_property
    def codes(self) -> tuple[DoubleArray, DoubleArray]:
        """Columns of training and of test pictures, as the feature table has them."""
        stores = (self.train, self.test)
        found = [encode_store(self.network, self.plan, store).latent.values for store in stores]
        return found[0].astype(np.float64), found[1].astype(np.float64)

    @cached_property
    def truths(self) -> tuple[IntArray, IntArray]:
        train, test = (
            np.array([self.labels[case] for case in store.cases])
            for store in (self.train, self.test)
        )
        return train, test

    @cached_property
    def posterior(self) -> tuple[DoubleArray, DoubleArray]:
        """Means and log variances of test pictures."""
        found = posteriors(self.network, self.test, np.arange(len(self.test)))
        if found is None:
            raise TypeError(f"method {self.method.name} has no Gaussian code")
        return found

    def rebuilt(self, values: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            return self.network.decode(centre(self.network.encode(values)))[:, :1]


def error(trained: Trained) -> float:
    """Mean squared error a pixel of test pictures, in normalised units."""
    return float((trained.rebuilt(trained.values) - trained.values).square().mean())


def error_from_noisy(trained: Trained) -> float:
    """The same against the clean pictures, when noisy ones go in."""
    drawn = stream(0, "ablation noise").standard_normal(trained.values.shape).astype(np.float32)
    noisy = trained.values + NOISE * torch.from_numpy(drawn)
    return float((trained.rebuilt(noisy) - trained.values).square().mean())


def auroc(trained: Trained) -> float:
    """AUROC of a linear probe of the code, fitted on all training pictures."""
    return _probed(trained, np.arange(len(trained.truths[0])))


def auroc_of_few(trained: Trained) -> float:
    """Mean AUROC of probes of 20 labels, half of each class, drawn 20 times."""
    truth = trained.truths[0]
    found = []
    for number in range(DRAWS):
        draws = stream(0, "few labels", number)
        rows = [draws.permutation(np.flatnonzero(truth == c))[: FEW // 2] for c in (0, 1)]
        found.append(_probed(trained, np.concatenate(rows)))
    return float(np.mean(found))


def icc(trained: Trained) -> float:
    """Median ICC(A,1) of latents when pictures are turned by up to 15 degrees, gain and offset."""
    mask = torch.ones_like(trained.values)
    spacing = trained.plan.spacing.value
    seen, _ = second_view(trained.values, mask, spacing, stream(0, "ablation view"))
    with torch.inference_mode():
        both = [
            centre(trained.network.encode(v)).flatten(1).numpy() for v in (trained.values, seen)
        ]
    values = np.stack(both, axis=1).astype(np.float64)
    return float(np.nanmedian(icc_agreement_value(values)))


def active_share(trained: Trained) -> float:
    """Share of sigmoid units above .1, the mean over test pictures."""
    return float((trained.codes[1] > ACTIVE).mean())


def selectivity(trained: Trained) -> float:
    """Mean over units of 1 - mean^2 / mean square of the activity: 0 where it never varies."""
    h = trained.codes[1]
    return float((1 - h.mean(0) ** 2 / np.maximum((h**2).mean(0), 1e-12)).mean())


def total_correlation(trained: Trained) -> float:
    """Nats, of the mixture of all test posteriors."""
    return mixture_information(*trained.posterior)[1]


def correlation(trained: Trained) -> float:
    """Root mean square correlation of different latents' means.

    Covariances would favour the arm whose code is small.
    """
    correlations = np.atleast_2d(np.corrcoef(trained.posterior[0], rowvar=False))
    return float(np.sqrt(np.mean(correlations[np.triu_indices(len(correlations), 1)] ** 2)))


def active_latents(trained: Trained) -> float:
    """Latents whose means vary by more than .01."""
    return float((trained.posterior[0].var(0) > ACTIVE_VARIANCE).sum())


def kl(trained: Trained) -> float:
    """Mean KL of test posteriors to the prior, nats."""
    mean, log_var = trained.posterior
    return float(0.5 * (mean**2 + np.exp(log_var) - 1 - log_var).sum(1).mean())


def kl_from_goal(trained: Trained) -> float:
    """How far the mean KL lies from 25 nats, the set point of both methods that have one."""
    return abs(kl(trained) - 25.0)


def mmd_to_prior(trained: Trained) -> float:
    """Squared MMD of test codes and as many draws from N(0, I), kernel width sqrt(latents)."""
    network, codes = trained.network, trained.codes[1]
    if network.spec.code == "gaussian":
        mean, log_var = trained.posterior
        noise = stream(0, "ablation posterior").standard_normal(mean.shape)
        codes = mean + np.exp(0.5 * log_var) * noise
    prior = stream(0, "ablation prior").standard_normal(codes.shape)
    return squared_mmd(codes, prior, codes.shape[1] ** 0.5)


def nll(trained: Trained) -> float:
    """Negative log likelihood of test pictures by importance sampling, nats."""
    some = trained.test.of(trained.test.cases[:OF_PICTURES])
    name, seed = trained.method.likelihood, trained.plan.seed
    log_sd = noise_log_sd(trained.network, name, trained.train, seed)
    found = importance_weights(
        trained.network, name, some, draws=IMPORTANCE, seed=seed, log_sd=log_sd
    )
    return float(importance_nll(found.log_weights)[0].mean())


def jacobian(trained: Trained) -> float:
    """Mean squared Frobenius norm of dh/dx over the variance of the code h."""
    values = trained.values[:JACOBIANS]
    with torch.no_grad():  # or each of its rows would keep a graph to be differentiated again
        squared = squared_jacobian(trained.network.encode, values)
    return float(squared.mean()) / max(float(trained.codes[1].var(0).sum()), 1e-12)


def orthonormality(trained: Trained) -> float:
    """Squared distance of B^T B from the identity, B the basis."""
    basis = trained.network.basis
    if basis is None:
        raise TypeError(f"method {trained.method.name} has no basis")
    gram = basis.detach().T @ basis.detach()
    return float((gram - torch.eye(len(gram))).square().sum())


def quantising(trained: Trained) -> float:
    """Mean squared distance of encoded vectors to their entries, over their variance."""
    with torch.inference_mode():
        code = trained.network.encode(trained.values)
    if not isinstance(code, Quantised):
        raise TypeError(f"method {trained.method.name} has no codebook")
    return float((code.encoded - code.z).square().mean() / code.encoded.var())


def _probed(trained: Trained, rows: IntArray) -> float:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    (train, test), (labels, truth) = trained.codes, trained.truths
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000))
    model.fit(train[rows], labels[rows])
    return float(roc_auc_score(truth, model.decision_function(test)))


Measure = Callable[[Trained], float]
MEASURES: dict[str, tuple[Measure, str]] = {
    "error": (error, "lower"),
    "error from noisy pictures": (error_from_noisy, "lower"),
    "AUROC": (auroc, "higher"),
    "AUROC of 20 labels": (auroc_of_few, "higher"),
    "ICC": (icc, "higher"),
    "share of active units": (active_share, "lower"),
    "selectivity": (selectivity, "higher"),
    "total correlation, nats": (total_correlation, "lower"),
    "correlation of latents": (correlation, "lower"),
    "latents in use": (active_latents, "higher"),
    "KL from 25 nats": (kl_from_goal, "lower"),
    "MMD to the prior": (mmd_to_prior, "lower"),
    "NLL, nats": (nll, "lower"),
    "Jacobian": (jacobian, "lower"),
    "B'B from I": (orthonormality, "lower"),
    "distance to entries": (quantising, "lower"),
}
