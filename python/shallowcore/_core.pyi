"""The native core: what cpp/bind gives to Python.

Arrays come in ready: the public layer has checked ranks, widths, dtypes and finiteness and has made
the one conversion that may be needed.  The core checks shapes again and raises ValueError.
Nothing here copies an input unless it says so; the GIL is released while the core computes.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.floating[Any]]
Numbers: TypeAlias = NDArray[Any]

# --- configuration ------------------------------------------------------------------------------

def isa() -> str:
    """Instruction set in use: "baseline", "avx2", "avx512" or "neon"."""

def compiled_isas() -> list[str]:
    """Instruction sets compiled in, worst first."""

def supported_isas() -> list[str]:
    """Those of compiled_isas() that this machine can run."""

def plan_names() -> list[str]:
    """Plans of trainings, in the order in which they are considered."""

def blas() -> str:
    """BLAS the core was built with, "none" where it uses its own kernels only."""

def openmp() -> str:
    """OpenMP version the core was built with ("201511", ...), "none" for a serial core."""

def compiler() -> str:
    """Compiler and its version."""

def num_threads() -> int:
    """Threads that work may be spread over."""

def set_num_threads(n: int) -> None:
    """Set them; n >= 1."""

def available_cpus() -> int:
    """Processors this process may use: affinity mask and container quota considered."""

# --- what the core knows by name ------------------------------------------------------------------

class ActivationInfo:
    @property
    def name(self) -> str: ...
    @property
    def parameters(self) -> dict[str, float]:
        """Names and defaults, in order."""
    @property
    def formula(self) -> str: ...
    @property
    def elementwise(self) -> bool:
        """False for softmax and log_softmax, which work on whole rows."""

class LossInfo:
    @property
    def name(self) -> str: ...
    @property
    def formula(self) -> str: ...
    @property
    def integer_labels(self) -> bool:
        """True for sparse_categorical_crossentropy: y is (n_samples,) int32."""
    @property
    def has_logits(self) -> bool: ...
    @property
    def has_label_smoothing(self) -> bool: ...

class OptimizerInfo:
    @property
    def name(self) -> str: ...
    @property
    def parameters(self) -> dict[str, float]: ...
    @property
    def formula(self) -> str: ...
    @property
    def full_batch(self) -> bool:
        """True for second-order methods, which always use all samples in a step."""

def activation_table() -> list[ActivationInfo]: ...
def loss_table() -> list[LossInfo]: ...
def optimizer_table() -> list[OptimizerInfo]: ...

# --- kernels in the open --------------------------------------------------------------------------
# Arrays come as the caller gave them: what is an ndarray, aligned and not empty, of float32 or of
# float64 as all of one call are, finite, and fits the others, is read in place.  None, and nothing
# done, for anything else.  An activation may be a name as the table has it.

class Activation:
    def __init__(self, name: str, parameters: Mapping[str, float] = ...) -> None: ...

class Loss:
    def __init__(
        self,
        name: str,
        *,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        scale: float = 1.0,
    ) -> None: ...

def dense(x: Any, w: Any, b: Any, activation: Any) -> Floats | None:
    """Inputs and kernel 2-D of any strides, bias (n_outputs,) contiguous or None."""

def dense_grad(
    x: Any, w: Any, dz: Any, need_dx: bool
) -> tuple[Floats | None, Floats, Floats] | None:
    """2-D arrays of any strides."""

def activation(z: Any, activation: Any) -> Floats | None:
    """z: C-contiguous; softmax and log_softmax act on the last axis."""

def activation_grad(z: Any, activation: Any) -> Floats | None:
    """The same; None for softmax and log_softmax too."""

def loss(
    loss: Loss,
    y_true: Any,
    y_pred: Any,
    sample_weight: Any,
    limits: tuple[float, float, float, float],
) -> tuple[float, Floats] | None:
    """Value and gradient.

    All C-contiguous: y_pred (n_samples, n_outputs) or (n_samples,), y_true like it or int32 or
    int64 labels, sample_weight (n_samples,) or None.  Limits: the least and the greatest target,
    the least and the greatest prediction.
    """

def all_finite(x: Floats) -> bool:
    """True where a 1-D or 2-D array of any strides holds neither NaN nor infinity."""

def permutation(n: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """The order in which epoch `epoch` of a shuffled training visits its n samples."""

# --- networks -------------------------------------------------------------------------------------

class Layer:
    @staticmethod
    def dense(
        units: int,
        *,
        use_bias: bool = True,
        activation: Activation = ...,
        kernel_l1: float = 0.0,
        kernel_l2: float = 0.0,
        bias_l1: float = 0.0,
        bias_l2: float = 0.0,
    ) -> Layer: ...
    @staticmethod
    def activation(activation: Activation) -> Layer: ...
    @staticmethod
    def rescaling(scale: float, offset: float) -> Layer: ...

class Dataset:
    """Borrowed arrays, kept alive; only labels are copied, and what is not aligned.

    x: 2-D, any strides, float32/float64/bool/(u)int8..64; y: (n, n_outputs) C-contiguous of the
    network's dtype, or (n,) int32 labels, or None for prediction; sample_weight: (n,) contiguous of
    the network's dtype or None.
    """

    def __init__(
        self, x: Numbers, y: Numbers | None = None, sample_weight: Floats | None = None
    ) -> None: ...

class Network:
    """Layer shapes and parameters of one dtype, "float32" or "float64"; zeros at first."""

    def __init__(self, n_features: int, layers: Sequence[Layer], dtype: str) -> None: ...
    @property
    def n_features(self) -> int: ...
    @property
    def n_outputs(self) -> int: ...
    @property
    def dtype(self) -> str: ...
    def parameters(self) -> list[Floats]:
        """Writable views [kernel1, bias1, ...] on the core's memory; kernels are (n_in, n_out)."""
    def predict(self, data: Dataset) -> Floats: ...
    def predict_plain(self, x: Any) -> Floats | None:
        """The same for an array (n_samples, n_features) of the dtype, contiguous and finite.

        None for anything else.
        """
    def evaluate(self, data: Dataset, loss: Loss, metrics: Sequence[str]) -> list[float]:
        """[loss with penalties, metric, ...]; metrics: "accuracy", "mse", "mae"."""
    def gradients(self, data: Dataset, loss: Loss) -> tuple[float, list[Floats]]:
        """Loss (penalties included) of the whole data as one batch, and its gradients."""
    def digest(self) -> str:
        """Hash of the parameters' bits, 16 hex digits."""

class Optimizer:
    """Hyperparameters and state for one network."""

    def __init__(self, network: Network, name: str, parameters: Mapping[str, float]) -> None: ...
    @property
    def iterations(self) -> int: ...
    def get(self, parameter: str) -> float: ...
    def set(self, parameter: str, value: float) -> None: ...
    def clear(self) -> None:
        """State to zero, iterations to 0."""

class Trainer:
    """One call to fit: resumable, returns by the clock.

    Keeps network, optimizer and datasets alive.  One trainer at a time may run on a network.
    """

    def __init__(
        self,
        network: Network,
        optimizer: Optimizer,
        loss: Loss,
        metrics: Sequence[str],
        data: Dataset,
        validation: Dataset | None = None,
        *,
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int = 0,
        epoch_counter: int = 0,
        epochs: int = 1,
        by_weight: bool = False,
    ) -> None:
        """by_weight: means are over the weights of a batch, and penalties divided by them."""
    def run(self, until_epoch: int, seconds: float) -> bool:
        """Train until `until_epoch` epochs of this trainer are done, or for about `seconds`.

        True once there is nothing left to do: epochs done, converged, or diverged.
        """
    @property
    def epoch(self) -> int:
        """Whole epochs done."""
    @property
    def batch(self) -> int:
        """Batches done in the epoch under way."""
    @property
    def n_batches(self) -> int: ...
    @property
    def epoch_counter(self) -> int:
        """Value to hand to the next trainer: epochs ever started."""
    @property
    def running(self) -> list[float]:
        """Loss and metrics over the batches of the epoch under way so far."""
    def history(self, first: int = 0) -> dict[str, list[float]]:
        """Per finished epoch from `first` on: "loss", metrics, "val_..." with validation data."""
    @property
    def stop_reason(self) -> str:
        """Empty unless something ended it: "converged", "diverged" or "line search failed"."""
    @property
    def gradient_norm(self) -> float:
        """Of the last iteration of a full-batch solver; NaN otherwise."""
    def plan_summary(self) -> str:
        """What the plan chose and why, for people."""

class Stepper:
    """Steps on whole batches, one a call; keeps its trainer while the shapes stay the same.

    Targets must lie in [low, high].  Keeps network and optimizer alive.
    """

    def __init__(
        self,
        network: Network,
        optimizer: Optimizer,
        loss: Loss,
        metrics: Sequence[str],
        low: float,
        high: float,
    ) -> None: ...
    def step(self, x: Any, y: Any) -> list[float] | None:
        """[loss, metric, ...] before the step, [] if it diverged.

        None, and nothing done, unless x and y are arrays of the dtype, (n, width), contiguous,
        finite and in range, and the step is short; labels and full-batch methods never are.
        """
