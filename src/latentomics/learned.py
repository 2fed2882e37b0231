"""Learned features as a step of a scikit-learn pipeline.

In: X is a cohort, one case a row: a DataFrame with the columns of a manifest, or a sequence of
``Case``. Out: (cases, latents) float32, in the order of the rows. Both kinds of X can be indexed by
row, so pipelines, cross-validators and ``GroupKFold`` take them as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from latentomics import flow
from latentomics.core import Case, FloatArray, RequestError
from latentomics.methods import METHODS, Method
from latentomics.planning import Request, request_from
from latentomics.sources import Cohort, cohort_of_frame

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandas import DataFrame
    from sklearn.utils import Tags

    from latentomics.models import Network
    from latentomics.planning import Plan

    X = DataFrame | Sequence[Case] | NDArray[np.object_]

OF_A_COHORT = ["split", "retest_of"]  # columns that refer to other rows: the cross-validator parts


class LearnedFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Features that an autoencoder learns from the images of a cohort.

    ``fit`` plans and trains on the cases it is given and on no others; ``transform`` gives their
    latent columns. A column ``split`` is not used: who is trained on is the cross-validator's
    choice. A share of the patients of ``fit`` says when training stops.

    Parameters
    ----------
    method : str or callable, optional
        Name of a method; or a function without arguments that returns a ``Method`` of your own.
        One that corrupts its input needs ``settings={"noise": "gaussian"}``, say.
    network : callable, optional
        A function of the plan that returns a ``Network`` of your own (examples/own_method.py).
    latent : int, optional
        Length of the code.
    epochs : int, optional
        Passes over the training cases. The same fit gives the same features again where the machine
        is found fastest with the same precision and threads (``learned_.plan``).
    budget_s : float, optional
        Wall time of ``fit`` where ``epochs`` is not given, in seconds; 600 by default.
    seed : int
        Of everything that is drawn.
    settings : mapping, optional
        Of the method.
    channels, site, mask_label, memory_bytes
        As of ``latentomics.run``.
    folder : path, optional
        Where the relative paths of a DataFrame start; the working folder by default.
    workers : int, optional
        Processes that read cases; all cores by default.

    Attributes
    ----------
    learned_ : Learned
        The network, its plan with the reason of every choice, and the cases left out of training.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import GroupKFold, cross_val_score
    >>> from sklearn.pipeline import make_pipeline
    >>> model = make_pipeline(LearnedFeatures(epochs=30), LogisticRegression())
    >>> cross_val_score(  # doctest: +SKIP
    ...     model, table, table.malignant, groups=table.patient, cv=GroupKFold(5)
    ... )
    """

    def __init__(
        self,
        method: str | Callable[[], Method] | None = None,
        *,
        network: Callable[[Plan], Network] | None = None,
        latent: int | None = None,
        epochs: int | None = None,
        budget_s: float | None = None,
        seed: int = 0,
        settings: Mapping[str, float | str | bool] | None = None,
        channels: Sequence[str] = ("image",),
        site: str | None = None,
        mask_label: int | None = None,
        memory_bytes: int | None = None,
        folder: str | Path | None = None,
        workers: int | None = None,
    ) -> None:
        self.method = method
        self.network = network
        self.latent = latent
        self.epochs = epochs
        self.budget_s = budget_s
        self.seed = seed
        self.settings = settings
        self.channels = channels
        self.site = site
        self.mask_label = mask_label
        self.memory_bytes = memory_bytes
        self.folder = folder
        self.workers = workers

    def fit(self, X: X, y: object = None) -> Self:  # noqa: ARG002  labels are never looked at
        """Plan and train on these cases alone; ``y`` is not used.

        Raises
        ------
        RequestError
            When X is no cohort, or what is asked makes no sense.
        IncompleteError
            When too few cases are left to train.
        """
        own = _own(self.method)
        request = self._request(own)
        cohort = self._cohort(X)
        self.learned_ = flow.learn(
            cohort, request, own=own, own_network=self.network, workers=self.workers
        )
        return self

    def transform(self, X: X) -> FloatArray:
        """Return the latent columns of cases: (cases, latents), float32.

        Raises
        ------
        RequestError
            When X is no cohort.
        IncompleteError
            When a case cannot be read.
        """
        check_is_fitted(self)
        cohort = self._cohort(X)
        if cohort.rejected:
            first = cohort.rejected[0]
            raise RequestError(first.reason, f"case {first.case}", first.remedy)
        return flow.latents(self.learned_, cohort.cases, workers=self.workers)

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:  # noqa: ARG002
        """Return the names of the latent columns."""
        check_is_fitted(self)
        return np.array(self.learned_.names, dtype=object)

    def _request(self, own: Method | None) -> Request:
        asked = {
            name: getattr(self, name)
            for name in ("latent", "epochs", "budget_s", "seed", "channels", "site", "mask_label")
        }
        asked |= {"memory_bytes": self.memory_bytes, "settings": dict(self.settings or {})}
        return request_from(asked | {"method": self.method if own is None else own.name})

    def _cohort(self, X: X) -> Cohort:
        from pandas import DataFrame

        folder = Path(self.folder or ".").resolve()
        if isinstance(X, DataFrame):
            return cohort_of_frame(
                X.drop(columns=OF_A_COHORT, errors="ignore"),
                folder,
                channels=self.channels,
                site=self.site,
                mask_label=self.mask_label,
            )
        return _cohort_of(X, folder)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags


def _own(method: object) -> Method | None:
    """Return the method that a callable stands for; None where a name does, or the plan's choice.

    Raises
    ------
    RequestError
        When it gives something else, or the name of a method that is there already.
    """
    if not callable(method):
        return None
    own = method()
    if not isinstance(own, Method):
        raise RequestError(
            f"the method's function returned {type(own).__name__}",
            "LearnedFeatures(method=...)",
            "return a latentomics.methods.Method",
        )
    if own.name in METHODS:
        raise RequestError(
            f"there is a method {own.name!r} already",
            "LearnedFeatures(method=...)",
            "give yours a name of its own",
        )
    return own


def _cohort_of(X: object, folder: Path) -> Cohort:
    """Return the cohort of a sequence of cases.

    Raises
    ------
    RequestError
        When X is none, or a case stands in it twice.
    """
    given = list(X) if isinstance(X, (Sequence, np.ndarray)) and len(np.shape(X)[:2]) == 1 else []
    cases = [replace(c, split=None, retest_of=None) for c in given if isinstance(c, Case)]
    if not cases or len(cases) < len(given):
        raise RequestError(
            f"X is no cohort, but a {type(X).__name__}",
            "LearnedFeatures",
            "give a DataFrame with the columns of a manifest, or a sequence of Case",
        )
    if len({case.id for case in cases}) < len(cases):
        raise RequestError(
            "a case stands twice in X", "LearnedFeatures", "give each case a name of its own"
        )
    return Cohort(name="X", manifest=folder, cases=tuple(cases), rejected=(), columns=())
