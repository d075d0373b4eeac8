"""The oracle's rules of callbacks, on sequences worked by hand."""

import pytest
from oracle.callbacks import Stopped, early_stopping, plateau_rates

FIGURES = [5.0, 4.0, 4.5, 4.2, 3.9, 4.1, 4.0, 3.95]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        # best, best_epoch after the epochs trained; stopped in that epoch; epochs waited.
        ({}, Stopped(3, 4.0, 1, 2, 1)),
        ({"patience": 2}, Stopped(4, 4.0, 1, 3, 2)),
        ({"patience": 3}, Stopped(8, 3.9, 4, 7, 3)),
        ({"patience": 4}, Stopped(8, 3.9, 4, 0, 3)),
        ({"patience": 3, "min_delta": 0.1}, Stopped(5, 4.0, 1, 4, 3)),
        ({"start_from_epoch": 2}, Stopped(6, 3.9, 4, 5, 1)),
        ({"mode": "max"}, Stopped(2, 5.0, 0, 1, 1)),
        ({"patience": 2, "baseline": 3.0}, Stopped(3, 4.0, 1, 2, 3)),
    ],
)
def test_early_stopping_by_hand(options, expected):
    assert early_stopping(FIGURES, **options) == expected


def test_the_first_epoch_never_stops():
    assert early_stopping([1.0, 1.0], patience=0).stopped_epoch == 1
    assert early_stopping([float("nan")] * 3).epochs == 2


def test_rates_on_plateaus_by_hand():
    flat = [1.0] * 7
    assert plateau_rates(flat, 8.0, factor=0.5, patience=2) == [8, 8, 4, 4, 2, 2, 1]
    assert plateau_rates(flat, 8.0, factor=0.5, patience=1, cooldown=2) == [8, 4, 4, 2, 2, 1, 1]
    assert plateau_rates(flat, 8.0, factor=0.5, patience=1, min_lr=3.0) == [8, 4, 3, 3, 3, 3, 3]
    assert plateau_rates(FIGURES, 8.0, factor=0.5, patience=2, min_delta=0) == [
        *[8] * 3,
        *[4] * 3,
        *[2] * 2,
    ]
