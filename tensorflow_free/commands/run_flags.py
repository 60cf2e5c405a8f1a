"""The command line of `run-recipe`: its help, its flags, and the flags passed on to Hydra. Standard library only.

Hydra has flags that would read recipes or code from elsewhere. Here every flag that Hydra may get is declared, and no
other is passed on.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from typing import Final

from tensorflow_free.command_table.run_recipe_rows import HYDRA_FLAGS, INFO, MULTIRUN, RUN_FLAGS, SWEEP_FLAGS
from tensorflow_free.commands.flags import Flags, flags_of, wrong
from tensorflow_free.commands.parser import HELP_WIDTH, Parser, declare
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
    declare(flags, RUN_FLAGS)
    declare(sweeps, (MULTIRUN, *SWEEP_FLAGS))
    declare(hydra, HYDRA_FLAGS)
    return parser


def run_flags(words: Sequence[str]) -> tuple[Flags, list[str]]:
    """Our flags of a command line of `run-recipe`, and all other words as they stand, Hydra's flags among them.

    Raises:
        RecipeError: with every flag of ours whose value is missing or wrong.
    """
    parser = Parser("run-recipe")
    declare(parser, (*RUN_FLAGS, *SWEEP_FLAGS))
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
