"""Layers: their settings, how shapes run through them, and what the core makes of them."""

import numpy as np
import pytest
from oracle import network as reference
from oracle.tolerances import assert_close, assert_same_bits, reduction
from shallowcore import activations, layers, models, regularizers

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 6, 5), dtype=np.uint8)


def image_model(*first, dtype="float64", shape=(6, 5)):
    stack = [layers.Input(shape), *first, layers.Dense(3, "relu"), layers.Dense(2, "softmax")]
    return models.Sequential(stack, dtype=dtype, seed=1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rescaling_and_flatten_in_either_order(dtype):
    def rescaling():
        return layers.Rescaling(1 / 255, -0.5)

    a = image_model(rescaling(), layers.Flatten(), dtype=dtype)
    b = image_model(layers.Flatten(), rescaling(), dtype=dtype)
    assert [layer.name for layer in a.layers][:2] == ["rescaling", "flatten"]
    assert_same_bits(a.predict(IMAGES), b.predict(IMAGES))
    w1, b1, w2, b2 = a.get_weights()
    oracle = reference.Network(
        [
            reference.Rescaling(1 / 255, -0.5),
            reference.Dense(w1, b1, "relu"),
            reference.Dense(w2, b2, "softmax"),
        ],
        dtype,
    )
    expected = oracle.predict(IMAGES.reshape(12, 30))
    assert_close(a.predict(IMAGES), expected, reduction(dtype, 30))


@pytest.mark.parametrize("kind", ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint64"])
def test_integer_inputs_are_as_good_as_floats(kind):
    x = (IMAGES % 100).astype(kind)
    model = image_model(layers.Flatten(), layers.Rescaling(1 / 100))
    assert_same_bits(model.predict(x), model.predict(x.astype("float64")))


def test_images_in_any_memory_order():
    model = image_model(layers.Flatten())
    expected = model.predict(IMAGES)
    for x in (np.asfortranarray(IMAGES), IMAGES[::-1][::-1], IMAGES.astype(">u2")):
        assert_same_bits(model.predict(x), expected)


def test_activation_layers_are_the_dense_layers_own():
    own = models.Sequential([layers.Dense(4, "elu"), layers.Dense(3, "softmax")], seed=2)
    apart = models.Sequential(
        [layers.Dense(4), layers.Activation("elu"), layers.Dense(3), layers.Activation("softmax")],
        seed=2,
    )
    x = np.random.default_rng(0).standard_normal((9, 5)).astype("float32")
    labels = np.arange(9) % 3
    for model in (own, apart):
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(x, labels, epochs=3, verbose=0)
    assert_close(apart.predict(x), own.predict(x), 1e-5)


def test_activation_objects_and_callables():
    for activation in (
        "leaky_relu",
        "LeakyReLU",
        activations.LeakyReLU,
        activations.LeakyReLU(),
        activations.leaky_relu,
    ):
        layer = layers.Dense(2, activation)
        assert layer.activation == activations.Activation("leaky_relu")
    assert layers.Dense(2).activation.name == "identity"
    assert layers.Dense(2, "linear").activation.name == "identity"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_penalties_enter_loss_and_gradients(dtype):
    dense = layers.Dense(
        1,
        kernel_regularizer=regularizers.L1L2(0.1, 0.2),
        bias_regularizer="l2",
        bias_initializer="ones",
    )
    model = models.Sequential([layers.Input((4,)), dense], dtype=dtype, seed=0)
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).standard_normal((9, 4)).astype(dtype)
    y = x[:, :1].copy()
    w, b = model.get_weights()
    oracle = reference.Network(
        [reference.Dense(w, b, "identity", kernel_l1=0.1, kernel_l2=0.2, bias_l2=0.01)], dtype
    )
    value, gradients = model.gradients(x, y)
    expected_value, expected = oracle.gradients(x, y, reference.Loss("mean_squared_error"))
    assert value == pytest.approx(expected_value, rel=reduction(dtype, 9))
    for got, want in zip(gradients, expected, strict=True):
        assert_close(got, want, reduction(dtype, 9))


def test_shapes_are_checked_when_a_layer_is_added():
    model = models.Sequential([layers.Input((6, 5))])
    with pytest.raises(ValueError, match=r"Dense\(3\) takes vectors.*\(None, 6, 5\).*Flatten"):
        model.add(layers.Dense(3))
    with pytest.raises(ValueError, match="softmax takes vectors"):
        model.add(layers.Activation("softmax"))
    assert model.layers == []
    model.add(layers.Activation("relu"))
    model.add(layers.Flatten())
    model.add(layers.Dense(3))
    assert model.output_shape == (None, 3)


def test_a_refused_layer_can_go_elsewhere():
    layer = layers.Dense(3)
    with pytest.raises(ValueError, match="Flatten"):
        models.Sequential([layers.Input((6, 5)), layer])
    assert layer.model is None
    assert layer.name is None
    models.Sequential([layers.Input((6,)), layer])
    assert layer.name == "dense"


@pytest.mark.parametrize(
    ("add", "error", "match"),
    [
        (lambda m: m.add(3), TypeError, "expected a layer such as"),
        (lambda m: m.add(layers.Dense), TypeError, "give an object, not its class"),
        (lambda m: m.add(layers.Input((3,))), ValueError, "must be the first layer"),
        (lambda m: m.add(m.layers[0]), ValueError, "is in a model already"),
        (lambda m: m.add(layers.Dense(2, name="dense")), ValueError, "names of layers must differ"),
    ],
)
def test_what_add_refuses(add, error, match):
    model = models.Sequential([layers.Input((4,)), layers.Dense(2)], seed=0)
    before = model.digest()
    with pytest.raises(error, match=match):
        add(model)
    assert model.digest() == before
    assert len(model.layers) == 1


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: layers.Dense(0), ValueError, "units must be an integer >= 1, got 0"),
        (lambda: layers.Dense(2.0), TypeError, "units must be an integer >= 1, got 2.0"),
        (lambda: layers.Dense(True), TypeError, "units"),
        (lambda: layers.Dense(10**30), ValueError, "units"),
        (lambda: layers.Dense(2, use_bias=0), TypeError, "use_bias must be True or False, got 0"),
        (lambda: layers.Dense(2, 3), TypeError, "activation must be a name"),
        (lambda: layers.Dense(2, name=""), TypeError, "name must be a non-empty string"),
        (lambda: layers.Dense(2, input_dim=3, input_shape=(3,)), ValueError, "both given"),
        (lambda: layers.Dense(2, kernel_regularizer=0.1), TypeError, "kernel_regularizer"),
        (lambda: layers.Input(()), ValueError, "at least one size"),
        (lambda: layers.Input((0,)), ValueError, "each size in shape"),
        (lambda: layers.Input("8"), TypeError, r"shape must be a tuple such as \(784,\), got '8'"),
        (lambda: layers.Input(None), TypeError, "shape must be a tuple"),
        (lambda: layers.Rescaling("big"), TypeError, "scale must be a finite number"),
        (lambda: layers.Rescaling(1, np.inf), ValueError, "offset must be a finite number"),
    ],
)
def test_settings_are_checked_when_a_layer_is_made(make, error, match):
    with pytest.raises(error, match=match):
        make()


def test_weights_of_a_layer_in_no_model():
    with pytest.raises(RuntimeError, match="is in no model yet"):
        _ = layers.Dense(2).kernel


def test_representations():
    assert repr(layers.Dense(3, "relu")) == "Dense(3, activation='relu')"
    assert repr(layers.Flatten()) == "Flatten()"
    assert repr(layers.Input((2, 3))) == "InputLayer(shape=(2, 3))"
