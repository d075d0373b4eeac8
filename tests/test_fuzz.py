"""A short run of `bench.reliability.fuzz`, and that it sees what it should.

Hypothesis draws the generator of a scenario; each of its calls has to keep every promise.
"""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shallowcore import layers, models

from bench.reliability import fuzz
from bench.reliability.fuzzing import files, model_calls, objects, ops_calls, other_calls, values
from bench.reliability.fuzzing.calls import Call, attempt

SHORT = settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


@pytest.fixture(autouse=True, scope="module")
def _clean() -> Iterator[None]:
    """Remove what the generators wrote."""
    yield
    values.forget_files()
    files.forget_files()


def findings(calls: Iterator[Call]) -> list[str]:
    """What was wrong, as text."""
    found = [attempt(call)[1] for call in calls]
    return [str(one) for one in found if one is not None]


@pytest.mark.parametrize(
    "scenario",
    [
        ops_calls.scenario,
        model_calls.scenario,
        other_calls.scenario,
        other_calls.estimators,
        files.scenario,
        files.hdf5,
    ],
)
@SHORT
@given(rng=st.randoms(use_true_random=True))
def test_whatever_is_passed_in(scenario: Callable[[Random], Iterator[Call]], rng: Random) -> None:
    assert findings(scenario(rng)) == []


def test_scenarios_can_be_repeated() -> None:
    for number in range(20):
        first, second = (
            [str(call) for call in fuzz.scenario(3, number, ["ops", "files"])[1]] for _ in range(2)
        )
        assert [text.split(" at 0x")[0] for text in first] == [
            text.split(" at 0x")[0] for text in second
        ]


@pytest.mark.parametrize("content", files.foreign())
def test_nothing_in_a_file_is_run(content: bytes) -> None:
    """Pickles, NumPy's and PyTorch's archives with code in them, HDF5: refused, and not run."""
    outcome, finding = attempt(files.load_model_call(content))
    assert (outcome, finding) == ("ValueError", None)
    assert files.Payload.ran == []


# --- the fuzzer sees broken promises --------------------------------------------------------------
def wrong(run: Callable[[], Any], **options: Any) -> str:
    """Kind of the finding of a call."""
    finding = attempt(Call("f", run, **options))[1]
    return "" if finding is None else finding.kind


def raising(error: Exception) -> Callable[[], Any]:
    """A call that raises this."""

    def run() -> Any:
        raise error

    return run


def test_wrong_exceptions_are_found() -> None:
    x = {"x": 1}
    assert wrong(raising(ValueError("x must be an array")), arguments=x) == ""
    assert wrong(raising(ValueError("no")), arguments=x) == "message names no argument"
    for kind in (KeyError, OverflowError, AssertionError, RuntimeError, SystemError):
        assert wrong(raising(kind("x")), arguments=x) == "undocumented exception"
    assert wrong(raising(RuntimeError("no weights yet")), arguments=x, states="no weights") == ""
    assert wrong(raising(objects.Hostile("mine")), arguments=x) == ""


def test_changes_are_found() -> None:
    x = np.zeros(4)
    assert wrong(lambda: x[::2].fill(1.0), arguments={"x": x[1::2]}) == "caller's array changed"
    model = models.Sequential([layers.Input((2,)), layers.Dense(1)], seed=0)

    def change() -> None:
        model.layers[0].kernel[0, 0] += 1.0
        raise ValueError("x is wrong")

    found = wrong(change, arguments={"x": 1}, model=model)
    assert found == "model changed by a refusal"


def test_wrong_results_and_warnings_are_found() -> None:
    assert wrong(lambda: np.log(np.zeros(1))) == "warning"
    assert wrong(lambda: 1, check=lambda _: "it is wrong") == "result"
    assert wrong(lambda: 1, check=lambda _: str(1 / 0)) == "result"


def test_a_worker_that_dies_is_a_finding(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """One process for the whole: the report of a crash and of a hang."""
    total = fuzz.Tally()
    total.findings.append((7, fuzz.Finding("crash", "scenario 7", "exit code -11")))
    options = fuzz.parse(["--cases", "1", "--seed", "5"])
    total.outcomes["ops", "returned"] = 3
    fuzz.report(total, options, 1.0)
    shown = capsys.readouterr().out
    assert "3 cases" in shown
    assert "--seed 5 --scenario 7\ncrash: scenario 7" in shown
