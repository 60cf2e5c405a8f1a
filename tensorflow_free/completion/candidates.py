"""What may follow on a command line: by the row of the command that is typed, its flags, and the kinds of its words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Final

from tensorflow_free.command_table.all_commands import COMMANDS
from tensorflow_free.command_table.run_recipe_rows import HYDRA_FLAGS, MULTIRUN, RUN_FLAGS, SWEEP_FLAGS
from tensorflow_free.command_table.shared_flags import common_flags
from tensorflow_free.command_table.table_rows import Flag
from tensorflow_free.completion.candidate import Candidate, TypedLine, beginning, behind, of_words
from tensorflow_free.completion.listed_ops import ops
from tensorflow_free.completion.listed_paths import files, folders, runs, sweeps
from tensorflow_free.completion.override_words import devices, overrides
from tensorflow_free.composition.command_line import is_override
from tensorflow_free.recipe.names import RECIPE_DTYPES, RECIPE_SUFFIXES

RUN_KINDS: Final = ("recipe", "override")
"""What the words of `run-recipe` may be."""


@dataclass(frozen=True)
class TypedWord:
    """What is typed of a word, and the words before it that are no flags and no flag's value."""

    typed: str
    words: tuple[str, ...]

    @property
    def recipes(self) -> list[str]:
        """The words that name recipe files, or runs."""
        return [word for word in self.words if not is_override(word)]


def candidates(line: TypedLine) -> Iterator[Candidate]:
    """All that may stand in place of the word that is being typed, each once."""
    return beginning(line.word, _offered(line))


def _offered(line: TypedLine) -> Iterable[Candidate]:
    if line.program != "recipe":
        return _of_command(line, (*RUN_FLAGS, MULTIRUN, *SWEEP_FLAGS, *HYDRA_FLAGS), RUN_KINDS)
    common = tuple(common_flags("the answer as JSON"))
    words, waiting = _beside(line.words, _by_name(common))
    if waiting is not None or not words:
        return _of_command(line, common, ("command",))
    command = COMMANDS.get(words[0])
    if command is None:
        return ()
    name_at = line.words.index(words[0])
    behind_name = TypedLine(line.program, (*line.words[:name_at], *line.words[name_at + 1 :]), line.word)
    return _of_command(behind_name, (*command.flags, *common), command.complete)


def _of_command(line: TypedLine, flags: tuple[Flag, ...], kinds: tuple[str, ...]) -> Iterable[Candidate]:
    """What may stand at the end of the words of a command with these flags, whose other words are of these kinds."""
    by_name = _by_name(flags)
    words, waiting = _beside(line.words, by_name)
    if waiting is not None:
        return _of_value(waiting, TypedWord(line.word, words))
    name, equals, value = line.word.partition("=")
    if equals and name in by_name:
        return behind(f"{name}=", _of_value(by_name[name], TypedWord(value, words)))
    if line.word.startswith("-"):
        return _flags(flags, line)
    return _of_kinds(kinds, TypedWord(line.word, words))


def _by_name(flags: Iterable[Flag]) -> dict[str, Flag]:
    return {name: flag for flag in flags for name in flag.names.split()}


def _beside(words: Iterable[str], flags: Mapping[str, Flag]) -> tuple[tuple[str, ...], Flag | None]:
    """The words that are no flags and no flag's value; and the flag whose value comes next, where one does."""
    found: list[str] = []
    waiting: Flag | None = None
    for word in words:
        if waiting is not None:
            waiting = None
        elif word in flags:
            waiting = flags[word] if flags[word].value is not None else None
        elif not word.startswith("-"):
            found.append(word)
    return tuple(found), waiting


def _flags(flags: Iterable[Flag], line: TypedLine) -> Iterator[Candidate]:
    """The flags that are not given yet, or may be given again; short names only where no second dash is typed."""
    for flag in flags:
        names = flag.names.split()
        if flag.many or not set(names) & set(line.words):
            yield from of_words(names, flag.help)


def _of_value(flag: Flag, asked: TypedWord) -> Iterable[Candidate]:
    words = flag.value.words if flag.value is not None else ()
    return of_words(words) if words else _of_kinds(flag.complete, asked)


def _of_kinds(kinds: Iterable[str], asked: TypedWord) -> Iterator[Candidate]:
    seen: set[str] = set()
    for kind in kinds:
        for one in beginning(asked.typed, _of_kind(kind, asked)):
            # the folder of a run is a word of its own to one kind, and a folder to look into to another
            if one.word.removesuffix("/") not in seen:
                yield one
            seen.add(one.word)


def _of_kind(kind: str, asked: TypedWord) -> Iterable[Candidate]:
    """The candidates of a kind: `file .html .svg`, `words all`, a name of `KINDS`, or a function of the package."""
    name, *more = kind.split()
    if name == "file":
        return files(asked.typed, more)
    if name == "words":
        return of_words(more)
    if ":" in name:
        module, _, function = name.partition(":")
        found = getattr(import_module(f"tensorflow_free.{module}"), function)(asked.typed)
        return (Candidate(word, says) for word, says in found)
    return KINDS[name](asked)


def _recipes(asked: TypedWord) -> Iterable[Candidate]:
    # where a recipe is named, keys of it are what is wanted, until something else is typed
    is_next = asked.recipes and not asked.typed
    return () if is_next or is_override(asked.typed) else files(asked.typed, RECIPE_SUFFIXES)


def _overrides(asked: TypedWord) -> Iterable[Candidate]:
    if not asked.typed and not asked.recipes:
        return ()
    from tensorflow_free.completion.named_recipe import said_by

    return overrides(asked.typed, said_by(asked.recipes))


def _codes(_: TypedWord) -> Iterable[Candidate]:
    from tensorflow_free.completion.guide_words import codes

    return codes()


def _pages(asked: TypedWord) -> Iterable[Candidate]:
    from tensorflow_free.completion.guide_words import pages

    return pages(asked.typed)


def _runs(asked: TypedWord) -> Iterable[Candidate]:
    return () if is_override(asked.typed) else runs(asked.typed)


def _dtypes(asked: TypedWord) -> Iterable[Candidate]:
    *before, _ = asked.typed.split(",")
    return behind("".join(f"{one}," for one in before), of_words(one for one in RECIPE_DTYPES if one not in before))


KINDS: Final[Mapping[str, Callable[[TypedWord], Iterable[Candidate]]]] = {
    "code": _codes,
    "command": lambda _: (Candidate(name, command.help) for name, command in COMMANDS.items()),
    "device": lambda _: devices(),
    "dtype": _dtypes,
    "folder": lambda asked: folders(asked.typed),
    "op": lambda asked: ops(asked.typed),
    "override": _overrides,
    "page": _pages,
    "recipe": _recipes,
    "run": _runs,
    "shell": lambda _: of_words(("bash", "zsh", "fish")),
    "sweep": lambda asked: sweeps(asked.typed),
}
"""What completion offers for each kind of word."""
