"""A Hypothesis state machine over any network type, with a plain model beside it."""

from rushtyped.testing.machine.machine import NetworkMachine
from rushtyped.testing.machine.model import Model, ModelTask, ModelWorker

__all__ = ["Model", "ModelTask", "ModelWorker", "NetworkMachine"]
