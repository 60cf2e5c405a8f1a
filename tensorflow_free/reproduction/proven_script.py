"""A script of plain PyTorch that shows what a cell shows, run in a fresh process before it is given."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import torch

from tensorflow_free.cell.blamed_runs import BlamedRun
from tensorflow_free.cell.random_names import surely_draws
from tensorflow_free.composition.keyed import overrides_in
from tensorflow_free.errors import RecipeError
from tensorflow_free.judging.as_tensors import same_bits
from tensorflow_free.loading import load_recipe
from tensorflow_free.recipe.keys import INPUTS, USUAL_REFERENCE
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.replay.visits import draws_gradients
from tensorflow_free.reproduction.fault_script import fault_script
from tensorflow_free.reproduction.faults import Fault, fault_of
from tensorflow_free.reproduction.script_text import ScriptParts, script_of
from tensorflow_free.version import VERSION

SECONDS: Final = 600
"""How long a script may take; a compiler may take minutes."""

NOT_RUN: Final = "not run, as its device is not here"

_SAVING: Final = """
import runpy, sys, torch
names = runpy.run_path(sys.argv[1], run_name="__main__")
kept = {name: one.detach() for name, one in names.items() if isinstance(one, torch.Tensor)}
leaves = {name: one for name, one in names.items() if isinstance(one, torch.Tensor) and one.is_leaf}
kept |= {f"{name}.grad": one.grad for name, one in leaves.items() if one.grad is not None}
torch.save(kept, sys.argv[2])
"""


@dataclass(slots=True)
class ProvenScript:
    """A script, and what its run has shown.

    Attributes:
        text: the script.
        files: tensors in the file beside it, by name.
        fault: what it has to show.
        shows: whether it did.
        was_run: whether it was run; not where its device is not here.
        differs: what was another than in the cell, in words; empty where nothing was.
        printed: what it printed.
        equal: of a cell in which nothing is wrong, how many values had the same bits, and how many were compared.
    """

    text: str
    files: Mapping[str, torch.Tensor]
    fault: Fault
    shows: bool = False
    was_run: bool = False
    differs: str = ""
    printed: str = ""
    equal: tuple[int, int] = (0, 0)

    def told(self) -> str:
        """What its run has shown, in a sentence."""
        if not self.was_run:
            return NOT_RUN
        if not self.shows:
            return f"run in a fresh process, it does not show the same: {self.differs}; this is no reproduction"
        if self.fault.kind == "nothing":
            return f"run in a fresh process: {self.equal[0]} of {self.equal[1]} values have the same bits"
        what = "the same error" if self.fault.kind == "error" else "the same element, digit by digit"
        return f"run in a fresh process: {what}"


def proven_script(found: BlamedRun, command: str, file: str) -> ProvenScript:
    """The script of a run, which was run itself where its device is here.

    Args:
        found: a run, with what is to blame in it.
        command: the command line that asks for it, which the script names.
        file: what the file beside the script is called.

    Raises:
        NotWritten: the recipe says something that a script cannot.
    """
    fault = fault_of(found)
    recipe, folder = found.result.recipe, Path(str(found.source)).parent
    script = _script(found, recipe, fault, folder, file)
    threads = None if found.result.environment is None else found.result.environment.num_threads
    if threads not in (None, torch.get_num_threads()) and "num_threads" not in recipe.settings:
        # sums are split among them
        script.head += ["", f"torch.set_num_threads({threads})"]
    made = ProvenScript(_titled(script, fault, command), script.files, fault)
    return made if script.absent else _run(made, found, file)


def _script(found: BlamedRun, recipe: Recipe, fault: Fault, folder: Path, file: str) -> ScriptParts:
    if fault.kind != "value":
        return script_of(recipe, folder, file)
    return fault_script(recipe, _reference(found, recipe), fault, folder, file)


def _reference(found: BlamedRun, recipe: Recipe) -> Recipe | None:
    """The recipe in float64, where that is what the cell is held against and a script can start it alike."""
    if found.comparison is None or not found.comparison.bad:
        return None
    wanted = {key: value for key, value in recipe.reference.items() if key != "inputs"}
    if recipe.reference.get("inputs", INPUTS[0]) != INPUTS[0] or surely_draws(recipe) or draws_gradients(recipe):
        return None
    try:
        others = overrides_in({**USUAL_REFERENCE, **wanted}, "reference")
        found_reference = load_recipe(found.source, [*found.overrides, *others])
    except RecipeError:
        return None
    # the function of its steps takes the cell's tensors, and gives what the cell's gives
    is_alike = found_reference.tensors == recipe.tensors and found_reference.steps.keys() == recipe.steps.keys()
    return found_reference if is_alike else None


def _titled(script: ScriptParts, fault: Fault, command: str) -> str:
    quotes = '"' * 3
    sentence = fault.sentence.replace("\\", "\\\\").replace(quotes, "'''")
    by = f"Written by `{command}`, tensorflow_free {VERSION}, torch {torch.__version__}."
    if script.absent:
        by = f"{NOT_RUN[0].upper()}{NOT_RUN[1:]}.\n\n{by}"
    return f"{quotes}{sentence}.\n\n{by}\n{quotes}\n\n{script.text}"


# the run


def _run(made: ProvenScript, found: BlamedRun, file: str) -> ProvenScript:
    with tempfile.TemporaryDirectory() as folder:
        script, saved = Path(folder, "script.py"), Path(folder, "values.pt")
        script.write_text(made.text, encoding="utf-8")
        if made.files:
            torch.save(dict(made.files), Path(folder, file))
        command = [sys.executable, "-c", _SAVING, str(script), str(saved)]
        try:
            done = subprocess.run(  # noqa: S603 - a script of ours
                command, capture_output=True, text=True, timeout=SECONDS, cwd=folder, env=_environment(), check=False
            )
        except subprocess.TimeoutExpired:
            return replace(made, was_run=True, differs=f"it takes more than {SECONDS} s")
        made = replace(made, was_run=True, printed=done.stdout)
        if made.fault.kind == "error":
            return _with_error(made, done.stderr.replace(str(script), "repro.py"))
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["nothing is told"])[-1]
            return replace(made, differs=f"it fails: {last}")
        if made.fault.kind == "nothing":
            return _with_values(made, found, torch.load(saved))
        return _with_digits(made)


def _environment() -> dict[str, str]:
    """This process's environment, with as many threads as it computes with."""
    return {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}


def _with_error(made: ProvenScript, stderr: str) -> ProvenScript:
    kind, _, said = made.fault.digits.partition(": ")
    heads = [one for one in _HEADS.finditer(stderr) if one["kind"] == kind]
    shows = any(_are_one(said, one["said"] or "", stderr) for one in heads)
    last = [one[0] for one in _HEADS.finditer(stderr)] or stderr.split("\n")[-1:] or ["no error at all"]
    return replace(
        made, shows=shows, printed=stderr, differs="" if shows else f"'{last[-1]}' instead of '{made.fault.digits}'"
    )


_HEADS: Final = re.compile(r"^(?:\w+\.)*(?P<kind>[A-Za-z_]\w*)(?:: (?P<said>.*))?$", re.MULTILINE)
"""The line of a traceback that names an error, by its full name."""


def _are_one(said: str, printed: str, stderr: str) -> bool:
    """Whether an error of a run, in whose words there may be more or a later line, is one that was printed."""
    return said == printed or (bool(printed) and printed in said) or (bool(said) and said in stderr)


def _with_digits(made: ProvenScript) -> ProvenScript:
    first = (made.printed.splitlines() or [""])[0]
    digits = first.rpartition(" = ")[2]
    shows = digits == made.fault.digits
    return replace(made, shows=shows, differs="" if shows else f"{digits or 'nothing'} instead of {made.fault.digits}")


def _with_values(made: ProvenScript, found: BlamedRun, values: Mapping[str, Any]) -> ProvenScript:
    """Whether the variables of a script have the bits of the run's values."""
    differing: list[str] = []
    compared = 0
    for name, mine in _comparable(found, values):
        compared += 1
        its = found.result[name]
        if mine.dtype != its.dtype or mine.shape != its.shape or not same_bits(mine, its):
            differing.append(name)
    differs = (
        f"{', '.join(differing[:5])} have other bits" if differing else "" if compared else "no value could be compared"
    )
    return replace(made, shows=not differs, differs=differs, equal=(compared - len(differing), compared))


def _comparable(found: BlamedRun, values: Mapping[str, Any]) -> list[tuple[str, torch.Tensor]]:
    """The values of a script that are those of the run: a variable is as it is in the end."""
    result = found.result
    pairs: list[tuple[str, torch.Tensor]] = []
    for name in result:
        variable = name.removesuffix(".after")
        if f"{name}.after" in result or variable not in values or not isinstance(result[name], torch.Tensor):
            continue
        if name.endswith(".grad") and name.removesuffix(".grad") not in result.recipe.tensors:
            continue
        pairs.append((name, values[variable]))
    return pairs
