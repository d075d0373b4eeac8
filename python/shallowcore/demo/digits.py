"""`shallowcore demo`: train on the packaged digits, judge, time against NumPy, draw a picture.

Nothing is downloaded.  The training images are used five times, as they are and moved by a pixel in
each direction: test accuracy is then 97.5 % or more for every split and seed tried.  The NumPy
network starts from the same weights and visits the samples in the same order, so that both do the
same work; a short training in float64 shows that they agree.
"""

from __future__ import annotations

import importlib.util
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import shallowcore
from shallowcore import _core, datasets, layers, models, optimizers, utils
from shallowcore.demo import numpy_network
from shallowcore.demo.measure import accuracy_of, confusion_matrix

N_HIDDEN = 128
EPOCHS = 20
BATCH_SIZE = 32
LEARNING_RATE = 0.1
MOMENTUM = 0.9
SEED = 0
REQUIRED_ACCURACY = 0.97

_ROUNDS = 5
_CHECK_EPOCHS = 3
_CHECK_TOLERANCE = 1e-10


@dataclass(frozen=True)
class DigitsResult:
    """What the demo found, as the picture and the tests need it.

    Parameters
    ----------
    losses : list of float
        Training loss of each epoch.
    train_accuracy, test_accuracy : float
        Between 0 and 1.
    confusion : ndarray, shape (10, 10)
        Test images by true digit (row) and predicted digit (column).
    images : ndarray, shape (n_test, 8, 8)
        The test images, 0 to 16.
    labels, predictions : ndarray, shape (n_test,)
        True and predicted digits of the test images.
    """

    losses: list[float]
    train_accuracy: float
    test_accuracy: float
    confusion: NDArray[np.int64]
    images: NDArray[Any]
    labels: NDArray[np.int64]
    predictions: NDArray[np.int64]


def run_digits(picture: Path) -> int:
    """Run the whole demo and print what it finds.

    Parameters
    ----------
    picture : Path
        File that the picture is written to.

    Returns
    -------
    int
        0, or 1 if the accuracy is too low, NumPy disagrees or the picture cannot be written.
    """
    (x_train, y_train), (x_test, y_test) = datasets.load_digits().split()
    _print_task(len(x_train), len(x_test))
    x_train, y_train = with_shifts(x_train / 16.0, y_train)
    x_test = x_test / 16.0
    result = train_digits(x_train, y_train, x_test, y_test)
    _print_result(result)
    learned = result.test_accuracy >= REQUIRED_ACCURACY
    if not learned:
        print(f"OFF: test accuracy below {REQUIRED_ACCURACY:.0%}")
    agrees = _compare_with_numpy(x_train, y_train)
    return 0 if _draw(result, picture) and learned and agrees else 1


def with_shifts(
    x: NDArray[np.float64], y: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the images and copies moved by one pixel right, left, down and up, labels too."""
    images = x.reshape(-1, 8, 8)
    moved = [np.roll(images, step, axis) for axis in (2, 1) for step in (1, -1)]
    return np.concatenate([images, *moved]).reshape(-1, 64), np.tile(y, 5)


def build_model(dtype: str = "float32") -> models.Sequential:
    """Return the classifier 64-128-10, compiled."""
    model = models.Sequential(
        [
            layers.Input((64,)),
            layers.Dense(N_HIDDEN, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ],
        dtype=dtype,
        seed=SEED,
    )
    model.compile(
        optimizer=optimizers.SGD(LEARNING_RATE, momentum=MOMENTUM),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def train_digits(
    x_train: NDArray[np.float64],
    y_train: NDArray[np.int64],
    x_test: NDArray[np.float64],
    y_test: NDArray[np.int64],
) -> DigitsResult:
    """Train with a progress bar and judge on the test images."""
    model = build_model()
    x_train, x_test = x_train.astype(np.float32), x_test.astype(np.float32)
    history = model.fit(x_train, y_train, batch_size=BATCH_SIZE, epochs=EPOCHS, verbose=_verbose())
    predictions = model.predict(x_test, verbose=0).argmax(axis=1)
    return DigitsResult(
        losses=history.history["loss"],
        train_accuracy=accuracy_of(model, x_train, y_train),
        test_accuracy=accuracy_of(model, x_test, y_test),
        confusion=confusion_matrix(y_test, predictions, 10),
        images=x_test.reshape(-1, 8, 8) * 16.0,
        labels=y_test,
        predictions=predictions,
    )


def _verbose() -> int:
    """1, a progress bar; without tqdm 2, a line an epoch, after saying how to get the bar."""
    if importlib.util.find_spec("tqdm") is not None:
        return 1
    print('for a progress bar instead of lines: pip install "shallowcore[progress]"', flush=True)
    return 2


def _print_task(n_train: int, n_test: int) -> None:
    print(
        f"shallowcore {shallowcore.__version__}: {n_train + n_test} handwritten digits of 8x8 "
        f"pixels: {n_train} to train on (and shifted by a pixel) and {n_test} to test"
    )
    print(
        f"64-{N_HIDDEN}-10, relu and softmax, SGD (learning rate {LEARNING_RATE:g}, momentum "
        f"{MOMENTUM:g}), batches of {BATCH_SIZE}, {EPOCHS} epochs, {_core.isa()}, "
        f"threads: {shallowcore.get_num_threads()}",
        flush=True,
    )


def _print_result(result: DigitsResult) -> None:
    print(f"\ntraining accuracy  {result.train_accuracy:8.2%}")
    print(f"test accuracy      {result.test_accuracy:8.2%}")
    print("\nconfusion matrix of the test images (row: true digit, column: predicted digit)")
    print("      " + "".join(f"{digit:4d}" for digit in range(10)))
    for digit, counts in enumerate(result.confusion):
        print(f"  {digit:4d}" + "".join(f"{count or '.':>4}" for count in counts.tolist()))
    print(flush=True)


def _compare_with_numpy(x: NDArray[np.float64], y: NDArray[np.int64]) -> bool:
    """Print how far NumPy's weights are from the core's, and the ratio of the times."""
    distance = numpy_distance(x, y)
    agrees = distance <= _CHECK_TOLERANCE
    print("the same training in plain NumPy (same initial weights, same order of samples)")
    print(
        f"  largest difference of any weight after {_CHECK_EPOCHS} epochs in float64: "
        f"{distance:.1e} (allowed {_CHECK_TOLERANCE:.0e}), {'ok' if agrees else 'OFF'}"
    )
    core, numpy = _times(x.astype(np.float32), y)
    print(
        f"  {EPOCHS} epochs in float32, median of {_ROUNDS} interleaved runs: shallowcore "
        f"{1e3 * core:.1f} ms, NumPy {1e3 * numpy:.1f} ms: {numpy / core:.1f} times as fast",
        flush=True,
    )
    return agrees


def numpy_distance(x: NDArray[np.float64], y: NDArray[np.int64]) -> float:
    """Largest difference between NumPy's and the core's weights after a short float64 training."""
    model = build_model("float64")
    weights = model.get_weights()
    _train_numpy(x, y, weights, _CHECK_EPOCHS)
    model.fit(x, y, batch_size=BATCH_SIZE, epochs=_CHECK_EPOCHS, verbose=0)
    return max(
        float(np.abs(a - b).max()) for a, b in zip(weights, model.get_weights(), strict=True)
    )


def _train_numpy(
    x: NDArray[Any], y: NDArray[np.int64], weights: list[NDArray[Any]], epochs: int
) -> float:
    """Train `weights` in place by NumPy in the core's order of samples; returns the seconds."""
    orders = [_core.permutation(len(x), SEED, epoch) for epoch in range(epochs)]
    start = time.perf_counter()
    numpy_network.train(
        x,
        utils.to_categorical(y, 10).astype(x.dtype),
        weights,
        orders,
        learning_rate=LEARNING_RATE,
        momentum=MOMENTUM,
        batch_size=BATCH_SIZE,
    )
    return time.perf_counter() - start


def _times(x: NDArray[np.float32], y: NDArray[np.int64]) -> tuple[float, float]:
    """Median seconds of the whole training by the core and by NumPy, in turns."""
    core, numpy = [], []
    for _ in range(_ROUNDS):
        model = build_model()
        weights = model.get_weights()
        start = time.perf_counter()
        model.fit(x, y, batch_size=BATCH_SIZE, epochs=EPOCHS, verbose=0)
        core.append(time.perf_counter() - start)
        numpy.append(_train_numpy(x, y, weights, EPOCHS))
    return statistics.median(core), statistics.median(numpy)


def _draw(result: DigitsResult, picture: Path) -> bool:
    """Write the picture and say so; without matplotlib say how to get it and go on."""
    try:
        from shallowcore.demo.digits_picture import save_picture

        save_picture(result, picture)
    except ImportError as error:
        print(f"no picture: {error}")
        return True
    except (OSError, ValueError) as error:
        print(f"no picture: {picture} cannot be written ({error}); choose another place: --output")
        return False
    print(f"picture written to {picture}")
    return True
