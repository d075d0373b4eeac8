"""How far exports are from the models they were made of: random models, random inputs.

    python -m bench.exports [--models 200] [--seed 0]

Of every model: ONNX in ONNX Runtime, the C header compiled by this machine's compiler as C99 and
as C++ with warnings as errors, and a safetensors file loaded again.  A difference is the largest
of a model's outputs from `predict`, divided by the largest output.
"""

import argparse
import ctypes
import itertools
import shlex
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from shallowcore import activations, layers, models, optimizers

ELEMENTWISE = ["linear", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "selu", "gelu", "silu"]
ELEMENTWISE += ["softplus", "softsign", "hard_sigmoid", "exponential"]
ROWWISE = ["softmax", "log_softmax"]
PARAMETERS = {
    "leaky_relu": {"negative_slope": (0.0, 0.5)},
    "elu": {"alpha": (0.1, 2.0)},
}
# What exports may differ by, of the largest output.
TOLERANCE = {"float32": 1e-6, "float64": 1e-12}
# ONNX Runtime has erf in float32 only.
GELU_TOLERANCE = 1e-6


def activation(rng: np.random.Generator, name: str) -> activations.Activation:
    """The activation, its parameters drawn."""
    ranges = PARAMETERS.get(name, {})
    given = {key: float(rng.uniform(*bounds)) for key, bounds in ranges.items()}
    if name == "gelu":
        given["approximate"] = float(rng.integers(2))
    return activations.Activation(name, **given)


def random_model(rng: np.random.Generator, number: int) -> tuple[models.Sequential, Any]:
    """A model and the inputs that suit it; model `number` has activation number % 15."""
    names = [*ELEMENTWISE, *ROWWISE]
    wanted = names[number % len(names)]
    shape = (int(rng.integers(1, 40)),) if rng.random() < 0.7 else (int(rng.integers(1, 7)), 5)
    stack: list[layers.Layer] = [layers.Input(shape)]
    x = rng.normal(size=(64, *shape))
    if rng.random() < 0.4:  # pixels
        x = rng.integers(0, 256, size=x.shape).astype(np.float64)
        stack.append(layers.Rescaling(1 / 127.5, -1.0))
    if rng.random() < 0.4:
        x = x * rng.uniform(0.5, 2.0, shape) + rng.normal(0.0, 1000.0, shape)
        seen = x.astype(np.float32) / 127.5 - 1.0 if len(stack) > 1 else x.astype(np.float32)
        normalization = layers.Normalization(axis=tuple(range(1, len(shape) + 1)))
        normalization.adapt(seen.astype(np.float64))
        stack.append(normalization)
    elif len(stack) > 1 and rng.random() < 0.3:
        stack.append(layers.Activation("tanh"))
    if len(shape) > 1:
        stack.append(layers.Flatten())
    for _ in range(int(rng.integers(0, 3))):
        g = activation(rng, str(rng.choice(ELEMENTWISE[:-1])))  # e^e^z is beyond all numbers soon
        stack.append(layers.Dense(int(rng.integers(1, 60)), g, use_bias=rng.random() < 0.8))
        stack.append(layers.Dropout(0.5))
    hidden = activation(rng, wanted)
    fused = rng.random() < 0.5
    stack.append(layers.Dense(int(rng.integers(1, 30)), hidden if fused else None))
    if not fused:
        stack.append(layers.Activation(hidden))
    scaled = rng.random() < 0.4
    if scaled:
        stack.append(layers.Dense(int(rng.integers(1, 5))))
    dtype = str(rng.choice(["float32", "float64"]))
    model = models.Sequential(stack, dtype=dtype, seed=number)
    model.build()
    if scaled:
        # A step that finds the scaling and changes next to nothing.
        model.compile(optimizers.SGD(1e-12), "mse", standardize_targets=True)
        n_outputs = model.output_shape[1] or 0
        model.fit(x, rng.normal(50.0, 20.0, (64, n_outputs)), epochs=1, verbose=0)
    else:
        trained = [layer for layer in model.layers if isinstance(layer, layers.Dense)]
        for layer in trained:
            if layer.bias is not None:
                layer.bias[...] = rng.normal(0.0, 0.3, layer.bias.shape)
    return model, x.astype(dtype)


# --- the three ways -------------------------------------------------------------------------------
def onnx_outputs(model: models.Sequential, x: Any, folder: Path) -> Any:
    """Outputs of ONNX Runtime on the exported model, all samples and the first one alone."""
    import onnxruntime

    path = folder / "net.onnx"
    model.export(path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (outputs,) = session.run(["output"], {"input": x})
    (first,) = session.run(["output"], {"input": x[:1]})
    assert first.shape == (1, *outputs.shape[1:])
    return outputs


def compilers() -> tuple[list[str], list[str]]:
    """Commands of this machine's C and C++ compilers; FileNotFoundError where there is none."""
    found = []
    for variable, others in (("CC", ["cc", "gcc", "clang"]), ("CXX", ["c++", "g++", "clang++"])):
        stated = shlex.split(sysconfig.get_config_var(variable) or "")[:1]
        paths = [path for name in [*stated, *others] if (path := shutil.which(name))]
        if not paths:
            raise FileNotFoundError(f"no compiler: none of {[*stated, *others]} is there")
        found.append([paths[0]])
    return found[0], found[1]


_NUMBERS = itertools.count()

STRICT = ["-Wall", "-Wextra", "-Werror", "-pedantic", "-O1", "-shared", "-fPIC"]
SHIM = """#include "{stem}.h"
#ifdef __cplusplus
extern "C"
#endif
void predict(const {kind} *x, {kind} *out, long n);
void predict(const {kind} *x, {kind} *out, long n) {{
  for (long i = 0; i < n; ++i)
    {name}_predict(x + i * {upper}_N_INPUTS, out + i * {upper}_N_OUTPUTS);
}}
"""


def header_outputs(
    model: models.Sequential, x: Any, folder: Path, language: str = "c", stem: str = "net"
) -> Any:
    """Outputs of the exported header, compiled as C99 or as C++."""
    from shallowcore._export_c import identifier

    model.export(folder / f"{stem}.h")
    name, kind = identifier(stem), "float" if model.dtype == "float32" else "double"
    source, library = folder / f"shim.{language}", folder / f"shim_{language}.so"
    source.write_text(SHIM.format(stem=stem, name=name, upper=name.upper(), kind=kind))
    c, cpp = compilers()
    command = [*c, "-std=c99"] if language == "c" else [*cpp, "-std=c++11"]
    run = [*command, *STRICT, str(source), "-o", str(library), "-lm"]
    subprocess.run(run, check=True, cwd=folder)
    outputs = np.full((len(x), model.output_shape[1] or 0), np.nan, dtype=model.dtype)
    # Of a name that was loaded before, the system would give the library of that time.
    loaded = library.rename(folder / f"{library.stem}_{next(_NUMBERS)}.so")
    rows = np.ascontiguousarray(x)
    pointer = ctypes.c_void_p
    predict = ctypes.CDLL(str(loaded)).predict
    predict(pointer(rows.ctypes.data), pointer(outputs.ctypes.data), ctypes.c_long(len(x)))
    return outputs


def loaded_outputs(model: models.Sequential, x: Any, folder: Path) -> Any:
    """Outputs of the model that comes back from a file."""
    model.save(folder / "net.safetensors")
    return models.load_model(folder / "net.safetensors").predict(x)


def difference(outputs: Any, expected: Any) -> float:
    """Largest difference, of the largest output."""
    assert outputs.shape == expected.shape
    assert outputs.dtype == expected.dtype
    assert np.isfinite(outputs).all()
    top = float(np.abs(outputs.astype(np.float64) - expected).max())
    return top / max(float(np.abs(expected).max()), float(np.finfo(expected.dtype).tiny))


def has_erf(model: models.Sequential) -> bool:
    """Whether a gelu that is not approximate is there."""
    found = [getattr(layer, "activation", None) for layer in model.layers]
    return any(g == activations.Activation("gelu") for g in found)


def differences(model: models.Sequential, x: Any, folder: Path) -> dict[str, float]:
    """Difference of each export, and of the file."""
    expected = model.predict(x)
    return {
        "onnx": difference(onnx_outputs(model, x, folder), expected),
        "c": difference(header_outputs(model, x, folder), expected),
        "c++": difference(header_outputs(model, x, folder, "cpp"), expected),
        "safetensors": difference(loaded_outputs(model, x, folder), expected),
    }


def allowed(model: models.Sequential, way: str) -> float:
    """Largest difference that a way may have."""
    if way == "safetensors":
        return 0.0
    return GELU_TOLERANCE if way == "onnx" and has_erf(model) else TOLERANCE[model.dtype]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the worst difference of each way and dtype; 1 if one is beyond what is allowed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--models", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    worst: dict[tuple[str, str], float] = {}
    bad = 0
    for number in range(options.models):
        model, x = random_model(np.random.default_rng([options.seed, number]), number)
        with tempfile.TemporaryDirectory() as folder:
            found = differences(model, x, Path(folder))
        for way, value in found.items():
            erf = " (gelu)" if way == "onnx" and has_erf(model) else ""
            key = (way, model.dtype + erf)
            worst[key] = max(worst.get(key, 0.0), value)
            if value > allowed(model, way):
                bad += 1
                print(f"model {number}, {way}, {model.dtype}: {value:.2g}; {model!r}")
    print(f"{options.models} models, worst difference of the largest output:")
    for (way, kind), value in sorted(worst.items()):
        print(f"  {way:12} {kind:16} {value:.2g}")
    return 1 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
