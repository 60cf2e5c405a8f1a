"""The table of kinds of devices: how they are counted, which variable is split among workers, what vendors register."""

from __future__ import annotations

import importlib.metadata
from types import SimpleNamespace

import pytest
import torch

from tensorflow_free import RecipeError, UnavailableError, load_recipe, plugins, register_device
from tensorflow_free.tensors import device_kinds
from tensorflow_free.tensors.device_shares import device_shares


@pytest.fixture(autouse=True)
def registered_for_a_test_alone(monkeypatch):
    monkeypatch.setattr(device_kinds, "_KINDS", dict(device_kinds._KINDS))


@pytest.fixture
def present(monkeypatch):
    """Makes torch have so many devices of a kind, by what its module tells."""

    def made(kind, count, **more):
        told = {"is_available": lambda: count > 0, "device_count": lambda: count, **more}
        monkeypatch.setattr(torch, kind, SimpleNamespace(**told), raising=False)

    return made


def shared(kind, **variables):
    (found,) = device_shares((), variables)
    assert found.kind == kind
    return found.count, found.variable, list(found.values)


@pytest.mark.parametrize(
    ("kind", "variable"),
    [
        ("cuda", "CUDA_VISIBLE_DEVICES"),
        ("xpu", "ZE_AFFINITY_MASK"),
        ("npu", "ASCEND_RT_VISIBLE_DEVICES"),
        ("hpu", "HABANA_VISIBLE_MODULES"),
        ("mlu", "MLU_VISIBLE_DEVICES"),
        ("musa", "MUSA_VISIBLE_DEVICES"),
    ],
)
def test_a_kind_is_split_by_its_variable_and_of_what_the_user_has_set_there(present, kind, variable):
    present(kind, 2)
    assert shared(kind) == (2, variable, ["0", "1"])
    assert shared(kind, **{variable: " 6, 3 "}) == (2, variable, ["6", "3"])
    assert shared(kind, **{variable: "GPU-8a,GPU-b1,7"}) == (2, variable, ["GPU-8a", "GPU-b1"])
    assert shared(kind, **{variable: "0-1"}) == (2, None, [])


@pytest.mark.parametrize("kind", ["mtia", "mps"])
def test_a_kind_without_a_variable_is_counted_and_not_split(present, kind):
    present(kind, 3)
    assert shared(kind) == (3, None, [])


def test_amds_devices_are_split_by_the_variable_that_the_user_has_set(present, monkeypatch):
    monkeypatch.setattr(torch.version, "hip", "6.4")
    present("cuda", 2)
    assert shared("cuda") == (2, "HIP_VISIBLE_DEVICES", ["0", "1"])
    assert shared("cuda", ROCR_VISIBLE_DEVICES="6,7") == (2, "HIP_VISIBLE_DEVICES", ["0", "1"])
    assert shared("cuda", HIP_VISIBLE_DEVICES="3,2") == (2, "HIP_VISIBLE_DEVICES", ["3", "2"])
    assert shared("cuda", CUDA_VISIBLE_DEVICES="3,2") == (2, "CUDA_VISIBLE_DEVICES", ["3", "2"])


def test_a_selector_of_intels_is_split_behind_its_driver_where_it_lists_devices(present):
    present("xpu", 2)
    one = "ONEAPI_DEVICE_SELECTOR"
    assert shared("xpu", ONEAPI_DEVICE_SELECTOR="level_zero:2,3") == (2, one, ["level_zero:2", "level_zero:3"])
    assert shared("xpu", ONEAPI_DEVICE_SELECTOR="level_zero:gpu") == (2, None, [])
    assert shared("xpu", ONEAPI_DEVICE_SELECTOR="opencl:0;level_zero:0,1") == (2, None, [])
    assert shared("xpu", ONEAPI_DEVICE_SELECTOR="level_zero:0,1", ZE_AFFINITY_MASK="0,1") == (2, None, [])


def test_a_module_that_is_not_there_or_breaks_costs_nothing(present):
    def broken():
        raise RuntimeError("driver too old")

    present("npu", 1, device_count=broken)
    assert device_shares((), {}) == []
    present("npu", 0)
    assert device_shares(["gcu", "cpu"], {}) == []
    assert [one.kind for one in device_shares(["xla"], {})] == ["xla"]


def test_a_vendor_registers_its_kind_and_what_it_leaves_out_stays(present):
    register_device("chip", visible="CHIPS", processes=2, count=lambda: 4)
    register_device("cuda", processes=3)
    (chip,) = device_shares((), {})
    assert (chip.kind, chip.processes, chip.variable, list(chip.values)) == ("chip", 2, "CHIPS", ["0", "1", "2", "3"])
    present("cuda", 1)
    assert [(one.kind, one.processes, one.variable) for one in device_shares((), {})] == [
        ("cuda", 3, "CUDA_VISIBLE_DEVICES"),
        ("chip", 2, "CHIPS"),
    ]
    with pytest.raises(UnavailableError, match="has no chip device"):
        load_recipe({"tensors": {"x": 1.0}}, ["device=chip"])


def test_a_name_that_a_package_registers_is_known_before_anything_else_needs_it(monkeypatch):
    offered = SimpleNamespace(load=lambda: lambda: register_device("chip"), name="chip", group="", value="")
    monkeypatch.setattr(plugins, "_loaded", set())
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda *, group: [offered] if "plugins" in group else [])
    with pytest.raises(UnavailableError, match="no package here brings one"):
        load_recipe({"tensors": {"x": 1.0}}, ["device=chip"])
    with pytest.raises(RecipeError, match="'chop' is not a device"):
        load_recipe({"tensors": {"x": 1.0}}, ["device=chop"])


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"kind": "my chip"}, "'my chip' cannot be registered as a device; give the name of its back end"),
        ({"kind": "cpu"}, "'cpu' cannot be registered as a device"),
        ({"visible": "A=1"}, "visible of 'chip': 'A=1' is no variable of the environment; give its name"),
        ({"processes": 0}, "processes of 'chip': '0' is not a number of processes; give an integer of at least 1"),
        ({"count": 3}, "count of 'chip': '3' cannot be called; give a function without arguments"),
        ({"versions": {"a": 1}}, "versions of 'chip': "),
    ],
)
def test_what_cannot_be_registered_is_told(settings, said):
    with pytest.raises(ValueError, match=said):
        register_device(**{"kind": "chip", **settings})
