"""`recipe explain`: what a code means, an outcome's, a reason's, a rule's or a column's, and what to do about it."""

from __future__ import annotations

import re
import sys
from argparse import Namespace
from collections.abc import Iterator
from typing import Final

from tensorflow_free.command_table.all_commands import COMMANDS
from tensorflow_free.commands.flags import Flags, wrong
from tensorflow_free.commands.printing import put, put_json
from tensorflow_free.guide.code_entries import CodeEntry, called, entries, groups, markdown, named_in, near
from tensorflow_free.guide.pointers import KEY_SECTIONS
from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.outcome.outcomes import STRICT, Outcome
from tensorflow_free.recipe.init_kinds import INIT_KINDS
from tensorflow_free.recipe.relation_kinds import RELATION_KINDS
from tensorflow_free.text.page import GAP, Line, Page, Words, line, listed, parted, text_lines

MOST_IN_FULL: Final = 3
"""Entries that are shown in full where a text names several; of more, each has a line."""

LEAST_SENTENCE: Final = 12
"""Letters that a sentence has in one piece between its fields, for a message to be known by it."""


def explain_code(options: Namespace, flags: Flags) -> int:
    """Tell what a code means, or list all codes: the exit code."""
    text = " ".join(options.words)
    if options.markdown:
        sys.stdout.write(markdown())
        return ExitCode.OK
    told = _asked(text) if text else entries()
    if flags.json:
        put_json([entry.to_plain() for entry in told])
    elif not text:
        put(parted(_overview()))
    elif len(told) > MOST_IN_FULL:
        put(listed([one.code for one in told], [one.short for one in told]))
    else:
        put(parted(map(entry_page, told)))
    return ExitCode.OK


def _asked(text: str) -> list[CodeEntry]:
    """The entries that a text asks for.

    Raises:
        RecipeError: it names none.
    """
    if told := called(text) or _by_sentence(text) or named_in(text):
        return told
    if text in RELATION_KINDS:
        raise wrong("command line", f"'{text}' is a kind of relation; recipe help relations#the-kinds has them")
    if text in KEY_SECTIONS or text in INIT_KINDS or text in COMMANDS:
        raise wrong("command line", f"'{text}' is not a code; recipe help {text} shows what it is")
    likely = near(text)
    meant = f"; did you mean '{likely.code}'?" if likely else ""
    raise wrong("command line", f"'{text}' is not a code{meant or '; `recipe explain` lists all'}")


def _by_sentence(text: str) -> list[CodeEntry]:
    """The entries of reasons whose sentence a message is, whatever names and numbers are in it."""
    # the sentences stand with what reads the reasons' files
    from tensorflow_free.outcome.sentences import SENTENCES  # noqa: PLC0415 - it takes as long as all else here

    known = {entry.code: entry for entry in entries()}
    for code, sentence in sorted(SENTENCES.items(), key=lambda item: -len(item[1])):
        parts = [part for part in re.split(r"\{[^}]*\}", sentence) if part]
        if max(map(len, parts), default=0) >= LEAST_SENTENCE and re.search(".*".join(map(re.escape, parts)), text):
            return [known[code]]
    return []


# as pages


def _overview() -> Iterator[Page]:
    """All codes in groups, a line each."""
    for group in groups():
        names, texts = [entry.code for entry in group.entries], [entry.short for entry in group.entries]
        yield [line(group.title, "title"), line(group.about, "aside"), *listed(names, texts)]
    yield [line("recipe explain CODE says more of one: recipe explain no kernel", "aside")]


def entry_page(entry: CodeEntry) -> Page:
    """All that there is to say of a code."""
    yield Line((Words(entry.code, "name"), GAP, Words(_kind(entry), "aside")))
    yield line(entry.means, indent=2)
    yield line()
    yield line("it looks like this", "title", indent=2)
    yield from (Line(one.pieces, one.indent, is_whole=True) for one in text_lines(entry.shown, indent=4))
    yield line()
    yield line("what to do", "title", indent=2)
    for number, one in enumerate(entry.do, 1):
        yield from _step(number, one)
    yield line()
    yield line("more", "title", indent=2)
    yield from (line(f"recipe help {name}", "name", indent=4, is_whole=True) for name in entry.see)


def _kind(entry: CodeEntry) -> str:
    """Its group, and of an outcome what it does to the command's exit code."""
    group = f"({entry.group[0].lower()}{entry.group[1:]}"
    outcome = next((one for one in Outcome if one == entry.code), None)
    if outcome is None:
        return f"{group})"
    code = f"{outcome.exit_code:d}" if outcome.exit_code else "1 under --strict" if outcome in STRICT else "0"
    alone = ", where nothing could run" if outcome.is_absent else ""
    return f"{group}; exit code {code}{alone})"


def _step(number: int, text: str) -> Iterator[Line]:
    """A thing to do; a command at its end has a line of its own, to be copied."""
    told, *commands = _COMMAND_AT_END.split(text)
    yield line(f"{number}. {told}{':' if commands else ''}", indent=4)
    if commands:
        yield line(commands[0], "name", indent=7, is_whole=True)


_COMMAND_AT_END: Final = re.compile(r": `((?:run-recipe|recipe|pytest) [^`]+)`$")
