"""Ops and modules of devices that break in ways of their own: each costs its step, and no more."""

from __future__ import annotations

from types import ModuleType

import pytest
import torch

from tensorflow_free import cli, load_recipe
from tensorflow_free.loading import plan_of
from tensorflow_free.registry import register_op
from tensorflow_free.runner import run
from tensorflow_free.tensors.devices import absence, synchronize


class Speechless(Exception):
    def __str__(self):
        raise ValueError


class Ending(torch.autograd.Function):
    @staticmethod
    def forward(_, x):
        return x * 2

    @staticmethod
    def backward(_, gradient):
        raise SystemExit(3)


@register_op("breaking.speechless")
def speechless(x):
    raise Speechless


@register_op("breaking.ending")
def ending(x):
    raise SystemExit


@register_op("breaking.ending_late")
def ending_late(x):
    return Ending.apply(x)


@pytest.mark.parametrize(
    ("op", "step", "said"),
    [
        ("speechless", "y", "Speechless"),
        ("ending", "y", "it would have ended the process: SystemExit(None)"),
        ("ending_late", "backward", "it would have ended the process: SystemExit(3)"),
    ],
)
def test_an_op_that_says_nothing_or_would_end_the_process_is_a_step_that_failed(op, step, said):
    x = {"data": [1.0], "requires_grad": True}
    recipe = {"tensors": {"x": x}, "steps": {"y": {"op": f"breaking.{op}", "args": ["x"]}, "z": "y.sum()"}}
    result, _ = run(plan_of(load_recipe({**recipe, "backward": "z"})))
    assert (result.error.step, result.error.code) == (step, "step failed")
    assert result.error.message.startswith(said)


class Glued(ModuleType):
    def __getattr__(self, name):
        raise RuntimeError(name)


def test_a_module_of_a_device_that_fails_to_give_its_functions_has_none(monkeypatch):
    monkeypatch.setattr(torch, "hpu", Glued("hpu"), raising=False)
    assert "sees no hpu device" in absence("hpu")
    synchronize("hpu")


def test_a_package_of_a_device_that_keeps_torch_from_being_imported_is_told_in_a_line(capsys):
    def imports(_):
        exec(
            compile(
                "raise RuntimeError('Failed to load the backend extension: abacus.')", "/x/torch/__init__.py", "exec"
            )
        )

    assert cli._guarded(imports, []) == 4
    assert capsys.readouterr().err == "torch cannot be imported: Failed to load the backend extension: abacus.\n"
