"""What `recipe compare` was asked for: how to judge, and where what came of it is told."""

from __future__ import annotations

from dataclasses import dataclass

from tensorflow_free.commands.ci_report import CiReport
from tensorflow_free.commands.flags import Flags
from tensorflow_free.judging.options import Judging


@dataclass(frozen=True, slots=True)
class AskedComparison:
    """What `recipe compare` was asked for, besides what it compares.

    Attributes:
        judging: how to judge.
        flags: how to print it.
        report: where it is told, too.
        strict: whether what could not be judged is a failure.
        page: the page to write; None for none.
    """

    judging: Judging
    flags: Flags
    report: CiReport
    strict: bool = False
    page: str | None = None
