"""Writes docs/commands.md, the reference of all commands, from the table that also makes their help.

Run it from the repository's root: python docs/write_commands.py
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tensorflow_free.command_table.all_commands import COMMAND_GROUPS
from tensorflow_free.command_table.run_recipe_rows import (
    HYDRA_FLAGS,
    MULTIRUN,
    OVERRIDES,
    RUN_EXAMPLES,
    RUN_FLAGS,
    SWEEP_FLAGS,
)
from tensorflow_free.command_table.shared_flags import common_flags
from tensorflow_free.command_table.table_rows import Command, Flag

PAGE = Path(__file__).parent / "commands.md"
SHARED = common_flags("the answer as JSON")
BEGINNING = """# All commands

Each command with its flags, and an example of each: what `recipe help COMMAND` and `recipe COMMAND --help` show. It is
written by `python docs/write_commands.py` from the table that makes these, too. What an override may be is in
[the format](recipe-format.md#from-the-command-line), and what commands end with in [exit codes](files.md#exit-codes).
"""


def page() -> str:
    """The whole page."""
    parts = [
        BEGINNING,
        *_run_recipe(),
        *(
            part
            for group in COMMAND_GROUPS.values()
            for name, command in group.items()
            for part in _command(name, command)
        ),
        "## Flags of all commands\n",
        _flags(SHARED, "recipe verify", "recipe verify recipes/rms_norm.yaml"),
    ]
    return "\n".join(parts)


def _run_recipe() -> Iterator[str]:
    plain = RUN_EXAMPLES[0][0]
    yield "## run-recipe\n\n    run-recipe RECIPE.yaml … KEY=VALUE … [flags]\n\nRun recipes, or with `-m` sweep them.\n"
    yield _table(("example", "what it does"), ((f"`{line}`", _plain(words)) for line, words in RUN_EXAMPLES))
    yield "Overrides that are wanted most:\n"
    yield _table(("override", "what it says"), ((f"`{key}`", _plain(words)) for key, words in OVERRIDES))
    own = [flag for flag in RUN_FLAGS if flag.name not in {one.name for one in SHARED}]
    yield _flags(own, "run-recipe", plain)
    yield "Of sweeps:\n"
    yield _flags((MULTIRUN, *SWEEP_FLAGS), "run-recipe", plain)
    yield "Those of Hydra that are passed on:\n"
    yield _flags(HYDRA_FLAGS, "run-recipe", plain)


def _command(name: str, command: Command) -> Iterator[str]:
    flags = " [flags]" if command.flags else ""
    yield f"## recipe {name}\n\n    recipe {name} {command.words}{flags}\n\n{_sentence(command.help)}\n"
    yield _table(("example", "what it does"), ((f"`{line}`", _plain(words)) for line, words in command.examples))
    if command.flags:
        yield _flags(command.flags, f"recipe {name}", command.plain)


def _flags(flags: Sequence[Flag], command: str, plain: str) -> str:
    rows = ((_names(flag), _plain(flag.help), f"`{flag.example_of(command, plain)}`") for flag in flags)
    return _table(("flag", "what it does", "example"), rows)


def _names(flag: Flag) -> str:
    value = f" {flag.metavar}" if flag.metavar else ""
    return f"`{', '.join(flag.names.split())}{value}`"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _sentence(text: str) -> str:
    return _plain(f"{text[0].upper()}{text[1:]}.")


def _plain(text: str) -> str:
    return text.replace("*", "\\*").replace("<", "\\<")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
