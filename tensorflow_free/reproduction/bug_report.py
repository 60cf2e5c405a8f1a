"""A script and what it printed, in the shape of PyTorch's bug form."""

from __future__ import annotations

import contextlib
import io

import torch
from torch.utils import collect_env

from tensorflow_free.reproduction.proven_script import ProvenScript


def bug_report(script: ProvenScript, command: str) -> str:
    """The Markdown of a bug report: what is wrong, the script, what it printed, versions, the command that made it.

    Args:
        script: a script that was run.
        command: the command line that wrote it.
    """
    sentence = script.fault.sentence
    ran = (
        f"It prints, with torch {torch.__version__}:"
        if script.was_run
        else "It was not run, as its device is not here."
    )
    printed = ["```", script.printed.strip(), "```", ""] if script.was_run else []
    lines = [
        "### Describe the bug",
        "",
        f"{sentence}.",
        "",
        *script.fault.why,
        *([""] if script.fault.why else []),
        "```python",
        script.text.rstrip(),
        "```",
        "",
        ran,
        "",
        *printed,
        f"Made by `{command}`.",
        "",
        "### Versions",
        "",
        "```",
        _versions(),
        "```",
    ]
    return "\n".join(lines) + "\n"


def _versions() -> str:
    """What `python -m torch.utils.collect_env` tells."""
    with contextlib.redirect_stdout(io.StringIO()):
        return collect_env.get_pretty_env_info().strip()  # type: ignore[no-untyped-call, no-any-return]
