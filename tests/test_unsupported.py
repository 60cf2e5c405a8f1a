"""What errors count as a missing kernel: the table's rows, the words of devices nobody has seen, and what must not count."""

from __future__ import annotations

import pytest

from tensorflow_free import RecipeError, load_recipe, register_unsupported
from tensorflow_free.cell.fate import fate_of
from tensorflow_free.cli import recipe_main, run_recipe_main
from tensorflow_free.run import error_patterns, unsupported
from tensorflow_free.run.no_kernel_words import WORDINGS
from tensorflow_free.run.unsupported import lack_of
from tensorflow_free.sweep import pool
from tests.here import Here

LACKS = (
    "EZ1001: erf with dtype Float is not supported by the chip",
    "EZ9999: erf does not support Half",
    "E10042: operator aten::erf not supported for Half",
    "op gelu: no kernel registered for bf16",
    "unsupported data type on this accelerator",
    "erf: BFloat16 is not supported on this hardware",
    "XYZ_ERR_UNSUPPORTED_DTYPE: erf",
    "erf is not available on LPU",
    "erf has no microcode on this chip",
    "kernel erf_half not found",
    "Kernel for op 'erf' with dtype Float was not found in the library",
    "no implementation of erf for Float on this device",
    "mm: no tile kernel available for Float",
    "[QPU-1204] operation mm cannot be lowered: data type Float not supported",
    "LOWERING FAILED: no lowering for aten::erf",
    "The operator 'aten::erf' is not currently implemented for the MPS device.",
    "The operator 'aten::_dyn_quant_pack_4bit_weight' is not currently implemented for the XPU device",
    "Conv3D is not supported on MPS",
    "Double and complex datatype matmul is not supported in oneDNN",
    "could not create a primitive descriptor for the matmul primitive",
    "call aclnnCast failed, detail:EZ1001: 2024-06-10-00:01:59.325.061 self not implemented for DT_BFLOAT16, should be in dtype support list [DT_FLOAT16,DT_FLOAT,DT_DOUBLE,].",
    "Optype [TransData] of Ops kernel [AIcoreEngine] is unsupported. Reason: [tbe-custom]:op type TransData is not found in this op store.",
    "Spyre backend does not support dtype BFloat16",
    "DtException: Unsupported data format types, file sen_data_convert.cpp line 2711",
    "UNIMPLEMENTED: Unsupported lowering: erf",
    "The operator 'aten::amax.out' is not currently supported on the ocl backend.",
    "HIP error: invalid device function",
    "CUDA error: CUBLAS_STATUS_ARCH_MISMATCH when calling cublasGemmEx",
    "cuDNN error: CUDNN_STATUS_NOT_SUPPORTED. This error may appear if you passed in a non-contiguous input.",
    "FIND was unable to find an engine to execute this computation",
    "torch._scaled_mm is only supported on CUDA devices with compute capability >= 9.0 or 8.9, or ROCm MI300+",
    "FlashAttention only supports Ampere GPUs or newer.",
    "No available kernel. Aborting execution.",
    "adaptive_max_pool2d_backward_cuda does not have a deterministic implementation, but you set 'torch.use_deterministic_algorithms(True)'.",
    "Unsupported data type: float16",
    "erf: fp16 unsupported on this core",
    "HW does not support fp64",
    "device does not support bfloat16",
    "This NPU has no support for float64",
    "accelerator lacks fp64 support",
    "only float32 and bfloat16 are supported",
    "type fp8e4nv not supported in this architecture. The supported fp8 dtypes are ('fp8e4b15', 'fp8e5')",
    "BFloat16 is not supported on this device",
    "Bfloat16 is only supported on GPUs with compute capability of at least 8.0.",
    "ERR01007 OPS feature not supported",
    "Device loom not supported",
    "NotImplementedError: Unsupported dtype: torch.float16",
    "Operator aten::erf is not registered on device xyz",
    "op erf is not supported",
    "erf.out: operation unsupported for Half",
    "unsupported operation: erf on LPU",
    "aten::erf is unimplemented for dtype BFloat16",
    "no engine found for erf in BFloat16",
    "No suitable kernel for erf(Float)",
    "dtype Float: not implemented",
    "ERROR 7: instruction erf unavailable in Half precision",
    "Error code 0x1F (OP_NOT_SUPPORTED): erf",
    "MyDev: aten::mm(Float) not supported",
    "The following operators are not supported: aten::erf",
    "Half tensors are not supported",
    "erf on backend loom isn't supported",
    "Cannot find kernel for erf with dtype Float",
)
"""Messages of a missing kernel: some seen in public, some as a device might say it that is not known here."""

OTHERS = (
    "reduction 'mean' not supported for target dtype mismatch: expected float, got long",
    "float32 tensors must be contiguous; non-contiguous is not supported on loom",
    "expected contiguous; got non-contiguous, not supported for float32",
    "tensor a (4) must match tensor b (6); broadcasting not implemented for erf",
    "no kernel launch resources available",
    "unsupported device state",
    "The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 0",
    "mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)",
    "expected scalar type Float but found Double",
    "expected m1 and m2 to have the same dtype, but got: float != double",
    "Expected all tensors to be on the same device, but found at least two devices, loom:0 and loom:1!",
    "index 7 is out of bounds for dimension 0 with size 3",
    "linalg.inv: The diagonal element 2 is zero, the inversion could not be completed because the input matrix is singular.",
    "linalg.cholesky: The factorization could not be completed because the input is not positive-definite (the leading minor of order 1 is not positive-definite).",
    "CUDA error: device-side assert triggered",
    "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 1.00 GiB",
    "CUDA error: an illegal memory access was encountered",
    "CUDA error: unspecified launch failure",
    "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    "CUDA error: CUBLAS_STATUS_INTERNAL_ERROR when calling `cublasSgemm`",
    "CUDA error: CUBLAS_STATUS_INVALID_VALUE when calling `cublasGemmEx`",
    "cuDNN error: CUDNN_STATUS_EXECUTION_FAILED",
    "cuDNN error: CUDNN_STATUS_BAD_PARAM",
    "GET was unable to find an engine to execute this computation; cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
    "unsupported operand type(s) for +: 'int' and 'str'",
    "'<' not supported between instances of 'str' and 'Tensor'",
    "softmax(): argument 'input' (position 1) must be Tensor, not str",
    "Boolean value of Tensor with more than one value is ambiguous",
    "a leaf Variable that requires grad is being used in an in-place operation.",
    "one of the variables needed for gradient computation has been modified by an inplace operation",
    "element 0 of tensors does not require grad and does not have a grad_fn",
    "Trying to backward through the graph a second time (or directly access saved tensors after they have already been freed).",
    "grad can be implicitly created only for scalar outputs",
    "Only Tensors of floating point and complex dtype can require gradients",
    "result type Float can't be cast to the desired output type Long",
    "Given groups=1, weight of size [4, 3, 3, 3], expected input[1, 4, 8, 8] to have 3 channels, but got 4 channels instead",
    "Only 2D, 3D, 4D, 5D padding with non-constant padding are supported for now",
    "Unsupported memory format option Preserve",
    "step must be greater than zero",
    "view size is not compatible with input tensor's size and stride (at least one dimension spans across two contiguous subspaces). Use .reshape(...) instead.",
    "Padding mode 'mirror' is not supported",
    "keepdim is not supported by this reduction",
    "negative dimensions are not supported",
    "Invalid device string: 'foo'",
    "the derivative for 'target' is wrong",
    "Assertion failed: x.dim() == 2",
    "AssertionError: value is not what we support",
    "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got torch.FloatTensor instead",
    "tensors used as indices must be long, int, byte or bool tensors",
    "Dimension out of range (expected to be in range of [-1, 0], but got 1)",
    "Placeholder storage has not been allocated on MPS device!",
    "NPU function error: call aclnnAdd failed, error code is 161002",
    "EZ9999: Inner Error! The error from device(chipId:0, dieId:0), serial number is 33",
    "call aclnnInplaceCopy failed, error code is 507035",
    "Graph compile failed. synStatus=synStatus 26 [Generic failure].",
    "TT_FATAL @ matmul_op.cpp:12: a.shape[-1] == b.shape[-2]\ninfo:\nThe width of the first tensor must be equal to the height of the second tensor",
    "TT_THROW @ tensor.hpp:329: tt::exception\ninfo:\nCannot get the device from a tensor with host storage",
    "INVALID_ARGUMENT: Binary op add with incompatible shapes: f32[3] and f32[4]",
    "INTERNAL: Failed to execute XLA Runtime executable",
    "kernel size can't be greater than actual input size",
    "Calculated padded input size per channel: (2 x 2). Kernel size: (3 x 3). Kernel size can't be greater than actual input size",
    "linalg.eig: the algorithm failed to converge",
    "loom error: context lost while running erf",
    "the device was lost",
    "device context is not available",
    "kernel launch failed",
    "Kernel execution timed out on device 0",
    "kernel crashed on the chip",
    "kernel died: assertion on device failed",
    "probability tensor contains either `inf`, `nan` or element < 0",
    "Numerical error: value not representable, unsupported rounding",
    "einsum(): the number of subscripts in the equation (2) does not match the number of dimensions (1) for operand 0",
    "number of dims don't match in permute",
    "invalid argument: mode 'foo' is not one of the supported modes",
    "The model is supported by a grant; the value is wrong",
    "x must be supported on the unit interval",
    "expected support to be positive",
    "Function 'MulBackward0' returned nan values in its 0th output.",
    "Sizes of tensors must match except in dimension 0. Expected size 3 but got size 4 for tensor number 1 in the list.",
    "Mismatch in dtype: expected input and weight to have the same dtype",
    "Cannot access data pointer of Tensor that doesn't have storage",
    "quantile() q values must be in the range [0, 1]",
    "The tensor has a non-zero number of elements, but its data is not allocated yet.",
    "The dtype of attention mask is wrong: expected Float",
    "HBM allocation failed on device 0",
    "EL0004: HBM allocation failed, no memory available on the chip",
    "Device 3 is not available: held by another process",
    "held by another process",
    "invalid value for dtype argument",
    "No module named 'foo'",
    "name 'erf' is not defined",
    "unsupported operation: more than one element of the written-to tensor refers to a single memory location. Please clone() the tensor before performing the operation.",
    "Unsupported operation: attempted to use multidimensional indexing",
    "dtype argument is not supported by sparse_to_dense",
    "Legacy tensor constructor of the form torch.Tensor(tensor, device=device) is not supported.",
    "unsupported type: <class 'list'>",
)
"""Messages of other faults, some of which speak of support, of devices, of dtypes."""


UNSEEN = (
    "{op} isn't supported",
    "{op} is unsupported",
    "no implementation of {op}",
    "operation not supported",
    "UNIMPLEMENTED",
    "VX-2203: no microkernel for {op}/{dtype}",
    "{op}: dtype {dtype} unsupported on this core",
    "op {op} not in kernel table",
    "zephyr: {op} lowering unavailable",
    "operator {op} is not available for the zephyr backend",
    "E42 UNSUPPORTED_OP {op}",
    "Kernel not found: {op}",
    "{op} requires hardware support that this device lacks",
    "feature not supported: {op}",
    "unimplemented op: {op}",
    "unimplemented: {op}",
    "{op} has not been implemented yet",
    "no such kernel: {op}",
    "device has no kernel for {op}",
    "unknown operator {op}",
    "{op} is not supported",
    "aten::{op} unsupported",
    "{op}: unsupported",
    "{op} not implemented",
    "Could not find {op} kernel",
    "zephyr has no {dtype} {op}",
    "zephyr cannot run {op} in {dtype}",
    "ZephyrError: op '{op}' not registered",
    "ZE_RESULT_ERROR_UNSUPPORTED_FEATURE",
    "[zephyr] {op} in {dtype}: not supported",
    "compute unit lacks {dtype} support",
    "data type {dtype} not in the list of supported types",
    "dtype {dtype} is not one of the supported types",
    "{dtype} is not a supported data type",
    "invalid data type {dtype} for this device",
    "{dtype} not allowed on zephyr",
    "zephyr does not implement {op}",
    "{op} is not implemented on zephyr",
    "{op}: no implementation",
    "missing kernel {op}",
    "missing implementation of {op} for {dtype}",
    "this dtype is unsupported",
    "{op} kernel for {dtype} is not compiled in",
    "fallback disabled: {op} has no zephyr kernel",
    "Not Supported: {op}",
    "error -8: OP_UNSUPPORTED",
    "NYI: {op} for {dtype}",
    "{op} ({dtype}) NYI",
    "{op} does not support {dtype} input",
    "{op} not yet supported",
    "unsupported op type {op}",
    "Unsupported opcode 0x33 ({op})",
    "instruction {op}.{dtype} does not exist on this chip",
)
"""How a device that nobody knows, zephyr, may say it of an op."""


@pytest.mark.parametrize("row", WORDINGS, ids=lambda row: row.whose)
def test_the_example_of_each_row_is_known_by_that_row(row):
    assert lack_of(RuntimeError(row.example)).whose == row.whose


@pytest.mark.parametrize("message", LACKS)
def test_a_message_of_a_missing_kernel_is_understood(message):
    assert lack_of(RuntimeError(message)) is not None


@pytest.mark.parametrize("message", OTHERS)
def test_a_message_of_another_fault_stays_a_failure(message):
    assert lack_of(RuntimeError(message)) is None


@pytest.mark.parametrize("words", UNSEEN)
def test_a_device_that_nobody_knows_is_understood_by_its_name_and_that_of_the_op(words):
    message = words.format(op="erf_backward", dtype="Half")
    assert lack_of(RuntimeError(message), ["cpu", "zephyr:0"], "torch.erf") is not None


@pytest.mark.parametrize("op", ["softmax", "linalg.inv", "to", "all", "where", "__and__", "aten.exp.default"])
def test_the_name_of_an_op_makes_nothing_of_other_faults(op):
    found = [message for message in OTHERS if lack_of(RuntimeError(message), ["cpu", "loom:1"], op) is not None]
    assert found == []


def test_what_dynamo_does_not_trace_is_no_lack_of_a_backend():
    unsupported_code = type("Unsupported", (RuntimeError,), {"__module__": "torch._dynamo.exc"})
    assert lack_of(unsupported_code("dtype float16 is not supported")) is None


def test_a_device_that_nobody_knows_is_known_by_its_name():
    error = RuntimeError("zephyr:1 runs hot; mm is not available on zephyr:1")
    assert lack_of(error) is None
    assert lack_of(error, ["cpu", "zephyr:0"]).whose == "plain English (device)"


@pytest.mark.parametrize("kind", [AssertionError, KeyError, IndexError, ZeroDivisionError])
def test_an_error_of_code_is_none_whatever_it_says(kind):
    assert lack_of(kind("erf is not implemented for 'Half'")) is None


def test_of_a_long_error_its_beginning_and_its_end_are_looked_through():
    long = "a\n" * 200_000
    assert lack_of(RuntimeError(f"{long}erf: not implemented for 'Half'")).line == "erf: not implemented for 'Half'"
    assert lack_of(RuntimeError(f"{long}not implemented for 'Half'{long}")) is None


def test_an_exception_of_a_kind_of_its_own_counts():
    class DeviceError(Exception):
        pass

    assert lack_of(DeviceError("erf is not implemented for 'Half'")).line == "erf is not implemented for 'Half'"


class BackendCompilerFailed(RuntimeError):
    """As that of torch._dynamo, around another error."""

    def __init__(self, backend_name, inner):
        super().__init__(f"backend={backend_name!r} raised:\n{type(inner).__name__}: {inner}")
        self.backend_name, self.inner_exception = backend_name, inner


class CppCompileError(RuntimeError):
    pass


IR = "target: aten.erf.default\n  args[0]: TensorBox(layout=FixedLayout('cpu', torch.float16))\nnot implemented for 'Half'"


@pytest.mark.parametrize(
    ("inner", "line"),
    [
        (RuntimeError(f"missing lowering\n  {IR}"), "missing lowering target: aten.erf.default"),
        (RuntimeError(f"AssertionError: rank\n  {IR}"), None),
        (AssertionError("Unsupported function types ['erf.default']"), "Unsupported function types ['erf.default']"),
        (RuntimeError("Check failed\n-- No conversion rule found for operations: aten::erf\nat node.cpp:3"),
         "-- No conversion rule found for operations: aten::erf"),
        (NotImplementedError("complex graphs\nare hard"), "complex graphs"),
        (ValueError("type fp8e4nv not supported in this architecture."),
         "type fp8e4nv not supported in this architecture."),
        (CppCompileError("error: '_Float16' is not supported on this target: dtype float16 is not supported"), None),
        (KeyError("loom"), None),
        (RuntimeError("PassManager::run failed"), None),
        (AssertionError("wrong number of arguments"), None),
    ],
)  # fmt: skip
def test_a_compiler_lacks_what_its_innermost_reason_says_in_a_line(inner, line):
    found = lack_of(BackendCompilerFailed("mine", inner))
    assert (found and found.line) == line


@pytest.fixture
def added(monkeypatch):
    monkeypatch.setattr(unsupported, "_registered", {})


@pytest.mark.usefixtures("added")
def test_words_that_a_vendor_adds_count_before_all_others():
    error = AssertionError("QX-17: out of memory of tables")
    assert lack_of(error) is None
    register_unsupported("qx-[0-9]+: out of")
    assert lack_of(error).whose == "'qx-[0-9]+: out of'"


def test_words_of_a_command_line_reach_the_processes_that_it_begins(monkeypatch):
    monkeypatch.setenv(error_patterns.UNSUPPORTED_VARIABLE, '["no such tile"]')
    error_patterns.register_for_children(["tile [0-9]+ is closed"])
    assert lack_of(RuntimeError("No such tile")).whose == "'no such tile'"
    assert lack_of(RuntimeError("tile 4 is closed")).whose == "'tile [0-9]+ is closed'"


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("", "'' is no text to look for"),
        (7, "'7' is no text to look for"),
        ("E7[", "'E7[' is not a regular expression: unterminated character set at position 2"),
        ("E?", "'E?' is found in every error, the empty one too"),
    ],
)
def test_a_pattern_that_finds_nothing_or_everything_is_refused(pattern, problem):
    with pytest.raises(ValueError, match=r"give a regular expression such as") as found:
        register_unsupported(pattern)
    assert str(found.value).startswith(problem)


def test_a_result_says_whose_words_make_a_step_unsupported():
    recipe = {"tensors": {"x": [1.0, 2.0]}, "dtype": "float16", "steps": {"y": "torch.linalg.inv(x.outer(x))"}}
    result = fate_of_result(recipe)
    assert result.outcome == "unsupported"
    assert result.causes[0].whose == "PyTorch"
    assert result.reason.endswith("unsupported, in the words of PyTorch")


def fate_of_result(recipe):
    from tensorflow_free.loading import plan_of
    from tensorflow_free.runner import run

    return fate_of(run(plan_of(load_recipe(recipe)))[0])


LACKING = "tensors: {x: [[-1.0]]}\nsteps: {y: torch.linalg.cholesky(x)}\nexpect: {y: {shape: [1, 1]}}\n"
"""Its step fails, in words that only a pattern can take for a missing kernel."""


@pytest.fixture
def lacking(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(error_patterns.UNSUPPORTED_VARIABLE, "[]")
    (tmp_path / "r.yaml").write_text(LACKING)
    return "r.yaml"


def test_a_pattern_of_the_command_line_counts_in_a_sweep_and_its_workers(lacking, capsys):
    words = ["-m", lacking, "dtype=float32", "hydra.launcher.n_jobs=1", "--no-save"]
    assert run_recipe_main([*words, "--unsupported", "not positive-definite"]) == 3
    said = capsys.readouterr().out
    assert "1 cell: 1 unsupported" in said
    assert "x: float32 [1, 1] cpu; unsupported, in the words of 'not positive-definite' (cell 0)" in said


def test_a_pattern_of_the_command_line_stands_in_the_command_of_a_cell(lacking, capsys, monkeypatch):
    monkeypatch.setattr(pool, "CellWorker", Here)
    run_recipe_main(
        ["-m", lacking, "must_run=all", "hydra.launcher.n_jobs=1", "--no-save", "--unsupported", "definite"]
    )
    assert "run-recipe -m r.yaml must_run=all --unsupported definite" in capsys.readouterr().out


@pytest.mark.parametrize("command", [run_recipe_main, lambda words: recipe_main(["verify", *words])])
def test_a_pattern_of_the_command_line_that_finds_everything_is_refused(lacking, command):
    with pytest.raises(RecipeError, match=r"flag '--unsupported': 'E\?' is not a regular expression that finds some"):
        command([lacking, "--unsupported", "E?"])
