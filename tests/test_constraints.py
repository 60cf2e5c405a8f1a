"""The files of constraints pin all that set-up and CI install, to versions that pyproject.toml admits."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = {"constraints.txt": "dev", "constraints-ray.txt": "ray", "constraints-compilers.txt": "compilers"}
"""What is installed under each of the files."""


def pins(file: str) -> dict[str, str]:
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    split = [line.split("==") for line in lines if not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in split}


def asked(extra: str) -> list[Requirement]:
    """What the project asks for itself: its own dependencies, an extra's, and what builds it."""
    project = PROJECT["project"]
    texts = [*project["dependencies"], *project["optional-dependencies"][extra], *PROJECT["build-system"]["requires"]]
    return [Requirement(text) for text in texts]


def needed(requirements: list[Requirement], seen: set[str]) -> Iterator[str]:
    """The names of these requirements and of all that they need in turn, as far as it is installed here.

    Left out is what its asker pins: a torch for CUDA does so with the libraries of CUDA.
    """
    for requirement in requirements:
        name = canonicalize_name(requirement.name)
        elsewhere = requirement.marker is not None and not requirement.marker.evaluate({"extra": ""})
        if name in seen or elsewhere or "==" in str(requirement.specifier):
            continue
        seen.add(name)
        yield name
        try:
            further = distribution(name).requires or []
        except PackageNotFoundError:
            continue
        yield from needed([Requirement(text) for text in further], seen)


@pytest.mark.parametrize(("file", "extra"), EXTRAS.items())
def test_what_the_project_asks_for_is_pinned_inside_its_range(file, extra):
    pinned = pins(file)
    wrong = [str(one) for one in asked(extra) if not one.specifier.contains(pinned[canonicalize_name(one.name)])]
    assert wrong == []


def test_what_that_needs_in_turn_is_pinned_too():
    assert [name for name in needed(asked("dev"), set()) if name not in pins("constraints.txt")] == []


def test_both_environments_have_the_same_versions_of_all_but_cloudpickle():
    usual, ray = pins("constraints.txt"), pins("constraints-ray.txt")
    assert [name for name in usual.keys() & ray.keys() if usual[name] != ray[name]] == ["cloudpickle"]


def test_the_compilers_have_the_versions_of_the_usual_environment_beside_them():
    usual, compilers = pins("constraints.txt"), pins("constraints-compilers.txt")
    assert [name for name in usual.keys() & compilers.keys() if usual[name] != compilers[name]] == []


def test_ray_is_tried_by_the_same_pytest():
    assert {"pytest", "pytest-timeout", "pytest-xdist", "torch", "ray"} <= pins("constraints-ray.txt").keys()


def test_compilers_are_tried_by_the_same_pytest():
    assert {"pytest", "pytest-timeout", "pytest-xdist", "torch", "onnx-ir"} <= pins("constraints-compilers.txt").keys()


def test_nothing_is_pinned_to_a_place():
    assert [file for file in EXTRAS if {"@", "/"} & set((ROOT / file).read_text("utf-8").replace(".ci/", ""))] == []
