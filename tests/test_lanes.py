"""Which workers run which cells: on the CPU, on kinds of devices that are shared out, on devices by their number."""

from __future__ import annotations

from itertools import count

import pytest

from tensorflow_free.composition.override_texts import as_override
from tensorflow_free.sweep import pool
from tensorflow_free.sweep.cells import Cell
from tensorflow_free.sweep.dealing import FURTHEST, Dealing
from tensorflow_free.sweep.lanes import CellPlaces, Devices, Lane, fewer, may_use_devices
from tensorflow_free.sweep.launch import Launch
from tensorflow_free.tensors.device_kinds import DeviceShare

PLAIN = "tensors: {x: 2.0}\nsteps: {y: x.exp()}\n"
CUDA = DeviceShare("cuda", 3, 1, "CUDA_VISIBLE_DEVICES", ("4", "5", "6"))
LOOM = DeviceShare("loom", 2)


def places(*devices, kinds=(CUDA,), recipe=PLAIN, best="cpu", overrides=(), **settings):
    made = tuple(map(as_override, (*(f"device={word}" for word in devices), *overrides)))
    known = frozenset(devices or {"cpu"})
    return CellPlaces(Launch(".", devices=known, recipes=[recipe], overrides=made, **settings), Devices(best, kinds))


def lanes(*devices, cores=4, cells=1000, **more):
    return [
        (sorted(lane.places or ["any"]), *lane.variables.values())
        for lane in places(*devices, **more).lanes(cores, cells)
    ]


def place(found, *overrides):
    return found.of(Cell(0, "a.yaml", tuple(map(as_override, overrides))))


def test_each_device_has_a_worker_that_sees_it_alone_and_no_more_may_be_asked_for():
    own = [(["cpu", "cuda"], "4"), (["cuda"], "5"), (["cuda"], "6")]
    assert lanes("cuda") == own
    assert lanes("cuda", n_jobs=64) == own
    assert lanes("cuda", n_jobs=2) == own[:2]
    assert lanes("auto", best="cuda") == own
    assert lanes("auto") == lanes("cpu") == [(["any"],)] * 4
    assert lanes("cpu", cells=2) == [(["any"],)] * 2


def test_cells_on_the_cpu_have_all_cores_beside_those_of_devices():
    cpu = [(["cpu"],)] * 4
    assert lanes("cpu", "cuda") == [(["cuda"], "4"), (["cuda"], "5"), (["cuda"], "6"), *cpu]
    assert lanes("cpu", "cuda", n_jobs=3) == [(["cuda"], "4"), (["cuda"], "5"), (["cpu"],)]
    assert lanes("cpu", "loom", kinds=(LOOM,)) == [(["loom"],), *cpu]
    assert lanes("cpu", "loom", "npu", kinds=(LOOM,), n_jobs=2) == [(["loom"],), (["cpu"],)]
    assert lanes("loom", "cuda", kinds=(CUDA, LOOM), n_jobs=2) == [(["cpu", "cuda"], "4"), (["loom"],)]


def test_a_device_that_has_a_number_is_what_the_number_says():
    numbered = [(["cpu", "cuda:0"],), (["cuda:1"],), (["cuda:2"],)]
    assert lanes("cuda:1", "cuda:0", "cuda") == numbered
    assert lanes("cuda:1", "cuda", n_jobs=2) == [(["cpu", "cuda:0", "cuda:2"],), (["cuda:1"],)]
    found = places("cuda:1", "cuda", "cuda:3", "cpu")
    given = ["cuda:1", "cuda", "cuda:3", "cuda:x", "npu"]
    assert [place(found, f"device={word}") for word in given] == ["cuda:1", "cuda:0", "cpu", "cpu", "cpu"]


@pytest.mark.parametrize(
    "recipe",
    [
        "tensors: {x: {data: 2.0, device: 'cuda:1'}}\nsteps: {y: x.exp()}\n",
        "tensors: {x: 2.0}\nsteps: {y: x.to('cuda:1')}\n",
        "tensors: {x: 2.0}\nsteps: {y: x.cuda(1)}\n",
        "tensors: {x: 2.0}\nsteps: {y: {op: cuda, args: [x, 1]}}\n",
        "tensors: {x: 2.0}\nparams: {where: 'cuda:2'}\nsteps: {y: 'x.to(${params.where})'}\n",
    ],
)
def test_where_a_step_or_a_tensor_has_a_number_one_worker_has_all_cells_of_the_kind(recipe):
    assert lanes("cuda", recipe=recipe) == [(["cpu", "cuda"],)]
    assert lanes("cpu", "cuda:1", recipe=recipe)[:2] == [(["cuda"],), (["cpu"],)]


def test_a_kind_that_is_named_without_a_number_is_that_of_the_worker():
    recipe = "tensors: {x: {data: 2.0, device: cuda}}\nsteps: {y: x.cuda()}\n"
    assert lanes("cuda", recipe=recipe) == lanes("cuda")
    assert lanes("cuda:1", recipe=recipe) == [(["cpu", "cuda"],)]


def test_conditions_and_marks_use_no_device():
    recipe = f"{PLAIN}xfail: [{{when: {{device: 'cuda:1'}}, reason: a}}]\nexpect: {{y: {{when: {{device: [cuda]}}, equal: 1}}}}\n"
    assert lanes("cuda", recipe=recipe) == lanes("cuda")
    assert lanes("cpu", recipe=recipe) == [(["any"],)] * 4


def test_a_cell_belongs_where_its_recipe_puts_its_values(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recipe = "cases: {a: {device: cuda}, b: {tensors: {x: {device: loom}}}, c: {}}\ntensors: {x: {data: 2.0}}\nsteps: {y: x.exp()}\n"
    (tmp_path / "a.yaml").write_text(recipe)
    found = places("cpu", "cuda", recipe=recipe, kinds=(CUDA, LOOM))
    assert [place(found, f"case={name}") for name in "abc"] == ["cuda and loom", "cuda and loom", "cpu"]
    found = places("cpu", "cuda", recipe=recipe)
    assert [place(found, f"case={name}") for name in "abc"] == ["cuda", "cpu", "cpu"]
    assert place(found, "nonsense=1") == "cpu"


def test_cells_that_use_several_kinds_have_one_worker():
    recipe = "tensors: {x: {data: 2.0, device: loom}}\nsteps: {y: x.exp()}\n"
    assert lanes("cuda", "cpu", recipe=recipe, kinds=(CUDA, LOOM))[:2] == [(["cuda and loom"],), (["cpu"],)]
    assert lanes("cpu", kinds=(CUDA, LOOM), chosen=True)[:2] == [(["cuda and loom"],), (["cpu"],)]


def test_a_device_that_takes_several_processes_has_as_many_workers():
    assert lanes("loom", kinds=(DeviceShare("loom", 2, 3),)) == [(["cpu", "loom"],), *[(["loom"],)] * 2]
    shared = DeviceShare("cuda", 2, 2, "V", ("0", "1"))
    assert [one[1] for one in lanes("cuda", kinds=(shared,))] == ["0", "1", "0", "1"]


def test_a_worker_is_asked_for_devices_only_where_some_may_be_used(monkeypatch):
    monkeypatch.setattr("tensorflow_free.sweep.lanes.entry_points", lambda group: ())
    recipes = [PLAIN, PLAIN + "xfail: [{when: {device: cuda}, reason: a}]\n", PLAIN.replace("x.exp()", "x.cuda()")]
    assert [may_use_devices(Launch(".", recipes=[recipe])) for recipe in recipes] == [False, False, True]
    assert [may_use_devices(Launch(".", devices=frozenset({word}))) for word in ("meta", "auto", "own")] == [
        False,
        True,
        True,
    ]
    monkeypatch.setattr(
        "tensorflow_free.sweep.lanes.entry_points", lambda group: ["a"] if group == "torch.backends" else ()
    )
    assert may_use_devices(Launch(".", recipes=[PLAIN]))


def test_each_lane_gets_its_cells_and_none_reads_ahead_without_end():
    taken = (Cell(number, "a.yaml") for number in count())
    dealing = Dealing(taken, lambda cell: "odd" if cell.number % 2 else "even")
    assert [dealing.next({"odd"}).number for _ in range(3)] == [1, 3, 5]
    assert [dealing.next(None).number, dealing.next({"even"}).number] == [0, 2]
    few = Dealing((Cell(number, "a.yaml") for number in range(FURTHEST - 1)), lambda cell: "cpu")
    assert few.next({"loom"}) is None
    assert few.next({"cpu"}).number == 0
    few.end()
    assert few.next({"cpu"}) is None


def test_fewer_lanes_leave_none_of_their_places_out():
    found = places("cuda:0", "loom", kinds=(CUDA, LOOM)).lanes(4, 9)
    for most in range(1, 5):
        kept = fewer(found, most)
        assert len(kept) <= most
        assert sorted(place for lane in kept for place in lane.places) == ["cpu", "cuda:0", "cuda:1", "cuda:2", "loom"]


class Begun:
    """A worker that does nothing but begin and end."""

    def __init__(self, launch, environment):
        self.environment, self.ended = environment, False

    def ready(self):
        return {}

    def end(self):
        self.ended = True


@pytest.mark.parametrize("has_device", [True, False])
def test_on_a_device_one_worker_of_a_lane_ends_before_another_begins(monkeypatch, has_device):
    monkeypatch.setattr(pool, "CellWorker", Begun)
    crew, lane = pool.Crew(Launch("."), print, lambda environment: None), Lane(has_device=has_device)
    first = crew._hired(None, lane, {})
    mine = {None: first}
    crew._hired("default", lane, mine)
    assert (first.ended, list(mine)) == ((True, []) if has_device else (False, [None]))


def test_the_worker_that_told_of_the_devices_is_taken_by_a_lane_that_may_see_all_of_them(monkeypatch):
    monkeypatch.setattr(pool, "CellWorker", Begun)
    crew = pool.Crew(Launch("."), print, lambda environment: None)
    told = Begun(None, {})
    crew._scout = None, told
    second = crew._hired(None, Lane(variables={"CUDA_VISIBLE_DEVICES": "5"}, is_first=False), {})
    assert (second is told, second.environment["CUDA_VISIBLE_DEVICES"]) == (False, "5")
    assert crew._hired("avx2", Lane(), {}) is not told
    assert [crew._hired(None, Lane(), {}) is told for _ in range(2)] == [True, False]


def test_that_fewer_workers_run_than_were_asked_for_is_told(monkeypatch):
    crew = pool.Crew(Launch(".", n_jobs=8, devices=frozenset({"loom"})), print, print)
    monkeypatch.setattr(crew, "_seen_by_scout", lambda capability: Devices("loom", (LOOM,)))
    cells = [Cell(number, "a.yaml") for number in range(9)]
    assert [lane.places for lane in crew._lanes(iter(cells), 9)] == [{"cpu", "loom"}]
    assert crew.fewer.startswith("hydra.launcher.n_jobs: 8 workers are asked for, and 1 can use loom at a time;")
    crew.fewer = None
    crew._lanes(iter(cells), 1)
    assert crew.fewer is None
