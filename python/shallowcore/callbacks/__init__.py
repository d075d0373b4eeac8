"""Callbacks: what a user's code may see and do between the epochs and batches of a training.

A training without hooks runs many epochs in one native call, also where its only callbacks are
EarlyStopping: the core follows their rules itself.  With other hooks for epochs it comes back to
Python after each epoch, with hooks for batches after each batch.
"""

from shallowcore.callbacks._base import Callback, History, LambdaCallback
from shallowcore.callbacks._checkpoint import ModelCheckpoint
from shallowcore.callbacks._list import CallbackList
from shallowcore.callbacks._monitor import EarlyStopping, ReduceLROnPlateau
from shallowcore.callbacks._simple import CSVLogger, LearningRateScheduler, TerminateOnNaN

__all__ = [
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ReduceLROnPlateau",
    "TerminateOnNaN",
]
