"""Predictions, figures, gradients and whole trainings of a model, against the oracle."""

import numpy as np
import pytest
from oracle import network as reference
from oracle import optimizers as reference_optimizers
from oracle.rng import permutation
from oracle.tolerances import (
    assert_all_close,
    assert_close,
    assert_same_bits,
    reduction,
    trajectory,
)
from oracle.train import train
from shallowcore import layers, models, optimizers

DTYPES = ("float32", "float64")


def blobs(dtype="float64", n_samples=70, n_features=5, n_classes=3, seed=0):
    """Inputs with labels that depend on them."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n_samples, n_features)).astype(dtype)
    labels = np.argmax(x[:, :n_classes] + 0.3 * rng.standard_normal((n_samples, n_classes)), axis=1)
    return x, labels


def classifier(dtype="float64", seed=3, **options):
    """5-7-3, tanh and softmax, compiled for integer labels."""
    model = models.Sequential(
        [layers.Input((5,)), layers.Dense(7, "tanh"), layers.Dense(3, "softmax")],
        dtype=dtype,
        seed=seed,
    )
    options = {"optimizer": "sgd", "loss": "sparse_categorical_crossentropy"} | options
    model.compile(**options)
    return model


def as_oracle(model):
    """The oracle's network with copies of a classifier's weights."""
    w1, b1, w2, b2 = model.get_weights()
    return reference.Network(
        [reference.Dense(w1, b1, "tanh"), reference.Dense(w2, b2, "softmax")], model.dtype
    )


ORACLE_LOSS = reference.Loss("sparse_categorical_crossentropy")


# --- predictions and figures ----------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_predict_evaluate_and_gradients_against_the_oracle(dtype):
    model = classifier(dtype, metrics=["accuracy"])
    x, labels = blobs(dtype)
    weight = np.linspace(0.5, 2, len(x)).astype(dtype)
    oracle = as_oracle(model)
    tolerance = reduction(dtype, len(x))
    assert_close(model.predict(x), oracle.predict(x), tolerance, name="predict")
    got = model.evaluate(x, labels, sample_weight=weight)
    expected = oracle.evaluate(x, labels, ORACLE_LOSS, ["accuracy"], weight)
    np.testing.assert_allclose(got, expected, rtol=tolerance)
    value, gradients = model.gradients(x, labels, sample_weight=weight)
    expected_value, expected_gradients = oracle.gradients(x, labels, ORACLE_LOSS, weight)
    assert value == pytest.approx(expected_value, rel=tolerance)
    scale = max(float(np.abs(g).max()) for g in expected_gradients)
    assert_all_close(gradients, expected_gradients, tolerance, scale=scale)


def test_gradients_change_nothing():
    model = classifier()
    before = model.digest()
    model.gradients(*blobs())
    assert model.digest() == before
    assert model.optimizer.iterations == 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        (
            lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True),
            lambda p: reference_optimizers.SGD(p, 0.1, 0.9, True),
        ),
        (lambda: optimizers.RMSprop(), reference_optimizers.RMSprop),
        (lambda: optimizers.Adam(0.01), lambda p: reference_optimizers.Adam(p, 0.01)),
    ],
    ids=["sgd", "rmsprop", "adam"],
)
def test_fit_replays_the_oracle(dtype, mine, theirs):
    model = classifier(dtype, optimizer=mine(), metrics=["accuracy"])
    x, labels = blobs(dtype)
    oracle = as_oracle(model)
    optimizer = theirs(oracle.parameters())
    steps = 0
    for first, epochs in ((0, 4), (4, 3)):  # the second call goes on where the first stopped
        history = model.fit(
            x,
            labels,
            batch_size=16,
            epochs=epochs,
            verbose=0,
            validation_data=(x[:20], labels[:20]),
        )
        expected = train(
            oracle,
            optimizer,
            ORACLE_LOSS,
            x,
            labels,
            epochs=epochs,
            batch_size=16,
            seed=3,
            epoch_counter=first,
            metrics=["accuracy"],
            validation=(x[:20], labels[:20]),
        )
        steps += 5 * epochs
        tolerance = trajectory(dtype, steps)
        assert_all_close(model.get_weights(), oracle.parameters(), tolerance, scale=1.0)
        assert set(history.history) == {*expected, "lr"}
        for name, values in expected.items():
            np.testing.assert_allclose(history.history[name], values, rtol=10 * tolerance)
    assert model.optimizer.iterations == steps


def test_shuffling_is_the_oracles():
    """Momentum makes the result depend on the order of the samples."""
    n_samples = 11
    x = np.eye(n_samples)
    model = models.Sequential(
        [layers.Input((n_samples,)), layers.Dense(1, kernel_initializer="zeros", use_bias=False)],
        dtype="float64",
        seed=123,
    )
    model.compile(optimizers.SGD(0.25, momentum=0.5), "mse")
    y = np.arange(1.0, n_samples + 1)
    model.fit(x, y, batch_size=1, epochs=1, verbose=0)
    w, v = np.zeros(n_samples), np.zeros(n_samples)
    for i in permutation(n_samples, 123, 0):
        g = np.zeros(n_samples)
        g[i] = 2 * (w[i] - y[i])
        v = 0.5 * v - 0.25 * g
        w = w + v
    np.testing.assert_allclose(model.get_weights()[0][:, 0], w, rtol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
def test_train_on_batch_is_one_step(dtype):
    model = classifier(dtype, optimizer=optimizers.SGD(0.5), metrics=["accuracy"])
    x, labels = blobs(dtype)
    value, gradients = model.gradients(x, labels)
    before = model.get_weights()
    loss, accuracy = model.train_on_batch(x, labels)
    assert loss == pytest.approx(value, rel=reduction(dtype, len(x)))
    assert 0 <= accuracy <= 1
    rate = np.asarray(0.5, dtype)
    for after, w, g in zip(model.get_weights(), before, gradients, strict=True):
        np.testing.assert_allclose(after, w - rate * g, rtol=0, atol=4 * np.finfo(dtype).eps)
    assert model.optimizer.iterations == 1


def test_what_evaluate_returns():
    x, labels = blobs()
    model = classifier()
    assert isinstance(model.evaluate(x, labels), float)
    assert model.metrics_names == ["loss"]
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["acc"])
    loss, accuracy = model.evaluate(x, labels, batch_size=7)
    figures = model.test_on_batch(x, labels, return_dict=True)
    assert figures == {"loss": loss, "acc": accuracy}
    share = np.mean(np.argmax(model.predict(x), axis=1) == labels)
    assert accuracy == pytest.approx(share)


def test_evaluate_prints_when_asked(capsys):
    x, labels = blobs()
    classifier().evaluate(x, labels, verbose=2)
    assert capsys.readouterr().out.startswith("loss: ")


def test_one_output_takes_flat_and_column_targets():
    x = np.linspace(-1, 1, 20)[:, np.newaxis]
    digests = set()
    for y in (x[:, 0] > 0, (x > 0).astype(int), (x[:, 0] > 0).astype("float32").tolist()):
        model = models.Sequential([layers.Input((1,)), layers.Dense(1, "sigmoid")], seed=0)
        model.compile("sgd", "binary_crossentropy")
        model.fit(x, y, epochs=2, verbose=0)
        digests.add(model.digest())
    assert len(digests) == 1


def test_single_feature_takes_flat_inputs():
    model = models.Sequential([layers.Input((1,)), layers.Dense(1)], seed=0)
    x = np.linspace(-1, 1, 20)
    assert_same_bits(model.predict(x), model.predict(x[:, np.newaxis]))
