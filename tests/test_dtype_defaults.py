"""Arguments whose default hangs on the dtype: a cell is held against the function that it computed."""

from __future__ import annotations

import pytest

from tensorflow_free import load_recipe, run_recipe
from tensorflow_free.cell.reference import yardstick_of
from tensorflow_free.cell.yardstick import KeptRuns

STEPS = {
    "rms_norm": "F.rms_norm(x * 1e-4, [8])",
    "nan_to_num": "torch.nan_to_num(x / 0)",
    "nan_to_num of a tensor": "(x / 0).nan_to_num()",
    "pinv": "torch.linalg.pinv(x[:, :1] @ x[:1])",
    "pinverse": "torch.pinverse(x)",
    "matrix_rank": "torch.linalg.matrix_rank(x[:, :1] @ x[:1])",
    "lstsq": "torch.linalg.lstsq(x.T, x[0]).solution",
}


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("step", STEPS.values(), ids=list(STEPS))
def test_a_cell_with_a_default_of_its_dtype_is_well(step, dtype):
    recipe = {"tensors": {"x": {"init": "randn", "size": [4, 8]}}, "steps": {"y": step}}
    if dtype != "float32" and ("linalg" in step or "pinverse" in step):
        pytest.skip("no kernel in half precision")
    loaded = load_recipe(recipe, [f"dtype={dtype}"])
    comparison = yardstick_of(recipe, [f"dtype={dtype}"], loaded, KeptRuns()).compare(run_recipe(loaded))
    assert comparison.is_well, comparison.bad
