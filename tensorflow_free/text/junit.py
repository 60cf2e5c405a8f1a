"""JUnit's XML, which GitHub's actions, GitLab and Jenkins read: a suite for each file, a case for each thing judged.

There is no standard. What is written here is what all of them read: suites with counts, cases with `classname`, `name`,
`file` and `time`, in each at most one of `failure`, `error` and `skipped`, `properties` before it, `system-out` behind.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Final, Literal

from tensorflow_free.text.characters import printable, printable_lines

CaseEnd = Literal["passed", "failure", "error", "skipped"]
"""How a case ended: what was expected holds, or does not; it could not be found out; there is nothing to find out."""

COUNTED: Final[dict[CaseEnd, str]] = {"failure": "failures", "error": "errors", "skipped": "skipped"}
"""Under which attribute of a suite each end is counted."""


@dataclass(frozen=True, slots=True)
class JunitCase:
    """One thing that was judged.

    Attributes:
        file: the file that it is of, as it was typed.
        name: what it is, of those of its file.
        end: how it ended.
        kind: why it ended so, in a word or two.
        message: why it ended so, in a line.
        text: the same in full, in lines.
        output: what is worth saying of one that passed, in lines.
        seconds: how long it took.
        properties: what else there is to know of it, by name.
    """

    file: str
    name: str
    end: CaseEnd = "passed"
    kind: str = ""
    message: str = ""
    text: str = ""
    output: str = ""
    seconds: float = 0.0
    properties: Mapping[str, str] = field(default_factory=dict)


def junit_of(name: str, cases: Iterable[JunitCase], properties: Mapping[str, str] | None = None) -> bytes:
    """The whole file, in UTF-8.

    Args:
        name: what was run.
        cases: what was judged; those of one file make one suite, in the order in which they come.
        properties: what there is to know of all of them, by name.
    """
    by_file: dict[str, list[JunitCase]] = {}
    for case in cases:
        by_file.setdefault(case.file, []).append(case)
    all_cases = [case for ones in by_file.values() for case in ones]
    root = ET.Element("testsuites", {"name": printable(name), **_counts(all_cases)})
    for file, ones in by_file.items():
        suite = ET.SubElement(root, "testsuite", {"name": printable(file), **_counts(ones)})
        _add_properties(suite, properties or {})
        suite.extend(_element(case) for case in ones)
    ET.indent(root, " ")
    written: bytes = ET.tostring(root, encoding="UTF-8", xml_declaration=True)
    return written + b"\n"


def _counts(cases: Sequence[JunitCase]) -> dict[str, str]:
    counts = Counter(case.end for case in cases)
    ended = {attribute: str(counts[end]) for end, attribute in COUNTED.items()}
    return {"tests": str(len(cases)), **ended, "time": _time(sum(case.seconds for case in cases))}


def _element(case: JunitCase) -> ET.Element:
    about = {"classname": class_of(case.file), "name": printable(case.name), "time": _time(case.seconds)}
    found = ET.Element("testcase", {**about, "file": printable(case.file)})
    _add_properties(found, case.properties)
    if case.end != "passed":
        told = {"type": printable(case.kind), "message": printable(case.message)}
        ET.SubElement(found, case.end, told).text = printable_lines(case.text)
    if case.output:
        ET.SubElement(found, "system-out").text = printable_lines(case.output)
    return found


def class_of(file: str) -> str:
    """What stands for a file where JUnit has a class, as pytest has it: `recipes.a` for `recipes/a.yaml`."""
    parts = PurePath(printable(file)).with_suffix("").parts if PurePath(file).name else ()
    return ".".join(part for part in parts if part not in ("/", ".", ".."))


def _add_properties(element: ET.Element, properties: Mapping[str, str]) -> None:
    if properties:
        found = ET.SubElement(element, "properties")
        for name, value in properties.items():
            ET.SubElement(found, "property", {"name": printable(name), "value": printable(value)})


def _time(seconds: float) -> str:
    return f"{seconds:.3f}"
