"""Bad input gets an error that names the argument, what was given and what was expected.

Before any work: whatever the call, the model's weights, optimizer, shuffling and shapes are as they
were, and nothing of the caller's is written to.
"""

import numpy as np
import pytest
from shallowcore import callbacks, layers, losses, models, optimizers

X = np.random.default_rng(0).standard_normal((20, 4))
LABELS = np.arange(20) % 3
ONE_HOT = np.eye(3)[LABELS]
NAN = np.where(np.arange(80).reshape(20, 4) == 37, np.nan, X)
LAZY = object()


def model_for(loss="sparse_categorical_crossentropy", n_outputs=3, shape=(4,), dtype="float64"):
    stack = [layers.Dense(n_outputs, "softmax" if n_outputs > 1 else "sigmoid")]
    if shape is not LAZY:
        stack.insert(0, layers.Input(shape))
    model = models.Sequential(stack, dtype=dtype, seed=0)
    model.compile(optimizers.SGD(0.1), loss, metrics=["accuracy"])
    return model


def state(model):
    built = model.digest() if model.built else None
    return built, model.optimizer.iterations, model.optimizer.parameters, model.stop_training


def assert_refused(model, call, error, match):
    before = state(model)
    with pytest.raises(error, match=match):
        call()
    assert state(model) == before


class Sparse:
    """What scipy's matrices look like to NumPy: an object without numbers."""

    def toarray(self):
        return X


class OnDevice:
    """An array on a GPU, as DLPack shows it."""

    def __dlpack__(self, **options):
        raise BufferError("not here")

    def __dlpack_device__(self):
        return (2, 0)


# --- inputs ---------------------------------------------------------------------------------------

BAD_X = [
    (np.float64(3.0), ValueError, r"x must have shape \(n_samples, 4\), got \(\)"),
    (X[0], ValueError, r"got \(4,\); a single sample is a row"),
    (X[:, :, np.newaxis], ValueError, r"x must have shape \(n_samples, 4\), got \(20, 4, 1\)"),
    (X[:, :3], ValueError, r"x must have shape \(n_samples, 4\), got \(20, 3\)"),
    (X.T, ValueError, r"got \(4, 20\)"),
    (X[:0], ValueError, "x is empty"),
    (np.zeros((20, 0)), ValueError, r"got \(20, 0\)"),
    (NAN, ValueError, r"x holds NaN or infinity in 1 of 80 places, the first at \(9, 1\)"),
    (NAN.astype("f4"), ValueError, "x holds NaN"),
    (np.where(np.isnan(NAN), np.inf, NAN), ValueError, "x holds NaN or infinity"),
    (np.asfortranarray(NAN), ValueError, "x holds NaN"),
    (NAN[::-1], ValueError, "x holds NaN"),
    (X.astype(object), TypeError, "x has dtype object; expected real numbers"),
    (X + 1j, TypeError, "x has dtype complex128"),
    (X.astype(str), TypeError, "x has dtype <U"),
    (np.zeros((20, 4), "datetime64[s]"), TypeError, "x has dtype datetime64"),
    (np.zeros((20, 4), "timedelta64[s]"), TypeError, "x has dtype timedelta64"),
    (np.zeros(20, [("a", "f4")]), TypeError, "x has dtype"),
    (None, TypeError, "x must be an array, got None"),
    ("abc", TypeError, "x must be an array, got 'abc'"),
    ({"a": 1}, TypeError, "x must be an array"),
    ([[1.0, 2.0], [3.0]], ValueError, "x must be an array, got list"),
    (Sparse(), TypeError, "sparse; expected a dense array"),
    (OnDevice(), TypeError, "not on the CPU"),
    (np.ma.masked_less(X, 0), ValueError, "masked values"),
]


@pytest.mark.parametrize(("x", "error", "match"), BAD_X)
@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "gradients", "predict"])
def test_bad_inputs(method, x, error, match):
    model = model_for()
    arguments = (x,) if method == "predict" else (x, LABELS)
    assert_refused(model, lambda: getattr(model, method)(*arguments), error, match)


@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "gradients"])
def test_iterators_with_targets_are_no_batches(method):
    model = model_for()
    rows = (row for row in X)
    call = getattr(model, method)
    assert_refused(model, lambda: call(rows, LABELS), TypeError, "x has dtype object")


@pytest.mark.parametrize("x", [X[0], np.float64(1), X[:0], X.astype(object), np.zeros((3, 0))])
def test_a_lazy_model_is_not_built_by_bad_inputs(x):
    model = model_for(shape=LAZY)
    for call in (lambda: model.fit(x, LABELS), lambda: model.predict(x)):
        with pytest.raises((TypeError, ValueError), match="x "):
            call()
    with pytest.raises(ValueError, match="put a Flatten"):
        model.fit(np.zeros((20, 4, 4)), LABELS)
    assert not model.built


def test_a_lazy_model_is_not_built_by_bad_targets():
    model = model_for(shape=LAZY)
    with pytest.raises(ValueError, match="labels from 0 to 2"):
        model.fit(X, LABELS + 1)
    assert not model.built
    assert model.fit(np.zeros((20, 7)), LABELS, verbose=0).epoch == [0]


def test_numbers_too_large_for_float32():
    model = model_for(dtype="float32")
    assert_refused(model, lambda: model.fit(X * 1e300, LABELS), ValueError, "too large for float32")


def test_wrong_shape_of_images():
    model = models.Sequential([layers.Flatten(input_shape=(8, 8)), layers.Dense(2)])
    with pytest.raises(ValueError, match=r"\(n_samples, 8, 8\), got \(5, 64\)"):
        model.predict(np.zeros((5, 64)))
    with pytest.raises(ValueError, match=r"got \(5, 8, 7\)"):
        model.predict(np.zeros((5, 8, 7)))
    with pytest.raises(ValueError, match="a single sample is a row"):
        model.predict(np.zeros((8, 8)))


# --- targets --------------------------------------------------------------------------------------

SPARSE, CATEGORICAL = "sparse_categorical_crossentropy", "categorical_crossentropy"
BAD_Y = [
    (SPARSE, 3, LABELS[:-1], ValueError, "as many rows as x, 20, got 19"),
    (SPARSE, 3, np.int64(1), ValueError, "got a single number"),
    (SPARSE, 3, LABELS - 1, ValueError, r"labels from 0 to 2 \(the model has 3 outputs\), got -1"),
    (SPARSE, 3, LABELS + 1, ValueError, "labels from 0 to 2 .*, got 3"),
    (SPARSE, 3, LABELS + 2**40, ValueError, "got 1099511627778"),
    (SPARSE, 3, LABELS + 0.5, ValueError, "y must hold integer labels .*, got .*0.5"),
    (SPARSE, 3, np.where(LABELS == 2, np.nan, LABELS), ValueError, "y holds NaN"),
    (SPARSE, 3, ONE_HOT, ValueError, "one-hot targets go with categorical_crossentropy"),
    (SPARSE, 3, np.array(list("abc"))[LABELS], TypeError, "np.unique"),
    (SPARSE, 3, LABELS.astype(object), TypeError, "y has dtype object"),
    (SPARSE, 3, LABELS + 0j, TypeError, "y has dtype complex128"),
    (SPARSE, 3, None, TypeError, "y must be an array, got None"),
    (CATEGORICAL, 3, LABELS, ValueError, "sparse_categorical_crossentropy, or become one-hot"),
    (CATEGORICAL, 3, ONE_HOT[:, :2], ValueError, r"y must have shape \(20, 3\)"),
    (CATEGORICAL, 3, -ONE_HOT, ValueError, "y must be >= 0"),
    (CATEGORICAL, 3, np.full((20, 3), np.inf), ValueError, "y holds NaN"),
    ("binary_crossentropy", 1, LABELS, ValueError, r"y must lie in \[0, 1\] .*, got 2"),
    ("binary_crossentropy", 1, LABELS - 1.0, ValueError, r"must lie in \[0, 1\] .*, got -1"),
    ("binary_crossentropy", 1, ONE_HOT, ValueError, r"y must have shape \(20, 1\)"),
    ("mse", 3, LABELS, ValueError, r"y must have shape \(20, 3\)"),
    ("mse", 1, X[:, :1] * np.nan, ValueError, "y holds NaN"),
    ("mse", 1, X[:, :1, np.newaxis], ValueError, "y must have shape"),
]


@pytest.mark.parametrize(("loss", "n_outputs", "y", "error", "match"), BAD_Y)
@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "gradients"])
def test_bad_targets(method, loss, n_outputs, y, error, match):
    model = model_for(loss, n_outputs)
    assert_refused(model, lambda: getattr(model, method)(X, y), error, match)


# --- arguments of fit -----------------------------------------------------------------------------


class HookOfTests(callbacks.Callback):
    def on_test_batch_end(self, batch, logs=None):
        raise AssertionError("never called")


BAD_FIT = [
    ({"batch_size": 0}, ValueError, "batch_size must be an integer >= 1, got 0"),
    ({"batch_size": -3}, ValueError, "batch_size must be an integer >= 1, got -3"),
    ({"batch_size": 2.0}, TypeError, "batch_size must be an integer >= 1, got 2.0"),
    ({"batch_size": True}, TypeError, "batch_size .* got True"),
    ({"batch_size": "32"}, TypeError, "batch_size .* got '32'"),
    ({"batch_size": 10**30}, ValueError, "batch_size"),
    ({"epochs": -1}, ValueError, "epochs must be an integer >= 0, got -1"),
    ({"epochs": 1.5}, TypeError, "epochs"),
    ({"epochs": None}, TypeError, "epochs"),
    ({"initial_epoch": -1}, ValueError, "initial_epoch"),
    ({"shuffle": "yes"}, ValueError, "shuffle must be True or False or 'blocks', got 'yes'"),
    ({"verbose": 3}, ValueError, "verbose must be 'auto', 0, 1 or 2, got 3"),
    ({"verbose": "loud"}, ValueError, "verbose .* got 'loud'"),
    ({"validation_split": 1.0}, ValueError, "validation_split must leave samples on both sides"),
    ({"validation_split": -0.1}, ValueError, "validation_split must be a finite number from 0 to"),
    ({"validation_split": "half"}, TypeError, "validation_split"),
    ({"validation_data": X}, ValueError, "validation_data must be a tuple"),
    ({"validation_data": (X,)}, ValueError, "validation_data must be a tuple .* got 1 items"),
    ({"validation_data": (X[:, :2], LABELS)}, ValueError, "validation_data: x must have shape"),
    ({"validation_data": (X, LABELS + 5)}, ValueError, "validation_data: y must hold labels"),
    ({"validation_data": (X, LABELS, -LABELS)}, ValueError, "validation_data: sample_weight"),
    ({"sample_weight": np.ones(19)}, ValueError, r"sample_weight must have shape \(20,\)"),
    ({"sample_weight": np.ones((20, 2))}, ValueError, r"sample_weight must have shape \(20,\)"),
    ({"sample_weight": -np.ones(20)}, ValueError, "sample_weight must be >= 0"),
    ({"sample_weight": np.full(20, np.nan)}, ValueError, "sample_weight holds NaN"),
    ({"sample_weight": ["a"] * 20}, TypeError, "sample_weight has dtype"),
    ({"class_weight": [1, 2, 3]}, TypeError, "class_weight must be a dict .* or 'balanced'"),
    ({"class_weight": "equal"}, TypeError, "class_weight .* got 'equal'"),
    ({"class_weight": {3: 1.0}}, ValueError, "a class of class_weight .* from 0 to 2, got 3"),
    ({"class_weight": {0: -1.0}}, ValueError, r"class_weight\[0\] must be a finite number >= 0"),
    ({"class_weight": {"a": 1.0}}, TypeError, "a class of class_weight"),
    ({"callbacks": 3}, TypeError, "callbacks must be a list of Callback objects, got 3"),
    ({"callbacks": [print]}, TypeError, "callbacks must hold Callback objects"),
    ({"callbacks": [callbacks.History]}, TypeError, "give an object, not its class"),
    ({"callbacks": [HookOfTests()]}, TypeError, "on_test_batch_end' that is never called"),
]


@pytest.mark.parametrize(("arguments", "error", "match"), BAD_FIT)
def test_bad_arguments_of_fit(arguments, error, match):
    model = model_for()
    assert_refused(model, lambda: model.fit(X, LABELS, **arguments), error, match)


@pytest.mark.parametrize("class_weight", ["balanced", {0: 2.0}], ids=str)
@pytest.mark.parametrize("label", [0.5, -1, 2**24, 2.0**63, np.uint64(2**64 - 1)], ids=repr)
def test_class_weight_needs_classes(label, class_weight):
    model = models.Sequential([layers.Input((4,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    y = np.zeros(len(X), np.asarray(label).dtype)
    y[1] = label
    fit = lambda: model.fit(X, y, class_weight=class_weight, verbose=0)  # noqa: E731
    assert_refused(model, fit, ValueError, "class_weight needs classes")


# --- order of calls -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "method", ["fit", "evaluate", "train_on_batch", "test_on_batch", "gradients"]
)
def test_compile_comes_first(method):
    model = models.Sequential([layers.Input((4,)), layers.Dense(3)])
    with pytest.raises(RuntimeError, match="call compile"):
        getattr(model, method)(X, LABELS)
    with pytest.raises(RuntimeError, match="call compile"):
        _ = model.optimizer


def test_a_model_without_layers():
    model = models.Sequential()
    model.compile("sgd", "mse")
    for call in (lambda: model.fit(X, X), lambda: model.predict(X), model.count_params):
        with pytest.raises(RuntimeError, match="no layers"):
            call()
    with pytest.raises(ValueError, match="no layer to remove"):
        model.pop()


def test_an_output_of_rank_two_is_refused():
    model = models.Sequential([layers.Input((4, 4)), layers.Rescaling(2.0)])
    with pytest.raises(ValueError, match="add a Flatten"):
        model.predict(np.zeros((2, 4, 4)))


# --- names ----------------------------------------------------------------------------------------

UNKNOWN = [
    (lambda: layers.Dense(3, activation="rellu"), "activation 'rellu' .* did you mean 'relu'"),
    (lambda: layers.Dense(3, kernel_initializer="glorot"), "kernel_initializer 'glorot' .*glorot_"),
    (lambda: layers.Dense(3, bias_initializer="zeroes"), "bias_initializer .*'zeros'"),
    (lambda: layers.Dense(3, kernel_regularizer="l3"), "kernel_regularizer 'l3' is not known"),
    (lambda: models.Sequential().compile("rmspropp", "mse"), "optimizer .*'rmsprop'"),
    (
        lambda: models.Sequential().compile("sgd", "categorical_crossentropie"),
        "loss .*did you mean",
    ),
    (lambda: models.Sequential().compile("sgd", "mse", metrics=["acuracy"]), "metric .*'accuracy'"),
    (
        lambda: models.Sequential().compile("sgd", SPARSE, metrics=["accuracy", "mae"]),
        "metrics must be 'accuracy' for sparse_categorical_crossentropy.* got 'mae'",
    ),
    (lambda: models.Sequential(dtype="float16"), "dtype must be 'float32' or 'float64'"),
]


@pytest.mark.parametrize(("call", "match"), UNKNOWN)
def test_unknown_names_suggest_the_nearest(call, match):
    with pytest.raises(ValueError, match=match):
        call()


def test_a_failed_compile_keeps_the_old_one():
    model = model_for()
    with pytest.raises(ValueError, match="loss"):
        model.compile("sgd", "nonsense")
    assert model.loss.name == SPARSE
    with pytest.raises(ValueError, match="got None"):
        model.compile("sgd")
    with pytest.raises(ValueError, match="different names, got 'acc' twice"):
        model.compile("sgd", "mse", metrics=["acc", "acc"])


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: optimizers.SGD(-0.1), ValueError, "learning_rate must be a finite number >= 0"),
        (lambda: optimizers.SGD("fast"), TypeError, "learning_rate"),
        (lambda: optimizers.SGD(np.nan), ValueError, "learning_rate"),
        (lambda: optimizers.SGD(0.1, momentum=1.5), ValueError, "momentum .* from 0 to 1, got 1.5"),
        (lambda: optimizers.SGD(0.1, nesterov=1), TypeError, "nesterov must be True or False"),
        (lambda: optimizers.Adam(beta_1=1.0), ValueError, "beta_1"),
        (lambda: optimizers.Optimizer("sgd", lr=0.1), TypeError, "no parameter 'lr'"),
        (
            lambda: setattr(optimizers.SGD(), "learning_rat", 1),
            TypeError,
            "did you mean 'learning_r",
        ),
        (lambda: setattr(optimizers.SGD(), "learning_rate", -1), ValueError, "learning_rate"),
        (lambda: losses.BinaryCrossentropy(label_smoothing=2.0), ValueError, "label_smoothing"),
        (lambda: losses.BinaryCrossentropy(from_logits=1), TypeError, "from_logits"),
        (lambda: losses.Loss("mse", from_logits=True), ValueError, "takes no logits"),
        (lambda: losses.Loss("mse", label_smoothing=0.1), ValueError, "has none"),
        (lambda: losses.MeanSquaredError(scale=-1), ValueError, "scale"),
    ],
)
def test_settings_out_of_range(call, error, match):
    with pytest.raises(error, match=match):
        call()


# --- weights --------------------------------------------------------------------------------------

BAD_WEIGHTS = [
    ([np.zeros((4, 3))], ValueError, "list of 2 arrays .* got 1"),
    ([np.zeros((4, 3)), np.zeros(3), np.zeros(3)], ValueError, "got 3"),
    ([np.zeros((3, 4)), np.zeros(3)], ValueError, r"weights\[0\] must have shape \(4, 3\)"),
    ([np.zeros((4, 3)), np.zeros((3, 1))], ValueError, r"weights\[1\] must have shape \(3,\)"),
    ([np.zeros((4, 3)), np.full(3, np.nan)], ValueError, r"weights\[1\] holds NaN"),
    ([np.zeros((4, 3)), np.zeros(3) + 1j], TypeError, r"weights\[1\] has dtype complex"),
    ([np.zeros((4, 3)), None], TypeError, r"weights\[1\] must be an array"),
    (None, TypeError, "weights must be a list of arrays"),
    (3, TypeError, "weights must be a list of arrays"),
    ("ab", TypeError, "weights must be a list of arrays"),
]


@pytest.mark.parametrize(("weights", "error", "match"), BAD_WEIGHTS)
def test_bad_weights_change_none(weights, error, match):
    model = model_for()
    assert_refused(model, lambda: model.set_weights(weights), error, match)
    assert_refused(model, lambda: model.layers[0].set_weights(weights), error, match)


@pytest.mark.parametrize(
    ("initializer", "error", "match"),
    [
        (
            np.zeros((3, 3)),
            ValueError,
            r"kernel_initializer of layer 'dense' must have shape \(4, 2",
        ),
        (lambda shape, rng: np.full(shape, np.nan), ValueError, "kernel_initializer .* NaN"),
        (lambda shape, rng: "no", TypeError, "kernel_initializer"),
        (lambda shape: np.zeros(shape), TypeError, r"callable \(shape, rng\) -> array"),
    ],
)
def test_bad_initial_weights(initializer, error, match):
    stack = [layers.Input((4,)), layers.Dense(2, kernel_initializer=initializer)]
    model = models.Sequential(stack)
    for _ in range(2):  # also the second time: nothing half-built is left
        with pytest.raises(error, match=match):
            model.get_weights()


# --- what is left alone ---------------------------------------------------------------------------


def test_nothing_of_the_callers_is_written_to():
    x, y, weight = X.copy(), LABELS.copy(), np.linspace(0, 1, 20)
    arrays = (x, y, weight)
    copies = [a.copy() for a in arrays]
    for a in arrays:
        a.setflags(write=False)
    model = model_for()
    model.fit(x, y, sample_weight=weight, class_weight={0: 2.0}, epochs=3, verbose=0)
    model.evaluate(x, y, sample_weight=weight)
    model.predict(x)
    for a, copy in zip(arrays, copies, strict=True):
        np.testing.assert_array_equal(a, copy)


def test_a_failed_fit_does_not_move_the_shuffling():
    tried, plain = model_for(), model_for()
    with pytest.raises(ValueError, match="batch_size"):
        tried.fit(X, LABELS, batch_size=0)
    for model in (tried, plain):
        model.fit(X, LABELS, batch_size=3, epochs=2, verbose=0)
    assert tried.digest() == plain.digest()
