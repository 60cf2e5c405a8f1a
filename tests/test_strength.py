"""`recipe strength`: each kind of mutant in a small recipe, what tells of it, scores and exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from tensorflow_free import cli, load_recipe
from tensorflow_free.commands.recipe_words import recipes_at
from tensorflow_free.judging.as_tensors import same_bits
from tensorflow_free.loading import plan_of
from tensorflow_free.runner import run
from tensorflow_free.strength.insertion import Insertion
from tensorflow_free.strength.mutants import MUTANTS, TIMES
from tensorflow_free.strength.mutation import tried_case
from tensorflow_free.strength.scores import strength_of
from tensorflow_free.strength.step_calls import noting_results, step_calls

OF_NAME = {one.name: one for one in MUTANTS}
A = [[1.0, 2.0], [3.0, 5.0]]
B = [[0.5, -1.0], [2.0, 1.5]]
CHAIN = {
    "tensors": {"a": {"data": A, "requires_grad": True}, "b": {"data": B, "requires_grad": True}},
    "steps": {"h": "a @ b", "y": "h * 2", "z": "y.exp()"},
    "backward": {"target": "y", "gradient": B},
}

NOISE = 2.0**-10


ROOT = Path(__file__).parent.parent
OTHERS = ("affine", "axes", "layouts", "repeated", "functions", "pooling", "signed_zeros", "ties", "rounding")


def insertions(calls):
    """Every mutant of every step that it can be in, with a noise of 1."""
    for call in calls:
        parts = [one for one in call.parts if one.value.is_floating_point()]
        yield from (
            Insertion(one, call, part, torch.ones_like(part.value)) for one in MUTANTS if one.value for part in parts
        )
        yield from (Insertion(one, call) for one in MUTANTS if one.is_backward)


def inserted(recipe, step, mutant, noise=None, part=0):
    """The result of a run in which a step of a recipe is wrong, and that of a right one."""
    plan = plan_of(load_recipe(recipe))
    calls = step_calls(plan)
    right, _ = run(noting_results(plan, calls))
    call = next(one for one in calls if one.site.name == step)
    of_value = OF_NAME[mutant].value is not None
    one = Insertion(OF_NAME[mutant], call, call.parts[part] if of_value else None, noise)
    return run(one.into(plan))[0], right


H = torch.tensor(A) @ torch.tensor(B)


@pytest.mark.parametrize(
    ("mutant", "wrong"),
    [
        ("zero", torch.zeros(2, 2)),
        ("mean of each row", H.mean(-1, keepdim=True).expand(2, 2)),
        ("transposed", H.T),
        ("last row skipped", torch.stack([H[0], torch.zeros(2)])),
        ("stale", torch.tensor(A)),
        ("one number off", H + TIMES * NOISE * torch.tensor([[0.0, 0.0], [1.0, 0.0]])),
        ("all off", H + TIMES * NOISE),
        ("negated", -H),
    ],
)
def test_a_value_becomes_what_the_table_says(mutant, wrong):
    result, right = inserted(CHAIN, "h", mutant, torch.full((2, 2), NOISE, dtype=torch.float64))
    assert result["h"].equal(wrong)
    assert right["h"].equal(H)


@pytest.mark.parametrize(
    ("line", "mutant", "wrong"),
    [
        ("a.argmax(0)", "off by one", [2, 2]),
        ("a > 2", "inverted", [[True, True], [False, False]]),
        ("(b - 2).log()", "NaN swallowed", [[0.0, 0.0], [-float("inf"), 0.0]]),
        ("a.sum().item()", "negated", -11.0),
    ],
)
def test_integers_masks_nan_and_numbers_have_mutants_of_their_own(line, mutant, wrong):
    result, _ = inserted({**CHAIN, "steps": {"y": line}, "backward": []}, "y", mutant)
    found = result["y"]
    assert (found.tolist() if isinstance(found, torch.Tensor) else found) == wrong


@pytest.mark.parametrize(
    ("mutant", "of_a", "of_b"),
    [("gradient zero", 0.0, 0.0), ("gradient scaled by 1.15", 1.15, 1.15), ("gradient added twice", 2.0, 1.0)],
)
def test_a_gradient_becomes_what_the_table_says(mutant, of_a, of_b):
    result, right = inserted(CHAIN, "h", mutant)
    torch.testing.assert_close(result["a.grad"], right["a.grad"] * of_a)
    torch.testing.assert_close(result["b.grad"], right["b.grad"] * of_b)
    # what the step is given is right: the fault is its own
    assert result["h.grad"].equal(right["h.grad"])


def test_the_gradient_of_an_operand_goes_to_the_other():
    result, right = inserted(CHAIN, "h", "gradient of the other operand")
    assert result["a.grad"].equal(right["b.grad"])
    assert result["b.grad"].equal(right["a.grad"])


# no other step


@pytest.mark.parametrize("mutant", [one.name for one in MUTANTS if one.value is not None][:8])
def test_the_steps_beside_a_mutant_do_what_they_did(mutant):
    result, right = inserted(CHAIN, "y", mutant, torch.ones(2, 2, dtype=torch.float64))
    assert result["h"].equal(right["h"])
    assert result["z"].equal(result["y"].exp())


@pytest.mark.parametrize("line", ["x.T", "x.view(4)", "x.contiguous()", "x[1]", "x.expand(2, 2)"])
def test_a_wrong_view_leaves_its_base_as_it_is(line):
    recipe = {"tensors": {"x": A}, "steps": {"h": "x * 1", "y": line.replace("x", "h", 1), "again": "h + 0"}}
    result, right = inserted(recipe, "y", "negated")
    assert result["y"].equal(-right["y"])
    assert result["again"].equal(right["h"])


def test_a_step_that_changes_its_operand_is_wrong_in_the_operand():
    recipe = {"tensors": {"x": A}, "steps": {"row": "x[0]", "y": "row.mul_(3)", "again": "x + 0"}}
    result, _ = inserted(recipe, "y", "negated")
    assert result["again"].tolist() == [[-3.0, -6.0], [3.0, 5.0]]


def differing(result, right, names):
    both = ((result.records[name].value, right.records[name].value) for name in names if name in result.records)
    return [mine for mine, its in both if isinstance(mine, torch.Tensor) and not same_bits(mine, its)]


STEPWISE = [
    "in_place",
    "strides",
    "shapes",
    "view_of_strided",
    *(pytest.param(one, marks=pytest.mark.full) for one in OTHERS),
]


@pytest.mark.parametrize("name", STEPWISE)
def test_no_mutant_reaches_what_was_there_before_its_step(name):
    """Forward, the steps before it; backward, every value."""
    plan = plan_of(load_recipe(ROOT / "recipes" / f"{name}.yaml"))
    calls = step_calls(plan)
    right, _ = run(noting_results(plan, calls))
    steps = [one.site.name for one in calls]
    for one in insertions(calls):
        result, _ = run(one.into(plan))
        known = steps if one.mutant.is_backward else steps[: steps.index(one.call.site.name)]
        assert differing(result, right, known) == [], one


def test_an_op_that_gives_its_operand_back_has_no_backward_to_be_wrong():
    steps = {"h": "a * b", "same": "h.contiguous()", "y": "same.exp()"}
    plan = plan_of(load_recipe({**CHAIN, "steps": steps}))
    calls = step_calls(plan)
    run(noting_results(plan, calls))
    assert [(one.site.name, one.is_differentiated) for one in calls] == [("h", True), ("same", False), ("y", True)]


def test_a_step_in_blocks_is_wrong_in_each_round():
    loop = {"repeat": 3, "steps": {"y": "x * 2"}, "carry": {"x": "y"}, "trace": ["y"]}
    recipe = {"tensors": {"x": 1.0}, "steps": {"loop": loop}}
    assert inserted(recipe, "y", "negated")[0]["loop.y"].tolist() == [-2.0, 4.0, -8.0]
    # the first round gives its operand, and each other what the one before it should have given
    assert inserted(recipe, "y", "stale")[0]["loop.y"].tolist() == [1.0, 2.0, 2.0]


# what tells


WEAK = """
tensors:
  x: {data: [[1.0, 2.0, 3.0], [0.5, -1.0, 2.0]], requires_grad: true}
steps:
  h: x * 3
  weights: F.softmax(h, dim=-1)
  total: weights.sum()
backward: total
expect: {total: 2.0}
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "weak.yaml").write_text(WEAK, encoding="utf-8")
    return tmp_path


@pytest.fixture
def typed(here, capsys):
    """Runs a command line in this process: its exit code, standard output and standard error."""

    def type_in(*words):
        return cli._guarded(cli.recipe_main, words), *capsys.readouterr()

    return type_in


def killed(path="weak.yaml"):
    return {(one.value, one.mutant.name): one.killed for one in tried_case(path, "", ()).tried}


def test_what_a_sum_expects_lets_equal_weights_through_and_a_sweep_does_not(here):
    found = killed()
    assert found["weights", "mean of each row"] == {"expectations": False, "sweep": True}
    assert found["weights", "zero"] == {"expectations": True, "sweep": True}


def test_a_mutant_that_gives_the_same_bits_is_not_counted(here):
    found = tried_case("weak.yaml", "", ())
    # under `sum` the gradient of a softmax is 0, whatever it is multiplied by
    assert ("weights", "gradient zero") in {(one.value, one.mutant.name) for one in found.equivalent}
    assert ("weights", "gradient zero") not in killed()


def test_a_direction_in_place_of_the_sum_counts_and_tells_them(here):
    text = WEAK.replace("backward: total", "backward: {target: weights, gradient: {init: randn}}")
    (here / "strong.yaml").write_text(text, encoding="utf-8")
    assert killed("strong.yaml")["weights", "gradient zero"] == {"expectations": False, "sweep": True}


def test_a_golden_tells_what_expectations_do_not(typed):
    typed("record", "weak.yaml")
    found = strength_of("weak.yaml", ())
    assert found.decisive == "golden"
    assert found.living == []
    assert found.decided.percent == 100


@pytest.mark.parametrize(("least", "code"), [("0", 0), ("99", 1)])
def test_a_recipe_below_what_is_asked_for_fails(typed, least, code):
    assert typed("strength", "weak.yaml", "--at-least", least)[0] == code


def test_by_its_golden_a_recipe_reaches_what_it_does_not_by_its_expectations(typed):
    typed("record", "weak.yaml")
    assert typed("strength", "weak.yaml", "--at-least", "95")[0] == 0


def test_a_mutant_that_lives_is_told_with_its_line_and_what_would_tell_it(typed):
    _, out, _ = typed("strength", "weak.yaml")
    lines = out.splitlines()
    at = lines.index("  weak.yaml:6:3  weights (F.softmax): mean of each row, one number off")
    assert lines[at + 1] == "      would tell: a sweep; an expectation of `weights`"


LOOPED = """\
tensors: {x: {init: randn, size: [3, 3], requires_grad: true}, w: {init: randn, size: [3, 3]}}
steps:
  loop: {repeat: 2, carry: {x: z}, steps: {h: x @ w, z: h.tanh()}}
  loss: z.square().mean()
backward: loss
"""


def test_of_a_recipe_that_expects_nothing_expectations_are_told_and_the_golden_that_needs_none(typed, here):
    (here / "looped.yaml").write_text(LOOPED, encoding="utf-8")
    lines = typed("strength", "looped.yaml")[1].splitlines()
    told = [line for line in lines if "would tell" in line]
    assert told[:2] == [f"      would tell: a sweep; an expectation of `{name}`" for name in ("h", "x.grad")]
    assert all("an expectation of" in line for line in told)
    assert any(line.endswith("of these: recipe record looped.yaml") for line in lines)


def test_a_recipe_that_does_not_load_is_wrong_and_the_next_is_tried(typed, here):
    (here / "broken.yaml").write_text("steps: {y: x * 2}", encoding="utf-8")
    code, out, err = typed("strength", "broken.yaml", "weak.yaml", "--summary")
    assert (code, "'x' is not a value" in err or "x" in err) == (2, True)
    assert out.splitlines()[1].startswith("weak.yaml")


@pytest.mark.parametrize("value", ["101", "-1", "much"])
def test_a_share_is_in_percent(typed, value):
    code, _, err = typed("strength", "weak.yaml", "--at-least", value)
    assert code == 2
    assert "a number from 0 to 100, such as 95" in err


def test_json_has_each_mutant(typed):
    code, out, _ = typed("strength", "weak.yaml", "--json", "--at-least", "99")
    content = json.loads(out)
    (one,) = content["strengths"]
    assert (code, content["exit_code"], content["well"]) == (1, 1, False)
    assert len(one["mutants"]) == one["scores"]["any"]["counted"]
    assert {each["line"] for each in one["mutants"]} == {5, 6, 7}


def test_a_mutant_is_told_where_one_case_tells_it(here):
    cases = "cases: {flat: {expect: {}}, all: {expect: {weights: {shape: [2, 3]}, total: {value: 2.0, rtol: 0}}}}\n"
    (here / "weak.yaml").write_text(WEAK + cases, encoding="utf-8")
    found = strength_of("weak.yaml", ())
    assert len(found.tried) == len(found.cases[0].tried)
    assert len(found.cases) == 2


def test_a_recipe_with_a_compiler_is_tried_without(here):
    (here / "weak.yaml").write_text(WEAK + "backend: {name: inductor, fullgraph: true}\n", encoding="utf-8")
    assert strength_of("weak.yaml", ()).cell == "float32-cpu"


def test_a_relation_tells_what_expectations_do_not(here):
    text = WEAK.replace("expect: {total: 2.0}", "relations: {batch: {x: 0}}")
    (here / "weak.yaml").write_text(text, encoding="utf-8")
    assert killed()["weights", "last row skipped"]["expectations"]


def test_what_finds_fault_with_the_recipe_itself_judges_no_mutant(here):
    (here / "weak.yaml").write_text(WEAK.replace("total: 2.0", "total: 3.0"), encoding="utf-8")
    found = strength_of("weak.yaml", ())
    assert found.score("expectations") is None
    assert found.cases[0].missing["expectations"].startswith("it is failed without a mutant, too")


# the recipes of this repository

TABLE = [
    line.split()
    for line in (ROOT / "docs" / "strength.md").read_text(encoding="utf-8").splitlines()
    if "-cpu  " in line
]


@pytest.mark.full
def test_the_page_has_the_score_of_each_recipe():
    """`recipe strength recipes --summary` prints the table anew."""
    recipes = {str(path.relative_to(ROOT)) for path in recipes_at(ROOT / "recipes")}
    assert recipes <= {row[0] for row in TABLE}


def test_the_page_has_a_row_for_each_mutant():
    page = (ROOT / "docs" / "strength.md").read_text(encoding="utf-8")
    assert [one.name for one in MUTANTS if f"\n| {one.name} |" not in page] == []


RECIPES = [
    pytest.param(path, id=path.stem, marks=[] if path.stem == "rms_norm" else [pytest.mark.full])
    for path in recipes_at(ROOT / "recipes")
]


@pytest.mark.parametrize("path", RECIPES)
def test_each_golden_of_this_repository_tells_95_of_100_mutants(path):
    found = strength_of(str(path), ())
    assert found.decisive == "golden" or not found.tried
    assert found.decided.percent >= 95
