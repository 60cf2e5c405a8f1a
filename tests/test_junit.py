"""JUnit's XML as those who read it want it."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from tensorflow_free.text.junit import JunitCase, junit_of

CASES = [
    JunitCase("recipes/a.yaml", "dtype=float32", seconds=0.5, properties={"outcome": "ok"}, output="told"),
    JunitCase("recipes/a.yaml", "dtype=float16", "failure", "mismatch", "y is off", "y is off\n  by 3", seconds=1.0),
    JunitCase("b.yaml", "device=npu", "skipped", "unavailable", "no npu"),
    JunitCase("b.yaml", "bare", "error", "crashed", "it ended"),
]

ATTRIBUTES = {
    "testsuites": {"name", "tests", "failures", "errors", "skipped", "time"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time"},
    "testcase": {"name", "classname", "file", "time"},
    "properties": set(),
    "property": {"name", "value"},
    "failure": {"type", "message"},
    "error": {"type", "message"},
    "skipped": {"type", "message"},
    "system-out": set(),
}
INSIDE = {
    "testsuites": ["testsuite"],
    "testsuite": ["properties", "testcase"],
    "testcase": ["properties", "failure", "error", "skipped", "system-out"],
    "properties": ["property"],
}
"""What may stand in each element, in this order, and the attributes of each, which are all there."""


def refuse_strange(element):
    """That an element has the shape that JUnit's readers know."""
    assert set(element.attrib) == ATTRIBUTES[element.tag]
    order = [INSIDE[element.tag].index(child.tag) for child in element]
    assert order == sorted(order)
    for child in element:
        refuse_strange(child)


def read(*cases, properties=None):
    root = ET.fromstring(junit_of("sweep", cases, properties))
    refuse_strange(root)
    return root


def test_cases_stand_in_the_suite_of_their_file_and_are_counted():
    root = read(*CASES, properties={"torch": "2.13"})
    assert root.attrib == {
        "name": "sweep",
        "tests": "4",
        "failures": "1",
        "errors": "1",
        "skipped": "1",
        "time": "1.500",
    }
    assert [(suite.get("name"), suite.get("tests"), suite.get("failures")) for suite in root] == [
        ("recipes/a.yaml", "2", "1"),
        ("b.yaml", "2", "0"),
    ]
    assert [case.get("classname") for case in root.iter("testcase")] == ["recipes.a", "recipes.a", "b", "b"]


def test_a_case_says_how_it_ended_and_what_else_is_known():
    [passed, failed, skipped, error] = read(*CASES).iter("testcase")
    assert passed.find("properties/property").attrib == {"name": "outcome", "value": "ok"}
    assert passed.findtext("system-out") == "told"
    assert failed.find("failure").attrib == {"type": "mismatch", "message": "y is off"}
    assert failed.findtext("failure") == "y is off\n  by 3"
    assert (skipped.find("skipped").get("type"), error.find("error").get("message")) == ("unavailable", "it ended")


def test_what_xml_cannot_hold_is_written_out():
    evil = "\x00\x1b[31m<&\"'\ud800\ufffe\ue000]]>\u202e"
    case = JunitCase(f"/x/{evil}.yaml", evil, "failure", evil, evil, f"{evil}\n{evil}", evil, properties={evil: evil})
    [found] = read(case, properties={evil: evil}).iter("testcase")
    shown = "\\x00\\x1b[31m<&\"'\\ud800\\ufffe\\ue000]]>\\u202e"
    assert found.get("name") == shown
    assert found.findtext("failure") == f"{shown}\n{shown}"
    assert found.get("classname") == f"x.{shown}"


def test_nothing_judged_is_a_file_without_suites():
    assert read().get("tests") == "0"
