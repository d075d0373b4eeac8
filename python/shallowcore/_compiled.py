"""What `compile` fixes: optimizer, loss and metrics, checked, with their names in histories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shallowcore import _core, _registry, losses, optimizers
from shallowcore.metrics import get_all


class Compiled:
    """Optimizer, loss and metrics of a model, and whether it standardises its targets."""

    def __init__(
        self, optimizer: Any, loss: Any, metrics: Any, standardize_targets: bool = False
    ) -> None:
        if loss is None:
            raise ValueError("loss must be a name such as 'mse' or a Loss object, got None")
        self.optimizer = optimizers.get(optimizer)
        self.loss = losses.get(loss)
        self.metrics = get_all(metrics)
        for metric in self.metrics:
            if self.loss.integer_labels and metric.core_name != "accuracy":
                raise ValueError(
                    f"metrics must be 'accuracy' for {self.loss.name}, whose targets are labels, "
                    f"got {metric.name!r}"
                )
        self.standardize_targets = standardize_targets
        self.core_loss: _core.Loss = self.loss.to_core()
        # The core computes each metric once, whatever names it goes by.
        self.core_metrics = list(dict.fromkeys(one.core_name for one in self.metrics))

    @property
    def arguments(self) -> dict[str, Any]:
        """What makes another one like it."""
        return {
            "optimizer": self.optimizer,
            "loss": self.loss,
            "metrics": self.metrics,
            "standardize_targets": self.standardize_targets,
        }

    @property
    def full_batch(self) -> bool:
        """Whether the optimizer needs all samples in every step."""
        return _registry.optimizers()[self.optimizer.name].full_batch

    @property
    def has_rate(self) -> bool:
        """Whether the optimizer has a learning rate."""
        return "learning_rate" in self.optimizer.parameters

    @property
    def names(self) -> list[str]:
        """Keys of losses and metrics in histories."""
        return ["loss", *(one.name for one in self.metrics)]

    def named(self, values: Sequence[float]) -> dict[str, float]:
        """Figures by name from the core's [loss, metric, ...]."""
        by_core_name = dict(zip(self.core_metrics, values[1:], strict=True))
        found = {"loss": values[0]}
        return found | {one.name: by_core_name[one.core_name] for one in self.metrics}

    def core_names(self, validation: bool) -> dict[str, str]:
        """Columns of the core's history by the names of figures."""
        own = {"loss": "loss"} | {one.name: one.core_name for one in self.metrics}
        return own | {"val_" + k: "val_" + v for k, v in own.items()} if validation else own

    def is_score(self, figure: str) -> bool:
        """Whether more of a figure is better; ValueError where nobody knows."""
        name = figure.removeprefix("val_")
        kinds = {one.name: one.core_name for one in self.metrics} | {"loss": "loss", "lr": "lr"}
        if name not in kinds:
            raise ValueError(
                f"mode must be 'min' or 'max' for the figure {figure!r}: it is neither the loss "
                "nor a metric, and 'auto' cannot know which direction is better"
            )
        return kinds[name] == "accuracy"

    def columns(self, history: Mapping[str, list[float]]) -> dict[str, list[float]]:
        """Lists of the core's history by the names that users gave, validation last."""
        found = {"loss": history["loss"]}
        found |= {one.name: history[one.core_name] for one in self.metrics}
        if "val_loss" in history:
            found["val_loss"] = history["val_loss"]
            found |= {"val_" + one.name: history["val_" + one.core_name] for one in self.metrics}
        return found

    def result(self, values: Sequence[float], return_dict: bool) -> Any:
        """Return what evaluate and train_on_batch do: a dict, a list, or the loss alone."""
        found = self.named(values)
        if return_dict:
            return found
        return list(found.values()) if self.metrics else found["loss"]
