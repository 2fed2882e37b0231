"""Words of the command line and what they mean."""

import pytest

from latentomics.cli import options
from latentomics.core import RequestError


@pytest.mark.parametrize(
    ("words", "seconds"), [("90s", 90), ("5m", 300), ("0.5h", 1800), ("1h30m", 5400)]
)
def test_times(words: str, seconds: float) -> None:
    assert options.seconds_of(words) == seconds


@pytest.mark.parametrize("words", ["5", "", "five", "5 m", "5m!", "0s", "-5m", "5d"])
def test_a_time_without_a_unit_or_sense_is_refused(words: str) -> None:
    with pytest.raises(RequestError, match="is no time"):
        options.seconds_of(words)


@pytest.mark.parametrize(
    ("words", "size"), [("4GB", 4 * 10**9), ("1.5GB", 15 * 10**8), ("512MiB", 2**29)]
)
def test_sizes(words: str, size: int) -> None:
    assert options.bytes_of(words) == size


@pytest.mark.parametrize("words", ["4", "", "much", "-4GB", "0GB", "4 apples"])
def test_a_size_without_a_unit_or_sense_is_refused(words: str) -> None:
    with pytest.raises(RequestError, match="is no size"):
        options.bytes_of(words)


def test_settings_keep_what_stands_behind_the_first_equals_sign() -> None:
    assert options.settings_of(["beta=4", "rule=a=b"]) == {"beta": 4.0, "rule": "a=b"}


@pytest.mark.parametrize("words", [["beta"], ["=4"], ["beta="], ["beta=4", "beta=5"]])
def test_a_setting_without_a_value_or_given_twice_is_refused(words: list[str]) -> None:
    with pytest.raises(RequestError):
        options.settings_of(words)
