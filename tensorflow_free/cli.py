"""The two commands: `run-recipe` runs recipes, `recipe` is for all that is not running. Loads what is needed alone."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tensorflow_free.errors import Place, Problem, RecipeError, StorageError, TensorflowFreeError
from tensorflow_free.version import VERSION

if TYPE_CHECKING:
    from tensorflow_free.composition import Composed
    from tensorflow_free.result import Result

WELL, UNMET, WRONG, FAILED, OURS, INTERRUPTED = 0, 1, 2, 3, 4, 130
"""Exit codes: all well; an expectation does not hold; the recipe or the command line is wrong; a step failed; an error
of ours; interrupted."""

RUN_HELP: Final = """\
usage: run-recipe RECIPE.yaml [KEY=VALUE ...] [flags]

Runs a recipe: draws its tensors, runs its steps in PyTorch, differentiates, judges what it expects, and writes every
value and gradient to outputs/RECIPE/.

  run-recipe recipes/linear_autograd.yaml
  run-recipe recipes/linear_autograd.yaml device=cuda dtype=float64
  run-recipe recipes/attention.yaml params.n=128 backend=inductor
  run-recipe recipes/linear_autograd.yaml steps.y.op=sub '~expect.y'
  run-recipe -m recipes/linear_autograd.yaml dtype=float32,bfloat16

overrides (Hydra's grammar)
  device=cuda      cpu, cuda, cuda:1, mps, xpu, meta, auto for the best present
  dtype=float64    float64, float32, bfloat16, float16
  backend=NAME     eager, or a backend of torch.compile, such as inductor
  case=NAME        one of the recipe's cases
  seed=1           seeds every random number
  record=outputs   all, outputs, or a list of names
  KEY=VALUE        any key of the recipe; ~KEY takes one away
  hydra.run.dir=D  where to write

flags
  --json           the result on standard output, as result.json has it
  -q, --quiet      print only what is wrong
  --ops FILE.py    a Python file that registers ops of your own (register_op); may be given again
  --no-save        write no result
  -m, --multirun   run every combination of the values given (KEY=A,B)
  --cfg job        show the composed recipe's configuration, and run nothing
  --version, -h, --help

exit codes: 0 all well, 1 something expected does not hold, 2 the recipe or the command line is wrong, 3 a step failed,
4 an error of tensorflow_free, 130 interrupted
"""

RECIPE_HELP: Final = """\
usage: recipe COMMAND

  recipe ops [PATTERN]        list the registry, or the ops that fit: recipe ops softmax, recipe ops 'linalg.*'
  recipe list [FOLDER]        the recipes below a folder, with what each says of itself
  recipe check RECIPE.yaml …  read and bind recipes, and run nothing
  recipe show FOLDER          the result in a run's folder
  recipe schema               the JSON Schema of result.json

flags
  --json                      the answer as JSON (ops, list, show)
  --ops FILE.py               a Python file that registers ops of your own
  --version, -h, --help
"""


def run_recipe_command() -> None:
    """The command `run-recipe`."""
    sys.exit(_guarded(run_recipe_main, sys.argv[1:]))


def recipe_command() -> None:
    """The command `recipe`."""
    sys.exit(_guarded(recipe_main, sys.argv[1:]))


def _guarded(main: Callable[[Sequence[str]], int], arguments: Sequence[str]) -> int:
    """An exit code for whatever happens; no traceback for what a user wrote."""
    _open_streams()
    try:
        return _flushed(main(arguments))
    except RecipeError as error:
        _complain(str(error))
        return WRONG
    except TensorflowFreeError as error:
        _complain(str(error))
        return OURS if isinstance(error, StorageError) else FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return _flushed(WELL)
    except Exception as error:  # noqa: BLE001 - the last door: an error of ours is told as such
        import traceback

        traceback.print_exc()
        _complain(f"this is an error of tensorflow_free, not of yours: {type(error).__name__}: {error}")
        return OURS


def _open_streams() -> None:
    """Streams that take what we print: in any encoding, and also where there are none."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def _flushed(code: int) -> int:
    """The exit code, when all that was printed is out."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # whoever read our output has enough of it; Python would write the rest again on its way out, and complain
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


def _complain(text: str) -> None:
    print(text, file=sys.stderr)


class Flags:
    """Our own flags, taken off a command line before anyone else sees it."""

    SWITCHES: Final = {"--json": "json", "--quiet": "quiet", "-q": "quiet", "--no-save": "no_save"}

    def __init__(self, arguments: Sequence[str]) -> None:
        self.json = self.quiet = self.no_save = False
        self.ops: list[str] = []
        self.rest: list[str] = []
        words = list(arguments)
        while words:
            word = words.pop(0)
            if word in self.SWITCHES:
                setattr(self, self.SWITCHES[word], True)
            elif word == "--ops" or word.startswith("--ops="):
                self.ops.append(word.partition("=")[2] if "=" in word else _next(words))
            else:
                self.rest.append(word)

    def load_ops(self) -> None:
        """Register the user's own ops."""
        if self.ops:
            from tensorflow_free.registry import load_ops_file

            for path in self.ops:
                load_ops_file(Path(path))


def _next(words: list[str]) -> str:
    if not words:
        raise _wrong("--ops", "it wants a Python file that registers ops")
    return words.pop(0)


def _wrong(flag: str, message: str) -> RecipeError:
    return RecipeError([Problem(Place(file=f"flag '{flag}'"), message)])


def _answered(arguments: Sequence[str], text: str) -> bool:
    """Whether the command line only asks for help or the version, which is then printed."""
    if not arguments or "--help" in arguments or "-h" in arguments:
        print(text, end="")
        return True
    if "--version" in arguments:
        print(f"tensorflow_free {VERSION}")
        return True
    return False


# run-recipe


def run_recipe_main(arguments: Sequence[str]) -> int:
    """`run-recipe`: the exit code."""
    if _answered(arguments, RUN_HELP):
        return WELL if arguments else WRONG
    flags = Flags(arguments)
    from tensorflow_free.composition import run_through_hydra

    def task(composed: Composed, folder: Path) -> int:
        return _run_one(composed, folder, flags)

    return run_through_hydra(flags.rest, task, best_device=_best_device)


def _best_device() -> str:
    from tensorflow_free.devices import best_device

    return best_device()


def _run_one(composed: Composed, folder: Path, flags: Flags) -> int:
    """Run one composed recipe, save it and show it."""
    from tensorflow_free.loading import plan_of, recipe_of
    from tensorflow_free.runner import run

    flags.load_ops()
    if (code := _without_steps(composed)) is not None:
        return code
    recipe = recipe_of(composed)
    with _Progress(enabled=not flags.quiet) as progress:
        result, _ = run(plan_of(recipe), progress=progress)
    result.name = composed.stem
    saved = not flags.no_save and _saved(result, folder)
    _show(result, f"{folder}/result.json" if saved else None, flags)
    if not saved and not flags.no_save:
        return OURS
    if result.error is not None and not result.error.expected:
        return FAILED
    return WELL if result.is_well else UNMET


def _saved(result: Result, folder: Path) -> bool:
    """Save the result; where that fails, say so: what was computed is still worth showing."""
    try:
        result.save(folder)
    except StorageError as error:
        _complain(str(error))
        return False
    return True


def _without_steps(composed: Composed) -> int | None:
    """For a file of nothing but cases: list them, and the exit code; None for one that can run."""
    mapping = composed.mapping
    if mapping.get("steps") or mapping.get("case") or not mapping.get("cases"):
        return None
    cases = "".join(f"\n  case={name}" for name in mapping["cases"])
    _complain(f"{composed.place(('cases',))}: the recipe has no steps of its own; choose one of its cases:{cases}")
    return WRONG


def _show(result: Result, folder: str | None, flags: Flags) -> None:
    if flags.json:
        from tensorflow_free.storage import document

        _print_json(document(result).model_dump(mode="json"))
        return
    if flags.quiet:
        _show_what_is_wrong(result)
        return
    if sys.stdout.isatty():
        from rich.console import Console

        from tensorflow_free.report import draw

        draw(result, Console(), folder)
        return
    from tensorflow_free.report import plain_text

    print(plain_text(result, folder))


def _print_json(content: Any) -> None:
    """JSON that reads back right in any encoding of the output."""
    import json

    unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    print(json.dumps(content, indent=1, ensure_ascii=not unicode, allow_nan=False))


def _show_what_is_wrong(result: Result) -> None:
    from tensorflow_free.report import failure

    if result.error is not None and not result.error.expected:
        _complain("\n".join(failure(result)))
    for verdict in result.expectations:
        if not verdict.is_well:
            _complain(f"{result.name}: {verdict.path}: {verdict.outcome}: {verdict.asks}: {verdict.message}")


class _Progress:
    """A bar on a terminal for runs that take more than a moment; nothing elsewhere."""

    MOMENT_S: Final = 0.5

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled and sys.stderr.isatty()
        self._bar: Any = None
        self._task: Any = None
        self._begun = 0.0

    def __enter__(self) -> Callable[[int, int], None] | None:
        from time import monotonic

        self._begun = monotonic()
        return self._tick if self._enabled else None

    def _tick(self, done: int, total: int) -> None:
        from time import monotonic

        if self._bar is None:
            if monotonic() - self._begun < self.MOMENT_S:
                return
            from rich.console import Console
            from rich.progress import Progress

            self._bar = Progress(console=Console(stderr=True), transient=True)
            self._bar.start()
            self._task = self._bar.add_task("running", total=total)
        self._bar.update(self._task, completed=done, total=total)

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()


# recipe


def recipe_main(arguments: Sequence[str]) -> int:
    """`recipe`: the exit code."""
    if _answered(arguments, RECIPE_HELP):
        return WELL if arguments else WRONG
    flags = Flags(arguments)
    command, *rest = flags.rest or [""]
    found = _COMMANDS.get(command)
    if found is None:
        from tensorflow_free.names import did_you_mean

        near = did_you_mean(command, _COMMANDS) or f"; the commands are {', '.join(_COMMANDS)}"
        raise RecipeError([Problem(Place(file="command line"), f"'{command}' is not a command{near}")])
    return found(rest, flags)


def _ops(words: Sequence[str], flags: Flags) -> int:
    from tensorflow_free.lookup import as_json, look_up

    flags.load_ops()
    if flags.json:
        print(as_json(words[0] if words else None))
        return WELL
    text, found = look_up(words[0] if words else None)
    print(text)
    return WELL if found else WRONG


def _list(words: Sequence[str], flags: Flags) -> int:
    """Each recipe below a folder: its path, its cases, its description."""
    import json

    from tensorflow_free.loading import read_form

    folder = Path(words[0] if words else "recipes")
    paths = (
        sorted(path for suffix in ("*.yaml", "*.yml") for path in folder.rglob(suffix)) if folder.is_dir() else [folder]
    )
    if not paths:
        raise RecipeError([Problem(Place(file=str(folder)), "there is no recipe below this folder")])
    rows, code = [], WELL
    for path in paths:
        try:
            recipe = read_form(path)
        except RecipeError as error:
            _complain(str(error))
            code = WRONG
            continue
        rows.append((str(path), list(recipe.cases), recipe.tags, " ".join((recipe.description or "").split())))
    if flags.json:
        keys = ("recipe", "cases", "tags", "description")
        print(json.dumps([dict(zip(keys, row, strict=True)) for row in rows], indent=1, ensure_ascii=False))
        return code
    width = max((len(row[0]) for row in rows), default=0)
    for path_text, cases, _, description in rows:
        named = f" (cases: {', '.join(cases)})" if cases else ""
        print(f"{path_text.ljust(width)}  {description}{named}")
    return code


def _check(words: Sequence[str], flags: Flags) -> int:
    """Bind each recipe, and each of its cases; print every problem."""
    from tensorflow_free.loading import cases_of, load_recipe

    flags.load_ops()
    if not words:
        raise RecipeError([Problem(Place(file="command line"), "no recipe is named; give the path of a .yaml file")])
    code = WELL
    for path in words:
        try:
            for case in cases_of(path) or ("",):
                load_recipe(path, [f"case={case}"] if case else [])
        except RecipeError as error:
            _complain(str(error))
            code = WRONG
        else:
            print(f"{path}: well-formed")
    return code


def _show_folder(words: Sequence[str], flags: Flags) -> int:
    from tensorflow_free.storage import read_result

    if not words:
        raise RecipeError([Problem(Place(file="command line"), "no folder is named; give a run's folder")])
    for folder in words:
        _show(read_result(folder), None, flags)
    return WELL


def _schema(words: Sequence[str], flags: Flags) -> int:
    del words, flags
    import json

    from tensorflow_free.result import RunFile

    print(json.dumps(RunFile.model_json_schema(), indent=1))
    return WELL


_COMMANDS: Final[dict[str, Callable[[Sequence[str], Flags], int]]] = {
    "ops": _ops,
    "list": _list,
    "check": _check,
    "show": _show_folder,
    "schema": _schema,
}
