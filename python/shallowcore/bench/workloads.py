"""The workloads by name, in the order of the tables.

shallow: tiny products, 40 batches an epoch.  planar: next to no arithmetic, all samples in every
step.  cat: logistic regression on photographs, bound by memory.  tabular and mnist: products of
some size, in shuffled batches, with an optimizer that keeps a state.
"""

from __future__ import annotations

from functools import partial

from shallowcore.bench import data, numpy_scripts
from shallowcore.bench.workload import Length, Workload

_ALL = (
    Workload(
        name="shallow",
        sizes=(20, 10, 1),
        activations=("tanh", "sigmoid"),
        loss="binary_crossentropy",
        optimizer="sgd",
        settings={"learning_rate": 1.0},
        batch_size=100,
        load=data.shallow,
        train_numpy=numpy_scripts.tanh_sigmoid,
        full=Length(300),
        quick=Length(100),
        check=Length(2),
    ),
    Workload(
        name="planar",
        sizes=(2, 4, 1),
        activations=("tanh", "sigmoid"),
        loss="binary_crossentropy",
        optimizer="sgd",
        settings={"learning_rate": 1.2},
        batch_size=400,
        load=data.planar,
        train_numpy=numpy_scripts.tanh_sigmoid,
        full=Length(10_000),
        quick=Length(2000),
        check=Length(100),
    ),
    Workload(
        name="cat",
        sizes=(64 * 64 * 3, 1),
        activations=("sigmoid",),
        loss="binary_crossentropy",
        optimizer="sgd",
        settings={"learning_rate": 0.005},
        batch_size=209,
        load=data.cat,
        train_numpy=numpy_scripts.logistic,
        full=Length(2000),
        quick=Length(200),
        check=Length(50),
        bound="memory",
    ),
    Workload(
        name="tabular",
        sizes=(54, 256, 7),
        activations=("relu", "softmax"),
        loss="sparse_categorical_crossentropy",
        optimizer="adam",
        settings={"learning_rate": 1e-3, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
        batch_size=256,
        shuffle=True,
        load=data.tabular,
        train_numpy=partial(numpy_scripts.relu_softmax, optimizer=numpy_scripts.adam),
        full=Length(4),
        quick=Length(1, n_samples=25_600),
        check=Length(2, n_samples=20 * 256 + 100),
    ),
    Workload(
        name="mnist",
        sizes=(28 * 28, 512, 10),
        activations=("relu", "softmax"),
        loss="sparse_categorical_crossentropy",
        optimizer="rmsprop",
        settings={"learning_rate": 1e-3, "rho": 0.9, "epsilon": 1e-7},
        batch_size=128,
        shuffle=True,
        load=data.mnist,
        train_numpy=partial(numpy_scripts.relu_softmax, optimizer=numpy_scripts.rmsprop),
        full=Length(1),
        quick=Length(1, n_samples=6_400),
        check=Length(2, n_samples=10 * 128 + 50),
    ),
)

WORKLOADS = {workload.name: workload for workload in _ALL}
