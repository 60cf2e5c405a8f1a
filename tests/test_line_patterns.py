"""One-line steps that are read by their pattern say what they say when each is parsed alone."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tensorflow_free.recipe.expressions import ExpressionError, expand_step
from tensorflow_free.recipe.line_patterns import Lines

NAMES = (
    "x",
    "w",
    "s1",
    "T",
    "sum",
    "float",
    "len",
    "inf",
    "cuda",
    "x2e",
    "torch",
    "None",
    "alpha",
    "y_1",
    "2",
    "",
    "ü",
)
"""Names of values, among them words that mean something elsewhere, and such as no value may have."""

PIECES = (
    *NAMES, "relu", "add", "F.softmax", ".T", ".shape", ".sum", ".0", ". T", " .T", "true", "nan", ".inf", "math.pi",
    "0", "1", "2", "7", "0.5", "1.50", "1e-5", "1E5", "5e-324", "007", "1_0", "0x1f", "0xe-5", "2j", "1.", ".5", "1e400",
    "707007000", "707007000.5", "'s1'", '"x"', "'1'", "'1.5'", "r'x'", "f'{x}'", "'\\x41'", "'''", "int", "bool", "complex",
    "(", ")", "[", "]", ",", ":", "=", "==", " = ", "+", "-", "*", "**", "@", "//", "<", "~", "not ", " and ", " if ",
    "...", "*x", "**x", "#", ";", "\n", "\t", " ", "lambda x: ", "torch.device", "dtype=torch.float32", "{", "}", "!",
)  # fmt: skip
ATOMS = st.sampled_from(
    [
        *(
            "x",
            "w",
            "s1",
            "T",
            "torch",
            "x.T",
            "x.shape",
            "w.0",
            "inf",
            "torch.inf",
            "None",
            "'x'",
            "'1:2'",
            "torch.float16",
        ),
        *(
            "0",
            "1",
            "-1",
            "0.5",
            "-2.5e-3",
            "12345678901234567",
            "1e5",
            "3j",
            "float('2')",
            "int(2)",
            "bool(0)",
            "int('7')",
        ),
    ]
)
LINES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds("{} {} {}".format, inner, st.sampled_from(["+", "-", "*", "@", "==", "<<", "**"]), inner),
        st.builds(
            "{}({}, {}={})".format,
            st.sampled_from(["relu", "x.sum", "F.pad", "sum", "float", "w"]),
            inner,
            ATOMS,
            inner,
        ),
        st.builds("({})[{}:{}, {}]".format, inner, inner, ATOMS, inner),
        st.builds("[{}, {}, {}]".format, inner, inner, inner),
        st.builds("({}).{}".format, inner, st.sampled_from(["T", "sum()", "x", "to(torch.int8)", "device"])),
        st.builds("-({})".format, inner),
    ),
    max_leaves=8,
)


def by_pattern(name: str, text: str, values: set[str]) -> dict[str, dict[str, Any]]:
    return Lines(frozenset(values)).steps(name, text)


def outcome(expand: object, name: str, text: str) -> str:
    """What a line stands for, numbers told from one another; or why it is none."""
    try:
        return repr(expand(name, text, set(NAMES)))  # type: ignore[operator]
    except ExpressionError as error:
        return f"{error.column}: {error.message}"


@settings(max_examples=400, deadline=None)
@given(st.one_of(LINES, st.lists(st.sampled_from(PIECES), max_size=12).map("".join)))
def test_a_line_by_its_pattern_says_what_it_says_alone(text: str) -> None:
    assert outcome(by_pattern, "y", text) == outcome(expand_step, "y", text)
