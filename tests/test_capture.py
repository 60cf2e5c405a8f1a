"""`recipe capture` and `capture`: a model that runs, as a recipe with the same bits."""

from __future__ import annotations

import itertools
import json
import re
from functools import cache
from pathlib import Path

import pytest
import torch
import torch.utils.checkpoint
import yaml
from torch import nn

from tensorflow_free import RecipeError, capture, cli, load_recipe, run_recipe
from tensorflow_free.tracing.captured_recipe import CaptureOptions, captured
from tensorflow_free.tracing.model_file import ModelFile, Subject, model_file
from tests.captured import models
from tests.captured.models import MODELS

FILE = Path(models.__file__)
LACK_KERNELS = ("fft", "solve")
"""Models whose ops have no kernel in bfloat16 on the CPU."""


def typed_in(capsys, *words):
    code = cli._guarded(cli.recipe_main, words)
    return code, *capsys.readouterr()


@cache
def of(make, **wanted):
    """A model, captured once for all tests that only look at it."""
    return captured(ModelFile(FILE, make.__name__, make).made(), CaptureOptions(make.__name__, **wanted))


def steps_of(found):
    return yaml.safe_load(found.text)["steps"]


@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_a_model_becomes_a_recipe_with_the_same_bits(make):
    found = of(make)
    assert found.proof.holds, found.proof.words()
    assert found.proof.steps == len(found.made.steps) > 0
    assert found.proof.outputs[1] > 0
    assert found.proof.gradients[1] > 0


@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_what_is_captured_sweeps(make, tmp_path, full):
    recipe = of(make).write(tmp_path)[0]
    assert run_recipe(load_recipe(recipe, ["dtype=float64"])).error is None
    if make.__name__ not in LACK_KERNELS:
        assert run_recipe(load_recipe(recipe, ["dtype=bfloat16"])).error is None
    if full or make in (models.plain_function, models.tied_weights):
        eager, compiled = (run_recipe(load_recipe(recipe, [word])) for word in ("record=outputs", "backend=aot_eager"))
        assert compiled.error is None
        # of what a later step changes, a compiled run has the end alone
        for name in (name for name in eager if f"{name}.after" not in eager):
            torch.testing.assert_close(compiled[name], eager[name], equal_nan=True)


def test_a_block_of_gpt_2_is_twenty_steps_named_after_its_modules():
    steps = steps_of(of(models.gpt2_block))
    assert len(steps) == 20
    assert steps["ln_1"] == "F.layer_norm(x, [16], weight=ln_1_weight, bias=ln_1_bias)"
    assert steps["attn_c_attn"] == "F.linear(ln_1, attn_c_attn_weight, attn_c_attn_bias)"
    assert steps["attn_view_2"] == "attn_split[1].view(2, 5, 2, -1)"
    assert [steps["add"], steps["add_2"]] == ["x + attn_c_proj", "add + mlp_2"]


def test_literals_that_move_with_a_size_become_parameters():
    file = ModelFile(FILE, "gpt2_block", models.gpt2_block)
    found = captured(file.made(), CaptureOptions(init=True), file)
    recipe = yaml.safe_load(found.text)
    assert recipe["params"] == {"batch": 2, "seq": 5}
    assert recipe["tensors"]["x"]["size"] == ["${params.batch}", "${params.seq}", 16]
    assert recipe["steps"]["attn_view"] == "attn_split[0].view(${params.batch}, ${params.seq}, 2, -1)"
    larger = run_recipe(load_recipe(recipe, ["params.batch=3", "params.seq=4"]))
    assert larger["add_2"].shape == (3, 4, 16)
    equal = "output and 13 of 13 gradients equal, bit for bit"
    assert found.notes == [f"at batch=3 (params.batch=3): {equal}", f"at seq=6 (params.seq=6): {equal}"]


def scaled(batch=4):
    return lambda x: (x * batch**-0.5).view(batch, 1, -1), (torch.ones(batch, 2),)


def test_a_number_that_moves_and_is_no_parameter_is_found_by_a_run_at_another_size():
    file = ModelFile(FILE, "scaled", scaled)
    found = captured(file.made(), CaptureOptions(init=True), file)
    assert found.proof.holds
    assert found.notes == [
        "at batch=5 (params.batch=5): 0 of 1 outputs equal; the recipe is the model as it is written alone"
    ]


def tokens(batch=2, seq=5):
    class Tokens(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(9, 4)

        def forward(self, idx, keep, mask):
            return (self.embed(idx) * mask[..., None]).masked_fill(~keep[..., None], 0.0).sum(1)

    torch.manual_seed(1)
    return Tokens(), (torch.randint(0, 9, (batch, seq)), torch.rand(batch, seq) > 0.3, torch.ones(batch, seq))


def test_inputs_of_integers_and_masks_move_with_a_size_where_numbers_are_drawn():
    file = ModelFile(FILE, "tokens", tokens)
    found = captured(file.made(), CaptureOptions(init=True), file)
    tensors = yaml.safe_load(found.text)["tensors"]
    size = ["${params.batch}", "${params.seq}"]
    assert tensors["idx"]["init"] == tensors["keep"]["init"] == "randint"
    assert tensors["idx"]["size"] == tensors["keep"]["size"] == tensors["mask"]["size"] == size
    assert found.proof.holds
    larger = run_recipe(load_recipe(yaml.safe_load(found.text), ["params.batch=3", "params.seq=7"]))
    assert (larger["idx"].shape, larger["keep"].dtype, larger["sum"].shape) == ((3, 7), torch.bool, (3, 4))


class Noisy(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.drop = nn.Linear(4, 4), nn.Dropout(0.5)

    def forward(self, x):
        noise = torch.rand(4).mul_(2) + torch.empty(4).normal_()
        return self.drop(self.layer(x)) + noise, nn.functional.dropout2d(x.view(1, 3, 2, 2)), torch.randint(0, 9, (2,))


def test_random_numbers_that_were_drawn_stand_as_starting_tensors():
    found = capture(Noisy(), torch.ones(3, 4, requires_grad=True), options=CaptureOptions(freeze_random=True))
    steps = steps_of(found)
    assert found.proof.words() == "10 steps; 3 of 3 outputs and 3 of 3 gradients equal, bit for bit"
    assert steps["drop"] == "layer * drop_dropout_mask"
    assert not any(call.draws for call in found.made.steps.values())
    one, other = (run_recipe(load_recipe(yaml.safe_load(found.text), [f"seed={seed}"])) for seed in (1, 2))
    assert torch.equal(one["drop"], other["drop"])


def test_what_draws_inside_another_call_cannot_be_frozen():
    attention = nn.MultiheadAttention(4, 2, dropout=0.5)
    x = torch.ones(3, 2, 4)
    with pytest.raises(RecipeError, match="draws random numbers inside, which cannot be kept; set its dropout to 0"):
        capture(attention, x, x, x, options=CaptureOptions(freeze_random=True))


class Wrapped(torch.Tensor):
    @staticmethod
    def __new__(cls, data):
        return torch.Tensor._make_wrapper_subclass(cls, data.shape, dtype=data.dtype)

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        raise AssertionError


def test_a_tensor_that_runs_code_of_its_own_is_refused_by_its_class():
    with pytest.raises(RecipeError, match="'x' is a Wrapped, which runs code of its own in each call"):
        capture(lambda x: x * 2, Wrapped(torch.ones(2)))


def test_whether_a_copy_is_waited_for_is_no_part_of_a_recipe():
    found = capture(
        lambda x: x.to("cpu", non_blocking=True) + x.to(x.device, copy=True, non_blocking=True), torch.ones(2)
    )
    assert found.proof.holds
    assert "non_blocking" not in found.text


def test_seeded_draws_stand_in_place_of_numbers_and_are_proven_too():
    found = of(models.llama_block, init=True)
    tensors = yaml.safe_load(found.text)["tensors"]
    assert found.proof.holds
    assert (found.numbers, found.made.files) == (0, {})
    assert {one["init"] for one in tensors.values()} == {"normal", "ones"}


def test_what_is_large_lies_in_a_file_beside_the_recipe(tmp_path):
    found = captured(Subject(nn.Linear(40, 40), (torch.ones(2, 40),), {}), CaptureOptions("large"))
    recipe, beside = found.write(tmp_path)
    assert beside.name == "large.safetensors"
    assert load_recipe(recipe).tensors["weight"].init == "load"
    assert found.proof.holds


def test_functions_of_autograds_become_ops_in_a_file_beside_it(tmp_path):
    found = of(models.custom_function)
    _, ops = found.write(tmp_path)
    assert ops.name == "custom_function_ops.py"
    assert steps_of(found)["Clipped"] == "models.Clipped(layer, -0.5, 0.5)"
    assert "Clipped.apply(x, low, high)" in ops.read_text()


def test_blocks_stand_around_what_ran_in_them():
    steps = steps_of(of(models.autocast_region))
    assert steps["autocast"]["with"] == {"autocast": {"dtype": "bfloat16"}}
    assert list(steps["autocast"]["steps"]) == ["first", "relu", "no_grad", "div", "second"]
    assert steps["autocast"]["steps"]["no_grad"] == {
        "with": "no_grad",
        "steps": {"abs": "relu.abs()", "amax": "abs.amax()"},
    }


def test_a_number_that_python_was_given_is_told_and_stays_the_steps():
    found = of(models.scaled_by_item)
    assert steps_of(found)["div"] == "x / item"
    assert [note.partition(": ")[2] for note in found.notes] == [
        "`item` gives Python a number; what hangs on it was captured as it ran"
    ] * len(found.notes)


def test_the_model_is_as_it_was_afterwards():
    torch.manual_seed(3)
    norm, x = nn.BatchNorm1d(4), torch.randn(5, 4, requires_grad=True)
    before, seed = norm.state_dict()["running_mean"].clone(), torch.get_rng_state()
    capture(norm, x)
    assert torch.equal(norm.running_mean, before)
    assert norm.num_batches_tracked == 0
    assert (x.grad, norm.weight.grad) == (None, None)
    assert torch.equal(torch.get_rng_state(), seed)


class LeavesTorch(nn.Module):
    def forward(self, x):
        return x + torch.from_numpy(x.detach().numpy() * 2)


class RunsBackward(nn.Module):
    def forward(self, x):
        y = (x**2).sum()
        y.backward()
        return y


class SetsData(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.ones(2))

    def forward(self, x):
        self.w.data = x
        return self.w * 2


class Inside(nn.Module):
    def forward(self, x):
        class Twice(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return 2 * x

            @staticmethod
            def backward(ctx, grad):
                return 2 * grad

        return Twice.apply(x)


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (
            LeavesTorch(),
            r"test_capture.py:\d+: a tensor comes from .*`numpy\(\)` at .*; make it an argument, or a buffer",
        ),
        (RunsBackward(), r"test_capture.py:\d+: it runs `Tensor.backward` itself; capture the forward pass alone"),
        (SetsData(), r"test_capture.py:\d+: it sets an attribute, `x.data = …`; write `x.copy_"),
        (
            Inside(),
            r"test_capture.py:\d+: 'Twice' is a torch.autograd.Function that is defined inside a function; define",
        ),
    ],
    ids=["numpy", "backward", "data", "local function"],
)
def test_what_no_recipe_can_say_is_refused_with_its_line(module, said):
    with pytest.raises(RecipeError, match=said):
        capture(module, torch.ones(2, requires_grad=True))


def test_a_recipe_that_gives_other_bits_is_not_proven():
    counted = itertools.count(1)

    def moody(x):
        return x * next(counted)

    found = capture(moody, torch.ones(2, requires_grad=True))
    assert not found.proof.holds
    assert found.proof.words() == "1 step; 0 of 1 outputs and 0 of 1 gradients equal, bit for bit"


MODEL = """
import itertools
import torch
from torch import nn

def make(batch=2):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 3), nn.GELU()), (torch.randn(batch, 4),)

def moody():
    counted = itertools.count(1)
    return lambda x: x * next(counted), (torch.ones(2),)

def bare():
    return nn.Linear(2, 2)

def broken():
    return nn.Lnear(2, 2), ()

def exported(batch=2):
    model, args = make(batch)
    return torch.export.export(model, args), args
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("model_of_test.py").write_text(MODEL)
    return tmp_path


def test_the_command_writes_the_recipe_and_says_that_it_is_proven(here, capsys):
    code, out, err = typed_in(capsys, "capture", "model_of_test.py:make", "-o", "layer.yaml")
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "2 steps; output and 2 of 2 gradients equal, bit for bit"
    assert "run-recipe layer.yaml" in out
    assert "23 numbers of 3 tensors" in out
    assert run_recipe(load_recipe("layer.yaml")).is_well


def test_the_command_captures_at_the_level_aten_and_graphs_that_make_gives(here, capsys):
    for word in ("make", "exported"):
        code, out, err = typed_in(capsys, "capture", f"model_of_test.py:{word}", "--level", "aten", "--init")
        assert (code, err) == (0, "")
        assert out.splitlines()[0] == "3 steps; output and 2 of 2 gradients equal, bit for bit"
    assert "addmm.default(m0_bias, input, m0_t)" in Path("exported.yaml").read_text()


def test_json_tells_the_same(here, capsys):
    code, out, _ = typed_in(capsys, "capture", "model_of_test.py:make", "--json", "--init")
    assert code == 0
    assert json.loads(out) == {
        "well": True, "files": ["make.yaml"], "steps": 2, "outputs": [1, 1], "gradients": [2, 2], "changed": [0, 0],
        "notes": ["at batch=3 (params.batch=3): output and 2 of 2 gradients equal, bit for bit"],
    }  # fmt: skip


def test_what_is_not_proven_is_not_written(here, capsys):
    code, out, err = typed_in(capsys, "capture", "model_of_test.py:moody")
    assert (code, out) == (1, "")
    assert err.endswith("0 of 1 outputs equal, bit for bit; nothing is written\n")
    assert not Path("moody.yaml").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["model_of_test.py"],
            "'model_of_test.py' names no function; write FILE.py:MAKE, where MAKE() gives (callable, args)",
        ),
        (["nowhere.py:make"], "nowhere.py: it is not there; FILE.py:MAKE names a function of a file of Python"),
        (["model_of_test.py:mak"], "model_of_test.py: 'mak' is not in it; did you mean 'make'?"),
        (["model_of_test.py:bare"], "model_of_test.py: 'bare' gives no arguments; MAKE() gives (callable, args)"),
        (["model_of_test.py:broken"], "model_of_test.py:18: 'broken' fails: AttributeError: module 'torch.nn' has no"),
        (["model_of_test.py:make", "-o", "a.yml"], "flag '--output': 'a.yml' does not end in .yaml"),
        (["model_of_test.py:make", "-o", "no/a.yaml"], "flag '--output': the folder 'no' is not there"),
        (["model_of_test.py:make", "--level", "foo"], "flag '--level': 'foo' is not public or aten"),
        (["model_of_test.py:make", "--module", "2"], "'2' is not a submodule of Sequential"),
        (
            ["model_of_test.py:make", "--backward", "_1"],
            "'_1' is no output that can be differentiated; outputs are m1",
        ),
    ],
)
def test_a_wrong_command_line_is_told(here, capsys, words, said):
    code, out, err = typed_in(capsys, "capture", *words)
    assert (code, out) == (2, "")
    assert err.startswith(said)


def test_a_submodule_is_captured_with_the_inputs_that_it_has_in_the_run(here, capsys):
    code, out, _ = typed_in(capsys, "capture", "model_of_test.py:make", "--module", "1", "-o", "act.yaml")
    assert code == 0
    assert out.startswith("1 step; output and 1 of 1 gradients equal, bit for bit")
    assert "gelu" in Path("act.yaml").read_text()


def test_the_page_says_what_is_printed_and_written(here, capsys):
    page = (Path(__file__).parent.parent / "docs" / "from-a-model.md").read_text()
    model, written = (re.search(rf"```{kind}\n(.*?)```", page, re.DOTALL)[1] for kind in ("python", "yaml"))
    Path("my_block.py").write_text(model)
    command, *printed = re.search(r"\$ recipe (capture .*?)\n```", page, re.DOTALL)[1].splitlines()
    code, out, _ = typed_in(capsys, *command.split())
    assert (code, out.splitlines()) == (0, printed)
    assert Path("block.yaml").read_text() == written


@pytest.mark.parametrize(
    ("function", "args", "said"),
    [
        (nn.Linear(4, 4), (torch.ones(2, 3),), "the model fails: RuntimeError: mat1 and mat2 shapes cannot be"),
        (lambda x: {}[0], (torch.ones(2),), "test_capture.py:[0-9]+: the model fails: KeyError: 0; it must run with"),
        (nn.ReLU(), ({"input": torch.ones(2)},), r"a dict holds arguments by name, write \(callable, \(\), DICT\)"),
        (lambda x: None, (torch.ones(2),), "the model gives a NoneType, in which there is no tensor; return what"),
        (lambda x: torch.autograd.grad(x.sum(), x), (torch.ones(2),), "it runs `autograd.grad` itself; capture the"),
    ],
    ids=["shapes", "python", "dict", "nothing", "grad"],
)
def test_a_model_that_does_not_run_is_told_with_its_own_error(function, args, said):
    with pytest.raises(RecipeError, match=said):
        capture(function, *args)


def test_a_size_that_the_model_cannot_have_is_no_parameter():
    def make(seq=4):
        return nn.Embedding(4, 2), (torch.arange(seq),)

    file = ModelFile(FILE, "make", make)
    found = captured(file.made(), CaptureOptions(), file)
    assert found.proof.holds
    assert "with seq=5 the model fails: IndexError: index out of range in self" in found.notes[0]


def test_a_cast_by_name_to_the_models_own_dtype_follows_the_recipe(tmp_path):
    model = nn.Linear(3, 2)
    found = capture(lambda x: model(x.float()), torch.arange(3))
    assert steps_of(found)["to"] == "x.to(floating)"
    assert run_recipe(load_recipe(found.write(tmp_path)[0], ["dtype=bfloat16"])).error is None
    assert "x.float()" in capture(lambda x: x.float() * 2, torch.ones(3, dtype=torch.float64)).text


def test_a_function_may_be_called_as_its_file_and_its_argument_too(here):
    Path("swish.py").write_text(
        "import torch\n\n\nclass Swish(torch.autograd.Function):\n"
        "    forward = staticmethod(lambda ctx, swish: swish.tanh())\n"
        "    backward = staticmethod(lambda ctx, gradient: gradient)\n\n\n"
        "def make():\n    return Swish.apply, torch.ones(3, requires_grad=True)\n"
    )
    file = model_file("swish.py:make")
    assert captured(file.made(), CaptureOptions("own"), file).proof.holds


def test_a_step_that_fails_in_the_recipe_alone_is_told_with_the_models_line():
    models.Once.runs = 0
    found = capture(models.Once.apply, torch.ones(2, requires_grad=True))
    assert not found.proof.holds
    assert "the first step that differs is Once (the model): it fails with RuntimeError: enough" in found.proof.words()


@pytest.mark.full
def test_a_model_that_is_compiled_is_held_against_its_eager_run():
    found = capture(torch.compile(nn.Sequential(nn.Linear(4, 4), torch.compile(nn.GELU()))), torch.randn(2, 4))
    assert found.proof.holds
    assert list(steps_of(found)) == ["m0", "m1"]


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (
            torch.eye(3).to_sparse(),
            r"'args\.0' is of torch\.sparse_coo, and a recipe starts from dense tensors; give what",
        ),
        (torch.ones(2).to_mkldnn(), r"'args\.0' is of torch\._mkldnn, and a recipe starts"),
    ],
    ids=["sparse", "mkldnn"],
)
def test_starting_tensors_that_are_not_dense_are_refused_by_name(start, said):
    with pytest.raises(RecipeError, match=said):
        capture(lambda *args: args[0] + 1, start)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_of_a_module_of_torchs_alone_no_line_is_told():
    model = torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(4, 4)))
    with pytest.raises(RecipeError, match=r"^'quantized\.linear_dynamic' is not an op of a recipe's; "):
        capture(model, torch.randn(2, 4))


HELD = nn.Linear(2, 2)


def held_elsewhere(x):
    def inner(y):
        return HELD(y)

    return inner(x)


def test_a_module_that_an_inner_function_or_a_helper_knows_by_a_free_name_has_that_name():
    for function in (held_elsewhere, lambda x: held_elsewhere(x)):  # noqa: PLW0108 - as above
        found = capture(function, torch.ones(1, 2))
        assert list(found.made.starts) == ["x", "HELD_weight", "HELD_bias"]


def hooked(x):
    y = x * 2
    y.register_hook(lambda gradient: gradient * 3)
    return y


def hooked_module():
    linear = nn.Linear(2, 2)
    linear.register_full_backward_hook(lambda module, to, of: (to[0] * 3,))
    return linear


@pytest.mark.parametrize(
    ("function", "note"),
    [
        (hooked, rf"^{re.escape(__file__)}:\d+: a hook on gradients is"),
        (hooked_module(), "^'Linear': a hook on gradients is"),
    ],
    ids=["tensor", "module"],
)
def test_a_hook_that_changes_gradients_is_told_where_the_recipe_has_others(function, note):
    found = capture(function, torch.ones(2, 2, requires_grad=True))
    assert not found.proof.holds
    assert re.match(note, found.notes[0])


def test_what_stands_in_a_reentrant_checkpoint_is_captured():
    layer = nn.Sequential(nn.Linear(2, 2), nn.GELU())

    def run(x):
        return torch.utils.checkpoint.checkpoint(layer, x, use_reentrant=True)

    found = capture(run, torch.ones(2, 2, requires_grad=True))
    assert found.proof.holds
    assert list(steps_of(found)) == ["layer_0", "layer_1"]


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (torch.func.vmap(torch.sin), "it runs under `torch.vmap`, where tensors stand for others; write what it does"),
        (torch.func.grad(lambda x: x.sin().sum()), "it runs under `torch.func.grad`, where"),
        (torch.jit.trace(nn.ReLU(), torch.ones(2)), "is of TorchScript, inside of which no call is seen; capture the"),
    ],
    ids=["vmap", "grad", "TorchScript"],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_cannot_be_seen_inside_is_refused_with_what_to_do(function, said):
    with pytest.raises(RecipeError, match=said):
        capture(function, torch.ones(2))


@pytest.mark.full
def test_a_higher_order_op_is_refused_with_what_to_do():
    import torch._dynamo  # it is refused whether this was imported before or not

    with pytest.raises(RecipeError, match=r"test_capture.py:\d+: it calls what Dynamo must compile: torch.cond"):
        capture(lambda x: torch.cond(x.sum() > 0, torch.sin, torch.cos, (x,)), torch.ones(2))


def test_the_ends_of_the_dtype_follow_the_recipes_and_a_method_keeps_its_order():
    steps = steps_of(of(models.masked_to_the_ends))
    assert steps["masked_fill"] == {"op": "masked_fill", "args": ["x", "invert", {"finfo": "min"}]}
    assert steps["where"] == "full_like.where(invert_2, masked_fill)"


def test_tensors_in_an_object_that_the_call_appends_to_have_names_and_are_outputs():
    found = of(models.cached_attention)
    assert found.proof.words() == "3 steps; 3 of 3 outputs and 3 of 3 gradients equal, bit for bit"
    assert list(found.made.starts) == ["x", "layer_weight", "layer_bias", "cache_keys_0"]


def test_other_dtypes_that_calls_say_are_told_and_stay():
    found = capture(lambda x: x.double().softmax(-1, dtype=torch.bfloat16) + x.to(torch.float32), torch.ones(3))
    assert found.notes == [
        "float64 is said by double_, and stays in every dtype of the recipe",
        "bfloat16 is said by softmax, and stays in every dtype of the recipe",
    ]
