"""Options of compilers: what a recipe file may give to which, and what only a person may."""

import collections
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from tensorflow_free import (
    RecipeError,
    cli,
    load_recipe,
    register_backend_options,
    resume_sweep,
    run_recipe,
    sweep_recipe,
)
from tensorflow_free.plan import backend_options, inductor_options
from tensorflow_free.plan.compiled_function import CompiledFunction
from tensorflow_free.recipe.models import Backend

RECIPE: Mapping[str, Any] = {"tensors": {"x": [1.0, 2.0]}, "steps": {"y": "x * 2"}}

SEEN: list[Mapping[str, Any]] = []


@pytest.fixture
def vendor() -> Iterator[str]:
    """A back end that notes the options that it is given, and its registered ones."""

    def compile_graph(graph: Any, inputs: Any, **given: Any) -> Any:
        del inputs
        SEEN.append(given)
        return graph.forward

    torch._dynamo.register_backend(name="vendor_of_options", compiler_fn=compile_graph)
    before = dict(backend_options._registered)
    SEEN.clear()
    yield "vendor_of_options"
    backend_options._registered.clear()
    backend_options._registered.update(before)
    for known in (torch._dynamo.backends.registry._BACKENDS, torch._dynamo.backends.registry._COMPILER_FNS):
        known.pop("vendor_of_options", None)


def refused(backend: Any, *overrides: str) -> str:
    """What is said against a recipe with this back end."""
    with pytest.raises(RecipeError) as caught:
        load_recipe({**RECIPE, "backend": backend}, list(overrides))
    return str(caught.value)


def given(backend: Any, *overrides: str) -> Any:
    """What the back end was given."""
    run_recipe(load_recipe({**RECIPE, "backend": backend}, list(overrides)))
    return SEEN[-1].get("options", SEEN[-1])


# ------------------------------------------------------------------------------------------- inductor's own table


def test_every_option_of_inductor_is_of_a_closed_kind_or_refused_with_a_reason() -> None:
    options = torch._inductor.list_options()
    safe = [name for name in options if inductor_options.refusal(name) is None]
    assert len(options) > 500, "the loop has seen a table"
    assert len(safe) > len(options) / 2
    for name in safe:
        kind = inductor_options.kind_in_table(name)
        assert kind is not None
        for text in ("/etc/passwd", "g++; true", "import os", "a:b", ""):
            assert kind.problem(name, text), f"{name} takes {text!r}"


def test_no_option_that_names_files_code_or_machines_may_be_given_by_a_file() -> None:
    telling = re.compile(
        r"path|_dir\b|cxx|nvcc|home|regex|custom_\w*pass|remote|upload|hook|dump|_log\b|trace|subproc|TESTING|worker|march"
    )
    known = {"triton.fast_path_cudagraph_asserts", "triton.slow_path_cudagraph_asserts"}  # paths of Python's code
    names = [name for name in torch._inductor.list_options() if telling.search(name) and name not in known]
    assert len(names) > 80, "the loop has seen some"
    assert [name for name in names if inductor_options.refusal(name) is None] == []


def test_what_a_file_gives_is_what_inductor_takes() -> None:
    defaults = torch._inductor.config.get_config_copy()  # type: ignore[attr-defined]
    tried = 0
    for name, value in defaults.items():
        if inductor_options.refusal(name) is None and not isinstance(value, tuple):
            taken = backend_options.as_taken(Backend(name="inductor", options={name: value}))
            assert taken == {name: value}
            tried += not list(backend_options.problems(Backend(name="inductor", options={name: value})))
    assert tried > 350
    CompiledFunction(lambda x: x, Backend(name="inductor", options={"min_overlap_ratio": 1, "memory_pool": "none"}))


def test_the_options_of_a_later_version_are_refused_where_they_are_texts_or_are_called_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    later = {"fuse_more": bool, "fuse_style": str, "fuse_limit": int | None, "fuse_dump": bool, "fuse_pass": type(len)}
    monkeypatch.setattr(inductor_options, "table", lambda: later)
    safe = [name for name in later if inductor_options.refusal(name) is None]
    assert safe == ["fuse_more", "fuse_limit"]


def test_the_page_on_safety_lists_what_is_refused() -> None:
    page = Path("docs/safety.md").read_text(encoding="utf-8")
    reasons = collections.defaultdict(list)
    for name in inductor_options.table():
        reasons[inductor_options.refusal(name)].append(name)
    reasons.pop(None)
    assert len(reasons) > 10
    for reason, names in reasons.items():
        row = next(line for line in page.splitlines() if line.startswith(f"| {reason} |"))
        groups = set(re.findall(r"`(\w+)\.\*`", row))
        assert [name for name in names if f"`{name}`" not in row and name.partition(".")[0] not in groups] == []


def test_modes_are_those_of_torch_here() -> None:
    assert set(inductor_options.modes()) == set(torch._inductor.list_mode_options())
    assert load_recipe({**RECIPE, "backend": {"name": "inductor", "mode": "lite"}}).backend.mode == "lite"


# ----------------------------------------------------------------------------------------------- another back end's


def test_a_file_gives_a_back_end_what_its_package_registers(vendor: str) -> None:
    register_backend_options(
        vendor, {"level": range(4), "device": ("CPU", "GPU"), "scale": float, "hints": {"a": bool}}
    )
    options = {"level": 3, "device": "GPU", "scale": 2, "hints": {"a": True}}
    assert given({"name": vendor, "options": options}) == {**options, "scale": 2.0}


def test_values_of_another_kind_are_refused_all_at_once(vendor: str) -> None:
    register_backend_options(
        vendor, {"level": range(4), "device": ("CPU", "GPU"), "scale": float, "hints": {"a": bool}}
    )
    options = {"level": 4, "device": "GPUU", "scale": "a", "hints": {"b": True}, "levels": 1}
    told = (
        "backend.options.level: '4' does not fit the option `level`, which is an integer from 0 to 3\n"
        "backend.options.device: 'GPUU' does not fit the option `device`; did you mean 'GPU'?\n"
        "backend.options.scale: 'a' does not fit the option `scale`, which is a number\n"
        "backend.options.hints: '{b: true}' does not fit the option `hints`, which is a mapping of `a` (true or false)\n"
        "backend.options.levels: 'levels' is not an option of vendor_of_options that its package registers as safe for "
        "a recipe file; the command line may give it, as backend.options.levels=1; did you mean 'level'?"
    )
    assert refused({"name": vendor, "options": options}) == told


def test_a_kind_that_is_none_is_told_to_whoever_registers_it() -> None:
    with pytest.raises(TypeError, match="is no kind of option; it is bool, int"):
        register_backend_options("vendor_of_nothing", {"level": object()})


def test_an_override_gives_whatever_the_back_end_takes(vendor: str) -> None:
    typed = ["backend.options.flags=-O3", "backend.options={deep: {er: [1, two, true]}}"]
    assert given(vendor, *typed) == {"flags": "-O3", "deep": {"er": [1, "two", True]}}
    assert given("eager", f"backend={vendor}", "backend.mode=its-own") == {"mode": "its-own"}


def test_an_override_gives_inductor_what_a_file_may_not() -> None:
    assert "it writes files" in refused({"name": "inductor", "options": {"trace.enabled": True}})
    recipe = load_recipe({**RECIPE, "backend": "inductor"}, ["backend.options.trace.enabled=true"])
    assert recipe.backend.options == {"trace.enabled": True}
    assert "which is true or false" in refused("inductor", "backend.options.trace.enabled=aye")


@pytest.mark.parametrize(
    "recipe",
    [
        {"backend": {"name": "vendor_of_options", "options": {"flags": "evil"}}},
        {"backend": "vendor_of_options", "cases": {"a": {"backend.options.flags": "evil"}}},
        {
            "backend": "vendor_of_options",
            "cases": {"a": {"backend": {"name": "vendor_of_options", "options": {"flags": 1}}}},
        },
        {"backend": {"name": "vendor_of_options", "options": {"flags": "${params.flags}"}}, "params": {"flags": "x"}},
        {"backend": {"name": "vendor_of_options", "options": {"given": {"flags": "evil"}}}},
    ],
)
def test_nothing_of_a_file_becomes_trusted_by_an_override_beside_it(recipe: Any, vendor: str, tmp_path: Path) -> None:
    from tensorflow_free.composition.writer import dump_yaml

    path = tmp_path / "recipe.yaml"
    path.write_text(dump_yaml({**RECIPE, **recipe}), encoding="utf-8")
    overrides = ["backend.options.given={mine: 1}", *(["case=a"] if "cases" in recipe else [])]
    overrides += ["params.flags=y"] if "params" in recipe else []
    with pytest.raises(RecipeError, match="registers as safe"):
        load_recipe(path, overrides)


def test_an_override_that_refers_to_the_file_is_trusted_no_more_than_it(vendor: str) -> None:
    recipe = {**RECIPE, "params": {"flags": "evil"}, "backend": vendor}
    with pytest.raises(RecipeError, match="registers as safe"):
        load_recipe(recipe, ["backend.options.flags='${params.flags}'"])


# -------------------------------------------------------------------------------------- what is read back from files


def test_a_saved_run_is_read_but_runs_again_only_where_its_options_are_typed_again(
    vendor: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run_recipe(load_recipe({**RECIPE, "backend": vendor}, ["backend.options.flags=-O3"]))
    folder = str(result.save(tmp_path / "run"))
    assert cli._guarded(cli.recipe_main, ["show", folder]) == 0
    assert cli._guarded(cli.recipe_main, ["blame", folder]) == 2
    assert "the command line may give it, as backend.options.flags=-O3" in capsys.readouterr().err
    assert cli._guarded(cli.recipe_main, ["blame", folder, "backend.options.flags=-O2"]) == 2
    assert cli._guarded(cli.recipe_main, ["blame", folder, "backend.options.flags=-O3"]) == 0


OPS = """
import torch
torch._dynamo.register_backend(name="vendor_of_workers", compiler_fn=lambda graph, inputs, **given: graph.forward)
"""


def test_a_resumed_sweep_trusts_the_options_that_are_typed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ops.py").write_text(OPS, encoding="utf-8")
    Path("recipe.yaml").write_text("tensors: {x: [1.0, 2.0]}\nsteps: {y: x * 2}\n", encoding="utf-8")
    typed = "backend.options.flags=fast,slow"
    sweep_recipe("recipe.yaml", ["backend=vendor_of_workers", typed], folder="out", ops=["ops.py"]).create()
    with pytest.raises(
        RecipeError, match=r"type: run-recipe --resume out backend\.options\.flags=fast,slow --ops ops\.py"
    ):
        resume_sweep("out", ops=["ops.py"])
    with pytest.raises(RecipeError, match="the sweep did not begin with this"):
        resume_sweep("out", ops=["ops.py"], overrides=["backend.options.flags=mean"])
    sweep = resume_sweep("out", ops=["ops.py"], overrides=[typed], n_jobs=1)
    assert [(row.outcome, row.reason) for row in sweep] == [("ok", "")] * 2
