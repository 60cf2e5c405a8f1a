"""What a row of the table is: a command, its flags, its examples. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from tensorflow_free.command_table.flag_values import FlagValue

PLAIN: Final = "{}"
"""In the example of a flag: the first example of the command that has it."""

ITSELF: Final = "{command}"
"""In the example of a flag: the command that has it, `recipe verify`."""

PROGRAM: Final = "{program}"
"""In the example of a flag: the first word of that command."""


@dataclass(frozen=True)
class Flag:
    """A flag of a command.

    Attributes:
        names: how it is written, with spaces between: `-o --output`. Its last is what it is called by, and the first
            with two dashes, or else the first, is what its value is called on the options.
        help: what it does.
        example: a whole command line that has it, in which `{}` stands for the first example of the command.
        value: what it takes; None where it takes nothing.
        metavar: what stands for its value in help.
        default: its value where it is not given; of a switch False, of one that may be given again an empty list.
        many: whether it may be given again; its value is a list then.
        complete: what completion offers for its value: kinds of `completion/candidates.py`.
    """

    names: str
    help: str
    example: str
    value: FlagValue | None = None
    metavar: str = ""
    default: Any = None
    many: bool = False
    complete: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What it is called by where one name must do."""
        return self.names.split()[-1]

    def shown(self, example: str) -> Flag:
        """The same flag with another example."""
        return replace(self, example=example)

    def example_of(self, command: str, plain: str) -> str:
        """Its example at a command such as `recipe verify`, of which `plain` is the plainest command line."""
        program = command.partition(" ")[0]
        return self.example.replace(PLAIN, plain).replace(ITSELF, command).replace(PROGRAM, program)


@dataclass(frozen=True)
class Command:
    """A command of `recipe`.

    Attributes:
        words: what stands behind its name, in its usage.
        help: what it does.
        run: the file of `commands/` and the function of it that does it, taking the options and the flags.
        examples: whole command lines, each with a few words of what it does; the first is the plainest.
        flags: its own flags.
        refused: flags of other commands that it does not take, and why.
        ops: what its `--ops` takes, in words, where that is more than for other commands.
        complete: what completion offers for its words: kinds of `completion/candidates.py`, or `module:function` of the
            package, a function that takes what is typed and yields words, each with what it means.
    """

    words: str
    help: str
    run: str
    examples: tuple[tuple[str, str], ...]
    flags: tuple[Flag, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    ops: str | None = None
    complete: tuple[str, ...] = ()

    @property
    def plain(self) -> str:
        """The plainest command line of it."""
        return self.examples[0][0]
