"""Completion in bash, zsh and fish, as a person types: what a tab makes of a line, and what is shown."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.completed import bash_replies, environment, made, shell, typing
from tests.processes import succeeded

ROOT = Path(__file__).parent.parent

IN_BASH = {
    "recipe ver": ["verify"],
    "recipe verify --isol": ["--isolated", "--isolate"],
    "run-recipe --cfg ": ["job", "hydra", "all"],
    "run-recipe bl": ["block.yaml"],
    "run-recipe two": ["two\\ words.yaml"],
    "run-recipe 'two": ["two words.yaml"],
    "run-recipe block.yaml params.": ["params.width=", "params.heads="],
    "run-recipe over.yaml params.": ["params.width=", "params.heads=", "params.depth="],
    "run-recipe block.yaml case=": ["small", "large"],
    "run-recipe block.yaml 'case=s": ["case=small"],
    'run-recipe block.yaml "case=s': ["case=small"],
    "run-recipe block.yaml dtype=float32,b": ["float32,bfloat16"],
    "run-recipe block.yaml tensors.w.init=unif": ["uniform"],
    "run-recipe block.yaml tensors.w.hi": ["tensors.w.high="],
    "run-recipe block.yaml expect.y.s": [
        "expect.y.shape=",
        "expect.y.shares_memory=",
        "expect.y.step=",
        "expect.y.stride=",
    ],
    "run-recipe block.yaml steps.y.args=[w": ["[w", "[wx"],
    "run-recipe block.yaml backend=ind": ["inductor"],
    "run-recipe block.yaml ~expect.": ["~expect.y", "~expect.y."],
    "recipe show outputs/block/": ["outputs/block/first"],
    "recipe table multirun/": ["multirun/monday"],
    "recipe blame multirun/monday/": ["multirun/monday/0", "multirun/monday/1"],
    "recipe verify block.yaml --page ": ["more/", "multirun/", "outputs/"],
    "recipe matrix --dtype float64,fl": ["float64,float32", "float64,float16"],
    "recipe completion z": ["zsh"],
    "A=1 recipe verif": ["verify"],
    "run-recipe broken.yaml params.": [],
    "run-recipe block.yaml seed=": [],
}
"""Lines, each with what bash is told of it."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return made(tmp_path_factory.mktemp("work"))


def test_bash_is_told_what_may_follow(folder, tmp_path):
    found = bash_replies(list(IN_BASH), folder, tmp_path)
    assert dict(zip(IN_BASH, found, strict=True)) == IN_BASH


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_a_tab_completes_the_word_that_is_typed(name, folder, tmp_path):
    with typing(name, folder, tmp_path) as typed:
        assert typed.becomes("recipe ver", "more") == ["recipe", "verify", "more"]
        assert typed.becomes("run-recipe bl") == ["run-recipe", "block.yaml"]
        assert typed.becomes("run-recipe two") == ["run-recipe", "two words.yaml"]
        assert typed.becomes("run-recipe block.yaml dtype=float32,b")[-1] == "dtype=float32,bfloat16"
        assert typed.becomes("run-recipe block.yaml tensors.w.hi", "2")[-1] == "tensors.w.high=2"
        assert typed.becomes("run-recipe block.yaml '~expect.y.sh")[-1] == "~expect.y.shape"
        assert typed.becomes("recipe show outputs/bl", "f")[-1] == "outputs/block/f"
        assert typed.becomes("run-recipe broken.yaml params.wi")[-1] == "params.wi"


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_a_word_that_is_quoted_as_the_page_says_is_read_alike_in_each_shell(name, tmp_path):
    page = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `('.+'|dtype=\S+)` \| [a-z].*\|$", page.partition("## Quotes")[2], re.MULTILINE)
    assert len(rows) == 8
    done = succeeded(shell(name), "-c", f"printf '<%s>\n' {' '.join(rows)}", cwd=tmp_path, env=environment(tmp_path))
    assert done.stdout.splitlines() == [f"<{word}>" for word in shlex.split(" ".join(rows))]


@pytest.mark.parametrize("name", ["zsh", "fish"])
def test_where_there_are_several_each_is_shown_with_what_it_means(name, folder, tmp_path):
    with typing(name, folder, tmp_path) as typed:
        shown = typed.shows("recipe re", "walk through what changed")
        assert "record" in shown
        assert "write goldens beside" in shown
