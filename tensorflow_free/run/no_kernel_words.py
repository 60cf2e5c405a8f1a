"""How libraries say that they have no kernel: a table of patterns, each with whose words it knows and an example.

A row is only as wide as it must be: a failure that is called *unsupported* is a failure that nobody sees. The rows of a
vendor know its codes and fixed phrases; the last ones know plain English about kernels, dtypes and devices, and so the
words of devices that nobody here has seen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final


@dataclass(frozen=True, slots=True)
class Wording:
    """A row of the table.

    Attributes:
        whose: whose words they are.
        pattern: the regular expression that is looked for in the text of an error, in any case.
        example: a message as it was seen in public.
    """

    whose: str
    pattern: str
    example: str

    def found_in(self, text: str) -> re.Match[str] | None:
        """Where a text has these words; the pattern is compiled when an error is first looked through."""
        return compiled(self.pattern).search(text)


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern of this page, in any case: few runs need one, and all of them take long to compile."""
    return re.compile(pattern, re.IGNORECASE)


DEVICE, OP = "device", "thisop"
"""What the names of a run's devices, and of a step's op, are called in a text before plain words are looked for."""

_GAP: Final = r"(?:[^.,;:\n]|\.(?=\w)|::|:(?=\w)|, )"
"""A character inside of one sentence: `torch.float16` and `aten::erf` do not end it."""

_NAMED: Final = (
    r"(?:b?float(?:16|32|64|8\w*)|[bt]?fp?(?:8|16|32|64)(?:_?e\dm\d\w*)?|complex(?:32|64|128|half|float|double)"
    r"|u?int(?:8|16|32|64)|dt_\w+|ieee_\w+)"
)
"""Names of dtypes that are nothing else."""

_DTYPE: Final = rf"(?:dtypes?|data ?types?|data formats?|scalar ?types?|element types?|tensor types?|{_NAMED})\b"

_PLAIN: Final = r"(?:float|double|half|complex)(?:[ -](?:tensors?|inputs?|precision|dtypes?|data|values?))?"
"""Names of dtypes that are words, too."""

_DEVICE: Final = (
    r"(?:devices?|chips?|accelerators?|hardware|silicon|architectures?|back ?ends?|platforms?|processors?"
    r"|[a-z]{1,2}pus?|cuda|rocm|hip|mps|sm_\d+|gfx\d\w*|compute capability)\b"
)

_NOT: Final = (
    r"(?:(?: is| are| was| were| has| have| been)* not|(?: is| are| was| were| has| have)?n't)"
    r"(?: yet| currently| being| been| presently)*"
)

_KERNEL: Final = r"(?:\w*kernels?|operators?|primitives?|lowerings?|implementations?|conversion rules?|microcode)\b"

_DONE: Final = r"(?:supported|implemented|available)"

_CANNOT: Final = r"(?:cannot|can't|could not|couldn't|unable to|failed to|did not|didn't)"

_DOES_NOT: Final = r"(?:does not|doesn't|do not|don't|cannot|can't)(?: yet| currently)?"

_ADJECTIVE: Final = r"(?!for\b|of\b|in\b|with\b|by\b|value\b|argument\b|operand\b)[\w-]+"

_KINDS: Final = r"(?:dtype|type|half|bfloat16|float|double|complex|int|long|bool|byte|device|cpu|cuda|mps|xpu|meta)"

"""What follows in an error of ATen's that is about dtypes or devices."""


def _any(*patterns: str) -> str:
    return "|".join(patterns)


WORDINGS: Final = (
    Wording(
        "CUDA",
        r"no kernel image is available|(?:CUDA|HIP) error: (?:invalid device function|operation not supported)"
        r"|requires? .{0,60}\b(?:compute )?capability\b|supported on .{0,60}\bcompute capability\b"
        r"|requires \.target sm_|too old to be supported|not supported in this architecture"
        r"|only supports? \w+ GPUs or newer|no available kernel\b",
        "CUDA error: no kernel image is available for execution on the device",
    ),
    Wording(
        "cuBLAS",
        r"\bcu(?:blas|blaslt|sparse|solver)_status_(?:not_supported|arch_mismatch|matrix_type_not_supported)"
        r"|\bcufft_not_(?:implemented|supported)",
        "CUDA error: CUBLAS_STATUS_NOT_SUPPORTED when calling `cublasGemmEx( handle, opa, opb, m, n, k, &falpha, a, "
        "CUDA_R_16F, lda, b, CUDA_R_16F, ldb, &fbeta, c, CUDA_R_16F, ldc, CUDA_R_32F, CUBLAS_GEMM_DEFAULT_TENSOR_OP)`",
    ),
    Wording(
        "cuDNN",
        r"\bcudnn_status_(?:not_supported|arch_mismatch)|\bunable to find an engine\b",
        "GET was unable to find an engine to execute this computation",
    ),
    Wording(
        "ROCm",
        r"\bhip(?:blas|blaslt|sparse|solver)_status_(?:not_supported|arch_mismatch)"
        r"|\brocblas_status_(?:not_implemented|arch_mismatch)|\bmiopenstatus(?:notimplemented|unsupportedop)"
        r"|\bhiperrornobinaryforgpu",
        "CUDA error: HIPBLAS_STATUS_NOT_SUPPORTED when calling `HIPBLAS_STATUS_NOT_SUPPORTED`",
    ),
    Wording(
        "MPS",
        r"\b(?:implemented|supported) (?:for|on|in|by) (?:the )?MPS\b|\bMPS (?:framework |back ?end )?"
        r"(?:does not|doesn't) support|\bMPS tensor to (?:float64|double)",
        "Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64. Please use "
        "float32 instead.",
    ),
    Wording(
        "XPU",
        r"\brequired aspect \w+ is not supported|\bnot supported in one(?:DNN|MKL)\b"
        r"|\bcould not create a primitive(?: descriptor)?\b|\boneapi::mkl\b.{0,80}\b(?:unimplemented|unsupported)"
        r"|\bkernel is incompatible with all devices|\bimplemented for the XPU\b",
        "Required aspect fp64 is not supported on the device",
    ),
    Wording(
        "HPU",
        r"\b(?:implemented|supported) (?:for|on|in|by) (?:the )?(?:HPU|Gaudi\d?|Habana)\b"
        r"|\b(?:HPU|Gaudi\d?) is not supported"
        r"|\bsynstatus\W{0,3}\d*\W{0,3}unsupported",
        "Device type HPU is not supported for torch.Generator() api.",
    ),
    Wording(
        "Ascend",
        r"\bin dtype support list\b|\bNo supported Ops kernel|\bOps kernel \[\w+\] is unsupported"
        r"|\berror code is 561003\b|\baclnn_err_inner_find_kernel_error\b|\bERR\d+ \w+ feature not supported",
        "call aclnnCast failed, detail:EZ1001: The param dtype not implemented for DT_BFLOAT16, should be in dtype "
        "support list [DT_FLOAT16,DT_FLOAT,DT_DOUBLE,DT_INT8,DT_UINT8,DT_INT16,DT_INT32,DT_INT64,DT_BOOL].",
    ),
    Wording(
        "Spyre",
        r"\bSpyre backend does not support|\bDtException: Unsupported data format",
        "Spyre backend does not support type conversion yet during copy.",
    ),
    Wording(
        "Tenstorrent",
        rf"\bTT_(?:FATAL|THROW)\b[\s\S]{{0,600}}\b(?:unsupported {_GAP}{{0,20}}{_DTYPE}"
        rf"|{_DTYPE}{_GAP}{{0,40}}{_NOT} supported|only supports? {_GAP}{{0,40}}{_DTYPE})",
        "TT_FATAL @ ttnn/cpp/ttnn/operations/data_movement/fill_pad/device/fill_pad_op.cpp:18: "
        "detail::data_type_to_size.count(input_tensor_a.get_dtype())\ninfo:\nUnsupported datatype",
    ),
    Wording(
        "XLA",
        r"\bunimplemented: |\bunsupported XLA type\b|\bunimplemented backend\b",
        "Unimplemented: From /job:tpu_worker/replica:0/task:0:\nWhile rewriting computation to not contain X64 element "
        "types, XLA encountered an HLO for which this rewriting is not implemented: %convert.5418",
    ),
    Wording(
        "ONNX",
        r"\bnot_implemented ?: |\bcould not find an implementation for\b|\bno ONNX function found for\b"
        r"|\bto ONNX opset version \d+ is not supported",
        "[ONNXRuntimeError] : 9 : NOT_IMPLEMENTED : Could not find an implementation for Erf(13) node with name ''",
    ),
    Wording(
        "OpenVINO",
        r"\bno conversion rule found for\b",
        "Check '!has_errors' failed\n-- No conversion rule found for operations: aten::istft, aten::stft",
    ),
    Wording(
        "TVM",
        r"\bunsupported function types?\b|\bthe following operators are not (?:implemented|supported)",
        "Unsupported function types ['mean.default']",
    ),
    Wording(
        "inductor",
        r"\bmissing (?:lowering|decomposition)\b(?:\s+target: \S+)?|\bdevice \w+ not supported",
        "missing lowering\n  target: aten.foo.default",
    ),
    Wording(
        "PyTorch",
        r"\bdoes not have a deterministic implementation|\bno deterministic implementation\b",
        "scatter_add_loom does not have a deterministic implementation, but you set "
        "'torch.use_deterministic_algorithms(True)'.",
    ),
    Wording(
        "PyTorch",
        # macros of ATen's dispatch, checks of single ops, the dispatcher itself, as torch 2.11 to 2.13 say it
        _any(
            "not implemented for",
            rf"not (?:yet |currently )?(?:supported|implemented) (?:yet )?(?:for|on|with)\b.{{0,40}}\b{_KINDS}",
            r"unsupported (?:dtype|scalar ?type|data ?type|tensor dtype|type)",
            rf"(?:does not|doesn't|do not|don't) support .{{0,40}}\b{_KINDS}",
            rf"only supports? .{{0,40}}\b{_KINDS}",
            r"low precision dtypes? not supported",
            r"(?:expected|supports?|supported for) .{0,120}\bbut got (?:an? tensor of scalar type:? )?"
            r"(?:b?float16|bfloat16|half|complexhalf|float8\w*)",
            r"must be (?:either )?(?:float or double|floating point) dtype",
            r"(?:does not|doesn't) handle types other than",
            r"expected a tensor .{0,40} of float, double, cfloat or cdouble types",
            r"could not run '[^']+' with arguments from the '[^']+' backend",
        ),
        "\"erf_vml_cpu\" not implemented for 'Half'",
    ),
    Wording(
        "a status code",
        _any(
            r"\b\w*(?:status|err|error|result|code)_?(?:not_?supported|unsupported|not_?implemented|unimplemented)\w*",
            r"\bunsupported_(?:d|data_?)?(?:type|device|op|operator|kernel)\b",
            r"\b\w*(?:dtype|data_?type|op|operator|device|kernel)_(?:is_)?"
            r"(?:not_?supported|unsupported|not_?found|not_?implemented)\b",
        ),
        "[enforce fail at conv_op_cudnn.cc:580] MIDNN_STATUS_NOT_SUPPORTED. 9 vs 0.",
    ),
    Wording(
        "plain English (kernel)",
        _any(
            rf"\b(?:no|{_CANNOT} find|missing|lacks?)(?: an?| any| the)? (?:[\w-]+ ){{0,3}}?(?:{_KERNEL}|engines?\b)"
            rf"(?= {_GAP}{{0,60}}\b(?:registered|found|available|exists?|for|on|in)\b|\W{{0,3}}(?:{OP})?\W*$)",
            rf"\b(?:{_KERNEL}|op\b){_GAP}{{0,60}}{_NOT} (?:registered|implemented|found|available|compiled)\b",
            rf"\b(?:operator|operation|op|kernel) ['\"`]?[\w:.]+['\"`]?{_NOT} supported\b",
            rf"\b(?:{OP}|{_KERNEL})\W{{1,3}}(?:unsupported|unimplemented|unavailable)\b",
            rf"\b{OP}\b\W{{0,2}}{_NOT} (?:{_DONE}|registered)\b(?! (?:for|with|when|if|between|unless|where)\b)",
            rf"\b{OP} (?:is|was) (?:unsupported|unimplemented)\W*$",
            rf"\bno (?:implementation|fallback) (?:for|of) {OP}\b",
            r"\A\W*(?:(?:function|feature|operation|op)(?: is)? )?"
            r"(?:not (?:yet )?(?:implemented|supported)|unimplemented|unsupported)(?: yet)?\W*\Z",
            r"\b(?:not (?:supported|implemented)|unsupported|unimplemented)"
            rf"(?: (?:op|feature)(?: type)?)?\W{{1,3}}{OP}\b",
            r"\b(?:unsupported|unknown|unimplemented) (?:operators?|ops?|op ?codes?|kernels?|instructions?)\b|\bNYI\b",
            r"\bno such (?:op|operator|kernel)\b",
            rf"\b{_DOES_NOT} (?:implement|have) {_GAP}{{0,30}}\b(?:operator|op|kernel|implementation|{OP})\b",
            rf"\bnot (?:found )?in {_GAP}{{0,20}}\b(?:kernel|op|operator|lowering)s? "
            r"(?:table|list|library|store|registry|set)\b",
            r"\bunsupported operation:? ['\"`]?(?:aten::)?\w+['\"`]?(?:$| (?:on|for|in)\b)",
        ),
        "op gelu: no kernel registered for bf16",
    ),
    Wording(
        "plain English (dtype)",
        _any(
            rf"\b(?:unsupported|unimplemented) (?:{_ADJECTIVE} ){{0,2}}?(?:{_DTYPE}|{_PLAIN}\b)",
            rf"\b{_DTYPE}(?! argument){_GAP}{{0,60}}\W{{0,2}}{_NOT} (?:{_DONE}|enabled)\b",
            rf"\b{_DTYPE}{_GAP}{{0,40}}\b(?:unsupported|unimplemented|unavailable)\b",
            rf"\b{_PLAIN}\b\W{{0,2}}{_NOT} {_DONE}\b",
            rf"\b(?:not|unsupported|unavailable|unimplemented)(?: (?:yet|{_DONE}))* (?:by|on|for|in|with) "
            rf"{_GAP}{{0,40}}\b(?:{_DTYPE}|{_PLAIN}\b(?! value))",
            rf"\b{_DOES_NOT} support {_GAP}{{0,40}}\b{_DTYPE}",
            rf"\b(?:lacks?|(?:has|have|there is) no|without) (?:support (?:for|of) {_GAP}{{0,40}}{_DTYPE}"
            rf"|{_NAMED}{_GAP}{{0,20}} support)",
            rf"\blacks? {_GAP}{{0,20}}(?:{_NAMED}|{_PLAIN}\b){_GAP}{{0,12}} ?support",
            rf"\b(?:{_DTYPE}|{_PLAIN}\b){_GAP}{{0,40}}{_NOT} (?:in|one of|among|a)(?: the)?(?: list of)? supported\b",
            rf"\b(?:{_DTYPE}|{_PLAIN}\b){_GAP}{{0,20}}{_NOT} (?:allowed|permitted) (?:on|by) {_GAP}{{0,20}}\b{_DEVICE}",
            rf"\binvalid {_DTYPE}{_GAP}{{0,30}} (?:for|on) (?:this |the |your )?{_DEVICE}",
            rf"\bonly (?:the )?(?:dtypes? |types? )?(?:{_NAMED}|{_PLAIN}\b){_GAP}{{0,40}}\b(?:is|are) {_DONE}",
        ),
        "erf: dtype Float is not supported",
    ),
    Wording(
        "plain English (device)",
        _any(
            rf"{_NOT}(?: {_DONE})(?: yet)? (?:by|on|for|in) {_GAP}{{0,40}}\b{_DEVICE}",
            r"\b(?:unsupported|unimplemented|unavailable)(?: (?:by|on|for|in|operation on))?(?: the| this| your)? "
            rf"(?:\w+ )?{_DEVICE}",
            rf"\b(?:{_DEVICE}){_GAP}{{0,40}}?\b{_DOES_NOT} (?:support|run|execute|handle)\b",
            rf"\bonly (?:be )?{_DONE} (?:on|for|by) {_GAP}{{0,40}}\b{_DEVICE}",
            rf"\b{_DEVICE} has no {_GAP}{{0,30}}\b(?:operator|kernel|op|instruction|{OP})\b",
            rf"\b(?:does not|doesn't) exist (?:on|for) {_GAP}{{0,20}}\b{_DEVICE}",
            rf"\brequires? {_GAP}{{0,30}}\bhardware (?:support|feature)",
            rf"\b(?:{_DEVICE}){_GAP}{{0,40}}{_NOT} supported\b",
        ),
        "EZ1001: erf is not supported by the chip",
    ),
)
"""The table; the first row that fits says whose words they are."""

OTHERWISE: Final = (
    r"\bout of memory\b|alloc_failed|internal_error|execution_failed|device-side assert|illegal memory access"
    r"|unspecified launch failure|\b(?:same|different|two) devices?\b|\bsame (?:d?type|dtype)\b"
    r"|\b(?:must|should|does not|doesn't) match\b|\bmismatch\b|\bbroadcast"
    r"|\b(?:must|should|expect(?:ed|s)?|needs? to|has to)(?: be)?(?: an?)? contiguous\b"
    r"|\b(?:launch|queue|stream|driver|device) (?:state|resources?)\b"
    r"|\boperand type\(s\)|\bsupported between instances\b|<class '|\bNoneType\b|\bmemory location\b|\bof the form\b"
)
"""Words of what has another reason, whatever else stands beside them."""
