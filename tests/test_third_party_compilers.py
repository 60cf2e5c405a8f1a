"""Faults of OpenVINO and ONNX Runtime as recipes, each proven beside in PyTorch's code and the vendor's; all recipes by both.

What runs them is installed by `.ci/run full` in an environment of its own (constraints-compilers.txt); elsewhere the tests
that need it are skipped. A test that turns red because a fault is mended says which mark to remove.
"""

from __future__ import annotations

import json
import re
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
import yaml

from tensorflow_free import load_recipe, run_recipe
from tensorflow_free.ops.additions import load_ops_file
from tensorflow_free.result.model import CompilerRun
from tests.processes import finished

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
PAGE = ROOT / "docs" / "third-party-compilers.md"
OPS = EXAMPLES / "onnxruntime_backend.py"
BACKENDS = {"onnxruntime": "onnxrt", "openvino": "openvino"}
"""The back end of each folder of examples."""

NEEDED = {"onnxruntime": ("onnxruntime", "onnxscript"), "openvino": ("openvino",)}
RECIPES = sorted(file for folder in BACKENDS for file in (EXAMPLES / folder).glob("*.yaml"))

PROOFS: dict[str, dict[str, Callable[..., Any]]] = {
    "onnxruntime/average_pool_divisor": {"pooled": lambda image: F.avg_pool2d(image, 2, divisor_override=3)},
    "onnxruntime/batch_norm_training": {
        "y": lambda x, mean, variance: F.batch_norm(x, mean, variance, training=True),
        # that these are not even results of the program is the same fault
        "mean.after": lambda x, mean, variance: (F.batch_norm(x, mean, variance, training=True), mean + 0.0),
        "variance.after": lambda x, mean, variance: (F.batch_norm(x, mean, variance, training=True), variance + 0.0),
    },
    "onnxruntime/division": {
        "times": lambda x: torch.floor_divide(x, 0.1),
        "left": lambda x, limit: torch.remainder(x, limit),  # noqa: PLW0108 - its parameters name tensors
    },
    "onnxruntime/label_smoothing": {"smoothed": lambda x, label: F.cross_entropy(x, label, label_smoothing=0.3)},
    "onnxruntime/masked_row": {
        "mixed": lambda q, v, mask: F.scaled_dot_product_attention(q, q, v, attn_mask=mask),
    },
    "onnxruntime/not_a_number": {
        "largest": lambda x: x.argmax(),
        "smallest": lambda x: x.argmin(),
        "weighted": lambda zero, x: torch.xlogy(zero, x),  # noqa: PLW0108 - its parameters name tensors
    },
    "onnxruntime/overflow": {
        "log_sigmoid": lambda x: F.logsigmoid(x),  # noqa: PLW0108 - its parameters name tensors
        "log_sum": lambda a: torch.logaddexp(a, a),
    },
    "onnxruntime/small_numbers": {
        "log1p": lambda x: x.log1p(),
        "expm1": lambda x: x.expm1(),
        "added": lambda x: x + 1e-9,
    },
    "openvino/batch_norm_statistics": {
        "mean.after": lambda x, mean, variance: (F.batch_norm(x, mean, variance, training=True) * 2, mean),
        "variance.after": lambda x, mean, variance: (F.batch_norm(x, mean, variance, training=True) * 2, variance),
    },
    "openvino/bytes": {
        "doubled": lambda signed: (signed + signed) * 1,
        "below": lambda unsigned: (unsigned - unsigned - unsigned) * 1,
    },
    "openvino/embedding_max_norm": {"rows": lambda which, table: F.embedding(which, table, max_norm=1.0) * 2},
    "openvino/float64": {"total": lambda x: x.exp().sum()},
    "openvino/in_place": {"x.after": lambda x: (x.add_(1.0) * 2, x)},
    "openvino/not_a_number": {
        "rectified": lambda x: F.relu(x) * 2,
        "limited": lambda x: x.clamp(0.0, 1.0) * 2,
        "larger": lambda x, y: torch.maximum(x, y) * 2,
        "largest": lambda x: x.amax() * 2,
        "sign": lambda x: x.sign() * 2,
        "sorted": lambda z: z.sort().values * 2,
        "where": lambda z: z.argmax() * 2,
    },
    "openvino/small_numbers": {"twice": lambda x: x.log1p() * 2},
}
"""Of each value with a mark its computation in plain PyTorch, from the recipe's tensors by their names; the last result."""


def name_of(file: Path) -> str:
    return f"{file.parent.name}/{file.stem}"


def written(file: Path) -> dict[str, Any]:
    """What stands in a file, as another YAML reader has it."""
    mapping: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return mapping


def skip_without(folder: str) -> None:
    missing = [name for name in NEEDED[folder] if find_spec(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} is not here; .ci/run full installs it in an environment of its own")


def marked(file: Path) -> list[str]:
    """The values of a recipe that have a mark."""
    return [key for mark in written(file)["xfail"] for key in mark.get("keys", [])]


def inputs(file: Path, function: Callable[..., Any]) -> list[torch.Tensor]:
    """The recipe's tensors that the function names."""
    recipe = written(file)
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    found = []
    for name in names:
        given = recipe["tensors"][name]
        dtype = given["dtype"] if isinstance(given, dict) else recipe.get("dtype")
        made = torch.tensor(given["data"] if isinstance(given, dict) else given)
        floating = dtype is not None and (isinstance(given, dict) or made.is_floating_point())
        found.append(made.to(getattr(torch, dtype)) if floating else made)
    return found


def last(given: Any) -> torch.Tensor:
    return torch.as_tensor(given[-1] if isinstance(given, Sequence) else given)


def by_onnxruntime(function: Callable[..., Any], tensors: Sequence[torch.Tensor]) -> torch.Tensor:
    """What PyTorch's exporter and ONNX Runtime give."""
    import onnxruntime

    module = type("Plain", (torch.nn.Module,), {"forward": staticmethod(function)})()
    program = torch.onnx.export(module, tuple(tensors), dynamo=True, verbose=False)
    session = onnxruntime.InferenceSession(program.model_proto.SerializeToString(), providers=["CPUExecutionProvider"])
    fed = {slot.name: one.numpy() for slot, one in zip(session.get_inputs(), tensors, strict=True)}
    return last(list(session.run(None, fed)))


def by_openvino(function: Callable[..., Any], tensors: Sequence[torch.Tensor]) -> torch.Tensor:
    """What OpenVINO's back end gives."""
    torch.compiler.reset()
    with torch.no_grad():
        return last(torch.compile(function, backend="openvino")(*tensors)).clone()


VENDORS = {"onnxruntime": by_onnxruntime, "openvino": by_openvino}


def proofs() -> Iterator[Any]:
    for name, functions in PROOFS.items():
        for key, function in functions.items():
            yield pytest.param(EXAMPLES / f"{name}.yaml", key, function, id=f"{name} {key}")


# ------------------------------------------------------------------------------------------------------------ the faults


def test_every_mark_on_a_value_has_its_proof() -> None:
    assert len(RECIPES) > 10, "the loop has seen some"
    assert {name_of(file): sorted(marked(file)) for file in RECIPES if marked(file)} == {
        name: sorted(functions) for name, functions in PROOFS.items()
    }


@pytest.mark.parametrize("file", RECIPES, ids=name_of)
def test_eager_pytorch_gives_what_the_recipe_of_a_fault_expects(file: Path) -> None:
    result = run_recipe(load_recipe(file))
    assert {one.outcome for one in result.expectations} == {"holds"}


@pytest.mark.full
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("file", "key", "function"), list(proofs()))
def test_a_fault_is_the_vendors_and_still_there(file: Path, key: str, function: Callable[..., Any]) -> None:
    vendor = file.parent.name
    skip_without(vendor)
    right = last(function(*inputs(file, function)))
    given = VENDORS[vendor](function, inputs(file, function))
    rtol = 1e-12 if right.dtype == torch.float64 else 1e-6
    same = given.dtype == right.dtype and torch.allclose(given, right, rtol=rtol, atol=0, equal_nan=True)
    assert not same, f"it is mended: remove the mark on {key} in {file}, its proof here and its row in {PAGE.name}"


@pytest.mark.full
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("file", RECIPES, ids=name_of)
def test_under_the_compiler_the_recipe_of_a_fault_shows_it(file: Path) -> None:
    skip_without(file.parent.name)
    load_ops(file.parent.name)
    result = run_recipe(load_recipe(file, [f"backend={BACKENDS[file.parent.name]}", "forward=true"]))
    assert result.is_well, "a fault that is mended: remove its mark"
    keys = {one.name for one in result.expectations if one.outcome == "known fault"}
    assert keys == (set(marked(file)) or {"steps"})


def load_ops(folder: str) -> None:
    """Know the back end that is in a file of ops; OpenVINO's has an entry point."""
    if folder == "onnxruntime" and "onnxrt" not in torch.compiler.list_backends(exclude_tags=()):
        load_ops_file(OPS)


CRASHING = """
import torch
u, m = torch.tensor([1.0, 10.0]), torch.tensor([[1.0, 2.0], [3.0, 4.0]])
torch.compile(lambda u, m: torch.einsum("i,ij,j->", u, m, u) * 2, backend="openvino")(u, m)
"""


@pytest.mark.full
def test_openvino_still_crashes_in_a_bilinear_einsum() -> None:
    skip_without("openvino")
    assert finished(sys.executable, "-c", CRASHING).returncode == -signal.SIGSEGV, (
        f"mended: its row in {PAGE.name} goes"
    )


@pytest.mark.full
def test_openvino_multiplies_in_bfloat16_where_the_processor_can_unless_it_is_told_otherwise() -> None:
    skip_without("openvino")
    x = torch.randn(32, 32, generator=torch.Generator().manual_seed(0))
    right, by_default = x @ x + 1, by_openvino(lambda x: x @ x + 1, [x])
    assert torch.allclose(by_default, right, rtol=1e-4) != has_bfloat16()
    torch.compiler.reset()
    options = {"config": {"INFERENCE_PRECISION_HINT": "f32"}}
    exact = torch.compile(lambda x: x @ x + 1, backend="openvino", options=options)(x)
    assert torch.allclose(exact, right, rtol=1e-4, atol=1e-5)


def has_bfloat16() -> bool:
    """Whether OpenVINO computes in bfloat16 on this processor by default."""
    import openvino

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


# ------------------------------------------------------------------------------------------ which compiler really ran


@pytest.mark.full
def test_an_op_that_openvino_leaves_to_pytorch_is_told() -> None:
    skip_without("openvino")
    alone, two = ran_by_openvino({"y": "x.exp()"}), ran_by_openvino({"y": "x.exp() * 2"})
    assert (alone.aten_only, alone.aten_calls, alone.word) == (True, 1, "ATen only")
    assert (two.aten_only, two.aten_calls, two.word) == (False, None, "")
    assert "OpenVINO graph execution successful" in two.log


@pytest.mark.full
def test_what_openvino_cannot_convert_is_told() -> None:
    skip_without("openvino")
    told = ran_by_openvino({"y": "x * 2", "z": "y + 1"}, dtype="complex64")
    assert told.word == "fell back"
    assert any("Falling back to native PyTorch execution" in line for line in told.fell_back)


def ran_by_openvino(steps: Any, dtype: str = "float32") -> CompilerRun:
    """What is told of a run of steps by OpenVINO."""
    recipe = {"tensors": {"x": {"data": [0.5, 1.0], "dtype": dtype}}, "steps": steps, "backend": "openvino"}
    told = run_recipe(load_recipe(recipe)).compiled
    assert told is not None
    return told


# ------------------------------------------------------------------------------------------------------- all recipes


@pytest.mark.full
@pytest.mark.parametrize("folder", BACKENDS)
def test_all_recipes_come_out_as_the_page_says(folder: str, tmp_path: Path) -> None:
    skip_without(folder)
    words = ["-m", *sorted(map(str, Path("recipes").glob("*.yaml"))), f"backend={BACKENDS[folder]}", "--forward"]
    ops = ["--ops", str(OPS)] if folder == "onnxruntime" else []
    sweep = tmp_path / "sweep"
    done = finished(*RUN_RECIPE, *words, *ops, f"hydra.sweep.dir={sweep}", cwd=ROOT, timeout=1700)
    rows = [json.loads(line) for line in (sweep / "cells.jsonl").read_text(encoding="utf-8").splitlines()]
    found = Counter((Path(row["recipe"]).name, row["outcome"]) for row in rows if row["outcome"] != "ok")
    assert found == told_by_the_page(folder), done.stdout


RUN_RECIPE = (sys.executable, "-c", "import sys; from tensorflow_free.entry import run_recipe; sys.exit(run_recipe())")


def told_by_the_page(folder: str) -> Counter[tuple[str, str]]:
    """How many cells of which recipe have which outcome other than ok, by the page's table for a compiler."""
    page = PAGE.read_text(encoding="utf-8")
    section = page.partition(f"## All recipes by {folder}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\S+\.yaml)`(?: \((\d+)\))? \| ([^|]+) \| ([^|]+) \|$", section, re.MULTILINE)
    assert rows, "the page has the table"
    # what differs by bfloat16 alone is right on a processor without it
    right = folder == "openvino" and not has_bfloat16()
    return Counter(
        {(recipe, what): int(count or 1) for recipe, count, what, why in rows if not (right and why == "bfloat16")}
    )
