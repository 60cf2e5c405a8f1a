"""Names of devices: which are known, which are slips, and what becomes of a device that is not here."""

from __future__ import annotations

import re

import pytest

from tensorflow_free import RecipeError, StepError, UnavailableError, cli, load_recipe, run_recipe
from tensorflow_free.errors import TensorflowFreeError
from tensorflow_free.recipe.device_names import KNOWN, kind_problem, named_by
from tensorflow_free.sweep.preparation import sweep_recipe
from tests.here import Here

PLAIN = "tensors: {x: {data: [1.0, 2.0], requires_grad: true}}\nsteps: {y: x.sum()}\nbackward: y\n"
SPEAKS = PLAIN + (
    "expect: {y: [{value: 3.0, when: {device: [cpu, zpu]}}]}\nxfail: [{reason: new, when: {device: spyrex}}]\n"
)


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    """Writes a recipe in a folder in which the test runs."""
    monkeypatch.chdir(tmp_path)

    def write(text, name="r.yaml"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return name

    return write


@pytest.fixture
def typed(capsys):
    """Runs a plain run in this process: its exit code and all that it prints."""

    def type_in(*words):
        code = cli._guarded(cli.run_recipe_main, words)
        return code, "".join(capsys.readouterr())

    return type_in


@pytest.mark.parametrize("word", [*KNOWN[1:], "zpu", "vpu", "tpux", "gcu2", "my_chip", "metal", "xcpu"])
def test_any_identifier_may_be_a_device_in_when_and_in_xfail(recipe, word):
    when = f"{{device: {word}}}"
    text = PLAIN + f"expect: {{y: [{{value: 4.0, when: {when}}}]}}\nxfail: [{{reason: known, when: {when}}}]\n"
    assert run_recipe(load_recipe(recipe(text)))["y"].item() == 3


@pytest.mark.parametrize(
    ("word", "meant"),
    [("cdua", "cuda"), ("cpuu", "cpu"), ("CUDA", "cuda"), ("Cpu", "cpu"), ("gpu", "cuda"), ("mpss", "mps")],
)
def test_a_slip_of_a_name_that_pytorch_has_is_told(word, meant):
    assert kind_problem(word) == f"; did you mean '{meant}'?"


@pytest.mark.parametrize("word", ["my device", "", "1", 3, None, "a-b", "ä"])
def test_what_is_no_identifier_is_no_device(word):
    assert kind_problem(word) == "; it is a word, such as cpu, cuda, mps, xpu, npu"


def test_a_recipe_speaks_of_devices_in_when_wherever_it_stands():
    one = {"expect": {"y": {"value": 1, "when": {"device": "one"}}}}
    two = {"xfail": [{"when": {"device": ["two", 3]}}]}
    three = {"y": [{"when": {"device": "three"}}]}
    written = {"cases": {"a": one, "b": two}, "steps": {"when": 1}, "expect": three}
    assert set(named_by(written)) == {"one", "two", "three"}


@pytest.mark.parametrize("device", ["npu", "npu:3", "hpu", "mlu:0", "zpu", "zpu:1", "spyrex"])
def test_a_known_device_that_is_not_here_is_unavailable_and_the_way_out_is_told(recipe, typed, device):
    path = recipe(SPEAKS)
    with pytest.raises(UnavailableError, match=f"'{device}' is not available: .* device=cpu runs anywhere"):
        load_recipe(path, [f"device={device}"])
    code, told = typed(path, f"device={device}")
    assert (code, "device=cpu runs anywhere" in told, "Traceback" in told) == (2, True, False)


@pytest.mark.parametrize(
    ("device", "told"),
    [
        ("cdua", "did you mean 'cuda'"),
        ("zpu", "is not a device"),
        ("nppu", "did you mean 'npu'"),
        ("npu:x", "such as npu:0"),
    ],
)
def test_a_word_that_nothing_knows_is_refused(recipe, typed, device, told):
    code, words = typed(recipe(PLAIN), f"device={device}")
    assert code == 2
    assert told in words
    assert "not available" not in words


@pytest.mark.parametrize(
    "text",
    [
        "tensors: {x: {data: 1.0, device: 'npu:1'}}\n",
        "tensors: {x: 1.0}\nsteps: {y: 'x.to(\"npu:1\")'}\n",
        "tensors: {x: 1.0}\nsteps: {y: {op: to, args: [x, 'npu:1']}}\n",
        "tensors: {x: 1.0}\nsteps: {y: {op: zeros, args: [2], kwargs: {device: 'npu:1'}}}\n",
        "device: npu:1\ntensors: {x: 1.0}\nsteps: {y: 'x.to(\"${device}\")'}\n",
    ],
)
def test_a_tensor_or_a_step_on_a_device_that_is_not_here_is_unavailable_too(recipe, text):
    with pytest.raises(UnavailableError, match="'npu:1' is not available"):
        load_recipe(recipe(text))


def test_a_word_that_is_no_device_is_none_in_a_step_either(recipe):
    load_recipe(recipe("tensors: {x: [[1.0]]}\nsteps: {y: 'torch.einsum(\"tt\", x)', z: 'x.to(torch.float64)'}\n"))


def test_in_a_sweep_it_costs_its_cells_and_a_word_that_nothing_knows_costs_the_sweep(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr("tensorflow_free.sweep.pool.CellWorker", Here)
    path = recipe(SPEAKS)
    sweep = sweep_recipe(path, ["device=cpu,npu,zpu:1,spyrex"], folder=tmp_path / "s")
    assert [row.outcome for row in sorted(sweep, key=lambda row: row.number)] == ["ok", *["unavailable"] * 3]
    with pytest.raises(RecipeError, match=re.escape("'cdua' is not a device; did you mean 'cuda'?")):
        sweep_recipe(path, ["device=cpu,cdua"], folder=tmp_path / "t")
    with pytest.raises(RecipeError, match=re.escape("'zpu' is not a device")):
        sweep_recipe(recipe(PLAIN, "plain.yaml"), ["device=cpu,zpu"], folder=tmp_path / "u")


def test_a_file_of_ops_is_asked_before_a_device_of_a_sweep_is_refused(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr("tensorflow_free.tensors.devices.own_kind", lambda: "privateuseone")
    brings = "from tensorflow_free.tensors import devices\ndevices.own_kind = lambda: 'zpu'\n"
    (tmp_path / "vendor.py").write_text(brings, encoding="utf-8")
    path = recipe(PLAIN)
    with pytest.raises(RecipeError, match="'zpu' is not a device"):
        sweep_recipe(path, ["device=zpu"], folder=tmp_path / "s")
    assert len(sweep_recipe(path, ["device=zpu"], ops=["vendor.py"], folder=tmp_path / "s")) == 1


def test_a_file_of_ops_is_asked_before_auto_is_settled(recipe, typed, tmp_path, monkeypatch):
    monkeypatch.setattr("tensorflow_free.tensors.devices.best_device", lambda: "cpu")
    brings = "from tensorflow_free.tensors import devices\ndevices.best_device = lambda: 'meta'\n"
    (tmp_path / "vendor.py").write_text(brings, encoding="utf-8")
    code, told = typed(recipe(PLAIN), "device=auto", "--no-save", "--ops", "vendor.py")
    assert (code, "r · meta · float32" in told) == (0, True)


def test_the_devices_that_a_run_may_draw_on_are_those_of_the_recipe_its_tensors_and_its_steps(recipe):
    steps = "steps:\n  a: x.cuda(1)\n  b: x.cuda()\n  c: x.to('xpu:2')\n  d: x.cuda(-1)\n  e: x.to('meta')\n"
    loaded = load_recipe(recipe("tensors: {x: 1.0, m: {data: 1.0, device: meta}}\n" + steps))
    assert loaded.plan.devices == ("cuda:1", "cuda", "xpu:2")
    with pytest.raises(StepError, match=r"steps\.a: 'cuda' failed"):
        run_recipe(loaded)


def test_a_method_and_an_attribute_of_a_device_are_not_there_where_it_is_not(recipe):
    for step in ("x.npu()", "x.is_npu"):
        with pytest.raises(TensorflowFreeError, match="is not"):
            load_recipe(recipe(f"tensors: {{x: 1.0}}\nsteps: {{y: {step}}}\n"))


@pytest.mark.parametrize("step", ["x.npu()", "x.is_npu", {"op": "npu", "args": ["x"]}])
def test_the_method_of_a_device_that_is_not_here_is_told_as_such(step):
    with pytest.raises(RecipeError, match="is not an op here: tensors have it where a package brings npu devices"):
        load_recipe({"tensors": {"x": [1.0]}, "steps": {"y": step}})
