"""`recipe script`: plain PyTorch that shows what a recipe shows, run before it is given."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tensorflow_free import cli, load_recipe
from tensorflow_free.judging.as_tensors import same_bits
from tensorflow_free.loading import plan_of
from tensorflow_free.reproduction.script_text import script_of
from tensorflow_free.runner import run
from tests.processes import succeeded

RECIPES = Path(__file__).parent.parent / "recipes"
CASES = [
    (path, case)
    for path in sorted(RECIPES.rglob("*.yaml"))
    for case in (list(load_recipe(path).cases) or [None] if path.stem != "activations" else ["gelu"])
]
EACH = 7
"""Of so many cases one is in the sample."""


def variables_of(script, folder):
    """What the variables of a script are in the end, run in this process, which is put back."""
    path = folder / "script.py"
    path.write_text(script.text)
    if script.files:
        torch.save(script.files, folder / "tensors.pt")
    space = {"__file__": str(path), "__name__": "__main__"}
    failed = None
    try:
        with torch.random.fork_rng(devices=[]):
            exec(compile(script.text, path, "exec"), space)
    except Exception as error:  # noqa: BLE001 - what a recipe expects
        failed = error
    finally:
        torch.set_default_dtype(torch.float32)
        torch.use_deterministic_algorithms(mode=False)
        torch.set_flush_denormal(False)
        torch.autograd.set_detect_anomaly(mode=False)
    return space, failed


def pairs_of(result, space):
    """The values of a run, and what a script has of them: a variable is as it is in the end."""
    for name in result:
        root = name.removesuffix(".after").removesuffix(".grad")
        value = space.get(f"{root}_leaf", space.get(root)) if name.endswith(".grad") else space.get(root)
        if f"{name}.after" in result or not isinstance(value, torch.Tensor):
            continue
        if name.endswith(".grad"):
            if root in result.recipe.tensors:
                yield name, result[name], value.grad
        elif "." not in name.removesuffix(".after"):
            yield name, result[name], value.detach()


@pytest.mark.parametrize(("path", "case"), CASES, ids=[f"{path.stem}-{case}" for path, case in CASES])
def test_the_script_of_a_recipe_gives_the_same_bits(path, case, tmp_path, full, capsys):
    if not full and CASES.index((path, case)) % EACH:
        pytest.skip("of the full tier; --full takes all recipes")
    recipe = load_recipe(path, [] if case is None else [f"case={case}"])
    space, failed = variables_of(script_of(recipe, path.parent), tmp_path)
    result, _ = run(plan_of(recipe))
    assert (failed is None) == (result.error is None)
    pairs = list(pairs_of(result, space))
    assert pairs or failed
    for name, mine, its in pairs:
        assert (mine is None and its is None) or (mine.dtype == its.dtype and same_bits(mine, its)), name


@pytest.fixture
def typed(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def type_in(*words):
        code = cli._guarded(cli.recipe_main, ["script", *words])
        return code, *capsys.readouterr()

    return type_in


def test_a_value_out_of_bounds_is_shown_with_its_digits_beside_float64(typed):
    code, out, err = typed(str(RECIPES / "softmax_overflow.yaml"), "dtype=float16", "-o", "repro.py")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "exp[1, 2] is inf on cpu float16, and 162754.791 in float64",
        "run in a fresh process: the same element, digit by digit",
        "repro.py",
    ]
    printed = succeeded(sys.executable, "repro.py").stdout
    assert printed == "exp[1, 2] = inf\nin float64: 162754.79141900392\n"
    assert "tensorflow_free" not in Path("repro.py").read_text().split('"""')[2]


def test_an_expectation_that_does_not_hold_is_shown(typed):
    Path("wrong.yaml").write_text("tensors: {x: [1.0, 2.0]}\nsteps: {y: x * 3}\nexpect: {y: [3.0, 5.0]}\n")
    code, out, _ = typed("wrong.yaml", "-o", "repro.py")
    assert code == 0
    assert "y" in out.splitlines()[0]
    assert "y[1] = 6.0" in succeeded(sys.executable, "repro.py").stdout


def test_a_step_that_fails_fails_in_the_script(typed):
    Path("wrong.yaml").write_text("tensors: {x: {init: ones, size: [2, 3]}}\nsteps: {y: x @ x}\n")
    code, out, _ = typed("wrong.yaml")
    assert code == 0
    assert out.startswith('"""\'y\' fails: RuntimeError: mat1 and mat2 shapes cannot be multiplied')
    assert "y = x @ x" in out


def test_a_recipe_in_which_nothing_is_wrong_gives_a_script_that_prints_what_it_comes_to(typed):
    code, out, _ = typed(str(RECIPES / "linear_autograd.yaml"), "--json")
    told = json.loads(out)
    assert (code, told["shows"], told["printed"]) == (
        0,
        True,
        "y = tensor(5., grad_fn=<AddBackward0>)\nw.grad = tensor(1.)\n",
    )


def test_a_report_is_in_the_shape_of_pytorchs_form(typed):
    code, out, _ = typed(str(RECIPES / "softmax_overflow.yaml"), "dtype=float16", "--issue")
    heads = [line for line in out.splitlines() if line.startswith("#")]
    assert code == 0
    assert heads[0] == "### Describe the bug"
    assert "### Versions" in heads
    assert "exp[1, 2] = inf" in out
    assert "PyTorch version: " in out
    assert "\nOverflow at exp (forward), as the dtype does not hold the exact numbers: no step" in out


def test_ops_of_your_own_are_in_the_script_by_their_source(typed):
    Path("ops.py").write_text(
        "from tensorflow_free import register_op\n\n\n@register_op('mine.slightly')\ndef off(x):\n    return x * 1.01\n"
    )
    Path("wrong.yaml").write_text(
        "tensors: {x: [1.0, 2.0]}\nsteps: {y: mine.slightly(x)}\nreference: {steps: {y: x * 1}}\n"
    )
    code, out, _ = typed("wrong.yaml", "--ops", "ops.py")
    assert code == 0
    assert "def off(x):\n    return x * 1.01" in out
    assert "y = off(x)" in out


KERNELS = """
import math as m
from math import sqrt
import torch
from safetensors.torch import save_file
from torch.nn.functional import relu
LEAK, SHAPE = 0.5, (1, 2)
def helper(x):
    return relu(x) * LEAK + m.pi * 0 + sqrt(0.0)
class Off(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return helper(x)
    @staticmethod
    def backward(ctx, gradient):
        return gradient * 3
off = Off.apply
"""
OPS = """
import kernels
from kernels import off as inner
from tensorflow_free import register_op
@register_op("script.leaky")
def leaky(x):
    return kernels.off(x) + inner(x) * 0
"""


def test_what_ops_of_your_own_need_is_in_the_script_too(typed, monkeypatch):
    monkeypatch.syspath_prepend(Path.cwd())
    monkeypatch.delitem(sys.modules, "kernels", raising=False)
    Path("kernels.py").write_text(KERNELS)
    Path("ops_of_test.py").write_text(OPS)
    Path("wrong.yaml").write_text(
        "tensors: {x: {data: [1.0, -2.0], requires_grad: true}}\nsteps: {y: script.leaky(x), z: y.sum()}\n"
        "backward: z\nreference: {steps: {y: torch.relu(x) * 0.5}}\n"
    )
    code, _, err = typed("wrong.yaml", "--ops", "ops_of_test.py", "-o", "repro.py")
    assert (code, err) == (0, "")
    text = Path("repro.py").read_text()
    assert "x.grad[1] is 3 on cpu float32, and 0 in float64" in text
    assert "Written by `recipe script wrong.yaml --ops ops_of_test.py`" in text
    for line in (
        "import math as m",
        "from math import sqrt",
        "LEAK = 0.5",
        "off = Off.apply",
        "    return off(x) + inner(x) * 0",
    ):
        assert line in text.splitlines()
    assert "kernels" not in text
    assert "SHAPE" not in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "command line: no recipe is named; give the path of a .yaml file, or a folder of them"),
        (["nowhere.yaml"], "nowhere.yaml"),
        (["wrong.yaml", "-o", "a.txt"], "flag '--output': 'a.txt' does not end in .py"),
    ],
)
def test_a_wrong_command_line_is_told(typed, words, said):
    code, out, err = typed(*words)
    assert (code, out) == (2, "")
    assert err.startswith(said)


def test_the_steps_of_the_reference_run_in_float64_beside_a_kernel_of_your_own(typed):
    folder = RECIPES.parent / "docs"
    Path("its_ops.py").write_text((folder / "my_ops.py").read_text().replace('"my.', '"beside_reference.'))
    words = ["steps.act.op=beside_reference.silu", "+reference={steps.act.op: F.silu}", "--ops", "its_ops.py"]
    code, out, _ = typed(str(folder / "my_layer.yaml"), *words, "-o", "repro.py")
    text = Path("repro.py").read_text()
    assert (code, "digit by digit" in out) == (0, True)
    assert "def steps_in_float64(x, w):" in text
    assert "act = F.silu(h)" in text
    assert "\nin float64: 0.18516640" in succeeded(sys.executable, "repro.py").stdout


DRAWN = """
tensors: {x: {init: randn, size: [4, 8]}, w: {init: randn, size: [8, 3], requires_grad: true}}
steps: {h: x @ w, y: h.exp()}
backward: {target: y, gradient: {init: randn}}
"""


@pytest.mark.parametrize("words", [["dtype=float64"], ["forward=true", "dtype=bfloat16"]])
def test_gradients_that_are_drawn_and_runs_forward_only_have_the_same_bits_in_every_dtype(words, tmp_path):
    path = tmp_path / "drawn.yaml"
    path.write_text(DRAWN)
    recipe = load_recipe(path, words)
    space, failed = variables_of(script_of(recipe, tmp_path), tmp_path)
    result, _ = run(plan_of(recipe))
    pairs = list(pairs_of(result, space))
    assert (failed, len(pairs)) == (None, 5 - ("forward=true" in words))
    assert all(mine is its or same_bits(mine, its) for _, mine, its in pairs)


LOADED = """
tensors:
  x: {init: load, path: big.safetensors, key: x}
  w: {init: load, path: big.safetensors, key: w, requires_grad: true}
steps: {h: x @ w, y: h.exp(), z: y.sum()}
backward: z
"""


@pytest.mark.parametrize("named", ["run", "sweep/1", "loaded.yaml"])
def test_a_recipe_that_loads_a_file_a_cell_of_its_sweep_and_its_saved_run_have_a_script(named, typed):
    save_file({"x": torch.full((3, 400), 0.5), "w": torch.full((400, 5), 0.5)}, "big.safetensors")
    Path("loaded.yaml").write_text(LOADED)
    made = {
        "run": ["loaded.yaml", "dtype=float16", "hydra.run.dir=run"],
        "sweep/1": ["-m", "loaded.yaml", "dtype=float32,float16", "hydra.sweep.dir=sweep"],
    }
    if named in made:
        cli._guarded(cli.run_recipe_main, [*made[named], "-q"])
    code, out, _ = typed(named, *([] if named in made else ["dtype=float16"]), "-o", "repro.py")
    assert code == 0
    assert "y[0, 0] is inf on cpu float16, and 2.68811714e+43 in float64\nrun in a fresh process: the same" in out
    assert torch.load("repro.pt")["w"].shape == (400, 5)


RAISING = """
from tensorflow_free import register_op
class Unlucky(Exception):
    pass
@register_op("script.{0}")
def {0}(x):
    raise {1}
"""


@pytest.mark.parametrize(
    ("steps", "said", "raised"),
    [
        ("{y: script.unlucky(x)}", "'y' fails: Unlucky: no luck", ("unlucky", 'Unlucky("no luck\\nat all")')),
        ("{y: script.silent(x)}", "'y' fails: ValueError", ("silent", "ValueError")),
        ("{y: torch.linalg.inv(x)}", "'y' fails: _LinAlgError: linalg.inv: ", None),
        ("{y: 'x.reshape([2, 2])'}\nbackend: aot_eager", "'steps' fails: TorchRuntimeError: ", None),
    ],
)
def test_an_error_of_a_class_of_your_own_of_a_compiler_and_without_words_is_the_same_error(steps, said, raised, typed):
    if raised is not None:
        Path(f"{raised[0]}.py").write_text(RAISING.format(*raised))
    words = [] if raised is None else ["--ops", f"{raised[0]}.py"]
    Path("wrong.yaml").write_text(f"tensors: {{x: {{init: zeros, size: [3, 3]}}}}\nsteps: {steps}\n")
    code, out, _ = typed("wrong.yaml", *words, "-o", "repro.py")
    assert code == 0
    assert out.splitlines()[0].startswith(said)
    assert out.splitlines()[1] == "run in a fresh process: the same error"


def test_a_step_may_be_called_like_the_function_of_its_op(typed):
    Path("alike.py").write_text(
        "from tensorflow_free import register_op\n\n\ndef x(y):\n    return y * 1.01\n\n\n"
        "@register_op('script.alike')\ndef alike(value):\n    return x(value)\n"
    )
    Path("wrong.yaml").write_text(
        "tensors: {x: [1.0, 2.0]}\nsteps: {alike: script.alike(x)}\nreference: {steps: {alike: x * 1}}\n"
    )
    code, out, _ = typed("wrong.yaml", "--ops", "alike.py")
    assert code == 0
    assert "def x_op(y):\n    return y * 1.01" in out
    assert "def alike_op(value):\n    return x_op(value)" in out
    assert "    alike = alike_op(x)\n" in out


def test_a_script_for_a_device_that_is_not_here_is_given_and_marked_as_not_run(typed):
    Path("drawn.yaml").write_text(DRAWN)
    code, out, err = typed("drawn.yaml", "device=cuda:7", "dtype=bfloat16", "-o", "repro.py")
    assert (code, err) == (0, "")
    assert out.splitlines()[:2] == [
        "What drawn computes on cuda:7 bfloat16",
        "not run, as its device is not here",
    ]
    text = Path("repro.py").read_text()
    assert "\nNot run, as its device is not here.\n" in text
    assert 'torch.manual_seed(0)\nx = torch.randn([4, 8]).to(torch.bfloat16).to("cuda:7")\n' in text


def test_a_saved_run_of_a_device_that_is_not_here_has_a_script_that_would_show_its_fault(typed):
    Path("drawn.yaml").write_text("tensors: {x: [1.0, 2.0]}\nsteps: {y: x * 3}\nexpect: {y: [3.0, 5.0]}\n")
    cli._guarded(cli.run_recipe_main, ["drawn.yaml", "hydra.run.dir=run", "-q"])
    file = Path("run/result.json")
    file.write_text(file.read_text().replace('"device": "cpu"', '"device": "cuda:7"'))
    with Path("run/recipe.yaml").open("a") as recipe:
        recipe.write("device: cuda:7\n")
    code, out, _ = typed("run", "-o", "repro.py")
    assert (code, out.splitlines()[1]) == (0, "not run, as its device is not here")
    text = Path("repro.py").read_text()
    assert text.startswith('"""y is not what is expected: ')
    assert 'x = torch.tensor([1.0, 2.0]).to("cuda:7")\n' in text
    assert 'print("y[1] =", y[1].item())\n' in text
