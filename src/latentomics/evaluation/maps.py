"""Maps of a cohort: two axes on which neighbours should stay neighbours.

In: values (n, d), all on one scale. Out: places (n, 2), the same for the same values and seed.
t-SNE and UMAP place the cases together: a further case would need another map.
"""

from __future__ import annotations

from importlib import metadata

import numpy as np
import numpy.typing as npt

from latentomics.core import DoubleArray, RequestError

Values = npt.NDArray[np.floating]
PERPLEXITIES = (15, 30, 50)  # METHODS, section 25
NEIGHBOURS = 15  # of UMAP, its authors' default
EXTRA = "pip install 'latentomics[embedding]'"


def principal_map(values: Values) -> DoubleArray:
    """Return the two directions in which values (n, d) vary most, as places (n, 2)."""
    centred = np.asarray(values, np.float64) - np.mean(values, axis=0, dtype=np.float64)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    return np.asarray(left[:, :2] * sizes[:2])


def perplexities(n: int) -> tuple[int, ...]:
    """Return those of ``PERPLEXITIES`` that n cases allow, or the largest that they do.

    Examples
    --------
    >>> perplexities(200), perplexities(80), perplexities(25)
    ((15, 30, 50), (15,), (8,))
    """
    most = (n - 1) // 3  # a perplexity looks at three times as many neighbours
    return tuple(one for one in PERPLEXITIES if one <= most) or (max(2, most),)


def tsne_map(values: Values, *, perplexity: float, seed: int = 0) -> DoubleArray:
    """Return places (n, 2) by t-SNE, which begins at the principal components.

    References
    ----------
    van der Maaten and Hinton, JMLR 2008; the beginning: Kobak and Berens, Nat Commun 2019.
    """
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    if _constant(values):
        return np.zeros((len(values), 2))
    with threadpool_limits(1):  # threads add up in an order of their own
        method = TSNE(perplexity=perplexity, init="pca", random_state=seed, n_jobs=1)
        return np.asarray(method.fit_transform(np.asarray(values, np.float32)), np.float64)


def umap_version() -> str | None:
    """Return the version of umap-learn, of the extra ``embedding``; None where it is absent."""
    try:
        return metadata.version("umap-learn")
    except metadata.PackageNotFoundError:
        return None


def umap_map(values: Values, *, seed: int = 0) -> DoubleArray:
    """Return places (n, 2) by UMAP, which begins at the principal components.

    One thread and a fixed seed make it repeatable; below 4,096 cases neighbours are exact.

    Raises
    ------
    RequestError
        When the extra ``embedding`` is not installed.

    References
    ----------
    McInnes et al., 2018, arXiv:1802.03426; the beginning: Kobak and Linderman, Nat Biotechnol 2021.
    """
    from threadpoolctl import threadpool_limits

    try:
        from umap.umap_ import UMAP
    except ImportError as error:
        raise RequestError(f"UMAP cannot be loaded: {error}", "a map by UMAP", EXTRA) from error
    if _constant(values):
        return np.zeros((len(values), 2))
    near = min(NEIGHBOURS, len(values) - 1)
    with threadpool_limits(1):
        method = UMAP(n_neighbors=near, init="pca", random_state=seed, n_jobs=1)
        return np.asarray(method.fit_transform(np.asarray(values, np.float32)), np.float64)


def _constant(values: Values) -> bool:
    """Whether all cases are one: no map can part them, and t-SNE and UMAP would divide by zero."""
    return not np.ptp(values, axis=0).any()
