"""`recipe help`: the help of a command, or a page or a section of the documentation, in the terminal."""

from __future__ import annotations

import re
import sys
from argparse import Namespace
from collections.abc import Iterable, Sequence
from textwrap import fill
from typing import Final

from tensorflow_free.command_table.all_commands import COMMANDS
from tensorflow_free.commands.flags import Flags, wrong
from tensorflow_free.commands.help_layout import help_width
from tensorflow_free.commands.printing import put_json
from tensorflow_free.commands.run_flags import run_parser
from tensorflow_free.commands.subcommands import RUN, parser_of, recipe_parser
from tensorflow_free.errors import RecipeError
from tensorflow_free.guide.doc_pages import DocSection, anchor_of, doc_sections, page_names, section_named
from tensorflow_free.guide.pointers import FORMAT, KEY_SECTIONS, section_of_key
from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.recipe.init_kinds import INIT_KINDS
from tensorflow_free.recipe.names import nearest
from tensorflow_free.text.characters import command_of

CODES: Final = "outcomes-and-reasons"
"""The page that is made of what `recipe explain` tells."""

LONGEST: Final = 120
"""Lines of a page or a section that is shown whole; of a longer one, its beginning, and how to read its sections."""

MOST_ALIKE: Final = 6
"""Sections of one name that are named."""


def show_help(options: Namespace, flags: Flags) -> int:
    """Show what is asked for: the exit code.

    Raises:
        RecipeError: nothing is called so.
    """
    words = list(options.words)
    if (parsed := _of_command(words)) is not None:
        sys.stdout.write(parsed)
        return ExitCode.OK
    section = _section(words)
    is_whole = options.all or section.text.count("\n") < LONGEST or not section.parts
    if flags.json:
        put_json({"name": section.name, "title": section.title, "text": section.text, "sections": list(section.parts)})
        return ExitCode.OK
    _show(section.text if is_whole else f"{section.own}\n\n{_contents(section)}")
    return ExitCode.OK


def _of_command(words: Sequence[str]) -> str | None:
    """The help of what the words name; None where they name no command."""
    name = " ".join(words)
    if not words or name == "recipe":
        pages = fill(f"pages: {', '.join(page_names())}", help_width(), break_on_hyphens=False)
        return f"{recipe_parser().format_help()}\n{pages}\n"
    if name == RUN:
        return run_parser().format_help()
    if name.removeprefix("recipe ") not in COMMANDS:
        return None
    command = name.removeprefix("recipe ")
    also = f"\nthe key of a recipe: recipe help {FORMAT}#{KEY_SECTIONS[command]}\n" if command in KEY_SECTIONS else ""
    return f"{parser_of(command).format_help()}{also}"


# which section


def _section(words: Sequence[str]) -> DocSection:
    """The page or the section that the words name.

    Raises:
        RecipeError: they name none, or several.
    """
    page, _, behind = words[0].partition("#")
    page = page.lower().removeprefix("docs/").removesuffix(".md")
    title = " ".join(part for part in (behind, *words[1:]) if part)
    if page in page_names():
        return _of_page(page, title)
    name = " ".join(words)
    if (key_section := section_of_key(name)) is not None:
        return _of_page(FORMAT, key_section)
    if name in INIT_KINDS:
        return _of_page(FORMAT, _init_section(name))
    alike = [one for one in _sections() if one.anchor == anchor_of(name)]
    if len(alike) == 1:
        return alike[0]
    if alike:
        listed = ", ".join(f"recipe help {one.name}" for one in alike[:MOST_ALIKE])
        raise wrong("command line", f"several sections are called '{name}': {listed}")
    raise _nothing(name)


def _init_section(name: str) -> str:
    """The section with examples of an init, as the table of inits on the format's page links it."""
    table = _of_page(FORMAT, KEY_SECTIONS["tensors"])
    row = re.search(rf"^\|[^|]*`{re.escape(name)}`[^|]*\|.*\(#([\w-]+)\)", table.own, re.MULTILINE)
    return row[1] if row else KEY_SECTIONS["tensors"]


def _sections() -> list[DocSection]:
    """The sections that are found by their names alone; codes are explained by another command."""
    return [one for one in doc_sections() if one.anchor and one.page != CODES]


def _of_page(page: str, title: str) -> DocSection:
    """A page, or its section of this title.

    Raises:
        RecipeError: it has none of this title.
    """
    found = section_named(f"{page}#{anchor_of(title)}" if title else page)
    if found is not None:
        return found
    anchors = [one.anchor for one in doc_sections() if one.page == page and one.anchor]
    begun = [one for one in anchors if one.startswith(f"{anchor_of(title)}-")]
    if len(begun) == 1:
        return _of_page(page, begun[0])
    likely = _nearest(anchor_of(title), anchors)
    meant = f"; did you mean {page}#{likely}?" if likely else f"; its sections are {', '.join(anchors)}"
    raise wrong("command line", f"'{title}' is not a section of {page}{meant}")


def _nothing(name: str) -> RecipeError:
    """That nothing is called so, with what is called nearly so, or explains it."""
    from tensorflow_free.completion.listed_ops import op_names  # noqa: PLC0415 - only a refusal needs what these read
    from tensorflow_free.guide.code_entries import called  # noqa: PLC0415

    if codes := called(name):
        return wrong("command line", f"'{name}' is no page; recipe explain {codes[0].code} tells what it means")
    if name in op_names():
        return wrong("command line", f"'{name}' is an op; {command_of(['recipe', 'ops', name])} tells what it takes")
    anchors = {one.anchor: one.name for one in _sections()}
    likely = _nearest(anchor_of(name.rpartition("#")[2]), anchors)
    command = nearest(name, [*COMMANDS, *page_names(), *KEY_SECTIONS])
    meant = command or (likely and anchors[likely])
    pages = ", ".join(page_names())
    told = f"; did you mean '{meant}'?" if meant else f"; the pages are {pages}, and `recipe help` lists the commands"
    return wrong("command line", f"'{name}' is neither a command nor a page{told}")


def _nearest(anchor: str, anchors: Iterable[str]) -> str | None:
    """The anchor that is nearest, or the only one of which this is a part."""
    known = list(anchors)
    holding = [one for one in known if anchor in one]
    return holding[0] if len(holding) == 1 else nearest(anchor, known)


# as it is shown


def _contents(section: DocSection) -> str:
    """What to type for each part of a section."""
    lines = [f"    recipe help {name}" for name in section.parts]
    return "\n".join(["Its sections:", "", *lines, "", f"All of it: `recipe help {section.name} --all`."])


def _show(text: str) -> None:
    """Print Markdown: drawn on a terminal, as it is elsewhere."""
    if not sys.stdout.isatty():
        sys.stdout.write(f"{text}\n")
        return
    from rich.console import Console  # noqa: PLC0415 - a pipe needs no rich
    from rich.markdown import Markdown  # noqa: PLC0415

    Console().print(Markdown(text, code_theme="ansi_light", hyperlinks=False))
