"""The commands of `recipe`, in a table: the arguments of each, and the module that is imported when it is typed.

The arguments of a command are declared here and not in its module, so that help and errors do not wait for PyTorch.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from textwrap import wrap
from typing import Any, Final

from tensorflow_free.commands.flags import (
    AGAINST,
    APART,
    FORWARD,
    ISOLATED,
    JUNIT,
    MARKDOWN,
    MUST_RUN,
    OPS,
    PAGE,
    REPEATS,
    STARTS,
    STRICT,
    Flags,
    declare_common,
    wrong,
)
from tensorflow_free.commands.parser import HELP_WIDTH, FlagValue, Parser, above_0, number, one_of, some_text, whole
from tensorflow_free.commands.run_flags import run_parser
from tensorflow_free.outcome.exit_codes import exit_codes_help
from tensorflow_free.process.kept_modules import modules_kept
from tensorflow_free.recipe.names import did_you_mean

RECIPE_USAGE: Final = "recipe COMMAND [WORDS …] [flags]"

COLUMN: Final = 24
"""Where what a command does begins in the help."""


@dataclass(frozen=True)
class Command:
    """A row of the table.

    Attributes:
        words: what stands behind its name.
        help: what it does.
        run: the file of `commands/` and the function of it that does it, taking the options and the flags.
        flags: its own flags, with what argparse is told of each.
        refused: flags of other commands that it does not take, and why.
        ops: what its `--ops` takes, in words.
    """

    words: str
    help: str
    run: str
    flags: dict[str, dict[str, Any]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    ops: str = OPS


_SWITCH: Final = {"action": "store_true"}
_TOLERANCE: Final = {"type": number("a number of at least 0, such as 1e-5", lambda found: found >= 0), "metavar": "X"}
_PERCENT: Final = number("a number from 0 to 100, such as 95", lambda found: 0 <= found <= 100)  # noqa: PLR2004 - percent
_SECONDS: Final = {"type": above_0("a number of seconds above 0, such as 60 or 0.5"), "metavar": "S"}
_TIMES: Final = {"type": above_0(), "metavar": "N"}

_COUNT: Final = whole("an integer of at least 0", 0)
_SAMPLES: Final = FlagValue("a number of samples, or all", lambda text: None if text == "all" else _COUNT.read(text))

COMMAND_GROUPS: Final[dict[str, dict[str, Command]]] = {
    "looking up": {
        "ops": Command(
            "[PATTERN]",
            "list all ops, or those that match: softmax, 'linalg.*', 'cross entropy'",
            "lookup:look_ops_up",
        ),
        "list": Command(
            "[FOLDER …]", "list the recipes in a folder and below it, with their descriptions", "listing:list_recipes"
        ),
        "check": Command("RECIPE.yaml …", "check recipes without running them", "listing:check_recipes"),
        "relations": Command(
            "PATH …",
            "try every kind of relation on recipes, and tell which hold, as a recipe states them",
            "relating:relations_command",
            {
                "--table": {**_SWITCH, "help": "a row of a Markdown table for each recipe, with the kinds that hold"},
                "--seconds": {
                    **_SECONDS,
                    "help": "after these no other relation of a recipe is tried, and that is told",
                },
            },
        ),
        "schema": Command(
            "[NAME]",
            "print the JSON Schema of a file: recipe, result, row, comparison, sweep, golden, matrix",
            "json_schemas:show_schema",
        ),
    },
    "what a device supports": {
        "matrix": Command(
            "[PATH …]",
            "judge ops of PyTorch's operator database (all, or --ops 'softmax,linalg.*') and recipes on a device",
            "support_matrix:matrix_command",
            {
                "--device": {
                    "type": some_text("a device, such as cuda"),
                    "metavar": "NAME",
                    "default": "auto",
                    "help": "the device; this machine's accelerator by default",
                },
                "--dtype": {
                    "type": some_text("dtypes, such as float32,bfloat16"),
                    "metavar": "NAMES",
                    "help": "the dtypes, with commas between; float32 by default",
                },
                "--samples": {
                    "type": _SAMPLES,
                    "metavar": "N|all",
                    "default": 1,
                    "help": "how many samples of each entry; 1 by default, 0 for recipes alone",
                },
                "--recipes": {
                    "action": "append",
                    "default": [],
                    "type": some_text("a recipe, or a folder of them"),
                    "metavar": "PATH",
                    "help": "recipes, in all their cases; may be given again",
                },
                "--coverage": {
                    "action": "append",
                    "default": [],
                    "type": some_text("a recipe, or a folder of them"),
                    "metavar": "PATH",
                    "help": "run nothing on a device: tell which ops recipes exercise, of how many; may be given again",
                },
                "--forward": FORWARD,
                "-o --out --output": {
                    "type": some_text("a folder that is new or empty"),
                    "metavar": "FOLDER",
                    "help": "where the matrix and the recipes that fail are written; outputs/matrix/… by default",
                },
                "--against": {
                    "type": some_text("a matrix.json"),
                    "metavar": "OLDER.json",
                    "help": "tell what changed since this matrix; what is worse fails, and nothing else",
                },
                "--format": {
                    "type": one_of("table", "csv", "markdown"),
                    "metavar": "NAME",
                    "help": "table (by default), csv or markdown; --json gives what matrix.json has",
                },
                "--all": {**_SWITCH, "help": "a line for each op in the table, however many there are"},
                "-j --jobs": {
                    "type": whole("a number of workers, such as 2"),
                    "metavar": "N",
                    "help": "worker processes",
                },
                "--timeout": {**_SECONDS, "help": "seconds that one sample may take"},
            },
            ops=f"which entries, such as 'softmax,linalg.*'; or {OPS}",
        ),
    },
    "what was run": {
        "show": Command(
            "FOLDER …",
            "show the result in a run's folder",
            "showing:show_results",
            {"--graph": {**_SWITCH, "help": "show the chain as a graph; a recipe's, too, which does not run for it"}},
        ),
        "page": Command(
            "PATH …",
            "write a page to look at: of a run, of two, of a sweep, of one of its cells, of a golden; one HTML file",
            "write_html:page_command",
            {
                "-o --output": {
                    "type": some_text("a file to write, such as page.html"),
                    "metavar": "PAGE.html",
                    "help": "the file to write; page.html by default",
                },
                "--svg": {
                    "type": some_text("a file to write, such as graph.svg"),
                    "metavar": "GRAPH.svg",
                    "help": "write the graph of a run, or of a recipe, as a picture instead",
                },
                "--teach": {**_SWITCH, "help": "begin with the teaching view: each value, then each derivative"},
            },
        ),
        "table": Command(
            "FOLDER …",
            "show a sweep's table again",
            "sweep_table:table_command",
            {"--against": AGAINST, "--markdown": MARKDOWN, "--junit": JUNIT},
        ),
        "export": Command(
            "CELL …",
            "write the folders of a sweep's cells, which lie in archives; of a sweep, all",
            "export:export_command",
            {
                "-o --output": {
                    "type": some_text("a folder"),
                    "metavar": "FOLDER",
                    "help": "where each is written by its name; its place in the sweep by default",
                },
            },
        ),
        "compare": Command(
            "A B",
            "compare run A with run B, or sweep A with sweep B, by what is in their folders",
            "compare:compare_command",
            {
                "--rtol": {**_TOLERANCE, "help": "the relative tolerance, instead of the rules of the dtype"},
                "--atol": {**_TOLERANCE, "help": "the absolute tolerance"},
                "--signed-zeros": {**_SWITCH, "help": "0.0 and -0.0 differ"},
                "--baseline": {
                    "type": some_text("the folder of a run"),
                    "metavar": "RUN",
                    "help": "an eager run on the CPU in the dtype of A, whose distance to B is the noise",
                },
                "-k --k": {
                    **_TIMES,
                    "help": "how many times what rounding moves is allowed, or the noise of --baseline",
                },
                "--strict": {**_SWITCH, "help": STRICT},
                "--page": PAGE,
                "--markdown": MARKDOWN,
            },
        ),
    },
    "from a model": {
        "capture": Command(
            "FILE.py:MAKE",
            "run a model, and write its calls as a recipe, once it is proven to give the same bits",
            "capture_model:capture_command",
            {
                "-o --output": {
                    "type": some_text("a file to write, such as block.yaml"),
                    "metavar": "OUT.yaml",
                    "help": "the recipe to write, MAKE.yaml by default; large tensors lie in OUT.safetensors",
                },
                "--backward": {
                    "type": some_text("the name of a value, such as loss"),
                    "metavar": "NAME",
                    "help": "the value to differentiate; the first output that can be, by default",
                },
                "--no-backward": {**_SWITCH, "help": "differentiate nothing"},
                "--module": {
                    "type": some_text("the path of a submodule, such as layers.0.attn"),
                    "metavar": "NAME",
                    "help": "capture this submodule alone, with the inputs that it has in the run",
                },
                "--init": {
                    **_SWITCH,
                    "help": "seeded draws in place of numbers, which are loaded into the model first",
                },
                "--freeze-random": {
                    **_SWITCH,
                    "help": "the random numbers that the model drew as starting tensors; no step draws then",
                },
                "--level": {
                    "type": one_of("public", "aten"),
                    "metavar": "LEVEL",
                    "default": "public",
                    "help": "whose calls are steps: PyTorch's public functions, or the ops of aten below autograd",
                },
            },
        ),
    },
    "to a script": {
        "script": Command(
            "PATH KEY=VALUE …",
            "write plain PyTorch that shows what a recipe, a cell or a saved run shows, once it was run and does",
            "script:script_command",
            {
                "-o --output": {
                    "type": some_text("a file to write, such as repro.py"),
                    "metavar": "REPRO.py",
                    "help": "the script to write; it is printed by default",
                },
                "--issue": {**_SWITCH, "help": "a bug report, too, in the shape of PyTorch's form: REPRO.md"},
            },
        ),
    },
    "another machine": {
        "pack": Command(
            "RECIPE.yaml … KEY=A,B",
            "write cells, their starting tensors and float64 values to one file, for a machine without anything else",
            "packs:pack_command",
            {
                "-o --output": {
                    "type": some_text("a file to write"),
                    "metavar": "FILE.zip",
                    "help": "the file to write; cells.zip by default",
                },
                "--starts": STARTS,
            },
        ),
        "check-in": Command(
            "CELLS.zip KEY=A,B",
            "run and judge the cells of a pack here, and end with a table, as a sweep does",
            "packs:check_in_command",
            {
                "--device": {
                    "type": some_text("a device, such as cuda or npu:1"),
                    "metavar": "NAME",
                    "help": "the device, instead of that of the recipes; device=A,B for several",
                },
                "-o --output": {
                    "type": some_text("a folder"),
                    "metavar": "FOLDER",
                    "help": "the folder to write, which is new or empty; checked-in/<date>_<time>-<random> by default",
                },
                "--forward": FORWARD,
                "--strict": {**_SWITCH, "help": STRICT},
                "--fail-fast": {**_SWITCH, "help": "end at the first bad cell"},
                "--markdown": MARKDOWN,
                "--junit": JUNIT,
                "--timeout": {**_SECONDS, "help": "seconds that a cell may take; 600 by default"},
                "--jobs": {
                    "type": whole("an integer of at least 1, such as 4"),
                    "metavar": "N",
                    "help": "worker processes; one a core by default",
                },
            },
        ),
    },
    "what went wrong": {
        "blame": Command(
            "PATH KEY=VALUE …",
            "find the step that is wrong for its own inputs: of a recipe and its overrides, or of a run's folder",
            "find_culprit:blame_command",
            {"--forward": FORWARD, "--markdown": MARKDOWN, "--page": PAGE},
        ),
    },
    "recipes as regression fixtures": {
        "record": Command(
            "PATH …",
            "write goldens beside recipes, of all cases or of case=NAME, for the CPU or for device=cuda",
            "record:record_command",
            {
                "--missing": {**_SWITCH, "help": "only cases without a golden"},
                "--stale": {**_SWITCH, "help": "only cases without a golden, or with a stale one"},
                "--refresh-noise": {
                    **_SWITCH,
                    "help": "measure anew what rounding does in each dtype; no value of a golden changes",
                },
                **APART,
                "--starts": STARTS,
            },
            {"--forward": "a golden is recorded whole, with its gradients; verify it with recipe verify --forward"},
        ),
        "verify": Command(
            "PATH …",
            "compare recipes with their goldens, in every cell that is asked for: dtype=float32,bfloat16 device=cuda",
            "verify:verify_command",
            {
                "-k": {
                    **_TIMES,
                    "help": "how many times the recorded noise is allowed, instead of the number of the dtype",
                },
                "--repeats": REPEATS,
                "--starts": STARTS,
                "--isolated": ISOLATED,
                "--forward": FORWARD,
                "--must-run": MUST_RUN,
                **APART,
                "--strict": {**_SWITCH, "help": STRICT},
                "--page": PAGE,
                "--markdown": MARKDOWN,
                "--junit": JUNIT,
            },
        ),
        "strength": Command(
            "PATH …",
            "make each step of recipes wrong in turn, and tell which of these faults they would let through",
            "strength:strength_command",
            {
                "--at-least": {
                    "type": _PERCENT,
                    "metavar": "PERCENT",
                    "help": "fail a recipe that tells less of its mutants: by its golden, or by what it expects",
                },
                "--summary": {**_SWITCH, "help": "print the table alone"},
                "--forward": FORWARD,
            },
        ),
        "review": Command(
            "PATH …",
            "walk through what changed and accept or reject it by single keys; without a terminal, by a flag",
            "review:review_command",
            {
                "--list": {**_SWITCH, "help": "list what changed, and decide nothing"},
                "--accept-noise": {**_SWITCH, "help": "accept what changed within the noise"},
                "--accept-all": {**_SWITCH, "help": "accept all that can be accepted"},
                "--page": PAGE,
                "--markdown": MARKDOWN,
            },
        ),
    },
}

COMMANDS: Final = {name: command for group in COMMAND_GROUPS.values() for name, command in group.items()}


def recipe_parser() -> Parser:
    """The parser of `recipe` itself: the flags of all its commands, and its help."""
    parser = Parser(
        "recipe",
        usage=RECIPE_USAGE,
        epilog=f"`recipe COMMAND --help` lists all flags of a command.\n\n{exit_codes_help(HELP_WIDTH)}",
    )
    for title, commands in COMMAND_GROUPS.items():
        parser.add_argument_group(title, "\n".join(_overview(name, one) for name, one in commands.items()))
    _declare_common(parser, OPS)
    return parser


def _overview(name: str, command: Command) -> str:
    told = (
        f"{command.help} ({', '.join(flag.split()[-1] for flag in command.flags)})" if command.flags else command.help
    )
    first, *rest = wrap(told, HELP_WIDTH - COLUMN - 2)
    return "\n".join([f"{f'{name} {command.words}'.ljust(COLUMN)}{first}", *(" " * COLUMN + one for one in rest)])


def parser_of(name: str) -> Parser:
    """The parser of one of the commands.

    Raises:
        RecipeError: there is no such command.
    """
    if name not in COMMANDS:
        near = did_you_mean(name, COMMANDS) or f"; the commands are {', '.join(COMMANDS)}"
        raise wrong("command line", f"'{name}' is not a command{near}")
    command = COMMANDS[name]
    usage = " ".join(part for part in ("recipe", name, command.words, "[flags]") if part)
    parser = Parser(f"recipe {name}", usage=usage, description=f"{command.help[0].upper()}{command.help[1:]}.")
    if command.flags:
        group = parser.add_argument_group("flags")
        for flag, settings in command.flags.items():
            group.add_argument(*flag.split(), **settings)
    _declare_common(parser, command.ops)
    return parser


def _declare_common(parser: Parser, ops: str) -> None:
    group = parser.add_argument_group("flags of all commands")
    declare_common(group, "the answer as JSON", ops)


def run_command(words: Sequence[str], flags: Flags) -> int:
    """Run the command that the first word names: the exit code.

    Raises:
        RecipeError: there is no such command, or something behind its name is wrong.
    """
    elsewhere = dict.fromkeys(run_parser().flags, "it is run-recipe's; see recipe --help")
    if not words or words[0].startswith("-"):
        # a flag of no command; its name is what is missed first
        recipe_parser().words_beside(words, Namespace(), elsewhere)
    name, *behind = words or [""]
    options = Namespace()
    parser = parser_of(name)
    options.words = parser.words_beside(behind, options, elsewhere | COMMANDS[name].refused)
    module, _, act = COMMANDS[name].run.partition(":")
    with modules_kept():
        run = getattr(import_module(f"tensorflow_free.commands.{module}"), act)
    code: int = run(options, flags)
    return code
