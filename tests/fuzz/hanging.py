"""A trial that takes too long: where it is then, and whether that is a step's own work, which `--timeout` would end."""

from __future__ import annotations

import faulthandler
import linecache
import os
import re
import signal
import time
from pathlib import Path
from typing import Final

import tensorflow_free

LONGEST_S = 60.0
"""Seconds that one trial may take."""

DUMP_S: Final = 1.0
"""Seconds that writing a stack is given."""

PACKAGE: Final = str(Path(tensorflow_free.__file__).parent)

FRAME: Final = re.compile(r'File "(.+)", line (\d+) in ')

STEP: Final = re.compile(r"\bfunction\(\*|\btorch\.autograd\.(backward|grad)\(")
"""Lines of ours that call what a recipe's step names, or run its backward pass."""


def listen(stacks: int) -> None:
    """In the child: write the stack to this descriptor when the parent asks for it."""
    faulthandler.register(signal.SIGUSR1, file=stacks)


def ended(child: int, stacks: int) -> str:
    """End a child that takes too long; the stack that it wrote."""
    os.kill(child, signal.SIGUSR1)
    time.sleep(DUMP_S)
    os.kill(child, signal.SIGKILL)
    return b"".join(iter(lambda: os.read(stacks, 65536), b"")).decode()


def is_in_step(stack: str) -> bool:
    """Whether what is running was called as a recipe's step: the innermost line of ours is one that calls it."""
    ours = [(file, int(line)) for file, line in FRAME.findall(stack) if file.startswith(PACKAGE)]
    return bool(ours) and STEP.search(linecache.getline(*ours[0])) is not None
