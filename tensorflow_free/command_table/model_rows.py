"""The commands that write recipes of models, and scripts of recipes. Does not import torch."""

from __future__ import annotations

from typing import Final

from tensorflow_free.command_table.flag_values import one_of, some_text
from tensorflow_free.command_table.table_rows import Command, Flag

CAPTURE: Final = {
    "capture": Command(
        "FILE.py:MAKE",
        "run a model, and write its calls as a recipe, once it is proven to give the same bits",
        "capture_model:capture_command",
        (
            ("recipe capture model.py:make", "what the function make of model.py gives, as make.yaml"),
            ("recipe capture model.py:make params.layers=2 --init", "with an argument, and drawn weights"),
        ),
        (
            Flag(
                "-o --output",
                "the recipe to write, MAKE.yaml by default; large tensors lie in OUT.safetensors",
                "{} -o block.yaml",
                some_text("a file to write, such as block.yaml"),
                "OUT.yaml",
                complete=("file .yaml",),
            ),
            Flag(
                "--backward",
                "the value to differentiate; the first output that can be, by default",
                "{} --backward loss",
                some_text("the name of a value, such as loss"),
                "NAME",
            ),
            Flag("--no-backward", "differentiate nothing", "{} --no-backward"),
            Flag(
                "--module",
                "capture this submodule alone, with the inputs that it has in the run",
                "{} --module layers.0.attn",
                some_text("the path of a submodule, such as layers.0.attn"),
                "NAME",
            ),
            Flag(
                "--init",
                "seeded draws in place of numbers, which are loaded into the model first",
                "{} --init",
            ),
            Flag(
                "--freeze-random",
                "the random numbers that the model drew as starting tensors; no step draws then",
                "{} --freeze-random",
            ),
            Flag(
                "--level",
                "whose calls are steps: PyTorch's public functions, or the ops of aten below autograd",
                "{} --level aten",
                one_of("public", "aten"),
                "LEVEL",
                "public",
            ),
        ),
        complete=("file .py",),
    ),
}

SCRIPT: Final = {
    "script": Command(
        "PATH KEY=VALUE …",
        "write plain PyTorch that shows what a recipe, a cell or a saved run shows, once it was run and does",
        "script:script_command",
        (
            ("recipe script multirun/softmax/3", "a cell of a sweep, printed"),
            ("recipe script recipes/softmax_overflow.yaml dtype=float16", "a recipe in a dtype"),
            ("recipe script multirun/softmax/3 --issue -o repro.py", "a cell, with a bug report beside it"),
        ),
        (
            Flag(
                "-o --output",
                "the script to write; it is printed by default",
                "{} -o repro.py",
                some_text("a file to write, such as repro.py"),
                "REPRO.py",
                complete=("file .py",),
            ),
            Flag(
                "--issue",
                "a bug report, too, in the shape of PyTorch's form: REPRO.md",
                "recipe script multirun/softmax/3 --issue -o repro.py",
            ),
        ),
        complete=("recipe", "run", "override"),
    ),
}
