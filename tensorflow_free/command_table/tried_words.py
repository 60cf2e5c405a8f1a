"""Words that people try as commands, and the command lines that do what they want. Does not import torch."""

from __future__ import annotations

from typing import Final

_RUN: Final = ("run-recipe RECIPE.yaml",)
_SWEEP: Final = ("run-recipe -m RECIPE.yaml KEY=A,B",)
_NEW_GOLDEN: Final = ("recipe record PATH", "recipe review PATH")

TRIED: Final[dict[str, tuple[str, ...]]] = {
    "run": _RUN,
    "run-recipe": _RUN,
    "exec": _RUN,
    "start": _RUN,
    "sweep": _SWEEP,
    "multirun": _SWEEP,
    "grid": _SWEEP,
    "resume": ("run-recipe --resume FOLDER",),
    "diff": ("recipe compare A B",),
    "cmp": ("recipe compare A B",),
    "graph": ("recipe show --graph PATH",),
    "draw": ("recipe show --graph PATH",),
    "plot": ("recipe page PATH",),
    "html": ("recipe page PATH",),
    "view": ("recipe show FOLDER", "recipe page PATH"),
    "open": ("recipe show FOLDER", "recipe page PATH"),
    "cat": ("recipe show FOLDER",),
    "print": ("recipe show FOLDER",),
    "result": ("recipe show FOLDER",),
    "teach": ("recipe page PATH --teach",),
    "update": _NEW_GOLDEN,
    "accept": ("recipe review PATH",),
    "approve": ("recipe review PATH",),
    "bless": _NEW_GOLDEN,
    "golden": _NEW_GOLDEN,
    "snapshot": ("recipe record PATH",),
    "test": ("recipe verify PATH",),
    "pytest": ("recipe verify PATH",),
    "lint": ("recipe check RECIPE.yaml",),
    "validate": ("recipe check RECIPE.yaml",),
    "ls": ("recipe list FOLDER",),
    "op": ("recipe ops PATTERN",),
    "search": ("recipe ops PATTERN",),
    "find": ("recipe ops PATTERN",),
    "why": ("recipe blame PATH",),
    "bisect": ("recipe blame PATH",),
    "culprit": ("recipe blame PATH",),
    "trace": ("recipe capture FILE.py:MAKE",),
    "import": ("recipe capture FILE.py:MAKE",),
    "repro": ("recipe script PATH",),
    "reproduce": ("recipe script PATH",),
    "issue": ("recipe script PATH --issue",),
    "mutate": ("recipe strength PATH",),
    "coverage": ("recipe matrix --coverage PATH",),
    "zip": ("recipe pack RECIPE.yaml",),
    "unpack": ("recipe check-in CELLS.zip",),
    "init": ("recipe new NAME",),
    "create": ("recipe new NAME",),
    "docs": ("recipe help",),
    "doc": ("recipe help",),
    "man": ("recipe help",),
    "code": ("recipe explain CODE",),
    "reason": ("recipe explain CODE",),
    "complete": ("recipe completion SHELL",),
    "completions": ("recipe completion SHELL",),
}
"""Each word that is no command, with what does that."""

_FOLDER: Final = "hydra.run.dir=FOLDER names the folder of a run"

TRIED_FLAGS: Final[dict[str, str]] = {
    **dict.fromkeys(("--sweep", "--grid", "--sweeps"), "-m runs a sweep: run-recipe -m RECIPE.yaml KEY=A,B"),
    **dict.fromkeys(("-o", "--out", "--output", "--output-dir", "--out-dir", "--outdir", "--folder"), _FOLDER),
    **dict.fromkeys(("-f", "--force", "--overwrite"), f"no run is written over; {_FOLDER}"),
}
"""Each word that is no flag of run-recipe, with what does that."""
