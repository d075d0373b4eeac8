"""The native core: what cpp/bind gives to Python.

Arrays come in ready: the public layer has checked and converted them; shapes are checked again.
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
    @property
    def link(self) -> str | None:
        """Activation whose outputs' loss is computed from logits."""
    @property
    def parameters(self) -> dict[str, float]: ...
    @property
    def by_output(self) -> bool:
        """Whether a parameter may have a value for each output."""

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

class ScheduleInfo:
    @property
    def name(self) -> str: ...
    @property
    def formula(self) -> str: ...
    @property
    def parameters(self) -> dict[str, float]:
        """NaN where there is no default."""
    @property
    def has_steps(self) -> bool:
        """True for piecewise_constant_decay, which has boundaries and values."""

def activation_table() -> list[ActivationInfo]: ...
def loss_table() -> list[LossInfo]: ...
def optimizer_table() -> list[OptimizerInfo]: ...
def schedule_table() -> list[ScheduleInfo]: ...

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
        parameters: Mapping[str, Sequence[float]] = ...,
    ) -> None: ...

class Schedule:
    """A learning rate that depends on the number of the step."""

    def __init__(
        self,
        name: str,
        parameters: Mapping[str, float] = ...,
        boundaries: Sequence[float] = ...,
        values: Sequence[float] = ...,
    ) -> None: ...
    def __call__(self, step: int) -> float: ...

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

def all_finite(x: Floats, mapped: bool = False) -> bool:
    """True where a 1-D or 2-D array, or a mapped file, holds neither NaN nor infinity."""

def permutation(n: int, seed: int, epoch: int, block: int | None = None) -> NDArray[np.int64]:
    """The order in which epoch `epoch` of a shuffled training visits its n samples.

    With `block`: blocks of so many rows in random order, then the rows of each.
    """

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
    @staticmethod
    def normalization(means: Sequence[float], factors: Sequence[float]) -> Layer:
        """(x - means) * factors, one of each for every feature; before all but rescalings."""
    @staticmethod
    def dropout(rate: float, seed: int) -> Layer: ...

def column_moments(
    x: Numbers, mapped: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and variance (of all rows) of each column of a 2-D array, or a mapped file."""

class Dataset:
    """Borrowed arrays, kept alive; only labels are copied, and what is not aligned.

    x: 2-D, any strides, float32/float64/bool/(u)int8..64, or scipy's CSR of the network's dtype,
    whose indices are copied; y: (n, n_outputs) C-contiguous of the network's dtype, or (n,) int32
    labels, or None for prediction; sample_weight: (n,) contiguous of the network's dtype or None.
    mapped: x is a file mapping, read-only or shared; pages that were read are given back.
    """

    def __init__(
        self,
        x: Any,
        y: Numbers | None = None,
        sample_weight: Floats | None = None,
        mapped: bool = False,
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
    def normalize_inputs(self, means: Sequence[float], factors: Sequence[float]) -> None:
        """New figures for the network's normalization; RuntimeError while it is trained."""
    def scale_outputs(self, factors: Sequence[float], offsets: Sequence[float]) -> None:
        """Predictions are outputs * factors + offsets, errors in metrics errors * factors.

        Losses and gradients are of the outputs themselves.  Empty: no scaling.
        """
    def predict(self, data: Dataset) -> Floats: ...
    def predict_plain(self, x: Any) -> Floats | None:
        """The same for an array of the dtype, contiguous and finite; None for anything else."""
    def evaluate(self, data: Dataset, loss: Loss, metrics: Sequence[str]) -> list[float]:
        """[loss with penalties, metric, ...]; metrics: "accuracy", "mse", "mae"."""
    def gradients(self, data: Dataset, loss: Loss) -> tuple[float, list[Floats]]:
        """Loss (penalties included) of the whole data as one batch, and its gradients."""
    def unit_ranges(self, data: Dataset) -> list[tuple[bool, str, Floats, Floats]]:
        """(whether a layer of units, activation, least, greatest output of each unit) per stage."""
    def digest(self) -> str:
        """Hash of the parameters' bits, 16 hex digits."""

class Optimizer:
    """Hyperparameters and state for one network."""

    def __init__(self, network: Network, name: str, parameters: Mapping[str, float]) -> None: ...
    @property
    def iterations(self) -> int: ...
    def get(self, parameter: str) -> float: ...
    def set(self, parameter: str, value: float) -> None: ...
    def set_schedule(self, schedule: Schedule | None) -> None:
        """The learning rate goes by the number of the step, or by its parameter again."""
    def clear(self) -> None:
        """State to zero, iterations to 0."""
    def state(
        self, network: Network
    ) -> tuple[int, list[list[Floats]], dict[str, NDArray[np.float64]]]:
        """Iterations, state vectors shaped as network.parameters(), notes of plans; copies.

        RuntimeError while a trainer is within an epoch.
        """
    def resume(
        self,
        network: Network,
        iterations: int,
        slots: Sequence[Sequence[Floats]],
        notes: Mapping[str, Sequence[float] | NDArray[np.float64]],
    ) -> None:
        """Go on from what state() returned, for a network of the same shapes."""

class StopRule:
    """When to stop early: Keras' rules of EarlyStopping on a column of the history."""

    def __init__(
        self,
        monitor: str,
        *,
        maximize: bool,
        min_delta: float,
        patience: int,
        baseline: float | None,
        restore_best: bool,
        start_from_epoch: int,
    ) -> None: ...

class Trainer:
    """One call to fit: resumable, returns by the clock.

    `fed`: `data` is the first batch of those that feed() brings, and batch_size its size.
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
        shuffle_blocks: bool = False,
        fed: bool = False,
        seed: int = 0,
        epoch_counter: int = 0,
        epochs: int = 1,
        by_weight: bool = False,
    ) -> None:
        """by_weight: means are over the weights of a batch, and penalties divided by them."""
    def run(self, until_epoch: int, seconds: float, batches: int = -1) -> bool:
        """Train until `until_epoch` epochs of this trainer are done, or for about `seconds`.

        With `batches` >= 0 for so many at most, with the weights at their place afterwards and the
        end of the epoch left to the next call.  True once there is nothing left to do: epochs
        done, converged, diverged, or stopped early.
        """
    def pause(self) -> None:
        """Hand weights and optimizer state back as of the last step, also within an epoch."""
    def feed(self, batch: Dataset, publish: bool = False) -> None:
        """Do one step on a batch of the first one's types; for a trainer made with `fed`.

        The weights come to their place at the end of the epoch, or at once with `publish`.
        """
    def feed_plain(self, x: Any, y: Any, low: float, high: float, publish: bool = False) -> bool:
        """The same for plain arrays, targets in [low, high]; False, and nothing, for others."""
    def end_epoch(self) -> None:
        """End the epoch under way, if there is one, as if it had no more batches."""
    def leave(self) -> None:
        """Put the weights of the last whole step, if they are finite, into the network."""
    def watch(self, rules: Sequence[StopRule], initial_epoch: int) -> None:
        """Stop early by these rules; the first epoch has index `initial_epoch`."""
    def watch_state(self, index: int) -> dict[str, Any]:
        """What a rule has seen: "best", "best_epoch", "stopped_epoch", "wait", "best_weights"."""
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
        """Per finished epoch from `first` on: "loss", metrics, "val_..." with validation data.

        And "lr" for first-order methods: the learning rate of the next step.
        """
    @property
    def stop_reason(self) -> str:
        """Empty unless something ended it: "converged", "diverged", "early stopping", ..."""
    @property
    def gradient_norm(self) -> float:
        """Of the last iteration of a full-batch solver; NaN otherwise."""
    def plan_summary(self) -> str:
        """What the plan chose and why, for people."""

class Stepper:
    """Steps on whole batches, one a call; targets must lie in [low, high]."""

    def __init__(
        self,
        network: Network,
        optimizer: Optimizer,
        loss: Loss,
        metrics: Sequence[str],
        takes_labels: bool,
        low: float,
        high: float,
    ) -> None: ...
    def step(self, x: Any, y: Any) -> list[float] | None:
        """[loss, metric, ...] before the step, [] if it diverged.

        None, and nothing done, unless x and y are arrays of the dtype, (n, width), contiguous,
        finite and in range (y: or whole numbers), and the step is short.
        """

class Exclusive:  # a context of one thread at a time: RuntimeError for any other
    def nested(self) -> bool: ...  # entered again by the thread that has it
    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...
