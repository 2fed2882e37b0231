"""Every published method as a short composition of parts.

In: a plan. Out: a ``Method``: which code, corruption, likelihood and penalties training uses. A
method is one entry of a file in ``entries``; a pairing that makes no sense is refused before
training. Nothing here imports torch, so that methods can be listed without it.
"""

from latentomics.methods import entries  # noqa: F401  fills METHODS
from latentomics.methods.checks import method_named, method_of, setting_names
from latentomics.methods.method import LATER, METHODS, Method, Setting

__all__ = ["LATER", "METHODS", "Method", "Setting", "method_named", "method_of", "setting_names"]
