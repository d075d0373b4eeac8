"""Loads models, trains them on, and prints what came out as JSON; run by test_resume.py.

`python go_on.py FOLDER EPOCH EPOCHS BATCH_SIZE SHUFFLE` loads every .safetensors file of the folder
and trains it on data.npz from epoch EPOCH to EPOCHS.
"""

import hashlib
import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from shallowcore import models


def state_of(model: models.Sequential) -> str:
    """Hash of weights and of the optimizer's state, to the last bit."""
    digest = hashlib.sha256()
    for array in model.get_weights():
        digest.update(array.tobytes())
    assert model._link is not None
    iterations, slots, notes = model._link.native.state(model._link.network)
    digest.update(str(iterations).encode())
    for array in [a for slot in slots for a in slot] + [notes[name] for name in sorted(notes)]:
        digest.update(array.tobytes())
    return digest.hexdigest()


def trained(
    model: models.Sequential, data: Any, first: int, last: int, batch_size: int, shuffle: bool
) -> dict[str, Any]:
    """Train from epoch `first` to `last`; history and state."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a solver that is done says so
        history = model.fit(
            data["x"],
            data["y"],
            batch_size=batch_size,
            epochs=last,
            initial_epoch=first,
            shuffle=shuffle,
            validation_data=(data["x_val"], data["y_val"]),
            verbose=0,
        )
    return {
        "history": history.history,
        "state": state_of(model),
        "predictions": hashlib.sha256(model.predict(data["x_val"]).tobytes()).hexdigest(),
        "plan": model.plan_summary(),
    }


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    first, last, batch_size, shuffle = (int(argument) for argument in sys.argv[2:])
    with np.load(folder / "data.npz") as data:
        print(
            json.dumps(
                {
                    path.stem: trained(
                        models.load_model(path), data, first, last, batch_size, bool(shuffle)
                    )
                    for path in sorted(folder.glob("*.safetensors"))
                }
            )
        )
