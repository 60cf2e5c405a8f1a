"""Where a command runs the cases of goldens, as its flags say."""

from __future__ import annotations

from argparse import Namespace

from tensorflow_free.commands.flags import wrong
from tensorflow_free.golden.apart import CaseWorker


def case_worker(options: Namespace) -> CaseWorker:
    """The worker process for cases that this one is not to bear.

    Args:
        options: what the flags `APART` say.

    Raises:
        RecipeError: they contradict each other.
    """
    if options.in_process and (options.in_workers or options.timeout is not None):
        other = "--in-workers" if options.in_workers else "--timeout"
        raise wrong("flag '--in-process'", f"with {other}, cells run in a worker process; give one of the two")
    takes_all = options.in_workers or options.timeout is not None
    return CaseWorker("all" if takes_all else "none" if options.in_process else "devices", timeout_s=options.timeout)
