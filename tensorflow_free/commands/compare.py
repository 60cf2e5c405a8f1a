"""`recipe compare`: two runs, or two sweeps, compared by what is on disk."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from tensorflow_free.commands.asked_comparison import AskedComparison
from tensorflow_free.commands.ci_report import CiReport
from tensorflow_free.commands.flags import Flags, wrong
from tensorflow_free.commands.printing import complain
from tensorflow_free.commands.stored_runs import compare_runs
from tensorflow_free.commands.stored_sweeps import compare_sweeps
from tensorflow_free.errors import Place, Problem, StorageError, refuse_any
from tensorflow_free.files.opening import is_there
from tensorflow_free.judging.options import Judging
from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.sweep.folder import SWEEP
from tensorflow_free.text.page import text_lines
from tensorflow_free.text.phrases import counted


def compare_command(options: Namespace, flags: Flags) -> int:
    """Hold a run against another, or a sweep against another, cell by cell: the exit code."""
    report = CiReport("recipe compare", options.markdown)
    return report.around(lambda: _compared(options, flags, report))


def _compared(options: Namespace, flags: Flags, report: CiReport) -> int:
    if len(options.words) != 2:  # noqa: PLR2004 - a pair
        named = counted(len(options.words), "folder")
        raise wrong("command line", f"{named} named; give two, the one that is judged first")
    mine, its = map(Path, options.words)
    swept = [(folder / SWEEP).is_file() for folder in (mine, its)]
    flags.load_ops()
    judging = Judging(options.rtol, options.atol, options.k, signed_zeros=options.signed_zeros)
    asked = AskedComparison(judging, flags, report, strict=options.strict, page=options.page)
    try:
        if swept[0] != swept[1]:
            message = "there is no such file or folder; give the folder of another sweep"
            refuse_any(Problem(Place(file=str(path)), message) for path in (mine, its) if not is_there(path))
            raise wrong("command line", f"'{options.words[swept.index(True)]}' is a sweep, and the other is a run")
        if swept[0]:
            if options.baseline is not None:
                raise wrong("flag '--baseline'", "it is for two runs; give tolerances for two sweeps")
            return compare_sweeps((mine, its), asked)
        return compare_runs((mine, its), options.baseline, asked)
    except StorageError as error:
        complain(str(error))
        report.tell("recipe compare", text_lines(str(error)), "It cannot be read.", is_bad=True)
        return ExitCode.WRONG
