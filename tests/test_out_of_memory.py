"""What a device says when it has not the memory that was asked for, and what only speaks of memory."""

from __future__ import annotations

import pytest
import torch

from tensorflow_free import load_recipe, register_op, register_out_of_memory, run_recipe
from tensorflow_free.errors import StepError
from tensorflow_free.run import out_of_memory
from tensorflow_free.run.out_of_memory import is_out_of_memory

SAID = """
allocation of 96 bytes failed
failed allocating 4 MiB
HBM is full
memory quota exceeded
ABX_ERR_NO_MEMORY
ABX_NOMEM: bead pool
ABX_E_OOM
[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes. Error code 12 (Cannot allocate memory)
DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes.
std::bad_alloc
CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of 15.77 GiB
CUDA error: out of memory
HIP out of memory. Tried to allocate 2.00 GiB
hipErrorOutOfMemory
MPS backend out of memory (MPS allocated: 17.50 GB, other allocations: 384.00 KB, max allowed: 18.13 GB).
Invalid buffer size: 80.00 GiB
XPU out of memory. Tried to allocate 9.00 GiB
Native API failed. Native API returns: 39 (UR_RESULT_ERROR_OUT_OF_DEVICE_MEMORY)
NPU out of memory. Tried to allocate 2.00 GiB (NPU 0; 29.50 GiB total capacity)
EL0004: [PID: 1] Failed to allocate memory.
EL0004: HBM allocation failed, requested 4096 bytes
aclrtMallocAlign32 failed, error code is 207001
FATAL ERROR :: MODULE:PT_DEVMEM Allocation failed for size::268435456 (256)MB
RESOURCE_EXHAUSTED: Out of memory while trying to allocate 1234 bytes.
RESOURCE_EXHAUSTED: Attempting to allocate 2.10G. That was not possible. There are 1.20G free.
Ran out of memory in memory space hbm. Used 17.2G of 16.0G hbm.
TT_FATAL: Out of Memory: Not enough space to allocate 4096 B DRAM buffer across 12 banks
Statically allocated circular buffers on core range [0-0] grow to 1572864 B which is beyond max L1 size of 1499136 B
CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`
cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED
insufficient device memory for 3 tiles
requested 8192 bytes, but only 4000 bytes are free
chip 0: memory pool exhausted
""".strip().splitlines()

OTHER = """
required rank 4 tensor to use channels_last memory format
unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory location.
the output shares memory with the input
CUDA error: an illegal memory access was encountered
CUDA error: out of bounds memory access
an out-of-bounds memory access at tile 3
failed to allocate a CUDA stream
unable to allocate 64 registers for kernel 'f'
register allocation failed for kernel 'f'
dlopen: cannot allocate memory in static TLS block
the chunk is too large; make it smaller to avoid running out of memory
pinned memory is for CPU tensors only
index 207001 is out of bounds for dimension 0 with size 3
shape '[3]' is invalid for input of size 4
""".strip().splitlines()


@pytest.mark.parametrize("said", SAID)
def test_a_lack_of_memory_is_known_in_the_words_of_each_device(said):
    assert is_out_of_memory(RuntimeError(said))


@pytest.mark.parametrize("said", OTHER)
def test_what_only_speaks_of_memory_is_no_lack_of_it(said):
    assert not is_out_of_memory(RuntimeError(said))


def test_the_kind_of_an_error_tells_it_whatever_its_words():
    kind = type("ChipOutOfMemoryError", (Exception,), {})
    assert all(map(is_out_of_memory, (torch.OutOfMemoryError("x"), MemoryError(), kind("x"))))
    assert not is_out_of_memory(ValueError("expected one of: out of memory, ok"))
    assert not is_out_of_memory(None)


def test_a_vendor_adds_words_of_its_own(monkeypatch):
    monkeypatch.setattr(out_of_memory, "_registered", {})
    register_op("t_tiles", lambda x: exec("raise RuntimeError('XQ77: no tile left')"))
    recipe = load_recipe({"tensors": {"x": 1.0}, "steps": {"y": {"op": "t_tiles", "args": ["x"]}}})
    with pytest.raises(StepError, match="failed: XQ77"):
        run_recipe(recipe)
    register_out_of_memory("no TILE left")
    with pytest.raises(StepError, match="failed: out of memory: XQ77"):
        run_recipe(recipe)


def test_words_that_say_nothing_are_refused():
    for pattern in ("(", "", ".*", None):
        with pytest.raises(ValueError, match=r"give a regular expression such as"):
            register_out_of_memory(pattern)
