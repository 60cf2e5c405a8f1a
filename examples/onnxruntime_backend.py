"""ONNX Runtime as a back end of `torch.compile`.

    pip install onnx onnxscript onnxruntime
    run-recipe -m recipes/*.yaml backend=onnxrt --ops examples/onnxruntime_backend.py --forward

PyTorch brings an exporter to ONNX, but no back end that runs what it exports. This one is thin and for inference: each
graph that dynamo finds is exported by `torch.onnx.export(dynamo=True)` when it is called with its numbers for the first
time, and run on the CPU. What cannot be exported or run is an error: nothing falls back to another compiler.
Its option: `backend.options.optimization`, one of LEVELS.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import onnxruntime
import torch
from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented as NoKernel
from torch._dynamo.backends.common import aot_autograd
from torch._dynamo.backends.registry import register_backend
from torch._subclasses.fake_tensor import FakeTensorMode

from tensorflow_free import register_backend_options

LEVELS = {
    "none": onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL,
    "basic": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    "extended": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    "all": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL,
}
"""What ONNX Runtime may make of a graph: `all` unless the option `optimization` says otherwise."""

Call = Callable[..., Sequence[Any]]


def onnxrt(graph: torch.fx.GraphModule, inputs: Sequence[Any], *, options: dict[str, Any] | None = None) -> Call:
    """The back end: a graph of dynamo's becomes a function of the same inputs.

    Raises:
        ValueError: the option `optimization` is none of LEVELS.
    """
    level = (options or {}).get("optimization", "all")
    if level not in LEVELS:
        message = f"'{level}' is not a level of ONNX Runtime's optimization; it is one of {', '.join(LEVELS)}"
        raise ValueError(message)
    run = partial(exported, level=level)
    # ONNX changes nothing in place: where a graph does, torch makes one of it that returns what is to be copied back
    changes, _ = without_numbers(graph, inputs)
    return aot_autograd(fw_compiler=run)(graph, inputs) if changes else run(graph, inputs)


def without_numbers(graph: torch.fx.GraphModule, inputs: Sequence[Any]) -> tuple[bool, list[bool]]:
    """What a run without numbers tells: whether a graph changes an input in place, and which results are complex."""
    with FakeTensorMode(allow_non_fake_inputs=True) as mode, torch.no_grad():
        fakes = [mode.from_tensor(one) if isinstance(one, torch.Tensor) else one for one in inputs]
        before = [one._version for one in fakes if isinstance(one, torch.Tensor)]
        given = graph(*fakes)
        changes = before != [one._version for one in fakes if isinstance(one, torch.Tensor)]
        return changes, [isinstance(one, torch.Tensor) and one.is_complex() for one in given]


def exported(graph: torch.fx.GraphModule, _: Sequence[Any], *, level: str) -> Call:
    """A function that runs the graph, exported once for all shapes and numbers that it is called with."""
    programs: dict[tuple[Any, ...], tuple[torch.onnx.ONNXProgram, list[bool]]] = {}

    def call(*inputs: Any) -> Sequence[Any]:
        key = tuple((one.shape, one.dtype) if isinstance(one, torch.Tensor) else one for one in inputs)
        if key not in programs:
            # in a thread of its own, since the exporter needs what autograd's wrapper has switched off in this one
            with ThreadPoolExecutor(1) as thread:
                programs[key] = thread.submit(program_of, graph, inputs, level).result()
        program, are_complex = programs[key]
        # the program takes tensors alone: numbers are part of it
        given = program(*(one for one in inputs if isinstance(one, torch.Tensor)))
        # ONNX has complex numbers as pairs
        pairs = zip(given, are_complex, strict=True)
        return [torch.view_as_complex(one.contiguous()) if is_complex else one for one, is_complex in pairs]

    return call


def program_of(
    graph: torch.fx.GraphModule, inputs: Sequence[Any], level: str
) -> tuple[torch.onnx.ONNXProgram, list[bool]]:
    """The graph as an ONNX program with a session on the CPU, and which of its results are complex.

    Raises:
        NotImplementedError: the exporter has no function for an op, or ONNX Runtime no kernel.
        RuntimeError: the graph cannot be exported.
    """
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        try:
            program = torch.onnx.export(graph, tuple(inputs), dynamo=True, verbose=False, optimize=level != "none")
            program.initialize_inference_session(partial(session, level=level))
        except NoKernel as error:
            raise NotImplementedError(str(error)) from error
        except torch.onnx.errors.OnnxExporterError as error:
            raise told(error) from error
    return program, without_numbers(graph, inputs)[1]


def told(error: BaseException) -> Exception:
    """What the exporter says at the bottom of its page: an op without a function of ONNX's, or another failure."""
    while error.__cause__ is not None:
        error = error.__cause__
    words = str(error).strip().splitlines()[0]
    kind = NotImplementedError if type(error).__name__ == "DispatchError" else RuntimeError
    return kind(f"torch.onnx.export: {words}")


def session(model: bytes, level: str) -> onnxruntime.InferenceSession:
    """A session of ONNX Runtime on one thread of the CPU."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    options.graph_optimization_level = LEVELS[level]
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


register_backend(onnxrt, name="onnxrt")
register_backend_options("onnxrt", {"optimization": tuple(LEVELS)})
