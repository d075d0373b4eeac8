"""C headers: C99 that is C++, too; constants in decimal with all their digits.

Numbers are written by Python's format, which knows no locale: 9 digits of a float32 and 17 of a
float64 are read back as the same bits.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator

import numpy as np

import shallowcore
from shallowcore._inference import Arithmetic, Array, Inference, Product, Step
from shallowcore.activations import Activation

_DIGITS = {"float32": 9, "float64": 17}
_SIGNS = {"add": "+", "sub": "-", "mul": "*"}
_LINE = 100

# g(z): functions of <math.h> are written as fabs@, numbers as 1.0@, and parameters as {name}.
_FORMULAS = {
    "elu": "z > 0.0@ ? z : {alpha} * expm1@(z)",
    "exponential": "exp@(z)",
    "gelu": "0.5@ * z * erfc@(-0.70710678118654752@ * z)",
    "gelu_approximate": "0.5@ * z * (1.0@ + tanh@(0.79788456080286536@ * "
    "(z + 0.044715@ * z * z * z)))",
    "hard_sigmoid": "fmin@(fmax@(z + 3.0@, 0.0@), 6.0@) / 6.0@",
    "leaky_relu": "z > 0.0@ ? z : {negative_slope} * z",
    "relu": "z > 0.0@ ? z : 0.0@",
    "selu": "1.0507009873554805@ * (z > 0.0@ ? z : 1.6732632423543772@ * expm1@(z))",
    "sigmoid": "1.0@ / (1.0@ + exp@(-z))",
    "silu": "z / (1.0@ + exp@(-z))",
    "softplus": "fmax@(z, 0.0@) + log1p@(exp@(-fabs@(z)))",
    "softsign": "z / (1.0@ + fabs@(z))",
    "tanh": "tanh@(z)",
}

# Rows a of n numbers, in place.
_ROWS = {
    "softmax": """\
for (long i = 1; i < {n}; ++i) top = fmax@(top, a[i]);
for (long i = 0; i < {n}; ++i) sum += (a[i] = exp@(a[i] - top));
for (long i = 0; i < {n}; ++i) a[i] /= sum;
""",
    "log_softmax": """\
for (long i = 1; i < {n}; ++i) top = fmax@(top, a[i]);
for (long i = 0; i < {n}; ++i) sum += exp@(a[i] - top);
sum = log@(sum);
for (long i = 0; i < {n}; ++i) a[i] = a[i] - top - sum;
""",
}


def identifier(stem: str) -> str:
    """Return a name for C from that of a file: letters, digits and underscores."""
    name = re.sub(r"[^0-9A-Za-z]+", "_", stem).strip("_")
    return name if name and not name[0].isdigit() else f"net_{name}".rstrip("_")


def content(inference: Inference, stem: str, model_name: str) -> bytes:
    """Return the header's bytes."""
    writer = _Writer(identifier(stem), inference)
    body = "".join(writer.step(step) for step in inference.steps)
    return writer.header(body, model_name).encode("ascii")


class _Writer:
    """Constants and code of one header; values go from buffer to buffer."""

    def __init__(self, name: str, inference: Inference) -> None:
        self._name, self._inference = name, inference
        single = inference.dtype == np.float32
        self._type, self._suffix = ("float", "f") if single else ("double", "")
        self._digits = _DIGITS[inference.dtype.name]
        self._constants: list[str] = []
        self._width, self._widest = inference.n_inputs, inference.n_inputs

    # --- numbers ----------------------------------------------------------------------------------
    def _number(self, value: float) -> str:
        """A literal that reads back as the same bits."""
        text = f"{value:.{self._digits}g}"
        return text + ("" if set(text) & set(".e") else ".0") + self._suffix

    def _array(self, values: Array) -> str:
        """Append a constant array and return its name."""
        name = f"{self._name}_{len(self._constants)}"
        lines = _wrapped(map(self._number, values.ravel().tolist()))
        opening = f"static const {self._type} {name}[{values.size}] = {{"
        self._constants.append("\n".join([opening, *lines, "};\n"]))
        return name

    def _in_type(self, code: str) -> str:
        """Functions and literals of the type, where a formula has @."""
        return code.replace("@", self._suffix)

    # --- code -------------------------------------------------------------------------------------
    def _loop(self, n: int, statement: str) -> str:
        return f"  for (long i = 0; i < {n}; ++i) {statement}\n"

    def step(self, step: Step) -> str:
        """Return the code of a step on the values in `a`."""
        if isinstance(step, Arithmetic):
            scalar = step.values.ndim == 0
            values = self._number(step.values.item()) if scalar else self._array(step.values)
            at = "" if scalar else "[i]"
            return self._each(f"a[i] {_SIGNS[step.operation]}= {values}{at};")
        if isinstance(step, Product):
            return self._product(step)
        return self._activation(step)

    def _each(self, statement: str) -> str:
        """The loop over the values in `a`."""
        return f"  for (long i = 0; i < {self._width}; ++i) {statement}\n"

    def _product(self, step: Product) -> str:
        """B = a kernel + bias, then the buffers change places."""
        n_in, n_out = step.kernel.shape
        kernel = self._array(step.kernel)
        first = f"{self._number(0.0)}" if step.bias is None else f"{self._array(step.bias)}[j]"
        self._width, self._widest = n_out, max(self._widest, n_out)
        return (
            f"  for (long j = 0; j < {n_out}; ++j) b[j] = {first};\n"
            f"  for (long i = 0; i < {n_in}; ++i) {{\n"
            f"    for (long j = 0; j < {n_out}; ++j) b[j] += a[i] * {kernel}[i * {n_out} + j];\n"
            "  }\n"
            f"  {{ {self._type} *t = a; a = b; b = t; }}\n"
        )

    def _activation(self, g: Activation) -> str:
        """The activation in a block of its own, in place."""
        if not g.elementwise:
            declared = f"{self._type} top = a[0], sum = 0.0@;\n"
            code = declared + _ROWS[g.name].replace("{n}", str(self._width))
            return "  {\n" + textwrap.indent(self._in_type(code), "    ") + "  }\n"
        name = "gelu_approximate" if g.parameters.get("approximate") else g.name
        dtype = self._inference.dtype
        parameters = {k: self._number(dtype.type(v).item()) for k, v in g.parameters.items()}
        formula = self._in_type(_FORMULAS[name]).format(**parameters)
        statement = f"{{ const {self._type} z = a[i]; a[i] = {formula}; }}"
        return self._each(statement)

    def header(self, body: str, model_name: str) -> str:
        """Return the whole file."""
        inference, name, kind = self._inference, self._name, self._type
        upper = name.upper()
        shown = re.sub(r"[^ -~]|[*/\\?]", "_", model_name)
        n_in, n_out = inference.n_inputs, inference.n_outputs
        stack = 2 * self._widest * inference.dtype.itemsize
        return f"""\
/* Network "{shown}", written by shallowcore {shallowcore.__version__}.

   {name}_predict(x, out) computes the outputs of one sample:
     x    {n_in} numbers{self._shape()}
     out  {n_out} numbers; may be x
   It keeps {stack} bytes on the stack and no state: any number of threads may call it. */
#ifndef {upper}_H
#define {upper}_H

#include <math.h>

#define {upper}_N_INPUTS {n_in}
#define {upper}_N_OUTPUTS {n_out}

{"".join(self._constants)}
static inline void {name}_predict(const {kind} *x, {kind} *out)
{{
  {kind} buffer_a[{self._widest}], buffer_b[{self._widest}];
  {kind} *a = buffer_a, *b = buffer_b;
  (void)b;
  for (long i = 0; i < {n_in}; ++i) a[i] = x[i];
{body}  for (long i = 0; i < {n_out}; ++i) out[i] = a[i];
}}

#endif
"""

    def _shape(self) -> str:
        shape = self._inference.input_shape
        return "" if len(shape) == 1 else f", {' x '.join(map(str, shape))} in C order"


def _wrapped(words: Iterable[str]) -> Iterator[str]:
    """Lines of words with commas between them."""
    line = ""
    for word in words:
        if len(line) + len(word) + 3 > _LINE:
            yield line
            line = ""
        line += f"{' ' if line else '  '}{word},"
    yield line.removesuffix(",")
