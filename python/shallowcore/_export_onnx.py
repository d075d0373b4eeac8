"""ONNX models: opset 13, standard operators only, one node or a few for each step.

Runtimes have fewer operators for float64, and attributes are float32 whatever the model's dtype:
float64 models use arithmetic where a float32 model has an operator of that name.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import shallowcore
from shallowcore._inference import Arithmetic, Inference, Product
from shallowcore._optional import import_optional
from shallowcore.activations import Activation

OPSET = 13
IR_VERSION = 7  # of the first release with that opset

_SELU_SCALE, _SELU_ALPHA = 1.0507009873554805, 1.6732632423543772

# Operators that exist for both dtypes, in ONNX and in runtimes.
_OPERATORS = {
    "exponential": "Exp",
    "log_softmax": "LogSoftmax",
    "relu": "Relu",
    "sigmoid": "Sigmoid",
    "softmax": "Softmax",
    "tanh": "Tanh",
}

# Operators for float32, with their attributes; the activation's one parameter is called alpha.
_FLOAT32_OPERATORS: dict[str, tuple[str, dict[str, float]]] = {
    "elu": ("Elu", {}),
    "hard_sigmoid": ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}),
    "leaky_relu": ("LeakyRelu", {}),
    "selu": ("Selu", {"alpha": _SELU_ALPHA, "gamma": _SELU_SCALE}),
    "softplus": ("Softplus", {}),
    "softsign": ("Softsign", {}),
}


def content(inference: Inference, name: str) -> bytes:
    """Return the bytes of the model's file."""
    onnx = import_optional("onnx", "exporting to ONNX")
    graph = _Graph(onnx, inference.dtype)
    value = "input"
    if len(inference.input_shape) > 1:
        value = graph.node("Flatten", value, axis=1)
    for step in inference.steps:
        value = graph.step(step, value)
    graph.node("Identity", value, output="output")
    make, kind = onnx.helper, graph.kind
    ends = [
        make.make_tensor_value_info("input", kind, ["n_samples", *inference.input_shape]),
        make.make_tensor_value_info("output", kind, ["n_samples", inference.n_outputs]),
    ]
    made = make.make_model(
        make.make_graph(graph.nodes, name, ends[:1], ends[1:], graph.constants),
        opset_imports=[make.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="shallowcore",
        producer_version=shallowcore.__version__,
    )
    onnx.checker.check_model(made, full_check=True)
    written: bytes = made.SerializeToString()
    return written


class _Graph:
    """Nodes and constants, each with a name of its own."""

    def __init__(self, onnx: Any, dtype: np.dtype[Any]) -> None:
        self._onnx, self._dtype = onnx, dtype
        self.kind = onnx.helper.np_dtype_to_tensor_dtype(dtype)
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def node(self, operator: str, *inputs: Any, output: str = "", **attributes: Any) -> str:
        """Append a node; inputs are names of values, or arrays and numbers.  Return its output."""
        names = [one if isinstance(one, str) else self._constant(one) for one in inputs]
        output = output or f"{operator.lower()}_{len(self.nodes)}"
        make = self._onnx.helper.make_node
        self.nodes.append(make(operator, names, [output], name=output, **attributes))
        return output

    def _constant(self, value: Any) -> str:
        name = f"constant_{len(self.constants)}"
        array = np.asarray(value, dtype=self._dtype)
        self.constants.append(self._onnx.numpy_helper.from_array(array, name))
        return name

    def step(self, step: Arithmetic | Product | Activation, x: str) -> str:
        """Append the nodes of a step."""
        if isinstance(step, Arithmetic):
            return self.node(step.operation.capitalize(), x, step.values)
        if isinstance(step, Activation):
            return self._activation(step, x)
        if step.bias is None:
            return self.node("MatMul", x, step.kernel)
        return self.node("Gemm", x, step.kernel, step.bias)

    def _activation(self, g: Activation, z: str) -> str:
        if g.name in _OPERATORS:
            rowwise: dict[str, Any] = {} if g.elementwise else {"axis": 1}
            return self.node(_OPERATORS[g.name], z, **rowwise)
        if g.name in _FLOAT32_OPERATORS and self._dtype == np.float32:
            operator, fixed = _FLOAT32_OPERATORS[g.name]
            attributes: dict[str, Any] = dict(fixed)
            for value in g.parameters.values():
                attributes["alpha"] = value
            return self.node(operator, z, **attributes)
        found: str = getattr(self, f"_{g.name}")(z, **g.parameters)
        return found

    # --- activations in arithmetic ----------------------------------------------------------------
    def _leaky_relu(self, z: str, negative_slope: float) -> str:
        below = self.node("Mul", self.node("Min", z, 0.0), negative_slope)
        return self.node("Add", self.node("Relu", z), below)

    def _elu(self, z: str, alpha: float) -> str:
        """max(z, 0) + alpha (e^min(z, 0) - 1)."""
        less_one = self.node("Sub", self.node("Exp", self.node("Min", z, 0.0)), 1.0)
        return self.node("Add", self.node("Relu", z), self.node("Mul", less_one, alpha))

    def _selu(self, z: str) -> str:
        return self.node("Mul", self._elu(z, _SELU_ALPHA), _SELU_SCALE)

    def _softplus(self, z: str) -> str:
        """max(z, 0) + ln(1 + e^-|z|)."""
        e = self.node("Exp", self.node("Neg", self.node("Abs", z)))
        return self.node("Add", self.node("Relu", z), self.node("Log", self.node("Add", e, 1.0)))

    def _softsign(self, z: str) -> str:
        return self.node("Div", z, self.node("Add", self.node("Abs", z), 1.0))

    def _hard_sigmoid(self, z: str) -> str:
        above = self.node("Max", self.node("Add", z, 3.0), 0.0)
        return self.node("Div", self.node("Min", above, 6.0), 6.0)

    def _silu(self, z: str) -> str:
        return self.node("Mul", z, self.node("Sigmoid", z))

    def _gelu(self, z: str, approximate: float) -> str:
        """Z (1 + erf(z / sqrt 2)) / 2, or with tanh(sqrt(2 / pi) (z + 0.044715 z^3)) for erf."""
        if approximate:
            cube = self.node("Mul", self.node("Mul", z, z), z)
            inner = self.node("Add", z, self.node("Mul", cube, 0.044715))
            gate = self.node("Tanh", self.node("Mul", inner, np.sqrt(2 / np.pi)))
        else:
            gate = self._erf(self.node("Mul", z, np.sqrt(0.5)))
        half = self.node("Mul", z, 0.5)
        return self.node("Mul", half, self.node("Add", gate, 1.0))

    def _erf(self, z: str) -> str:
        """In float32 whatever the dtype: ONNX Runtime does not have it for float64."""
        if self._dtype == np.float32:
            return self.node("Erf", z)
        single = self.node("Cast", z, to=self._onnx.TensorProto.FLOAT)
        return self.node("Cast", self.node("Erf", single), to=self.kind)
