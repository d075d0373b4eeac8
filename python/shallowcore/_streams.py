"""Samples that come batch by batch: iterables of (x, y) and of (x, y, sample_weight).

An object that can be indexed (a list, Keras' Sequence) or iterated again gives the same number of
batches every epoch; an iterator goes on where the last epoch stopped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from shallowcore import _core
from shallowcore._checks import check_int

_ARRAY_WAYS = ("__array__", "__array_interface__", "__dlpack__", "to_numpy", "toarray")
_NO_STREAMS = (str, bytes, bytearray, memoryview, dict, set, range)


def is_stream(value: Any) -> bool:
    """Whether a value is iterable, and no array nor anything that shows itself as one."""
    if isinstance(value, _NO_STREAMS) or any(hasattr(value, way) for way in _ARRAY_WAYS):
        return False
    return hasattr(value, "__iter__") or _can_index(value)


def is_stream_of_inputs(value: Any) -> bool:
    """The same where batches are arrays x: a list of numbers or of single samples is an array."""
    if not is_stream(value):
        return False
    if not isinstance(value, Sequence):
        return True
    first = value[0] if len(value) else None
    return isinstance(first, np.ndarray) and first.ndim > 1


def is_stream_of_pairs(value: Any) -> bool:
    """The same where one batch may stand for all: a tuple or list that is no list of tuples."""
    if not isinstance(value, Sequence) or isinstance(value, _NO_STREAMS):
        return is_stream(value)
    return not isinstance(value, tuple) and len(value) > 0 and isinstance(value[0], tuple)


def _can_index(value: Any) -> bool:
    return hasattr(value, "__getitem__") and hasattr(value, "__len__")


class Stream:
    """The batches of one iterable, epoch after epoch.

    `shuffle` changes the order of the batches of what can be indexed; everything else comes as it
    does.  With `steps` an epoch has so many batches; those of the next go on from there, and start
    again at the end where they can.
    """

    def __init__(
        self,
        source: Any,
        argument: str,
        steps: Any = None,
        steps_name: str = "steps_per_epoch",
        shuffle: bool = False,
        seed: int = 0,
    ) -> None:
        if not is_stream(source):
            raise TypeError(
                f"{argument} must be arrays or an iterable of batches, got {type(source).__name__}"
            )
        if hasattr(source, "__len__") and len(source) == 0:
            raise without_batches(argument)
        self.argument = argument
        self._source = source
        self._steps = None if steps is None else check_int(steps, steps_name, 1)
        self._indexed = _can_index(source)
        self._shuffle = shuffle and self._indexed
        self._seed = seed
        self._once = not self._indexed and iter(source) is source
        self._passes = 0
        self._going: Iterator[Any] | None = None

    @property
    def n_batches(self) -> int | None:
        """Batches of an epoch, None where nobody can tell."""
        if self._steps is not None:
            return self._steps
        return len(self._source) if hasattr(self._source, "__len__") else None

    def epoch(self, epoch: int) -> Iterator[Any]:
        """Batches of one epoch; `epoch` fixes their order."""
        self._tell("on_epoch_begin")
        if self._steps is None:
            yield from self._new_pass(epoch)
        else:
            for _ in range(self._steps):
                batch = self._next(epoch)
                if batch is None:
                    return
                yield batch
        self._tell("on_epoch_end")

    def _next(self, epoch: int) -> Any:
        """Return the next batch of a source that goes on from epoch to epoch; None at its end."""
        for _ in range(2):
            if self._going is None:
                self._going = iter(self._new_pass(epoch + self._passes))
                self._passes += 1
            batch = next(self._going, None)
            if batch is not None or self._once:
                return batch
            self._going = None
        return None

    def _new_pass(self, epoch: int) -> Iterator[Any]:
        """All batches once more."""
        if not self._indexed:
            yield from self._source
            return
        n = len(self._source)
        order = _core.permutation(n, self._seed, epoch) if self._shuffle else range(n)
        for i in order:
            yield self._source[int(i)]

    def _tell(self, hook: str) -> None:
        """Keras' Sequence may want to know of epochs."""
        function = getattr(self._source, hook, None)
        if callable(function):
            function()


def without_batches(argument: str) -> ValueError:
    """Return the error of an iterable that has nothing to give."""
    return ValueError(f"{argument} is empty; expected at least one batch")


def unpack(batch: Any, where: str) -> tuple[Any, Any, Any]:
    """Return x, y and weights or None of one batch."""
    if not isinstance(batch, (tuple, list)) or len(batch) not in (2, 3):
        given = f"{len(batch)} items" if isinstance(batch, (tuple, list)) else type(batch).__name__
        raise ValueError(f"{where} must be (x, y) or (x, y, sample_weight), got {given}")
    x, y, *weight = batch
    return x, y, weight[0] if weight else None


def inputs_of(batch: Any) -> Any:
    """Return x of a batch to predict, which may have targets, too."""
    return batch[0] if isinstance(batch, tuple) else batch


def check_no_arrays(**arguments: Any) -> None:
    """Raise ValueError where an argument is given that batches bring themselves."""
    for name, value in arguments.items():
        if value is not None:
            raise ValueError(f"{name} must be None for an iterable of batches, got {value!r}")


def check_no_steps(**arguments: Any) -> None:
    """Raise ValueError where a number of batches is given for arrays."""
    for name, value in arguments.items():
        if value is not None:
            raise ValueError(f"{name} goes with an iterable of batches, got {value!r} with arrays")
