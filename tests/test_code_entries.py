"""`recipe explain` knows every code that files and pages have, and what it says of each is borne out."""

from __future__ import annotations

import re
import shlex
from argparse import Namespace
from pathlib import Path
from typing import get_args

import pytest

from tensorflow_free.cell.compiler_stages import CASTS, STAGES
from tensorflow_free.commands.run_flags import run_flags, sorted_words
from tensorflow_free.commands.subcommands import COMMANDS, parser_of
from tensorflow_free.golden.changes import ChangeKind
from tensorflow_free.golden.recorded_cases import Did
from tensorflow_free.guide.code_entries import entries
from tensorflow_free.guide.doc_pages import section_named
from tensorflow_free.judging.culprits import Direction
from tensorflow_free.judging.measured import Rule
from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.outcome.plain_reasons import Reason
from tensorflow_free.outcome.reasons import Related, Showed
from tensorflow_free.outcome.sentences import SENTENCES
from tensorflow_free.plan.settings import SETTINGS
from tensorflow_free.support.matrix_changes import ChangeWord
from tensorflow_free.support.matrix_file import SKIPPED

ROOT = Path(__file__).parent.parent
ALL = {entry.code: entry for entry in entries()}


def kinds_of_reason(one=Reason):
    for kind in one.__subclasses__():
        yield kind
        yield from kinds_of_reason(kind)


def reason_codes():
    return {code for kind in kinds_of_reason() for code in get_args(kind.model_fields["code"].annotation)}


LEVELS = {level for part in get_args(Related.model_fields["level"].annotation) for level in get_args(part)}
TYPES = {
    "outcomes": {*map(str, Outcome), SKIPPED},
    "exit codes": {f"exit code {code:d}" for code in ExitCode},
    "reasons": reason_codes(),
    "how near an error showed": set(get_args(Showed)) - {""},
    "rules": set(get_args(Rule)),
    "directions": set(get_args(Direction)),
    "stages": {*STAGES, CASTS},
    "relations": LEVELS,
    "changes of a golden": set(get_args(ChangeKind)),
    "what became of a recording": set(get_args(Did)),
    "changes of a matrix": set(get_args(ChangeWord)),
    "settings": set(SETTINGS),
}
WORDS = {
    # of tables
    *("used", "starts at", "largest error", "compiled", "cell", "alone", "in the chain", "direction", "grad_fn"),
    "own inputs",
    # of what a compiler ran
    *("ATen only", "nothing"),
    # of comparison.json, rows and result.json
    *("max_abs", "max_rel", "rmse", "max_ulp", "sqnr_db", "nonfinite", "unjudged", "after", "trace", "k", "leeway"),
    # of sweeps held against earlier ones
    *("newly", "missing now", "other verdict"),
    # of culprits
    *("culprit", "drift", "overflow", "shows at", "amplified", "right for their inputs", "one of these is wrong"),
    *("not judged alone", "killed", "same bits"),
}
"""Words that no type lists."""


@pytest.mark.parametrize("kind", TYPES)
def test_every_code_has_an_entry(kind):
    assert TYPES[kind]
    assert TYPES[kind] - set(ALL) == set()


def test_every_entry_is_of_a_code():
    assert set(ALL) - set().union(*TYPES.values()) == WORDS


def test_no_code_has_two_entries_and_no_word_leads_to_two():
    assert len(ALL) == len(entries())
    words = [word for entry in entries() for word in entry.words]
    assert len(set(words)) == len(words)


def test_an_entry_says_what_it_means_shows_it_and_says_what_to_do():
    for entry in entries():
        assert entry.means.endswith("."), entry.code
        assert entry.shown, entry.code
        assert entry.do, entry.code
        assert len(entry.means) <= 400, entry.code
        assert len(entry.short) <= 170, entry.code
        assert all(one[-1] in ".`" for one in entry.do), entry.code


def test_the_sections_that_say_more_exist():
    assert [entry.code for entry in entries() if not entry.see] == []
    named = {name for entry in entries() for name in entry.see}
    assert len(named) > 40
    assert [name for name in named if section_named(name) is None] == []


def test_the_commands_can_be_typed():
    commands = {command for entry in entries() for command in entry.commands}
    assert len(commands) > 80
    for command in commands:
        program, *words = shlex.split(command)
        if program == "recipe":
            name, *behind = words
            assert name in COMMANDS, command
            assert parser_of(name).words_beside(behind, Namespace(), COMMANDS[name].refused), command
        elif program == "run-recipe" and (given := run_flags(words))[0].resume is None:
            assert sorted_words(given[1]).files == ("RECIPE.yaml",), command


def pattern_of(sentence):
    """What a sentence matches, whatever its fields are."""
    parts = re.split(r"(\{\{|\}\}|\{[^}]*\})", sentence)
    return "".join(
        {"{{": r"\{", "}}": r"\}"}.get(one, ".+?" if one.startswith("{") else re.escape(one)) for one in parts
    )


def test_what_is_shown_of_a_reason_is_what_is_printed_of_it():
    worded = {code: one for code, one in SENTENCES.items() if re.search(r"[a-z]{4}", re.sub(r"\{.*?\}", "", one))}
    assert len(worded) > 80
    for code, sentence in worded.items():
        first = pattern_of(sentence.removesuffix("{lines}").removesuffix("{apart_here}"))
        assert re.search(first, ALL[code].shown), (code, sentence)
