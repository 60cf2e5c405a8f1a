"""What runs or is told in this process: a stand-in for a sweep's worker, and a callback of Hydra's."""

from __future__ import annotations

from threading import Lock
from typing import ClassVar

import torch
from hydra.experimental.callback import Callback

from tensorflow_free.packs.check_trial import CheckTrial
from tensorflow_free.result.environment import environment_of
from tensorflow_free.sweep.trial import Trial
from tensorflow_free.workers.serving import devices_told


class Here:
    """A worker without a process: one cell at a time, since a run sets what is the whole process's."""

    ran: ClassVar[list[int]] = []
    _turn: ClassVar[Lock] = Lock()
    is_there = False  # no process that could wait for another job

    def __init__(self, launch, *_) -> None:
        self.trial = Trial(launch.folder)
        self.devices = devices_told(())
        self.broken: list[str] = []

    def ready(self):
        return environment_of(torch.get_num_threads()).model_dump()

    def run(self, cell, limit_s):
        with self._turn:
            self.ran.append(cell.number)
            return self.trial.row(cell)

    def kill(self): ...

    def end(self): ...


class HereChecked(Here):
    """A worker of a check-in, likewise."""

    def __init__(self, launch, *_) -> None:
        super().__init__(launch)
        self.trial = CheckTrial(launch.folder)


class Heard(Callback):
    """A callback of Hydra's, which keeps what it is told of sweeps."""

    told: ClassVar[list[str]] = []

    def on_multirun_start(self, config, **_):
        self.told.append("begins")

    def on_multirun_end(self, config, **_):
        self.told.append("is over")
