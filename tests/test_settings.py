"""Each setting holds while the steps run, and what the process had stands afterwards."""

from __future__ import annotations

import pytest
import torch

from tensorflow_free import RecipeError, StepError, load_recipe, register_op, run_recipe
from tensorflow_free.plan.settings import SETTINGS

matmul, cudnn, mkldnn = torch.backends.cuda.matmul, torch.backends.cudnn, torch.backends.mkldnn


def flushes():
    return (torch.tensor(torch.finfo(torch.float32).tiny) / 2).item() == 0


def tf32():
    return matmul.allow_tf32 and cudnn.allow_tf32


def deterministic():
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled() and torch.are_deterministic_algorithms_enabled()
    return "warn_only" if warn_only else torch.are_deterministic_algorithms_enabled()


def sdp():
    cuda = torch.backends.cuda
    return [
        cuda.math_sdp_enabled(),
        cuda.flash_sdp_enabled(),
        cuda.mem_efficient_sdp_enabled(),
        cuda.cudnn_sdp_enabled(),
    ]


# each row: a setting, a value, and how a step sees it
SEEN = [
    ("deterministic", True, deterministic, True),
    ("deterministic", "warn_only", deterministic, "warn_only"),
    ("float32_matmul_precision", "medium", torch.get_float32_matmul_precision, "medium"),
    ("num_threads", 1, torch.get_num_threads, 1),
    ("num_threads", 2, torch.get_num_threads, 2),
    ("flush_denormal", True, flushes, True),
    ("allow_tf32", True, tf32, True),
    ("allow_tf32", False, lambda: matmul.allow_tf32 or cudnn.allow_tf32, False),
    ("allow_fp16_reduced_precision_reduction", False, lambda: matmul.allow_fp16_reduced_precision_reduction, False),
    ("allow_bf16_reduced_precision_reduction", False, lambda: matmul.allow_bf16_reduced_precision_reduction, False),
    ("cudnn_enabled", False, lambda: cudnn.enabled, False),
    ("cudnn_benchmark", True, lambda: cudnn.benchmark, True),
    ("cudnn_deterministic", True, lambda: cudnn.deterministic, True),
    ("mkldnn", False, lambda: mkldnn.enabled, False),
    ("detect_anomaly", True, torch.is_anomaly_enabled, True),
    ("fill_uninitialized_memory", False, lambda: torch.utils.deterministic.fill_uninitialized_memory, False),
    ("attention_fastpath", False, torch.backends.mha.get_fastpath_enabled, False),
    ("sdp_backend", "math", sdp, [True, False, False, False]),
    ("sdp_backend", ["flash", "efficient"], sdp, [False, True, True, False]),
    (
        "cpu_capability",
        torch.backends.cpu.get_cpu_capability().lower(),
        torch.backends.cpu.get_cpu_capability,
        torch.backends.cpu.get_cpu_capability(),
    ),
]


def process():
    """All that a setting may touch."""
    both = (matmul.allow_tf32, cudnn.allow_tf32, torch.is_anomaly_check_nan_enabled())
    probes = {read for _, _, read, _ in SEEN}
    return both, [repr(read()) for read in sorted(probes, key=id)]


def run(settings, text="look_inside(x)"):
    return run_recipe(
        load_recipe(
            {
                "settings": settings,
                "tensors": {"x": [1.0], "w": [1.0, 2.0, 3.0]},
                "steps": {"y": text, "z": "x + w[:2]"},
            }
        )
    )


@pytest.mark.parametrize(("name", "value", "read", "expected"), SEEN)
@pytest.mark.filterwarnings("ignore:Please use the new API", "ignore:Anomaly Detection")
def test_a_setting_holds_inside_a_step_and_is_put_back(name, value, read, expected):
    seen = []
    register_op("look_inside", lambda x: [seen.append(read()), x][1], replace=True)
    before = process()
    run({name: value})
    assert seen == [expected]
    assert process() == before


@pytest.mark.parametrize(("name", "value", "read", "expected"), SEEN)
@pytest.mark.filterwarnings("ignore:Please use the new API", "ignore:Anomaly Detection")
def test_a_setting_is_put_back_when_a_step_fails(name, value, read, expected):
    before = process()
    with pytest.raises(StepError):
        run({name: value}, "w + w[:2]")
    assert process() == before


@pytest.mark.filterwarnings("ignore:Please use the new API", "ignore:Anomaly Detection")
def test_all_settings_together_are_put_back():
    before = process()
    run({name: value for name, value, _, _ in SEEN}, "x * 2")
    assert process() == before


def test_what_the_process_had_is_what_it_gets_back():
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.set_float32_matmul_precision("high")
    try:
        run({"deterministic": False, "float32_matmul_precision": "highest"}, "x * 2")
        assert (deterministic(), torch.get_float32_matmul_precision()) == ("warn_only", "high")
    finally:
        torch.use_deterministic_algorithms(False)
        torch.set_float32_matmul_precision("highest")


def test_every_setting_is_tried():
    assert {row[0] for row in SEEN} == set(SETTINGS)


def test_deterministic_refuses_what_has_no_deterministic_kernel():
    # source: the list in the documentation of torch.use_deterministic_algorithms
    steps = {"y": {"op": "put_", "args": ["x", "i", "v"]}}
    tensors = {"x": [0.0, 0.0], "i": [0, 0], "v": [1.0, 2.0]}
    recipe = {"tensors": tensors, "steps": steps, "expect": {"error": {"match": "deterministic"}}}
    assert run_recipe(load_recipe(recipe, ["settings.deterministic=true"])).is_well


@pytest.mark.filterwarnings("ignore:Anomaly Detection", "ignore:Error detected in")
def test_detect_anomaly_stops_at_a_nan_of_backward():
    x = {"data": [0.0], "requires_grad": True}
    recipe = {
        "tensors": {"x": x},
        "steps": {"y": "(x.sqrt() * 0).sum()"},
        "backward": "y",
        "settings": {"detect_anomaly": True},
    }
    assert run_recipe(load_recipe({**recipe, "expect": {"error": {"step": "backward", "match": "nan"}}})).is_well


def test_flush_denormal_makes_subnormals_0():
    recipe = {"tensors": {"x": {"finfo": "tiny"}}, "steps": {"y": "x / 2"}}
    assert run_recipe(load_recipe(recipe))["y"] > 0
    assert run_recipe(load_recipe(recipe, ["settings.flush_denormal=true"]))["y"] == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"determinstic": True},
            r"settings\.determinstic: 'determinstic' is not a setting; did you mean 'deterministic'\?",
        ),
        ({"deterministic": "yes"}, r"'yes' is not a setting of deterministic; it is one of true, false, warn_only"),
        ({"deterministic": 1}, r"'1' is not a setting of deterministic"),
        ({"float32_matmul_precision": "hihg"}, r"did you mean 'high'\?"),
        ({"num_threads": 0}, r"'0' is not a setting of num_threads; it is an integer of at least 1"),
        ({"num_threads": 10**10}, r"it is an integer of at most 1024"),
        ({"num_threads": True}, r"'true' is not a setting of num_threads"),
        ({"num_threads": 1.0}, r"'1\.0' is not a setting of num_threads"),
        ({"sdp_backend": ["math", "flahs"]}, r"did you mean 'flash'\?"),
        ({"sdp_backend": []}, r"'\[\]' is not a setting of sdp_backend"),
        ({"cpu_capability": "avx"}, r"'avx' is not a setting of cpu_capability; did you mean 'avx2'\?"),
        (
            {"cpu_capability": "zvector"},
            r"'zvector' is not this process's CPU capability, which is '\w+'; torch reads it at its start: set ATEN_CPU_CAPABILITY=zvector before Python starts",
        ),
    ],
)
def test_a_setting_that_cannot_be_is_refused(settings, message):
    before = process()
    with pytest.raises(RecipeError, match=message):
        run(settings, "x * 1")
    assert process() == before


def test_all_wrong_settings_are_told_at_once():
    with pytest.raises(RecipeError) as caught:
        run({"mkldn": True, "num_threads": -1}, "x * 1")
    assert len(caught.value.problems) == 2


MIXED = {
    "all": (torch.backends, "tf32"),
    "matmul": (torch.backends.cuda.matmul, "tf32"),
    "mkldnn": (torch.backends.mkldnn.matmul, "bf16"),
    "rnn": (torch.backends.cudnn.rnn, "ieee"),
}


def precisions():
    places = (torch.backends, torch.backends.cudnn, torch.backends.cuda.matmul, torch.backends.cudnn.conv)
    more = (torch.backends.cudnn.rnn, torch.backends.mkldnn.matmul, torch.backends.mkldnn.conv)
    return [place.fp32_precision for place in (*places, *more)]


@pytest.mark.parametrize("name", MIXED)
@pytest.mark.parametrize("settings", [{"allow_tf32": True}, {"float32_matmul_precision": "high", "allow_tf32": False}])
def test_a_process_that_set_fp32_precision_runs_and_is_left_as_it_was(name, settings):
    place, word = MIXED[name]
    before = place.fp32_precision
    recipe = {"tensors": {"x": [1.0]}, "steps": {"y": "x + 1"}, "settings": settings}
    place.fp32_precision = word
    try:
        stood = precisions()
        assert run_recipe(load_recipe(recipe))["y"].tolist() == [2.0]
        assert precisions() == stood
    finally:
        place.fp32_precision = before


def test_a_run_leaves_the_older_and_the_newer_settings_as_they_were():
    stood = precisions()
    run_recipe(
        load_recipe(
            {"tensors": {"x": [1.0]}, "steps": {"y": "x + 1"}, "settings": {"float32_matmul_precision": "high"}}
        )
    )
    assert (precisions(), torch.get_float32_matmul_precision()) == (stood, "highest")


STATES = {
    "no_grad": torch.no_grad,
    "inference": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu"),
    "a default device": lambda: torch.device("meta"),
    "anomaly": torch.autograd.detect_anomaly,
    "one thread": lambda: torch.autograd.set_multithreading_enabled(mode=False),
}


@pytest.mark.filterwarnings("ignore:Anomaly Detection")
@pytest.mark.parametrize("name", STATES)
def test_a_run_gives_the_same_whatever_state_its_caller_is_in(name):
    recipe = {
        "tensors": {"x": {"data": [1.0, 2.0], "requires_grad": True}},
        "steps": {"y": "x.exp().sum()"},
        "backward": "y",
    }
    with STATES[name]():
        before = torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.is_autocast_enabled("cpu")
        result = run_recipe(load_recipe(recipe))
        assert (torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.is_autocast_enabled("cpu")) == before
    assert result["x.grad"].equal(torch.tensor([1.0, 2.0]).exp())


def test_settings_apply_where_torchs_own_test_helpers_froze_the_switches(monkeypatch):
    monkeypatch.setitem(torch.backends.flags_frozen.__globals__, "__allow_nonbracketed_mutation_flag", False)
    assert torch.backends.flags_frozen()
    recipe = load_recipe({"settings": {"float32_matmul_precision": "high"}, "steps": {"y": "ones([2])"}})
    assert run_recipe(recipe)["y"].tolist() == [1.0, 1.0]
