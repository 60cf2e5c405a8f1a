"""`recipe matrix`: samples of the operator database as recipes, judged by a sweep's rows, cut down, written and compared."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import torch

from tensorflow_free import cli, load_recipe, run_recipe
from tensorflow_free.judging.culprits import Blame, Culprit
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.outcome.reasons import CellMismatch, Problems, StepFailed
from tensorflow_free.support import making
from tensorflow_free.support.database import database
from tensorflow_free.support.feeding import Feed
from tensorflow_free.support.kinds_of_row import has_stopped, verdicts_of, verdicts_of_both
from tensorflow_free.support.making import entries_that_match
from tensorflow_free.support.matrix_changes import changes_of
from tensorflow_free.support.matrix_file import MatrixFile, SupportCell, SupportRow, csv_of, read_matrix
from tensorflow_free.support.matrix_page import markdown_of, page_of
from tensorflow_free.support.probes_of_op import OpProbes, OpSettings
from tensorflow_free.support.sample_calls import SampleCall, SampleForm
from tensorflow_free.support.sample_files import write_recipe
from tensorflow_free.support.sample_recipes import NoSample, chosen_samples, recipe_of_sample
from tensorflow_free.sweep.rows import Row
from tensorflow_free.sweep.trial import Trial
from tensorflow_free.text.drawing import text_of


def typed(*words):
    return cli._guarded(cli.recipe_main, words)


def row(outcome, *causes, blame=None):
    return Row(number=0, recipe="r.yaml", outcome=outcome, causes=list(causes), blame=blame)


def mismatch(*names):
    return CellMismatch(value=names[0], used=2.0, allowed="1", operands=[], bad=len(names), names=list(names), values=3)


def stopped(code):
    return StepFailed(code=code, step="y", op="op", type="RuntimeError", message="no", operands=[])


def outcomes(verdicts):
    return {kind: one.outcome for kind, one in verdicts.items()}


# what a row says of the value and of the gradient


def test_without_a_culprit_the_names_of_what_is_out_of_bounds_decide():
    found = verdicts_of(row(Outcome.MISMATCH, mismatch("t0.grad", "t1.grad")), has_gradient=True)
    assert outcomes(found) == {"value": Outcome.OK, "gradient": Outcome.MISMATCH}


def test_a_gradient_that_is_right_for_a_wrong_value_is_ok():
    blame = Blame(culprits=(Culprit("y", "exp", "forward", "y", 5.0),))
    found = verdicts_of(row(Outcome.MISMATCH, mismatch("y", "t0.grad"), blame=blame), has_gradient=True)
    assert outcomes(found) == {"value": Outcome.MISMATCH, "gradient": Outcome.OK}


def test_a_gradient_beside_a_step_that_could_not_be_judged_alone_is_taken_by_its_name():
    blame = Blame(culprits=(Culprit("y", "exp", "forward", "y", 5.0),), unjudged=("z",))
    found = verdicts_of(row(Outcome.MISMATCH, mismatch("y", "t0.grad"), blame=blame), has_gradient=True)
    assert outcomes(found) == {"value": Outcome.MISMATCH, "gradient": Outcome.MISMATCH}


@pytest.mark.parametrize(("code", "word"), [("no kernel", "unsupported"), ("out of memory", "out of memory")])
def test_a_backward_pass_that_stops_leaves_the_value_as_it_is_without_it(code, word):
    both = row(Outcome.MISMATCH, mismatch("y"), stopped(code))
    assert has_stopped(both)
    found = verdicts_of_both(both, row(Outcome.OK))
    assert outcomes(found) == {"value": Outcome.OK, "gradient": word}


def test_a_reference_that_fails_and_a_refused_sample_are_no_faults_of_the_device():
    reference = Problems(code="reference failed", problems=["no"], cell="cpu", name="y")
    refused = stopped("step failed").model_copy(update={"type": "BoundsError"})
    for cause in (reference, refused):
        one = row(Outcome.FAILED, cause)
        assert outcomes(verdicts_of(one, has_gradient=False)) == {"value": Outcome.NOT_COMPARABLE}
        assert not has_stopped(one)


def test_a_reason_names_no_file_that_is_gone():
    placed = stopped("no kernel").model_copy(update={"file": "/tmp/7.yaml", "line": 3, "column": 1})
    assert "7.yaml" not in verdicts_of(row(Outcome.UNSUPPORTED, placed), has_gradient=False)["value"].reason


# samples as recipes on disk


@pytest.mark.parametrize(
    ("name", "dtype"), [("softmax", "bfloat16"), ("addr", "complex64"), ("argmax", "int64"), ("slice", "bool")]
)
def test_a_sample_on_disk_gives_the_bits_of_the_sample(name, dtype, tmp_path):
    sample = chosen_samples(name, dtype, "cpu", 1)[0]
    write_recipe(sample.mapping, tmp_path / "r.yaml")
    kept, given = run_recipe(load_recipe(tmp_path / "r.yaml")), run_recipe(load_recipe(sample.mapping))
    assert given["t0"].dtype == getattr(torch, dtype)
    assert all(torch.equal(kept[one], given[one]) for one in ("t0", "y")), (kept, given)


def test_samples_have_elements_where_the_entry_has_any_and_gradients_where_it_has_some():
    sample = chosen_samples("linalg.svd", "float32", "cpu", 1)[0]
    assert sample.elements > 0
    assert sample.has_gradient
    assert not sample.forward().has_gradient
    assert set(sample.forward().tensors) == {"t0"}


def test_a_sample_that_no_recipe_can_say_tells_why():
    with pytest.raises(NoSample, match="a recipe cannot say it: a PairwiseDistance"):
        chosen_samples("nn.functional.triplet_margin_with_distance_loss", "float32", "cpu", 1)


def test_a_tensor_that_stays_on_the_cpu_is_pinned_there_on_another_device():
    specs = [chosen_samples("tensor_split", "float32", device, 1)[0].mapping["tensors"] for device in ("cpu", "cuda")]
    assert [spec["t1"].get("device") for spec in specs] == [None, "cpu"]
    assert "device" not in specs[1]["t0"]


def test_a_dtype_that_the_cpu_has_no_kernel_for_is_differentiated_as_its_wider_one_is():
    def refused(x):
        if x.dtype == torch.float16:
            raise RuntimeError("not implemented for 'Half'")
        return torch.sigmoid(x)

    x = torch.rand(3, dtype=torch.float16, requires_grad=True)
    one, other = (
        recipe_of_sample(
            SampleCall(database()["sigmoid"], SampleForm("function", function, "sigmoid"), [x], {}), x.dtype
        )
        for function in (refused, torch.sigmoid)
    )
    assert one["backward"] == other["backward"]
    assert torch.equal(one["tensors"]["g0"]["data"], other["tensors"]["g0"]["data"])


@pytest.mark.parametrize(
    ("pattern", "name"),
    [("F.gelu", "nn.functional.gelu"), ("softmax", "softmax.with_dtype"), ("linalg.d?t", "linalg.det")],
)
def test_entries_are_named_as_recipes_name_ops_and_by_patterns(pattern, name):
    assert name in entries_that_match([pattern])
    assert "exp" not in entries_that_match([pattern])


# scripts, with an op's rows made in this process, or made up


def ran(probes, tmp_path, answer):
    """The probes when their script is through; `answer` gives a row for each recipe that they ask for."""
    feed = Feed([probes.script()], tmp_path, ("device=cpu",))
    for cell in feed:
        feed.told(answer(cell))
    assert feed.done == 1
    assert list(tmp_path.rglob("*.yaml")) == []
    return probes


def test_what_asks_again_when_other_workers_have_found_nothing_is_run_to_its_end(tmp_path, monkeypatch):
    class Hasty:
        """Workers of which one is run, and all others find nothing to do while it is."""

        def __init__(self, launch, record, greet):
            self.record, self.alone = record, launch.n_jobs == 1

        def rows(self, cells, count):
            for cell in cells:
                late = not self.alone and next(cells, None) is None
                found = row(Outcome.MISMATCH, mismatch("t0.grad")).model_copy(update={"number": cell.number})
                self.record(found)
                yield found
                if late:
                    return

    monkeypatch.setattr(making, "Crew", Hasty)
    made = making.Making(making.MatrixPlan("cpu", ["float32"], tmp_path, names=["erf"], n_jobs=2))
    made.run()
    matrix = made.matrix()
    assert matrix.finished
    assert matrix.rows[0].dtypes["float32"]["gradient"].outcome == Outcome.MISMATCH


def test_where_nothing_can_be_run_no_worker_begins(tmp_path, monkeypatch):
    monkeypatch.setattr(making, "Crew", None)
    made = making.Making(making.MatrixPlan("cpu", ["float32"], tmp_path, names=["jiterator_unary"]))
    made.run()
    assert made.matrix().finished


def test_a_loss_of_pytorchs_own_is_a_gradients_and_its_sample_is_cut_to_one_element(tmp_path):
    probes = ran(OpProbes("digamma", "float32", OpSettings("cpu")), tmp_path, Trial(None).row)
    assert outcomes(probes.cells) == {"value": Outcome.OK, "gradient": Outcome.MISMATCH}
    assert probes.cells["gradient"].elements == probes.failing["gradient"].elements == 1
    assert "[13]" not in probes.cells["gradient"].reason


def test_an_op_that_stops_everywhere_is_run_without_its_backward_pass_and_has_one_smallest_sample(tmp_path):
    answer = lambda cell: row(Outcome.UNSUPPORTED, stopped("no kernel")).model_copy(update={"number": cell.number})  # noqa: E731
    probes = ran(OpProbes("erf", "float32", OpSettings("cpu")), tmp_path, answer)
    assert outcomes(probes.cells) == {"value": Outcome.UNSUPPORTED, "gradient": Outcome.UNSUPPORTED}
    assert probes.failing["value"] is probes.failing["gradient"]
    assert probes.failing["value"].elements == 1


def test_a_crash_costs_few_more_processes_and_a_timeout_none(tmp_path):
    for outcome, most in ((Outcome.CRASHED, 7), (Outcome.TIMED_OUT, 3)):
        asked = []

        def answer(cell, outcome=outcome, asked=asked):
            asked.append(cell)
            return row(outcome).model_copy(update={"number": cell.number})

        ran(OpProbes("erf", "float32", OpSettings("cpu")), tmp_path, answer)
        assert len(asked) <= most
        tried = len(asked)
        ran(OpProbes("erf", "float32", OpSettings("cpu", searches=0)), tmp_path, answer)
        assert len(asked) - tried <= 3


def test_all_samples_are_run_where_they_are_asked_for_and_the_bad_ones_counted(tmp_path):
    def answer(cell):
        outcome = Outcome.FAILED if load_recipe(cell.recipe).steps["y"].args[1] == 1 else Outcome.OK
        return row(outcome).model_copy(update={"number": cell.number})

    every = OpSettings("cpu", samples=None, forward=True)
    cells = ran(OpProbes("cumsum", "float32", every), tmp_path, answer).cells
    assert set(cells) == {"value"}
    assert 1 <= cells["value"].bad < cells["value"].samples


# the matrix as a file, a page, a table


def matrix(**ops):
    """A matrix of one dtype: by op, the outcomes of value and gradient."""
    rows = []
    for name, words in ops.items():
        kinds = zip(("value", "gradient"), words.split("/") if words else (), strict=False)
        cells = {kind: SupportCell(outcome=word, samples=1, command="run it", reason="why") for kind, word in kinds}
        rows.append(SupportRow(name=name, dtypes={"float32": cells} if words else {}))
    return MatrixFile(device="npu", dtypes=["float32"], rows=rows, entries=702, finished=True)


def test_the_page_has_a_line_an_op_and_each_reason_once_and_the_counts():
    said = text_of(page_of(matrix(exp="ok/ok", erf="mismatch/ok", sin="unsupported/unsupported", argmax="ok", svd="")))
    lines = [line.split() for line in said.splitlines()]
    for op, mark in (("exp", "ok/ok"), ("erf", "MISMATCH/ok"), ("sin", "unsupported/unsupported"), ("argmax", "ok/-")):
        assert [op, mark] in lines
    assert ["svd"] in lines
    assert "unsupported  sin float32 value, sin float32 gradient" in said
    assert ["float32", "value", "4", "2", "1", "1"] in lines
    assert "7 cells of op, dtype, value or gradient: 4 ok." in said


def test_of_many_ops_only_those_that_are_not_all_ok_have_a_line():
    many = matrix(**{f"op{number}": "ok" for number in range(100)}, erf="crashed")
    said = text_of(page_of(many))
    assert "op7" not in said
    assert "and 100 ops of which all is ok" in said
    assert "op7" in text_of(page_of(many, every=True))


def test_the_exit_code_is_that_of_the_worst_and_what_is_unsupported_fails_only_alone():
    codes = [matrix(exp=word, sin="ok").exit_code() for word in ("ok", "unsupported", "skipped", "mismatch", "crashed")]
    assert codes == [0, 0, 0, 1, 3]
    assert matrix(exp="unsupported").exit_code() == 3


def test_csv_and_markdown_and_json_have_each_cell(tmp_path):
    one = matrix(exp="ok/ok", __rmul__="mismatch/ok")
    rows = list(csv.DictReader(csv_of(one).splitlines()))
    assert [(each["op"], each["kind"], each["outcome"]) for each in rows][2:] == [
        ("__rmul__", "value", "mismatch"),
        ("__rmul__", "gradient", "ok"),
    ]
    assert "| \\_\\_rmul\\_\\_ | MISMATCH/ok |" in markdown_of(one)
    (tmp_path / "matrix.json").write_text(one.model_dump_json())
    assert read_matrix(tmp_path / "matrix.json") == one


@pytest.mark.parametrize(
    ("before", "now", "word"),
    [
        ("ok", "mismatch", "broken"), ("ok", "unsupported", "unsupported"), ("ok", "", "gone"), ("unsupported", "mismatch", "worse"),
        ("mismatch", "ok", "newly ok"), ("crashed", "mismatch", "better"), ("", "ok", "new"), ("ok", "ok", None), ("mismatch", "", None),
    ],
)  # fmt: skip
def test_what_changed_since_an_older_matrix_is_told_and_what_is_worse_fails(before, now, word):
    found = changes_of(matrix(exp=before), matrix(exp=now), ["exp"])
    assert [one.word for one in found] == ([] if word is None else [word])
    assert [one.is_worse for one in found] == (
        [] if word is None else [word in ("broken", "unsupported", "gone", "worse")]
    )


def test_what_was_not_asked_for_again_is_not_gone():
    older = matrix(exp="ok", sin="ok")
    assert changes_of(older, matrix(exp="ok"), ["exp"]) == []
    assert changes_of(older, matrix(exp="ok").model_copy(update={"dtypes": ["float16"], "rows": []}), ["exp"]) == []


# the command


def test_the_command_writes_what_fails_ready_to_run_and_tells_what_changed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text(
        "tensors: {x: {data: [1.0, 2.0], requires_grad: true}}\nsteps: {y: x.exp()}\nbackward: {target: y, gradient: {init: ones}}\n"
    )
    older = matrix(digamma="ok/ok", exp="mismatch/ok", sin="ok/ok")
    Path("older.json").write_text(older.model_dump_json())
    words = ("--ops", "digamma,exp,jiterator_unary", "--recipes", "mine.yaml", "-j", "1", "--against", "older.json")
    assert typed("matrix", "--device", "cpu", *words, "--out", "m") == 1
    said = capsys.readouterr().out
    assert "run-recipe -m m/digamma.float32.yaml device=cpu" in said
    assert "1 cell broken (was ok, and fails now); 1 cell newly ok (is ok now, and was not); 2 cells new" in said
    document = json.loads(Path("m/matrix.json").read_text())
    found = {
        each["name"]: {kind: cell["outcome"] for kind, cell in each["dtypes"]["float32"].items()}
        for each in document["rows"]
    }
    assert found == {
        "digamma": {"value": "ok", "gradient": "mismatch"},
        "exp": {"value": "ok", "gradient": "ok"},
        "jiterator_unary": {"value": "skipped"},
        "mine.yaml": {"value": "ok", "gradient": "ok"},
    }
    assert Trial(None).row(cell_of("m/digamma.float32.yaml", "device=cpu")).outcome == Outcome.MISMATCH


def cell_of(path, *overrides):
    from tensorflow_free.composition.override_texts import as_override
    from tensorflow_free.sweep.cells import Cell

    return Cell(0, path, tuple(map(as_override, overrides)))


def test_coverage_tells_which_ops_recipes_exercise_in_which_dtypes_forward_and_backward(tmp_path, capsys):
    text = """
tensors: {x: {data: [1.0, 2.0], requires_grad: true}, n: {data: [1, 2]}}
steps:
  y: F.gelu(x) / 2 + torch.exp(x)
  m: "n.max()"
  fields: {op: sort, args: [x]}
  z: fields.values * 2
backward: {target: y, gradient: {init: ones}}
cases: {single: {}, half: {dtype: bfloat16}}
"""
    (tmp_path / "r.yaml").write_text(text)
    assert typed("matrix", "--coverage", str(tmp_path / "r.yaml"), "--json") == 0
    found = json.loads(capsys.readouterr().out)
    both = ["bfloat16", "float32"]
    assert {name: found["ops"][name] for name in ("nn.functional.gelu", "exp", "max", "sort")} == {
        "nn.functional.gelu": {"forward": both, "gradient": both},
        "exp": {"forward": both, "gradient": both},
        "max": {"forward": ["int64"], "gradient": []},
        "sort": {"forward": both, "gradient": []},
    }
    assert {"nn.functional.gelu", "true_divide", "add", "exp", "sort"} <= set(found["covered"])
    assert found["entries"] == len(found["covered"]) + len(found["missing"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--ops", "sofmax"], "flag '--ops': 'sofmax' matches no entry of PyTorch's operator database; did you mean 'softmax'?"),
        (["--dtype", "float23"], "flag '--dtype': 'float23' is not a dtype; did you mean 'float32'?"),
        (["device=cpu"], "command line: 'device=cpu': a matrix takes it as a flag: --device NAME"),
        (["--device", "cuda:99"], "cuda"),
        (["--against", "none.json"], "flag '--against': none.json: there is no such file; give the matrix.json of an earlier"),
        (["--against", "."], "flag '--against': matrix.json: there is no such file; give the matrix.json of an earlier"),
        (["softmax"], "softmax: there is no such recipe or folder; entries of the operator database are named with --ops"),
        (["--coverage", "none"], "none: there is no such recipe or folder; "),
        (["--samples", "-1"], "flag '--samples': '-1' is not a number of samples, or all"),
        (["bakend=eager"], "bakend"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_command_line_is_told_before_anything_runs(words, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert typed("matrix", *words) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_package_that_the_database_needs_and_that_is_missing_is_told_in_a_line(monkeypatch, capsys):
    import sys

    database.cache_clear()
    monkeypatch.setitem(sys.modules, "torch.testing._internal.common_methods_invocations", None)
    assert typed("matrix", "--device", "cpu") == 2
    assert "pip install 'tensorflow_free[matrix]'" in capsys.readouterr().err
    database.cache_clear()
