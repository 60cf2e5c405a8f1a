"""A folder to complete in, with recipes, runs and a sweep; and lines typed in real shells, with what they become."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.processes import succeeded, terminal, without_escapes

BIN = Path(sys.executable).parent
BREAKS = " \t\n\"'@><=;|&(:"
"""What bash breaks words at for completion, where nobody says otherwise."""

BLOCK = """
description: a block
params: {width: 8, heads: 2}
cases:
  small: {params: {width: 4}}
  large: {params: {width: 64}}
tensors:
  x: {init: randn, size: [2, 3]}
  w: {init: uniform, size: [3], low: -1, high: 1, requires_grad: true}
steps:
  wx: {op: mul, args: [w, x]}
  y: {op: sum, args: [wx]}
  z: y * 2
backward: y
expect:
  y: {shape: []}
"""
WITH_TTY = "import fcntl,os,sys,termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"
"""Makes the terminal that is standard input one's own, as shells want it, and becomes a program."""

COMMANDS = {"bash": ["bash", "--norc", "--noprofile", "-i"], "zsh": ["zsh", "-f", "-i"], "fish": ["fish", "-i"]}
SOURCING = {
    "bash": "source <(recipe completion bash)",
    "zsh": "source <(recipe completion zsh)",
    "fish": "recipe completion fish | source",
}


def made(folder: Path) -> Path:
    """The folder, filled: nothing in it was run."""
    (folder / "block.yaml").write_text(BLOCK, encoding="utf-8")
    (folder / "broken.yaml").write_text("params: {width: [1\nsteps: -", encoding="utf-8")
    (folder / "over.yaml").write_text("defaults: [block, _self_]\nparams: {depth: 3}\n", encoding="utf-8")
    (folder / "two words.yaml").write_text(BLOCK, encoding="utf-8")
    (folder / "notes.md").write_text("", encoding="utf-8")
    (folder / "more").mkdir()
    run, sweep = folder / "outputs" / "block" / "first", folder / "multirun" / "monday"
    run.mkdir(parents=True)
    (run / "result.json").write_text("{}", encoding="utf-8")
    sweep.mkdir(parents=True)
    (sweep / "sweep.json").write_text("{}", encoding="utf-8")
    rows = [{"number": at, "overrides": [f"dtype={one}"], "outcome": "ok"} for at, one in enumerate(("float32", "x"))]
    (sweep / "cells.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in rows), encoding="utf-8")
    return folder


def environment(home: Path) -> dict[str, str]:
    """The environment of a shell whose user has set nothing."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "HOME": str(home), "ZDOTDIR": str(home), "PS1": "$ ", "LC_ALL": "C.UTF-8"}


def shell(name: str) -> str:
    """The path of a shell; a test fails where it is missing."""
    return shutil.which(name) or pytest.fail(
        f"there is no {name}, in which completion is tested; .ci/shells installs it"
    )


def bash_replies(lines: Sequence[str], folder: Path, home: Path) -> list[list[str]]:
    """What bash is told for lines whose cursor is at their end, by the function that it calls."""
    script = f"source <(recipe completion bash)\nCOMP_WORDBREAKS={shlex.quote(BREAKS)}\n" + "".join(
        f"COMP_LINE={shlex.quote(line)}; COMP_POINT=${{#COMP_LINE}}; COMPREPLY=()\n"
        f'_tensorflow_free {next(one for one in line.split() if one.endswith("recipe"))}; printf "%s\\n" "${{COMPREPLY[@]}}"; echo "<end>"\n'
        for line in lines
    )
    done = succeeded(shell("bash"), "-c", script, cwd=folder, env=environment(home))
    assert done.stderr == ""
    return [part.strip("\n").splitlines() for part in done.stdout.split("<end>\n")[:-1]]


class Typing:
    """A shell in which lines are typed, each completed at its end by a tab."""

    def __init__(self, screen) -> None:
        self._screen = screen

    def becomes(self, line: str, then: str = "") -> list[str]:
        """The words of a line once a tab was pressed at its end, and more was typed then, as the shell reads them."""
        self._screen.write(line.encode() + b"\t" + then.encode())
        # the beginning of the line, and then its end; the marks are not shown before they are printed
        self._screen.write(b'\x01printf "<%s>" \x05 ; echo EN""DED\r')
        return re.findall(r"<([^<>%]*)>", without_escapes(self._screen.read("ENDED")).rpartition("\n<")[2].join("<\n"))

    def shows(self, line: str, until: str) -> str:
        """What is shown when a tab was pressed at the end of a line, up to a text; the line is dropped then."""
        self._screen.write(line.encode() + b"\t\t")
        shown = without_escapes(self._screen.read(until))
        self._screen.write(b"\x03")
        return shown.replace("\x1b(B", "")


@contextmanager
def typing(name: str, folder: Path, home: Path) -> Iterator[Typing]:
    """A shell in a terminal, with the script of its completion sourced."""
    command = [sys.executable, "-c", WITH_TTY, shell(name), *COMMANDS[name][1:]]
    with pytest.MonkeyPatch.context() as patched:
        for key, value in environment(home).items():
            patched.setenv(key, value)
        with terminal(*command, cwd=folder) as screen:
            screen.write(f'{SOURCING[name]}; echo REA""DY\r'.encode())
            screen.read("READY")
            yield Typing(screen)
