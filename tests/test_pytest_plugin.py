"""Recipes as tests: pytest run in pytest, on folders with recipes in them."""

from __future__ import annotations

import json
import shutil
import sys
import unittest
from types import SimpleNamespace

import pytest
from torch import Tensor

import tensorflow_free.pytest_plugin.collecting  # noqa: F401 - so that a pytest run inside this one finds all loaded
from tensorflow_free import register_op
from tensorflow_free.asserting import assert_recipe
from tensorflow_free.errors import RecipeError
from tensorflow_free.golden.recording import record
from tensorflow_free.pytest_plugin import discovery

pytest_plugins = ["pytester"]

HEAVY = ("torch", "hydra", "pydantic", "yaml", "numpy")

WITHOUT = ["-p", "no:xdist", "-p", "no:hydra_pytest", "-p", "no:hypothesispytest"]
"""Hydra's plugin loads Hydra."""

PLAIN = """\
tags: [fast]
tensors:
  x: {init: randn, size: [4], requires_grad: true}
steps:
  y: {op: exp, args: [x]}
  z: {op: sum, args: [y]}
backward: z
"""

EXPECTING = """\
tensors:
  x: 2.0
steps:
  y: {op: mul, args: [x, 3]}
expect:
  y: 6.0
"""

CASES = """\
params: {n: 2}
cases:
  small: {params: {n: 2}, tags: [tiny]}
  big: {params: {n: 9}, dtype: float64}
tensors:
  x: {init: randn, size: ["${params.n}"]}
steps:
  y: {op: sin, args: [x]}
"""

KNOWN = """\
xfail:
  - {reason: the moon is full, issue: "https://example.org/1"}
"""


@pytest.fixture
def project(pytester, monkeypatch):
    """A project folder with an ini, outside any continuous integration."""
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    pytester.makeini("[pytest]\n")
    pytester.mkdir("recipes")
    return pytester


def write(project, name, text):
    path = project.path / "recipes" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def recorded(project, name, text):
    """A recipe with its golden."""
    path = write(project, name, text)
    list(record(path))
    return path


def run(project, *words):
    """Pytest inside this process, without the plugins of others, which take a second to load."""
    return project.runpytest_inprocess(*WITHOUT, *words)


def ids(project, *words):
    lines = run(project, "--collect-only", "-q", *words).outlines
    return [line.removeprefix("recipes/") for line in lines if "::" in line]


# which files, and which tests


def test_a_recipe_is_one_test_a_case(project):
    write(project, "a.yaml", EXPECTING)
    write(project, "deep/b.yaml", CASES)
    assert ids(project) == ["a.yaml::float32-cpu", "deep/b.yaml::small-float32-cpu", "deep/b.yaml::big-float64-cpu"]


def test_recipe_isolated_fails_what_noise_hides(project):
    @register_op("plugin.off", replace=True)
    def off(input: Tensor) -> Tensor:
        return input.sin() * (1 + 3e-6)

    tensors = "tensors: {x: {init: randn, size: [9]}}\nreference: {steps.y.op: sin}\nexpect: {y: {shape: [9]}}\n"
    write(project, "a.yaml", f"{tensors}steps: {{near: x + 1e4 - 1e4, y: {{op: plugin.off, args: [near]}}}}\n")
    run(project).assert_outcomes(passed=1)
    found = run(project, "--recipe-isolated")
    found.assert_outcomes(failed=1)
    found.stdout.fnmatch_lines(["mismatch: hidden: y (plugin.off, forward) is * times its noise alone*"])


def test_recipe_forward_misses_no_gradient_and_still_sees_wrong_values(project):
    write(project, "a.yaml", f"{PLAIN}expect: {{x.grad: 7.0, y: {{shape: [4]}}}}\n")
    write(project, "b.yaml", f"{PLAIN}expect: {{x.grad: 7.0, y: {{shape: [5]}}}}\n")
    run(project, "--recipe-forward").assert_outcomes(passed=1, failed=1)


def test_recipe_must_run_fails_what_ran_before_and_cannot_run_now(project):
    write(project, "a.yaml", EXPECTING)
    for device, before in (("cpu", "ok"), ("npu", "ok"), ("hpu", "unavailable")):
        cell = {"recipe": "recipes/a.yaml", "overrides": [f"device={device}"], "outcome": before}
        (project.path / f"{device}.json").write_text(json.dumps({"rows": [cell]}))
    held = [f"--recipe-must-run={device}.json" for device in ("cpu", "npu", "hpu")]
    found = run(project, "--recipe-device=cpu,npu,hpu", *held)
    found.assert_outcomes(passed=1, failed=1, skipped=1)
    found.stdout.fnmatch_lines(["*it is unavailable here, and must run, since it ran in npu.json*"])
    refused = run(project, "--recipe-must-run=nowhere")
    refused.stdout.fnmatch_lines(["*UsageError: --recipe-must-run: nowhere: it cannot be read: *"])


def test_recipe_unsupported_skips_what_has_no_kernel_in_its_words(project, monkeypatch):
    monkeypatch.setenv("TENSORFLOW_FREE_UNSUPPORTED", "[]")
    write(
        project,
        "a.yaml",
        "tensors: {x: [[-1.0]]}\nsteps: {y: torch.linalg.cholesky(x)}\nexpect: {y: {shape: [1, 1]}}\n",
    )
    run(project).assert_outcomes(failed=1)
    run(project, "--recipe-unsupported=not positive-definite").assert_outcomes(skipped=1)
    refused = run(project, "--recipe-unsupported=")
    refused.stdout.fnmatch_lines(
        ["*UsageError: --recipe-unsupported: '' is no text to look for; give a regular expression *"]
    )


def test_what_is_partly_judged_passes_is_told_and_fails_where_strict_is_asked_for(project):
    drawing = "steps: {y: 'F.scaled_dot_product_attention(x, x, x, dropout_p=0.5)', z: x * 2}\n"
    recorded(project, "a.yaml", "tensors: {x: {init: ones, size: [1, 4, 4]}}\n" + drawing)
    found = run(project, "--recipe-dtype=bfloat16")
    found.assert_outcomes(passed=1)
    found.stdout.fnmatch_lines(
        ["*- recipes partly judged -*", "*::bfloat16-cpu: 1 of 2 values could not be judged: y:*"]
    )
    found = run(project, "--recipe-dtype=bfloat16", "--strict-recipes")
    found.assert_outcomes(failed=1)
    found.stdout.fnmatch_lines(["partly judged: 1 of 2 values could not be judged: y: *"])


def test_options_sweep_and_name_the_cells(project):
    write(project, "a.yaml", EXPECTING)
    found = ids(project, "--recipe-device=cpu,cuda:1", "--recipe-dtype=bfloat16", "--recipe-backend=eager,inductor")
    cells = ["bfloat16-cpu", "bfloat16-cpu-inductor", "bfloat16-cuda1", "bfloat16-cuda1-inductor"]
    assert found == [f"a.yaml::{cell}" for cell in cells]


def test_a_backend_of_the_recipe_stands_in_the_id(project):
    write(project, "a.yaml", EXPECTING + "backend: {name: aot_eager}\n")
    assert ids(project) == ["a.yaml::float32-cpu-aot_eager"]


def test_a_case_with_a_reference_for_its_dtype_is_named_by_what_it_stands_for(project):
    path = write(project, "b.yaml", CASES.replace("{n: 9}, dtype: float64", '{n: 9, d: float16}, dtype: "${params.d}"'))
    assert ids(project, str(path)) == ["b.yaml::small-float32-cpu", "b.yaml::big-float16-cpu"]


@pytest.mark.parametrize("text", ["a: 1\n", "steps_of: {}\n", "defaults: [{model: big}]\n", "- steps\n", ""])
def test_other_yaml_files_are_no_tests(project, text):
    write(project, "other.yaml", text)
    assert ids(project) == []


def test_a_recipe_may_only_list_another(project):
    write(project, "a.yaml", EXPECTING)
    write(project, "b.yaml", "defaults: [a]\ndtype: float64\n")
    assert ids(project) == ["a.yaml::float32-cpu", "b.yaml::float64-cpu"]


def test_the_ini_says_which_files_are_recipes(project):
    project.makeini("[pytest]\nrecipe_files =\n    numerics/*.yml\n    x?.yaml\n")
    for name in ("recipes/a.yaml", "numerics/b.yml", "numerics/deep/c.yml", "x1.yaml", "x12.yaml"):
        (project.path / name).parent.mkdir(exist_ok=True, parents=True)
        (project.path / name).write_text(EXPECTING)
    assert ids(project) == ["numerics/b.yml::float32-cpu", "x1.yaml::float32-cpu"]


def test_a_file_that_is_named_is_always_taken(project):
    (project.path / "elsewhere.yaml").write_text(EXPECTING)
    assert ids(project) == []
    assert ids(project, "elsewhere.yaml") == ["elsewhere.yaml::float32-cpu"]


def test_of_files_that_are_named_one_by_one_the_folder_is_looked_through_twice_at_most(project):
    names = [write(project, f"{one}.yaml", EXPECTING).name for one in "dacbe"]
    asked = []
    seen = SimpleNamespace(pytest_collect_file=lambda file_path, parent: asked.append(file_path.name))
    found = project.inline_run(*WITHOUT, "--collect-only", *(f"recipes/{name}" for name in names), plugins=[seen])
    assert [one.item.name for one in found.getcalls("pytest_itemcollected")] == ["float32-cpu"] * len(names)
    assert [one.item.path.name for one in found.getcalls("pytest_itemcollected")] == names
    assert all(asked.count(name) <= 2 for name in names)


def test_files_of_any_kind_that_are_named_with_recipes_are_collected_as_ever(project):
    for name in ("a.yaml", "b.yaml", "c.yaml"):
        write(project, name, EXPECTING)
    write(project, "conftest.py", "import pytest\n@pytest.fixture\ndef two(): return 2\n")
    write(project, "test_p.py", "def test_1(two): assert two == 2\ndef test_2(two): pass\n")
    words = ["a.yaml", "test_p.py::test_2", "b.yaml::float32-cpu", "test_p.py::test_1", "c.yaml"]
    found = ids(project, *(f"recipes/{word}" for word in words))
    assert found == [word if "::" in word else f"{word}::float32-cpu" for word in words]
    run(project, *(f"recipes/{word}" for word in words)).assert_outcomes(passed=5)
    assert len(ids(project, "--keep-duplicates", *["recipes/a.yaml", "recipes/b.yaml"] * 3)) == 6
    run(project, "--keep-duplicates", *["recipes/a.yaml"] * 3).assert_outcomes(passed=3)


@pytest.mark.parametrize("beside", ["result.json", "sweep.json"])
def test_recipes_that_runs_and_sweeps_stored_are_passed_by_and_taken_where_they_are_named(project, beside):
    for name in ("a.yaml", "run/recipe.yaml"):
        write(project, name, EXPECTING)
    assert len(ids(project)) == 2
    write(project, f"run/{beside}", "{}")
    assert ids(project) == ["a.yaml::float32-cpu"]
    assert ids(project, "recipes/run/recipe.yaml") == ["run/recipe.yaml::float32-cpu"]


def test_without_an_ini_the_folder_that_is_named_counts(project):
    (project.path / "tox.ini").unlink()
    write(project, "a.yaml", EXPECTING)
    assert [one.rpartition("/")[2] for one in ids(project, "recipes")] == ["a.yaml::float32-cpu"]


@pytest.mark.parametrize(
    ("pattern", "path", "is_one"),
    [
        ("recipes/**/*.yaml", "recipes/a.yaml", True),
        ("recipes/**/*.yaml", "recipes/b/c/a.yaml", True),
        ("recipes/**/*.yaml", "part/recipes/a.yaml", True),
        ("recipes/**/*.yaml", "my_recipes/a.yaml", False),
        ("recipes/*.yaml", "recipes/b/a.yaml", False),
        ("a[1].yaml", "a[1].yaml", True),
        ("./a.yaml", "a.yaml", True),
    ],
)
def test_patterns_fit_as_globs_do(pattern, path, is_one):
    assert (discovery.compiled([pattern]).fullmatch(path) is not None) is is_one


def test_a_dtype_that_there_is_not_is_told_at_once(project):
    write(project, "a.yaml", EXPECTING)
    found = run(project, "--recipe-dtype=flaot32")
    assert found.ret == pytest.ExitCode.USAGE_ERROR
    found.stderr.fnmatch_lines(["*'flaot32' is not a dtype of a recipe; did you mean 'float32'?*"])


# tags


def test_tags_are_marks_and_keywords(project):
    write(project, "a.yaml", "tags: [fast, half-precision, two words]\n" + EXPECTING)
    write(project, "b.yaml", CASES)
    assert ids(project, "--strict-markers", "-m", "fast and half-precision") == ["a.yaml::float32-cpu"]
    assert ids(project, "-m", "tiny") == ["b.yaml::small-float32-cpu"]
    assert ids(project, "-k", "two") == ids(project, "-k", "words") == ["a.yaml::float32-cpu"]
    assert ids(project, "-k", "b and big") == ["b.yaml::big-float64-cpu"]


def test_a_tag_does_not_do_what_a_mark_of_that_name_does(project):
    write(project, "a.yaml", "tags: [skip, xfail, usefixtures, parametrize, _odd]\n" + EXPECTING)
    run(project, "--strict-markers", "-W", "error").assert_outcomes(passed=1)


# what a recipe is compared with


def test_a_recipe_passes_by_its_golden_in_every_dtype(project):
    recorded(project, "a.yaml", PLAIN)
    run(project, "--recipe-dtype=float64,float32,bfloat16,float16").assert_outcomes(passed=4)


def test_a_moved_number_fails_and_the_step_is_named(project):
    path = recorded(project, "a.yaml", PLAIN)
    golden = path.with_name("a.golden.json")
    lines = golden.read_text().splitlines()
    at = next(n for n, line in enumerate(lines) if '"z"' in line)
    number = next(n for n in range(at, len(lines)) if '"value"' in lines[n])
    lines[number] = (
        lines[number].partition('"value"')[0] + '"value": 7.0' + ("," if lines[number].endswith(",") else "")
    )
    golden.write_text("\n".join(lines))
    found = run(project)
    found.assert_outcomes(failed=1)
    found.stdout.fnmatch_lines(
        ["*a.yaml: float32-cpu*", "mismatch: z (sum, forward) is the first value out of bounds*"]
    )
    found.stdout.fnmatch_lines(["golden: *a.golden.json", "run it alone: recipe verify recipes/a.yaml"])
    assert "Traceback" not in found.stdout.str()
    assert ".py" not in found.stdout.str()


def test_a_changed_recipe_is_stale(project):
    path = recorded(project, "a.yaml", PLAIN)
    path.write_text(PLAIN.replace("exp", "sin"))
    found = run(project)
    found.assert_outcomes(failed=1)
    found.stdout.fnmatch_lines(["stale: *", "run it alone: *"])


def test_a_recipe_with_nothing_to_hold_it_against_fails_and_says_what_to_do(project):
    write(project, "a.yaml", PLAIN)
    found = run(project)
    found.assert_outcomes(failed=1)
    found.stdout.fnmatch_lines(["missing: *recipe record recipes/a.yaml*"])


def test_a_recipe_without_a_golden_is_judged_by_what_it_expects(project):
    write(project, "a.yaml", EXPECTING)
    write(project, "b.yaml", EXPECTING.replace("6.0", "7.0"))
    found = run(project)
    found.assert_outcomes(passed=1, failed=1)
    found.stdout.fnmatch_lines(["failed: expect.y: *6* 7*"])


def test_expectations_that_judge_nothing_do_not_pass(project):
    write(project, "a.yaml", EXPECTING.replace("y: 6.0", "y: {value: 6.0, when: {dtype: float64}}"))
    found = run(project, "--recipe-dtype=float64,float32")
    found.assert_outcomes(passed=1, failed=1)
    found.stdout.fnmatch_lines(["failed: expect: *nothing was compared*"])


def test_an_expected_error_is_enough_to_pass(project):
    text = "tensors: {x: [1.0, 2.0]}\nsteps: {y: {op: view, args: [x, [3]]}}\nexpect: {error: {step: y, type: RuntimeError}}\n"
    write(project, "a.yaml", text)
    run(project).assert_outcomes(passed=1)


def test_goldens_can_be_required(project):
    write(project, "a.yaml", EXPECTING)
    run(project, "--require-goldens").assert_outcomes(failed=1)
    project.makeini("[pytest]\nrequire_goldens = true\n")
    run(project).assert_outcomes(failed=1)


def test_a_case_that_the_golden_lacks_is_missing_whatever_it_expects(project):
    path = write(project, "a.yaml", CASES + "expect:\n  y: {shape: ['${params.n}']}\n")
    list(record(path, cases=["small"]))
    found = run(project)
    found.assert_outcomes(passed=1, failed=1)
    found.stdout.fnmatch_lines(["missing: the case 'big' has no golden*"])


def test_a_broken_golden_fails_its_own_test(project):
    recorded(project, "a.yaml", PLAIN).with_name("a.golden.json").write_text('{"format_version": 1, "rec')
    write(project, "b.yaml", EXPECTING)
    found = run(project)
    found.assert_outcomes(passed=1, failed=1)
    found.stdout.fnmatch_lines(["refused: *a.golden.json: the golden is cut off*"])


# known faults and what is not to be had


@pytest.mark.parametrize("has_golden", [False, True])
def test_a_known_fault_is_an_xfail(project, has_golden):
    (recorded if has_golden else write)(project, "a.yaml", EXPECTING.replace("6.0", "7.0") + KNOWN)
    found = run(project, "-rx")
    found.assert_outcomes(xfailed=1)
    found.stdout.fnmatch_lines(["XFAIL recipes/a.yaml::float32-cpu - *the moon is full*https://example.org/1*"])


def test_a_known_fault_fails_where_marks_are_not_asked_for(project):
    write(project, "a.yaml", EXPECTING.replace("6.0", "7.0") + KNOWN)
    run(project, "--runxfail").assert_outcomes(failed=1)


@pytest.mark.parametrize("has_golden", [False, True])
def test_a_fault_that_is_gone_fails_until_its_mark_goes(project, has_golden):
    (recorded if has_golden else write)(project, "a.yaml", EXPECTING + KNOWN)
    found = run(project)
    found.assert_outcomes(failed=1)
    found.stdout.fnmatch_lines(["[[]XPASS(strict)] fixed: *"])
    run(project, "--runxfail").assert_outcomes(passed=1)


def test_an_absent_device_is_a_skip_with_its_reason_and_place(project):
    write(project, "a.yaml", EXPECTING)
    found = run(project, "--recipe-device=xpu", "-rs")
    found.assert_outcomes(skipped=1)
    found.stdout.fnmatch_lines(["SKIPPED [[]1] recipes/a.yaml:1: 'xpu' is not available*"])


def test_an_op_without_a_kernel_is_a_skip(project):
    write(project, "a.yaml", "tensors: {x: [[2.0]]}\nsteps: {y: {op: linalg.inv, args: [x]}}\nexpect: {y: 0.5}\n")
    run(project, "--recipe-dtype=float32,float16").assert_outcomes(passed=1, skipped=1)


# recipes that cannot be read


def test_a_broken_recipe_is_a_failure_of_its_test_alone(project):
    write(project, "a.yaml", "tensors: {x: 1.0}\nsteps:\n  y: {op: [\n")
    write(project, "b.yaml", EXPECTING)
    found = run(project)
    found.assert_outcomes(passed=1, failed=1)
    found.stdout.fnmatch_lines(["*a.yaml: broken*", "refused: recipes/a.yaml:*:*:*"])


def test_a_recipe_that_does_not_bind_tells_every_problem(project):
    write(project, "a.yaml", "tensors: {x: 1.0}\nsteps:\n  y: {op: matmull, args: [x]}\n  z: {op: exp, args: [q]}\n")
    found = run(project)
    found.assert_outcomes(failed=1)
    found.stdout.fnmatch_lines(["refused: recipes/a.yaml:3:*'matmull'*", "recipes/a.yaml:4:*'q'*"])


def test_a_file_that_is_named_and_says_nothing_of_a_recipe_is_told_what_is_wrong(project):
    (project.path / "a.yaml").write_text("step: {}\n")
    found = run(project, "a.yaml")
    found.assert_outcomes(failed=1)
    found.stdout.fnmatch_lines(["*'step'*did you mean 'steps'*"])


# recording


def golden_of(project, name="a"):
    return project.path / "recipes" / f"{name}.golden.json"


def test_missing_goldens_are_recorded_and_then_hold(project):
    write(project, "a.yaml", PLAIN)
    found = run(project, "--record-recipes=missing")
    found.assert_outcomes(passed=1)
    found.stdout.fnmatch_lines(["*goldens recorded*", "recipes/a.yaml: written"])
    run(project).assert_outcomes(passed=1)


def test_a_missing_golden_is_recorded_for_a_recipe_that_expects_something_too(project):
    write(project, "a.yaml", EXPECTING)
    run(project, "--record-recipes=missing").assert_outcomes(passed=1)
    assert golden_of(project).exists()


def test_only_what_fails_is_recorded_anew(project):
    path = recorded(project, "a.yaml", PLAIN)
    path.write_text(PLAIN.replace("exp", "sin"))
    before = golden_of(project).read_bytes()
    run(project, "--record-recipes=missing").assert_outcomes(failed=1)
    assert golden_of(project).read_bytes() == before
    run(project, "--record-recipes=failing").assert_outcomes(passed=1)
    assert golden_of(project).read_bytes() != before


def test_all_goldens_are_recorded_once_each(project):
    recorded(project, "a.yaml", PLAIN)
    write(project, "b.yaml", CASES)
    found = run(project, "--record-recipes=all", "--recipe-dtype=float32,bfloat16")
    found.assert_outcomes(passed=6)
    found.stdout.fnmatch_lines(["recipes/a.yaml: unchanged", "recipes/b.yaml, case big: written"])


@pytest.mark.parametrize(
    ("value", "closed"), [("true", True), ("1", True), ("", False), ("false", False), ("0", False)]
)
def test_nothing_is_recorded_where_ci_is_set(project, monkeypatch, value, closed):
    write(project, "a.yaml", PLAIN)
    monkeypatch.setenv("CI", value)
    found = run(project, "--record-recipes=all")
    assert golden_of(project).exists() is not closed
    assert ("nothing is recorded where CI is set" in found.stdout.str()) is closed
    found.assert_outcomes(failed=int(closed), passed=int(not closed))


def test_a_recipe_that_cannot_be_recorded_says_why(project):
    write(project, "a.yaml", "tensors: {x: [1.0, 2.0]}\nsteps: {y: {op: view, args: [x, [3]]}}\n")
    found = run(project, "--record-recipes=missing")
    found.assert_outcomes(failed=1)
    found.stdout.fnmatch_lines(["not recorded: *shape '[[]3]' is invalid*"])


def test_a_golden_that_cannot_be_written_is_told(project):
    write(project, "a.yaml", PLAIN)
    golden_of(project).mkdir()
    found = run(project, "--record-recipes=failing")
    found.assert_outcomes(failed=1)
    found.stdout.fnmatch_lines(["not recorded: *a.golden.json: *"])


# goldens of no use


def test_a_golden_without_a_recipe_fails_the_session(project):
    recorded(project, "a.yaml", PLAIN)
    recorded(project, "gone.yaml", PLAIN).unlink()
    found = run(project)
    found.assert_outcomes(passed=1)
    assert found.ret == pytest.ExitCode.TESTS_FAILED
    found.stdout.fnmatch_lines(["*unused goldens*", "recipes/gone.golden.json: its recipe no longer exists; delete it"])


def test_it_does_even_where_no_recipe_is_left(project):
    recorded(project, "gone.yaml", PLAIN).unlink()
    assert run(project).ret == pytest.ExitCode.TESTS_FAILED


def test_a_case_that_is_gone_leaves_its_golden_unused(project):
    path = recorded(project, "a.yaml", CASES)
    path.write_text(CASES.replace("  big: {params: {n: 9}, dtype: float64}\n", ""))
    for words in ([], ["recipes/a.yaml"]):
        found = run(project, *words)
        assert found.ret == pytest.ExitCode.TESTS_FAILED
        found.stdout.fnmatch_lines(["recipes/a.golden.json: it holds the case 'big', which a.yaml has not*"])


def test_a_golden_for_one_device_is_of_use(project):
    recorded(project, "a.yaml", PLAIN)
    list(record(project.path / "recipes" / "a.yaml", device="cpu"))
    assert (project.path / "recipes" / "a.cpu.golden.json").exists()
    assert run(project).ret == pytest.ExitCode.OK


@pytest.mark.parametrize(
    "words", [["-k", "a.yaml"], ["-m", "fast"], ["recipes/a.yaml::float32-cpu"], ["--lf"], ["--collect-only"], ["-x"]]
)
def test_unused_goldens_are_not_judged_where_not_everything_ran(project, words):
    recorded(project, "a.yaml", PLAIN)
    recorded(project, "gone.yaml", PLAIN).unlink()
    write(project, "z.yaml", EXPECTING.replace("6.0", "7.0"))
    assert "unused goldens" not in run(project, *words).stdout.str()


@pytest.mark.parametrize("word", ["recipes/a.yaml", "recipes/below"])
def test_goldens_beside_what_was_asked_for_are_not_judged(project, word):
    recorded(project, "a.yaml", PLAIN)
    recorded(project, "below/b.yaml", PLAIN)
    recorded(project, "gone.yaml", PLAIN).unlink()
    found = run(project, word)
    assert found.ret == pytest.ExitCode.OK
    found.assert_outcomes(passed=1)


def test_a_recipe_that_does_not_parse_leaves_no_golden_unused(project):
    recorded(project, "a.yaml", CASES).write_text("cases: [\n")
    assert "unused goldens" not in run(project).stdout.str()


# with the rest of pytest


def test_what_failed_last_can_be_run_alone(project):
    recorded(project, "a.yaml", PLAIN)
    write(project, "b.yaml", EXPECTING.replace("6.0", "7.0"))
    run(project)
    run(project, "--lf").assert_outcomes(failed=1)


def test_the_cache_is_not_needed(project):
    write(project, "a.yaml", EXPECTING)
    run(project, "-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_an_interrupt_ends_the_session_as_it_does_elsewhere(project, monkeypatch):
    recorded(project, "gone.yaml", PLAIN).unlink()
    write(project, "a.yaml", EXPECTING)
    monkeypatch.setattr("tensorflow_free.golden.expecting.judge_case", _interrupt)
    found = project.runpytest_inprocess(*WITHOUT, no_reraise_ctrlc=True)
    assert found.ret == pytest.ExitCode.INTERRUPTED
    assert "unused goldens" not in found.stdout.str()


def _interrupt(*_, **__):
    raise KeyboardInterrupt


def test_under_xdist_the_workers_findings_are_put_together(project):
    for name in ("a", "b", "c"):
        write(project, f"{name}.yaml", CASES)
    recorded(project, "gone.yaml", PLAIN).unlink()
    found = project.runpytest_subprocess("-n2", *WITHOUT[2:], "--record-recipes=missing", timeout=100)
    found.assert_outcomes(passed=6)
    assert found.ret == pytest.ExitCode.TESTS_FAILED
    found.stdout.fnmatch_lines(
        ["recipes/c.yaml, case small: written", "recipes/gone.golden.json: its recipe no longer exists*"]
    )


def test_under_xdist_a_partial_run_judges_no_golden_and_a_failure_reads_as_ever(project):
    recorded(project, "gone.yaml", PLAIN).unlink()
    write(project, "a.yaml", EXPECTING.replace("6.0", "7.0"))
    write(project, "b.yaml", EXPECTING)
    found = project.runpytest_subprocess("-n2", *WITHOUT[2:], "-k", "a.yaml", "--recipe-device=cpu,xpu", timeout=100)
    found.assert_outcomes(failed=1, skipped=1)
    found.stdout.fnmatch_lines(["failed: expect.y: *", "FAILED recipes/a.yaml::float32-cpu - *expect.y*"])
    assert "unused goldens" not in found.stdout.str()


def loaded(project, *words):
    """Which heavy modules a session loads in a process of its own; Hydra's own plugin, which loads Hydra, left out."""
    (project.path / "conftest.py").write_text(
        f"import sys\ndef pytest_unconfigure():\n    print('loaded:', *[n for n in {HEAVY} if n in sys.modules])\n"
    )
    found = project.run(sys.executable, "-m", "pytest", *WITHOUT, *words)
    line = next(line for line in found.outlines if line.startswith("loaded:"))
    return set(line.split()[1:])


def test_a_session_without_recipes_loads_nothing_heavy(project):
    project.makepyfile(test_it="def test_it(): pass")
    (project.path / "other.txt").write_text("steps: {}")
    assert loaded(project) == set()


def test_collecting_recipes_loads_no_torch(project):
    write(project, "a.yaml", CASES)
    recorded(project, "b.yaml", PLAIN)
    assert loaded(project, "--collect-only") == {"yaml"}


def test_these_two_can_fail(project):
    write(project, "a.yaml", EXPECTING)
    assert loaded(project) >= {"torch", "pydantic"}


# in tests written by hand


def test_a_recipe_that_is_well_passes_an_assertion(project):
    recorded(project, "a.yaml", PLAIN)
    recorded(project, "b.yaml", CASES)
    assert_recipe("recipes/a.yaml", "dtype=bfloat16")
    assert_recipe(project.path / "recipes" / "b.yaml", "case=big")


def test_an_assertion_tells_every_case_that_fails(project):
    path = recorded(project, "a.yaml", CASES)
    path.write_text(CASES.replace("sin", "cos"))
    with pytest.raises(AssertionError, match=r"case small, float32-cpu\nstale: (.|\n)*case big, float64-cpu\nstale: "):
        assert_recipe("recipes/a.yaml")


def test_an_assertion_takes_no_override_that_makes_another_recipe():
    with pytest.raises(RecipeError, match=r"tensors\.x"):
        assert_recipe("recipes/linear_autograd.yaml", "tensors.x=2.0")


def test_an_absent_device_skips_the_test_that_asserts(project):
    write(project, "a.yaml", EXPECTING)
    project.makepyfile("""
        from tensorflow_free.asserting import assert_recipe
        def test_it():
            assert_recipe("recipes/a.yaml", "device=xpu")
    """)
    found = run(project, "-rs", "-k", "test_it")
    found.assert_outcomes(skipped=1)
    found.stdout.fnmatch_lines(["SKIPPED*test_*.py:*'xpu' is not available*"])


def test_outside_pytest_it_skips_as_unittest_does(project, monkeypatch):
    path = write(project, "a.yaml", EXPECTING)
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    with pytest.raises(unittest.SkipTest, match="'xpu' is not available"):
        assert_recipe(path, "device=xpu")


def test_a_path_is_looked_for_from_the_folders_of_the_test(project, monkeypatch):
    write(project, "a.yaml", EXPECTING)
    tests = project.mkdir("tests")
    (tests / "test_it.py").write_text(
        "from tensorflow_free.asserting import assert_recipe\ndef test_it(): assert_recipe('recipes/a.yaml')\n"
    )
    elsewhere = project.mkdir("elsewhere")
    monkeypatch.chdir(elsewhere)
    run(project, str(tests)).assert_outcomes(passed=1)


def test_a_failed_assertion_shows_the_callers_line_and_no_traceback_of_ours(project):
    shutil.copy(write(project, "a.yaml", EXPECTING.replace("6.0", "7.0")), project.path / "b.yaml")
    project.makepyfile("""
        from tensorflow_free.asserting import assert_recipe
        def test_it():
            assert_recipe("b.yaml")
    """)
    found = run(project, "-k", "test_it")
    found.assert_outcomes(failed=1)
    found.stdout.fnmatch_lines(["*AssertionError: b.yaml, float32-cpu", "*failed: expect.y:*"])
    assert "asserting.py" not in found.stdout.str()
