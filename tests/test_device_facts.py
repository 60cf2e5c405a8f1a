"""What modules of devices tell of a run's devices, of several vendors' kinds; what is not told, or breaks."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from tensorflow_free.result import device_facts
from tensorflow_free.result.device_facts import devices_used, names_of_kinds
from tensorflow_free.result.environment import environment_of, environments_apart
from tensorflow_free.result.model import DeviceUsed


@pytest.fixture(autouse=True)
def asked_anew():
    device_facts._lasting.cache_clear()
    device_facts._name.cache_clear()


@pytest.fixture
def present(monkeypatch):
    """Makes torch have a kind of device, by what its module tells."""

    def made(kind, **told):
        monkeypatch.setattr(torch, kind, SimpleNamespace(**told), raising=False)

    return made


def named(index):
    return f"Chip {index}"


def test_nvidias_devices_tell_their_libraries_driver_and_tf32(present, monkeypatch, tmp_path):
    driver = tmp_path / "version"
    driver.write_text("NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5\n")
    monkeypatch.setattr(device_facts, "DRIVERS", {"cuda": str(driver)})
    monkeypatch.setattr(torch.version, "cuda", "12.6")
    monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 90501)
    monkeypatch.setattr(device_facts, "version", {"nvidia-cublas-cu12": "12.6.4.1"}.__getitem__)
    monkeypatch.setattr(device_facts, "PackageNotFoundError", KeyError)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3")
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "0")
    memory = SimpleNamespace(total_memory=2**37)
    present("cuda", get_device_name=named, get_device_properties=lambda index: memory, current_device=lambda: 1)
    (used,) = devices_used(["cuda", "cuda:1"])
    assert (used.index, used.name, used.memory_bytes, used.driver) == (1, "Chip 1", 2**37, "550.54.15")
    assert {name: used.versions[name] for name in ("cuda", "cudnn", "cublas", "hip")} == {
        "cuda": "12.6",
        "cudnn": "90501",
        "cublas": "12.6.4.1",
        "hip": None,
    }
    assert used.visible == {"CUDA_VISIBLE_DEVICES": "2,3"}
    told = ("cuda.matmul.allow_tf32", "cudnn.allow_tf32", "float32_matmul_precision", "NVIDIA_TF32_OVERRIDE")
    assert [used.precision[name] for name in told] == ["False", "True", "highest", "0"]


def test_intels_and_ascends_devices_tell_theirs(present, monkeypatch):
    monkeypatch.setattr(torch.version, "xpu", "20250302")
    monkeypatch.setattr(torch.version, "cann", "8.1", raising=False)
    present(
        "xpu", get_device_properties=lambda index: SimpleNamespace(name="Max", driver_version="1.6", total_memory=7)
    )
    allowing = SimpleNamespace(allow_hf32=True)
    present("npu", get_device_name=named, matmul=allowing, conv=allowing, mem_get_info=lambda index: (1, 5))
    xpu, npu = devices_used(["xpu:0", "npu:1"])
    assert (xpu.name, xpu.driver, xpu.memory_bytes, xpu.versions["sycl"]) == ("Max", "1.6", 7, "20250302")
    assert (npu.name, npu.driver, npu.memory_bytes, npu.versions["cann"]) == ("Chip 1", None, 5, "8.1")
    assert (npu.precision["npu.matmul.allow_hf32"], npu.precision["npu.conv.allow_hf32"]) == ("True", "True")


@pytest.mark.parametrize("module", [SimpleNamespace(), SimpleNamespace(get_device_name=1, current_device=lambda: "?")])
def test_a_module_that_tells_nothing_leaves_what_it_tells_unknown(monkeypatch, module):
    monkeypatch.setattr(torch, "hpu", module, raising=False)
    (used,) = devices_used(["hpu"])
    assert (used.kind, used.index, used.name, used.memory_bytes, used.driver) == ("hpu", None, None, None, None)
    assert used.versions["habana-torch-plugin"] is None
    assert (names_of_kinds(["hpu"]), names_of_kinds(["cuda"])) == ([], [])


def test_environments_are_compared_by_what_both_tell_of_their_devices():
    plain = environment_of(1)
    one, other, bare = (
        plain.model_copy(update={"devices": names, "used": used})
        for names, used in (
            (["A"], [DeviceUsed(kind="chip", name="A", driver="1", precision={"allow_tf32": "True"})]),
            (["A"], [DeviceUsed(kind="chip", name="A", driver="2", versions={"lib": "3"})]),
            ([], []),
        )
    )
    assert environments_apart(one, other) == {"chip driver": ("1", "2")}
    assert (environments_apart(one, plain), environments_apart(bare, other)) == ({}, {})


def test_a_run_on_the_cpu_asks_no_device(monkeypatch):
    monkeypatch.setattr(device_facts, "devices_used", lambda words: 1 / 0)
    assert environment_of(1) is environment_of(1)
