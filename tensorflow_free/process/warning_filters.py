"""Which Python warnings reach the standard error of a command: none of ours and none of torch's."""

from __future__ import annotations

import warnings


def leave_warnings_to_results() -> None:
    """Show none that name files of ours, or torch's: those of a run are in its result, and others do not help."""
    warnings.filterwarnings("ignore", module=r"(tensorflow_free|torch)(\.|$)")
