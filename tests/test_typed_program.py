"""The program that the type checkers read (`nox -s types`) also runs."""

import numpy as np
from typed_program import with_estimators, with_the_model


def test_the_program_for_the_type_checkers_runs(tmp_path) -> None:
    assert with_the_model(tmp_path) > 0.8
    assert all(np.allclose(one.sum(axis=1), 1.0) for one in with_estimators())
