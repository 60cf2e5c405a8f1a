"""The commands that look something up, and run nothing. Does not import torch."""

from __future__ import annotations

from typing import Final

from tensorflow_free.command_table.flag_values import SECONDS
from tensorflow_free.command_table.table_rows import Command, Flag

LOOKUP: Final = {
    "ops": Command(
        "[PATTERN]",
        "list all ops, or those that match: softmax, 'linalg.*', 'cross entropy'",
        "lookup:look_ops_up",
        (
            ("recipe ops softmax", "an op: its parameters, and what they mean"),
            ("recipe ops 'linalg.*'", "all ops of a namespace"),
            ("recipe ops 'cross entropy'", "ops whose documentation has these words"),
        ),
        complete=("op",),
    ),
    "list": Command(
        "[FOLDER …]",
        "list the recipes in a folder and below it, with their descriptions",
        "listing:list_recipes",
        (("recipe list recipes", "every recipe of a folder, with its first sentence"),),
        complete=("folder",),
    ),
    "check": Command(
        "RECIPE.yaml …",
        "check recipes without running them",
        "listing:check_recipes",
        (
            ("recipe check recipes/attention.yaml", "every mistake in a recipe, each with its line"),
            ("recipe check recipes/*.yaml", "of many; nothing runs"),
        ),
        complete=("recipe",),
    ),
    "relations": Command(
        "PATH …",
        "try every kind of relation on recipes, and tell which hold, as a recipe states them",
        "relating:relations_command",
        (
            ("recipe relations recipes/rms_norm.yaml", "which relations hold of a recipe, to be copied into it"),
            ("recipe relations recipes --table", "of a folder, as a table of Markdown"),
        ),
        (
            Flag(
                "--table",
                "a row of a Markdown table for each recipe, with the kinds that hold",
                "recipe relations recipes --table",
            ),
            Flag(
                "--seconds",
                "after these no other relation of a recipe is tried, and that is told",
                "{} --seconds 30",
                SECONDS,
                "S",
            ),
        ),
        complete=("recipe",),
    ),
    "schema": Command(
        "NAME",
        "print the JSON Schema of a file: recipe, result, row, comparison, sweep, golden, matrix",
        "json_schemas:show_schema",
        (
            ("recipe schema recipe", "of a recipe, for an editor that completes by it"),
            ("recipe schema result", "of the result.json of a run"),
        ),
        (
            Flag(
                "--installed",
                "of a recipe: with the ops of the torch and the packages that are installed, not as it came",
                "recipe schema recipe --installed",
            ),
        ),
        complete=("words recipe result row comparison sweep golden matrix",),
    ),
    "completion": Command(
        "SHELL",
        "print the script by which a shell completes both commands: bash, zsh or fish",
        "shell_completion:print_script",
        (
            ("recipe completion bash", "a line for ~/.bashrc: source <(recipe completion bash)"),
            ("recipe completion zsh", "a line for ~/.zshrc: source <(recipe completion zsh)"),
            ("recipe completion fish", "for ~/.config/fish/config.fish: recipe completion fish | source"),
        ),
        complete=("shell",),
    ),
    "explain": Command(
        "[CODE]",
        "tell what a word of a result means, and what to do: an outcome, a reason, an exit code, a rule, a column",
        "explain:explain_code",
        (
            ("recipe explain mismatch", "an outcome: what it means, what it looks like, what to do"),
            ("recipe explain no kernel", "a reason, in the words that a message has for it"),
            ("recipe explain", "all codes, a line each"),
        ),
        (
            Flag(
                "--markdown",
                "all of it as Markdown, as docs/outcomes-and-reasons.md has it",
                "recipe explain --markdown",
            ),
        ),
        complete=("code",),
    ),
    "help": Command(
        "[COMMAND | PAGE#SECTION]",
        "show the help of a command, or a page of the documentation, or a section of one",
        "help_command:show_help",
        (
            ("recipe help verify", "a command and its flags"),
            ("recipe help judging#the-rule", "a section of a page; `recipe help judging the rule` does as well"),
            ("recipe help tolerance", "what explains a key of a recipe"),
        ),
        (
            Flag(
                "--all",
                "all of a long page; without it, its beginning and what its sections are called",
                "recipe help judging --all",
            ),
        ),
        complete=("command", "page"),
    ),
}
