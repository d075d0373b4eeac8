"""Files that earlier versions wrote load for ever, and whatever can be saved has such a file."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from oracle import tolerances
from saved_models import DATA, FIXTURES, make_model, outcomes, raw, write_missing
from shallowcore import _registry, layers, models

pytest.importorskip("safetensors")


@pytest.mark.parametrize("name", FIXTURES)
def test_files_of_earlier_versions_load_for_ever(name: str) -> None:
    """Weights, settings and state as they were written; outputs and training go on with them.

    Up to rounding: other kernels than those that wrote them may sum in another order.  Full-batch
    methods, whose memory is of a loss with the same bits, begin anew then.
    """
    model = models.load_model(DATA / f"{name}.safetensors")
    with np.load(DATA / f"{name}.npz") as archive:
        expected = dict(archive)
    for i, array in enumerate(model.get_weights()):
        assert array.tobytes() == expected[f"arr_{i}"].tobytes()
    made = make_model(name)
    assert repr(model.layers) == repr(made.layers)
    assert repr(model.optimizer) == repr(made.optimizer)
    assert repr(model.loss) == repr(made.loss)
    assert model.metrics_names == made.metrics_names
    before = model.optimizer.iterations
    assert before > 0
    if "outputs" not in expected:  # the first files have weights only
        model.fit(*FIXTURES[name](), verbose=0)
    else:
        x, y = expected["x"], expected["y"]
        loss = model.evaluate(x, y)[0]
        found = outcomes(model, x, y)
        begins_anew = _registry.optimizers()[model.optimizer.name].full_batch
        assert not begins_anew or model.evaluate(x, y)[0] < loss
        for key, array in found.items():
            if not (begins_anew and key.startswith("next")):
                bound = tolerances.trajectory(model.dtype, 3)
                tolerances.assert_close(array, expected[key], bound, name=key)
    assert model.optimizer.iterations > before


def test_files_of_earlier_versions_have_everything() -> None:
    """Whatever was added since wants a model in saved_models, and a file of it."""
    found: set[str] = set()
    for path in DATA.glob("*.safetensors"):
        description = json.loads(raw(path.read_bytes())[1]["model"])
        found |= {text.lower().replace("_", "") for text in names_in(description)}
    wanted = [*_registry.activations(), *_registry.losses(), *_registry.optimizers()]
    wanted += [f"layers.{name}" for name in layers.__all__ if name not in ("Input", "InputLayer")]
    wanted += ["float32", "float64"]
    missing = {name for name in wanted if name.lower().replace("_", "") not in found}
    assert missing - {"layers.Layer"} == set()


def names_in(description: Any) -> set[str]:
    """Texts in a description, and what stands after the last point of each."""
    if isinstance(description, dict):
        return set().union(*map(names_in, description.values()), {""})
    if isinstance(description, list):
        return set().union(*map(names_in, description), {""})
    return {description, description.rpartition(".")[2]} if isinstance(description, str) else {""}


def test_the_writer_leaves_files_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "sgd-1.safetensors").write_bytes(b"old")
    written = write_missing(tmp_path)
    assert written == [name for name in FIXTURES if name != "sgd-1"]
    assert (tmp_path / "sgd-1.safetensors").read_bytes() == b"old"
    assert write_missing(tmp_path) == []
