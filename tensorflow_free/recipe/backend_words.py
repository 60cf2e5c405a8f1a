"""The compilers that are offered by name in shells and editors, each with what it is. Does not import torch."""

from __future__ import annotations

from typing import Final

BACKENDS: Final = {
    "eager": "plain PyTorch, op by op",
    "inductor": "PyTorch's compiler, which writes C++ or Triton code",
    "aot_eager": "traces forward and backward as a compiler does, and runs PyTorch's own kernels",
    "aot_eager_decomp_partition": "as aot_eager, with inductor's decompositions and partitioner",
    "aot_eager_default_partitioner": "as aot_eager, with the default partitioner",
    "cudagraphs": "records CUDA graphs of PyTorch's own kernels",
    "ts": "TorchScript",
    "openxla": "compiles by XLA, where torch_xla is installed",
    "tvm": "compiles by TVM, where it is installed",
}
"""Those of torch that somebody compiles with; any other word is one, too, if `torch.compile` knows it."""

INSTALLED: Final = {
    "onnxrt": "runs in ONNX Runtime, where it is installed",
    "openvino": "compiles by OpenVINO, where it is installed",
}
"""Those of other packages, which torch knows where they are installed."""
