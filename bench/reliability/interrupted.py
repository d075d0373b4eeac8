"""What `interruption.py` interrupts: trainings by every plan and optimizer, and predictions."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from shallowcore import callbacks, layers, models, optimizers
from shallowcore.callbacks._base import HOOKS as HOOKS
from shallowcore.sklearn import LogisticRegression, MLPClassifier, MLPRegressor

Array = NDArray[Any]

FORCE = "SHALLOWCORE_FORCE_PLAN"
ENDLESS = 10**6  # epochs


@dataclass(frozen=True)
class Case:
    """A training without an end; "" is the plan that `fit` chooses.

    `longest` is the longest time until the signal; with few `epochs`, `fits` follow one another.
    """

    name: str
    data: Callable[[], tuple[Any, Any]]
    sizes: tuple[int, ...]
    optimizer: Callable[[], Any]
    batch_size: int
    plan: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    callbacks: tuple[Callable[[], Any], ...] = ()
    first: tuple[Callable[[], layers.Layer], ...] = ()
    dropout: float = 0.0
    stream: str = ""
    epochs: int = ENDLESS
    fits: int = 1
    longest: float = 0.08

    @property
    def x(self) -> Any:
        """Inputs."""
        return self.data()[0]

    @property
    def n_batches(self) -> int:
        """Steps of an epoch."""
        n_training = int(len(self.x) * (1 - self.options.get("validation_split", 0)))
        return -(-n_training // self.batch_size)

    def model(self) -> models.Sequential:
        """A new model, compiled."""
        stack: list[layers.Layer] = [layers.Input(self.x.shape[1:])]
        stack += [make() for make in self.first]
        for units in self.sizes[:-1]:
            stack.append(layers.Dense(units, "tanh"))
            if self.dropout:
                stack.append(layers.Dropout(self.dropout))
        stack.append(layers.Dense(self.sizes[-1]))
        model = models.Sequential(stack, dtype=self.dtype, seed=3)
        model.compile(self.optimizer(), "mse", ["mae"])
        return model

    @property
    def dtype(self) -> str:
        """Of the model."""
        return "float64" if self.x.dtype == np.float64 else "float32"

    def fit(
        self, model: models.Sequential, initial_epoch: int = 0, extra: list[Any] | None = None
    ) -> None:
        """Train; `extra` callbacks come after the case's own."""
        os.environ[FORCE] = self.plan
        hooks = [make() for make in self.callbacks] + (extra or [])
        common: dict[str, Any] = {
            "epochs": self.epochs,
            "initial_epoch": initial_epoch,
            "verbose": 0,
        }
        if self.stream:
            source = Batches(*self.data(), self.batch_size)
            steps = self.n_batches if self.stream == "generator" else None
            batches = source.for_ever() if self.stream == "generator" else source
            model.fit(batches, steps_per_epoch=steps, callbacks=hooks, **common, **self.options)
            return
        size = self.batch_size
        x, y = self.data()
        model.fit(x, y, batch_size=size, callbacks=hooks, **common, **self.options)


@dataclass(frozen=True)
class Batches:
    """Batches in order: iterable, again and again or for ever."""

    x: Any
    y: Any
    size: int

    def __iter__(self) -> Iterator[tuple[Array, Array]]:
        for first in range(0, len(self.x), self.size):
            yield self.x[first : first + self.size], self.y[first : first + self.size]

    def for_ever(self) -> Iterator[tuple[Array, Array]]:
        """As a generator."""
        while True:
            yield from self


@dataclass(frozen=True)
class Call:
    """Something else that takes long; `prepare` gives the call and its result."""

    name: str
    prepare: Callable[[], tuple[Callable[[], Any], Any]]
    longest: float = 0.15


@dataclass(frozen=True)
class Estimator:
    """An estimator's fit; the same settings and steps give the same weights."""

    name: str
    make: Callable[[], Any]
    data: Callable[[], tuple[Any, Any]]
    warns: bool = True
    longest: float = 0.1

    @property
    def x(self) -> Array:
        """Inputs."""
        return np.asarray(self.data()[0])

    @property
    def y(self) -> Array:
        """Targets, of one dimension."""
        y = self.data()[1][:, 0]
        return np.asarray((y > 0).astype(int) if self.name.startswith("MLPC") else y)

    def estimator(self) -> Any:
        """A new one; without an end."""
        os.environ[FORCE] = ""
        return self.make()

    def repeated(self, steps: int) -> Any:
        """An estimator that has done so many steps."""
        other = self.estimator()

        class Counted(type(other)):  # type: ignore[misc]
            def _epochs(self, engine: Any, trainer: Any, *_: Any) -> None:
                if steps > 0:
                    trainer.run(ENDLESS, 1e9, steps)

        other.__class__ = Counted
        if not self.warns:
            other.set_params(max_iter=steps)
        other.fit(self.x, self.y)
        return other


AnyCase = Case | Call | Estimator


# --- the cases ------------------------------------------------------------------------------------
@cache
def draw(n: int, n_features: int, n_outputs: int = 1, dtype: Any = np.float32) -> tuple[Any, Any]:
    """Noise and targets that no network finds in it."""
    rng = np.random.default_rng(n + n_features)
    x = rng.standard_normal((n, n_features), np.float32).astype(dtype)
    return x, rng.standard_normal((n, n_outputs), np.float32).astype(dtype)


@cache
def draw_images() -> tuple[Any, Any]:
    """Bytes of the size of MNIST."""
    x = np.random.default_rng(0).integers(0, 256, (30000, 784), np.uint8)
    return x, draw(30000, 1)[1]


@cache
def mapped_in(folder: Path) -> tuple[Any, Any]:
    """A file of 48 MB."""
    x, y = draw(60000, 200, 4)
    np.save(folder / "x.npy", x)
    return np.load(folder / "x.npy", mmap_mode="r"), y


def fits(folder: Path) -> list[Case]:
    """Trainings by every plan and optimizer."""
    tiny, small, tall = partial(draw, 60, 5), partial(draw, 2000, 20, 3), partial(draw, 20000, 30)
    big, wide, deep = (
        partial(draw, 60000, 200, 4),
        partial(draw, 150, 3000),
        partial(draw, 3000, 400),
    )
    double, mapped = partial(draw, 4000, 20, 1, np.float64), partial(mapped_in, folder)
    o = optimizers
    momentum = partial(o.SGD, 1e-3, 0.9, True)
    lm = o.LevenbergMarquardt

    class Epochs(callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            sum(range(100))

    class Every(Epochs):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            sum(range(100))

    held_out: dict[str, Any] = {"validation_split": 0.25}
    normal: dict[str, Any] = {"first": (layers.Normalization,)}
    rescaled: dict[str, Any] = {"first": (partial(layers.Rescaling, 1 / 255),)}
    return [
        Case("lanes sgd tiny", tiny, (4, 1), momentum, 16, "lanes", longest=0.03),
        Case("lanes adam full batch", small, (6, 3), o.Adam, 2000, "lanes"),
        Case("lanes adam many fits", tiny, (4, 1), o.Adam, 7, "lanes", epochs=2, fits=10**6),
        Case("lanes rprop big", tall, (8, 1), o.Rprop, 20000, "lanes", held_out),
        Case("panels adam", small, (64, 3), o.Adam, 32, "panels"),
        Case("panels rmsprop validation", small, (64, 3), o.RMSprop, 500, "panels", held_out),
        Case("panels adamw big", big, (256, 4), o.AdamW, 128, "panels"),
        Case("panels big batches", big, (512, 4), o.Adam, 4096, "panels", held_out),
        Case("panels images", draw_images, (128, 1), o.Adam, 64, "panels", **rescaled),
        Case("panels dropout", small, (64, 3), o.Nadam, 64, "panels", dropout=0.3),
        Case("panels many fits", small, (64, 3), o.Adam, 500, "panels", epochs=1, fits=10**6),
        Case("blocks nadam", small, (12, 3), o.Nadam, 50, "blocks", **normal),
        Case("blocks adagrad all", big, (300, 4), o.Adagrad, 60000, "blocks", held_out),
        Case("blocks clipped", small, (30, 3), partial(o.Adam, clipnorm=0.1), 100, "blocks"),
        Case("gram", wide, (1,), partial(o.SGD, 1e-4), 150, "gram"),
        Case("gram hidden", partial(draw, 1000, 2500), (20, 1), partial(o.SGD, 1e-4), 1000, "gram"),
        Case("tiles adam", deep, (1,), o.Adam, 3000, "tiles", longest=0.1),
        Case("lbfgs tiny", tiny, (4, 1), o.LBFGS, 60),
        Case("lbfgs", double, (16, 1), o.LBFGS, 4000),
        Case("lbfgs big", big, (64, 4), o.LBFGS, 60000, options=held_out, longest=0.2),
        Case("newton tiny", tiny, (4, 1), o.NewtonCG, 60),
        Case("newton", double, (12, 1), o.NewtonCG, 4000, longest=0.2),
        Case("newton big", big, (32, 4), o.NewtonCG, 60000, longest=0.3),
        Case("levenberg tiny", tiny, (4, 1), lm, 60),
        Case("levenberg", double, (20, 1), lm, 4000, longest=0.2),
        Case("levenberg big", tall, (60, 1), lm, 20000, longest=0.3),
        Case("epoch callback", tiny, (4, 1), o.Adam, 16, callbacks=(Epochs,), longest=0.05),
        Case("batch callback", small, (64, 3), o.Adam, 64, callbacks=(Every,), options=held_out),
        Case("early stopping", small, (8, 3), o.Adam, 32, options=held_out, callbacks=(stopper,)),
        Case("solver callback", double, (8, 1), o.LBFGS, 4000, callbacks=(Epochs,)),
        Case("list of batches", small, (30, 3), o.Adam, 128, stream="list"),
        Case("generator", small, (30, 3), o.RMSprop, 300, stream="generator"),
        Case("stream, big", big, (128, 4), o.Adam, 256, stream="list", callbacks=(Every,)),
        Case("map in blocks", mapped, (64, 4), o.Adam, 128),
        Case("map, all samples", mapped, (8, 4), momentum, 60000),
    ]


def stopper() -> Any:
    """Early stopping that the core does, and that never comes."""
    return callbacks.EarlyStopping("val_loss", patience=ENDLESS)


def calls() -> list[Call]:
    """Predictions and figures of many samples."""

    def of(work: Callable[..., Any]) -> tuple[Callable[[], Any], Any]:
        x, y = draw(300000, 100)
        model = models.Sequential(
            [layers.Input((100,)), layers.Dense(300, "tanh"), layers.Dense(1)], seed=0
        )
        model.compile("sgd", "mse")
        return partial(work, model, x, y), work(model, x, y)

    return [
        Call("predict", partial(of, lambda model, x, y: model.predict(x)), 0.3),
        Call("evaluate", partial(of, lambda model, x, y: model.evaluate(x, y, verbose=0)), 0.6),
        Call("gradients", partial(of, lambda model, x, y: model.gradients(x, y)[0]), 0.3),
    ]


def estimators() -> list[Estimator]:
    """Of scikit-learn's kind."""
    few, many = partial(draw, 3000, 20), partial(draw, 200000, 60)
    common: dict[str, Any] = {"max_iter": ENDLESS, "random_state": 0, "n_iter_no_change": ENDLESS}
    tol = {"tol": 0.0, "max_fun": ENDLESS}
    classifier = partial(MLPClassifier, **common)
    regressor = partial(MLPRegressor, **common)
    wide = partial(classifier, hidden_layer_sizes=(200,))
    solver = partial(regressor, hidden_layer_sizes=(40,), solver="lbfgs", **tol)
    return [
        Estimator("MLPClassifier adam", partial(classifier, hidden_layer_sizes=(30,)), few),
        Estimator("MLPClassifier long epochs", wide, many),
        Estimator(
            "MLPRegressor sgd", partial(regressor, hidden_layer_sizes=(8,), solver="sgd"), few
        ),
        Estimator("MLPRegressor lbfgs", solver, few, False),
    ]


def logistic() -> Call:
    """Raises, and is as good as new."""

    def fit() -> Any:
        x, y = draw(100000, 60)
        labels = (y[:, 0] > 0).astype(int)
        return LogisticRegression(solver="newton-cg").fit(x, labels).coef_

    return Call("LogisticRegression", lambda: (fit, fit()), 0.5)


@contextlib.contextmanager
def all_cases() -> Iterator[list[Any]]:
    """All of them; files are gone afterwards."""
    with tempfile.TemporaryDirectory() as name:
        yield [*fits(Path(name)), *calls(), *estimators(), logistic()]
