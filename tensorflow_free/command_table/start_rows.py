"""The command that writes a recipe to start from. Does not import torch."""

from __future__ import annotations

from typing import Final

from tensorflow_free.command_table.flag_values import some_text
from tensorflow_free.command_table.table_rows import Command, Flag

START: Final = {
    "new": Command(
        "[NAME]",
        "write a recipe to start from: a starter such as linear or attention, or a plain one of any name",
        "new_recipe:new_command",
        (
            ("recipe new linear", "writes linear.yaml; run-recipe linear.yaml runs it"),
            ("recipe new my_kernel", "a plain recipe of a name of your own"),
            ("recipe new --from-op softmax", "a recipe of an op, its parameters filled in"),
            ("recipe new --list", "what there is"),
        ),
        (
            Flag(
                "--from-op",
                "a recipe of this op instead, with all its parameters, a backward pass and an expectation to complete",
                "recipe new --from-op softmax",
                some_text("an op, such as softmax"),
                "OP",
                complete=("op",),
            ),
            Flag("--list", "list the starters and all recipes that come with this package", "recipe new --list"),
            Flag(
                "-o --output",
                "the file to write, or the folder to write it to; NAME.yaml here by default",
                "{} -o mine.yaml",
                some_text("a file that ends in .yaml, or a folder"),
                "PATH",
                complete=("file",),
            ),
        ),
        complete=("commands.starters:completed_names",),
    ),
}
