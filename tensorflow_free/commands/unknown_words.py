"""What is said of a flag, or a command, that there is not: the nearest one, here or at another command."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from tensorflow_free.command_table.all_commands import COMMANDS
from tensorflow_free.command_table.run_recipe_rows import HYDRA_FLAGS, MULTIRUN, RUN_FLAGS, SWEEP_FLAGS
from tensorflow_free.command_table.tried_words import TRIED, TRIED_FLAGS
from tensorflow_free.recipe.keys import KEYS
from tensorflow_free.recipe.names import RECIPE_SUFFIXES, nearest

RUN_RECIPE: Final = "run-recipe"


def about_flag(name: str, command: str, own: Collection[str], refused: Mapping[str, str]) -> str:
    """What is said of a flag that a command does not have.

    Args:
        name: as it was typed, without a value.
        command: the command, such as `recipe verify`.
        own: its flags.
        refused: flags that cannot be had here, and why; long ones may be cut short.
    """
    for flag, why in refused.items():
        if flag == name or (name[2:] and flag.startswith(name)):
            return why
    if command == RUN_RECIPE and (does := TRIED_FLAGS.get(name)):
        return f"it is not a flag of this command; {does}"
    see = f"see {command} --help"
    elsewhere = {flag: commands for flag, commands in _commands_by_flag().items() if command not in commands}
    key = _key(name, command)
    if key:
        return f"it is not a flag of this command; a key of the recipe is written {key}=VALUE"
    if name in elsewhere:
        return f"it is a flag of {_listed(elsewhere[name])}, and not of this command; {see}"
    keys = {key: "" for key in KEYS if _key(f"--{key}", command)}
    # what is nearest of all is meant; of several alike, a flag of this command, then a key
    meant = {**_long(elsewhere), **keys, **_long(own)}
    if name == "--html" and "--page" in own:
        return f"it is not a flag; did you mean '--page FILE.html'? S{see[1:]}"
    near = nearest(name[2:], meant) if name.startswith("--") else None
    if near is None:
        return f"it is not a flag; {see}"
    flag = meant[near]
    if not flag:
        return f"it is not a flag; did you mean the key of the recipe, {near}=VALUE? S{see[1:]}"
    where = "" if flag in own else f" of {_listed(elsewhere[flag])}"
    return f"it is not a flag; did you mean '{flag}'{where}? S{see[1:]}"


def _long(flags: Iterable[str]) -> dict[str, str]:
    """Long flags, by what stands behind their dashes."""
    return {flag[2:]: flag for flag in flags if flag.startswith("--")}


def about_command(name: str) -> str:
    """What is said of a word that stands where a command does, and is none."""
    if name.endswith(RECIPE_SUFFIXES):
        return f"'{name}' is not a command; did you mean `{RUN_RECIPE} {name}`?"
    if lines := TRIED.get(name.lower()):
        return f"'{name}' is not a command; did you mean {' or '.join(f'`{line}`' for line in lines)}?"
    near = nearest(name, COMMANDS) or nearest(name, TRIED)
    if near in TRIED:
        return about_command(near).replace(f"'{near}'", f"'{name}'", 1)
    return f"'{name}' is not a command" + (
        f"; did you mean '{near}'?" if near else f"; the commands are {', '.join(COMMANDS)}"
    )


def _key(name: str, command: str) -> str:
    """The key of a recipe that a flag is called like, where the command takes keys."""
    key = name.removeprefix("--")
    row = COMMANDS.get(command.rpartition(" ")[-1])
    takes = command == RUN_RECIPE or (row is not None and "override" in row.complete)
    return key if takes and name.startswith("--") and key in KEYS else ""


def _commands_by_flag() -> dict[str, list[str]]:
    """All flags, with the commands that have them; those that all have are left out."""
    found: dict[str, list[str]] = {}
    rows = {f"recipe {name}": command.flags for name, command in COMMANDS.items()}
    for command, flags in {**rows, RUN_RECIPE: (*RUN_FLAGS, MULTIRUN, *SWEEP_FLAGS, *HYDRA_FLAGS)}.items():
        for name in (name for flag in flags for name in flag.names.split()):
            found.setdefault(name, []).append(command)
    return found


def _listed(commands: list[str]) -> str:
    """Some of the commands in words: the first three of them."""
    shown = commands if len(commands) <= _MOST_TOLD else [*commands[: _MOST_TOLD - 1], "others"]
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))


_MOST_TOLD: Final = 3
