"""The command line of `run-recipe`: its help, its flags, and the flags passed on to Hydra. Standard library only.

Hydra has flags that would read recipes or code from elsewhere. Here every flag that Hydra may get is declared, and no
other is passed on.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from typing import Final

from tensorflow_free.commands.flags import (
    AGAINST,
    FORWARD,
    ISOLATED,
    JUNIT,
    MARKDOWN,
    MUST_RUN,
    PAGE,
    REPEATS,
    STARTS,
    STRICT,
    Declared,
    Flags,
    declare_common,
    flags_of,
    wrong,
)
from tensorflow_free.commands.parser import HELP_WIDTH, Parser, above_0, one_of, some_text
from tensorflow_free.composition.command_line import CommandLine, command_line
from tensorflow_free.outcome.exit_codes import exit_codes_help
from tensorflow_free.recipe.keys import KEYS

USAGE: Final = "run-recipe RECIPE.yaml [KEY=VALUE ...] [flags]"

_KEYS: Final = "\n".join(f"  {key.name:<16}  {key.says.replace('`', '')}" for key in KEYS.values())

DESCRIPTION: Final = f"""\
Runs a recipe: draws its tensors, runs its steps in PyTorch, differentiates, judges what it expects, and writes every
value and gradient to outputs/RECIPE/.

  run-recipe recipes/linear_autograd.yaml
  run-recipe recipes/linear_autograd.yaml device=cuda dtype=float64
  run-recipe recipes/attention.yaml params.n=128 backend=inductor
  run-recipe recipes/linear_autograd.yaml steps.y.op=sub '~expect.y'
  run-recipe -m recipes/attention.yaml dtype=float32,bfloat16 backend=eager,inductor
  run-recipe -m recipes/*.yaml 'params.n=range(1,9)' hydra.launcher.n_jobs=4

overrides (Hydra's grammar):
  device=cuda       cpu, cuda, cuda:1, mps, xpu, meta, auto for the best present
  dtype=float64     float64, float32, bfloat16, float16
  backend=NAME      eager, or a backend of torch.compile, such as inductor
  case=NAME         one of the recipe's cases
  seed=1            seeds every random number
  record=outputs    all, outputs, or a list of names
  KEY=VALUE         any key of the recipe; ~KEY deletes one
  hydra.run.dir=D   where to write; of a sweep, hydra.sweep.dir=D

keys of a recipe (docs/recipe-format.md shows each):
{_KEYS}"""

INFO: Final = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")
"""What `--info` may be about."""

HYDRAS: Final = ("--multirun", "--run", "--cfg", "--resolve", "--package", "--info", "--hydra-help")
"""The flags of Hydra that are passed on."""

REFUSED: Final = {
    "--config-path": "it is refused: recipes are named by their files, and read from nowhere else",
    "-cp": "it is refused: recipes are named by their files, and read from nowhere else",
    "--config-name": "it is refused: the recipe is named by its file",
    "-cn": "it is refused: the recipe is named by its file",
    "--config-dir": "it is refused: recipes are named by their files, and read from nowhere else",
    "-cd": "it is refused: recipes are named by their files, and read from nowhere else",
    "--experimental-rerun": "it is refused: it loads a pickle; run the recipe.yaml of the earlier run instead",
    "--shell-completion": "it is refused: completion by Hydra is not offered",
    "-sc": "it is refused: completion by Hydra is not offered",
}
"""Flags of Hydra that are not passed on, and why."""


def run_parser() -> Parser:
    """The parser of all flags of `run-recipe`."""
    parser = Parser("run-recipe", usage=USAGE, description=DESCRIPTION, epilog=exit_codes_help(HELP_WIDTH))
    flags, sweeps, hydra = (
        parser.add_argument_group(title) for title in ("flags", "flags of sweeps", "flags of Hydra that are passed on")
    )
    _declare_hydras(sweeps, hydra)
    _declare_ours(flags, sweeps)
    return parser


def _declare_ours(flags: Declared, sweeps: Declared) -> None:
    declare_common(flags, "the result on standard output, as result.json has it")
    flags.add_argument("--no-save", action="store_true", help="write no result")
    flags.add_argument("--repeats", **REPEATS)
    flags.add_argument("--starts", **STARTS)
    flags.add_argument("--forward", **FORWARD)
    flags.add_argument(
        "--timeout",
        type=above_0("a number of seconds above 0, such as 600 or 0.5"),
        metavar="S",
        help="seconds that a run, or a cell of a sweep, may take",
    )
    flags.add_argument(
        "--max-memory",
        type=above_0("a number of GiB above 0, such as 4 or 0.5"),
        metavar="GIB",
        help="memory that it may take beside PyTorch's own; at either limit it is ended, with exit code 3",
    )
    flags.add_argument("--page", **PAGE)
    flags.add_argument("--markdown", **MARKDOWN)
    sweeps.add_argument("--junit", **JUNIT)
    sweeps.add_argument("--fail-fast", action="store_true", help="end a sweep at the first bad cell")
    sweeps.add_argument("--strict", action="store_true", help=STRICT)
    sweeps.add_argument("--must-run", **MUST_RUN)
    sweeps.add_argument("--against", **AGAINST)
    sweeps.add_argument("--isolated", **ISOLATED)
    sweeps.add_argument(
        "--resume",
        type=some_text("the folder of a sweep"),
        metavar="FOLDER",
        help="resume an interrupted sweep; its recipe and overrides are in the folder; name files of ops again (--ops)",
    )


def _declare_hydras(sweeps: Declared, hydra: Declared) -> None:
    sweeps.add_argument(
        "-m",
        "--multirun",
        action="store_true",
        help="run every combination of the values given, each in a worker process, compare each with the recipe's "
        "reference, and end with a table; values are A,B or range(1,9) or choice(a,b) or glob(*)",
    )
    cfg, package, info = one_of("job", "hydra", "all"), some_text("the dotted name of a package"), one_of(*INFO)
    hydra.add_argument(
        "-c", "--cfg", type=cfg, metavar="WHAT", help="show the configuration of a job, of hydra, or all"
    )
    hydra.add_argument("--resolve", action="store_true", help="with --cfg: replace each ${} by its value")
    hydra.add_argument("-p", "--package", type=package, metavar="NAME", help="with --cfg: one package alone")
    hydra.add_argument("-i", "--info", type=info, metavar="WHAT", help=f"show what Hydra knows: {', '.join(INFO)}")
    hydra.add_argument("-r", "--run", action="store_true", help="run once (the default)")
    hydra.add_argument("--hydra-help", action="store_true", help="show Hydra's own help")


def run_flags(words: Sequence[str]) -> tuple[Flags, list[str]]:
    """Our flags of a command line of `run-recipe`, and all other words as they stand, Hydra's flags among them.

    Raises:
        RecipeError: with every flag of ours whose value is missing or wrong.
    """
    parser = Parser("run-recipe")
    _declare_ours(parser, parser)
    return flags_of(words, parser)


def sorted_words(words: Sequence[str]) -> CommandLine:
    """The parts of a command line that none of our flags is in.

    Raises:
        RecipeError: with every flag that is unknown, refused or incomplete; or no recipe is named.
    """
    given = Namespace()
    beside = run_parser().words_beside(_with_info(words), given, REFUSED)
    line = command_line(beside, _spelled_out(given), words)
    if not line.files:
        raise wrong("command line", "no recipe is named; give the path of a .yaml file")
    if len(set(line.flags) & {"--multirun", "--run", "--cfg", "--info", "--hydra-help"}) > 1:
        message = "only one of --multirun, --run, --cfg, --info and --hydra-help can be given"
        raise wrong("command line", message)
    if "--resolve" in line.flags and "--cfg" not in line.flags:
        raise wrong("command line", "--resolve goes with --cfg only")
    return line


def _with_info(words: Sequence[str]) -> list[str]:
    """The words with what `--info` is about behind it, where that is left out and a recipe may follow."""
    found: list[str] = []
    for word, following in zip(words, [*words, ""][1:], strict=True):
        found.append("--info=all" if word in ("-i", "--info") and following not in INFO else word)
    return found


def _spelled_out(given: Namespace) -> list[str]:
    """Flags as Hydra takes them."""
    words: list[str] = []
    for flag in HYDRAS:
        if value := getattr(given, flag[2:].replace("-", "_")):
            words += [flag] if value is True else [flag, value]
    return words
