"""A training on batches that come one by one, in the core's words: what _fit drives."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from shallowcore import _core, _data
from shallowcore._streams import Stream, unpack, without_batches
from shallowcore._target_scaling import TargetScaling
from shallowcore._targets import target_range


class Batches:
    """Batches of a stream, checked as fit checks arrays; the first is at hand."""

    def __init__(
        self, stream: Stream, class_weight: Any, first_epoch: int, scaling: TargetScaling | None
    ) -> None:
        if isinstance(class_weight, str):
            raise ValueError(
                f"class_weight must be a dict for batches that come one by one, got "
                f"{class_weight!r}: nobody has counted the classes"
            )
        self.stream = stream
        self.class_weight = class_weight
        self.scaling = scaling
        self._first_epoch = first_epoch
        self.start_epoch(0)
        if self.ahead is None:
            raise without_batches(stream.argument)

    def start_epoch(self, epoch: int) -> None:
        """Take the first batch of an epoch, if it has one."""
        self._iterator = self.stream.epoch(self._first_epoch + epoch)
        self.advance()

    def advance(self) -> None:
        """Take the next batch; None at the end of the epoch."""
        self.ahead = next(self._iterator, None)

    def first_inputs(self) -> Any:
        """Inputs of the batch at hand."""
        return unpack(self.ahead, f"batch 0 of {self.stream.argument}")[0]

    def check(self, spec: _data.Spec, batch: Any, number: int) -> _data.Samples:
        """Samples of one batch, its inputs C-contiguous; errors say which batch."""
        where = f"batch {number} of {self.stream.argument}"
        x, y, weight = unpack(batch, where)
        found = _data.samples(spec, x, y, weight, f"{where}: ").weighted(self.class_weight, spec)
        found = found.standardized(self.scaling)
        return _data.Samples(np.ascontiguousarray(found.x), found.y, found.weight)


class FedTrainer:
    """The core's trainer and the batches that it is fed with."""

    def __init__(self, trainer: _core.Trainer, batches: Batches, spec: _data.Spec) -> None:
        self._native = trainer
        self._batches = batches
        self._spec = spec
        self._range = target_range(spec.loss)
        self._plain = batches.class_weight is None and batches.scaling is None
        self._x_type = batches.check(spec, batches.ahead, 0).x.dtype
        self._exhausted = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._native, name)

    @property
    def n_batches(self) -> int | None:
        """Batches of an epoch, None where nobody can tell."""
        return self._batches.stream.n_batches

    @property
    def stop_reason(self) -> str:
        """As the core says, or "out of data"."""
        return self._native.stop_reason or ("out of data" if self._exhausted else "")

    def pending(self) -> bool:
        """Whether a batch of the epoch under way, or of the next one, is at hand."""
        self._look_ahead()
        return self._batches.ahead is not None

    def run(self, until_epoch: int, seconds: float, batches: int = -1) -> bool:
        """Train as the core's trainer does."""
        native, source = self._native, self._batches
        due = time.perf_counter() + seconds
        while native.epoch < until_epoch and not self.stop_reason and batches != 0:
            self._look_ahead()
            if source.ahead is not None:
                self._feed(source.ahead, batches > 0)
                source.advance()
                batches -= 1
            if source.ahead is None and batches != 0:
                native.end_epoch()
            if time.perf_counter() >= due:
                break
        return native.epoch >= until_epoch or bool(self.stop_reason)

    def _look_ahead(self) -> None:
        """Take the first batch of an epoch when it begins: not before, it would go to waste."""
        if self._batches.ahead is None and self._native.batch == 0 and self._native.epoch > 0:
            self._batches.start_epoch(self._native.epoch)
            self._exhausted = self._batches.ahead is None

    def _feed(self, batch: Any, publish: bool) -> None:
        """Do one step; then the weights are at their place, if somebody wants to see them."""
        if self._plain and isinstance(batch, (tuple, list)) and len(batch) == 2:
            x, y = batch
            if self._native.feed_plain(x, y, *self._range, publish):
                return
        number = self._native.batch
        samples = self._batches.check(self._spec, batch, number)
        if samples.x.dtype != self._x_type:
            raise TypeError(
                f"batch {number} of {self._batches.stream.argument}: x has dtype "
                f"{samples.x.dtype}; expected {self._x_type} as in the first batch"
            )
        self._native.feed(samples.to_core(), publish)
