"""Sequential: the code of lecture B, building, weights, shapes and what it prints."""

import numpy as np
import pytest
from oracle.tolerances import assert_same_bits
from shallowcore import _stack, initializers, layers, models
from shallowcore.utils import to_categorical

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


# --- the code of lecture B ------------------------------------------------------------------------


def test_code_of_lecture_b_runs_as_it_is(capsys):
    rng = np.random.default_rng(0)
    train_images = rng.random((300, 784)).astype("float32")
    train_labels = to_categorical(rng.integers(0, 10, 300))

    network = models.Sequential()
    network.add(layers.Dense(512, activation="relu", input_shape=(784,)))
    network.add(layers.Dense(10, activation="softmax"))
    network.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["accuracy"])
    network.fit(train_images, train_labels, epochs=5, batch_size=128)
    test_loss, test_acc = network.evaluate(train_images, train_labels)
    network.summary()

    assert np.isfinite(test_loss)
    assert 0 <= test_acc <= 1
    printed = capsys.readouterr().out
    for text in (
        "Epoch 5/5",
        "dense (Dense)",
        "dense_1 (Dense)",
        "(None, 512)",
        "(None, 10)",
        "401,920",
        "5,130",
        "407,050",
    ):
        assert text in printed


# --- building -------------------------------------------------------------------------------------


def test_layers_lists_no_input_and_numbers_names():
    model = models.Sequential([layers.Input((4,)), layers.Dense(3), layers.Dense(2)])
    assert [layer.name for layer in model.layers] == ["dense", "dense_1"]
    model.add(layers.Activation("relu"))
    model.add(layers.Dense(1, name="last"))
    assert [layer.name for layer in model.layers] == ["dense", "dense_1", "activation", "last"]
    assert model.input_shape == (None, 4)
    assert model.output_shape == (None, 1)


@pytest.mark.parametrize(
    "first",
    [
        lambda: [layers.Input((4,)), layers.Dense(3)],
        lambda: [layers.Dense(3, input_shape=(4,))],
        lambda: [layers.Dense(3, input_dim=4)],
        lambda: [layers.Input(4), layers.Dense(3)],
    ],
)
def test_every_way_to_say_the_input_shape(first):
    model = models.Sequential([*first(), layers.Dense(2)], seed=0)
    assert model.built
    assert model.count_params() == 4 * 3 + 3 + 3 * 2 + 2
    assert [w.shape for w in model.get_weights()] == [(4, 3), (3,), (3, 2), (2,)]


def test_lazy_model_is_built_by_its_first_data():
    model = models.Sequential([layers.Dense(3), layers.Dense(2)], seed=0)
    assert not model.built
    with pytest.raises(RuntimeError, match="shape of its input is not known"):
        model.get_weights()
    assert model.predict(np.zeros((6, 4))).shape == (6, 2)
    assert model.built
    assert model.input_shape == (None, 4)


def test_build_takes_batch_shapes():
    model = models.Sequential([layers.Dense(3)])
    model.build((None, 4))
    assert model.layers[0].kernel.shape == (4, 3)
    model.build()
    with pytest.raises(ValueError, match=r"input_shape must be \(None, 4\)"):
        model.build((None, 5))


def test_lazy_and_eager_models_have_the_same_weights():
    eager = models.Sequential([layers.Input((4,)), layers.Dense(3), layers.Dense(2)], seed=5)
    lazy = models.Sequential([layers.Dense(3), layers.Dense(2)], seed=5)
    lazy.predict(np.zeros((1, 4)))
    for a, b in zip(eager.get_weights(), lazy.get_weights(), strict=True):
        assert_same_bits(a, b)


def test_add_and_pop_keep_the_weights_of_the_others():
    model = models.Sequential([layers.Input((4,)), layers.Dense(3), layers.Dense(2)], seed=0)
    before = model.get_weights()
    model.add(layers.Dense(5))
    assert_same_bits(model.get_weights()[2], before[2])
    assert model.output_shape == (None, 5)
    popped = model.pop()
    assert popped.units == 5
    assert popped.model is None
    for a, b in zip(model.get_weights(), before, strict=True):
        assert_same_bits(a, b)


def test_trained_weights_survive_add():
    model = classifier()
    x, labels = blobs()
    model.fit(x, labels, verbose=0)
    trained = model.get_weights()
    model.add(layers.Dense(2))
    for a, b in zip(model.get_weights(), trained, strict=False):
        assert_same_bits(a, b)


def test_a_network_of_another_thread_is_not_overwritten(monkeypatch):
    """`predict` that begins before the first `fit` and ends after it."""
    model, twin = classifier(), classifier()
    x, y = blobs()
    make = _stack.Stack.make_network
    begun = []

    def interrupted(self, *arguments):
        made = make(self, *arguments)
        if not begun:
            begun.append(True)
            model.fit(x, y, epochs=2, verbose=0)  # what the other thread does here
        return made

    monkeypatch.setattr(_stack.Stack, "make_network", interrupted)
    outputs = model.predict(x)
    twin.fit(x, y, epochs=2, verbose=0)
    assert model.digest() == twin.digest()
    assert_same_bits(outputs, twin.predict(x))


# --- weights --------------------------------------------------------------------------------------


def test_seed_fixes_initial_weights_parameter_by_parameter():
    model = models.Sequential([layers.Input((4,)), layers.Dense(3), layers.Dense(2)], seed=7)
    limits = [np.sqrt(6 / 7), None, np.sqrt(6 / 5), None]
    for index, (weights, limit) in enumerate(zip(model.get_weights(), limits, strict=True)):
        rng = np.random.Generator(np.random.Philox(key=[7, index]))
        shape = weights.shape
        expected = np.zeros(shape) if limit is None else rng.uniform(-limit, limit, shape)
        assert_same_bits(weights, expected.astype(np.float32))


def test_without_a_seed_models_differ_and_say_their_seed():
    first, second = (models.Sequential([layers.Input((4,)), layers.Dense(3)]) for _ in range(2))
    assert first.seed != second.seed
    again = models.Sequential([layers.Input((4,)), layers.Dense(3)], seed=first.seed)
    assert again.digest() == first.digest()


@pytest.mark.parametrize("dtype", DTYPES)
def test_kernel_and_bias_are_writable_views(dtype):
    model = classifier(dtype)
    layer = model.layers[0]
    assert layer.kernel.shape == (5, 7)
    assert layer.bias.shape == (7,)
    assert layer.kernel.dtype == dtype
    layer.kernel[...] = 0.0
    layer.bias[2] = 5.0
    assert not model.get_weights()[0].any()
    assert model.get_weights()[1][2] == 5.0
    assert model.layers[0].kernel is layer.kernel or np.shares_memory(
        model.layers[0].kernel, layer.kernel
    )


def test_views_outlive_the_model():
    model = classifier()
    view, copy = model.layers[0].kernel, model.layers[0].kernel.copy()
    del model
    assert_same_bits(view, copy)


def test_bias_is_none_without_one():
    model = models.Sequential([layers.Input((4,)), layers.Dense(3, use_bias=False)])
    assert model.layers[0].bias is None
    assert len(model.get_weights()) == 1
    assert model.count_params() == 12


def test_get_weights_gives_copies_and_set_weights_takes_lists():
    model = classifier()
    weights = model.get_weights()
    weights[0][...] = 9
    assert not (model.get_weights()[0] == 9).any()
    model.set_weights([w.tolist() for w in weights])
    assert (model.get_weights()[0] == 9).all()
    model.layers[1].set_weights([np.ones((7, 3)), np.zeros(3)])
    assert (model.layers[1].kernel == 1).all()
    assert (model.get_weights()[0] == 9).all()


def test_digest_follows_the_bits():
    model = classifier()
    before = model.digest()
    model.layers[0].kernel[0, 0] = np.nextafter(model.layers[0].kernel[0, 0], 2)
    assert model.digest() != before
    assert len(before) == 16


def test_initializers_of_all_kinds_reach_the_weights():
    values = np.arange(6.0).reshape(2, 3)
    stack = [
        layers.Input((2,)),
        layers.Dense(3, kernel_initializer=values, bias_initializer=initializers.Constant(2.5)),
        layers.Dense(1, kernel_initializer=lambda shape, rng: np.full(shape, 0.25)),
    ]
    w1, b1, w2, b2 = models.Sequential(stack, dtype="float64").get_weights()
    assert_same_bits(w1, values)
    assert (b1 == 2.5).all()
    assert (w2 == 0.25).all()
    assert (b2 == 0).all()


# --- what it prints -------------------------------------------------------------------------------


def test_summary_of_an_unbuilt_model_and_print_fn():
    lines = []
    models.Sequential([layers.Dense(3)], name="net").summary(print_fn=lines.append)
    assert 'Model: "net"' in lines[0]
    assert "unbuilt" in lines[0]


def test_repr_says_what_it_is():
    model = classifier("float32")
    assert repr(model) == "<Sequential 'sequential': 5 -> 7 tanh -> 3 softmax; 66 weights, float32>"
    assert repr(models.Sequential()) == "<Sequential 'sequential': no layers; float32>"


def test_plan_summary_after_fit_only():
    model = classifier()
    with pytest.raises(RuntimeError, match="in fit"):
        model.plan_summary()
    model.fit(*blobs(), verbose=0)
    assert "float64" in model.plan_summary()
