"""What each code means: outcomes, reasons, exit codes, rules and the other words of results, read from `codes/*.md`.

A file there is a group: its title, what it holds, and an entry for each code:

    ## out of bounds

    What it means, in sentences; the first alone must do.

        what is printed

    1. What to do; a command at its end stands in backticks behind a colon.

    See: judging#the-rule
    Also: other words, by which it is found
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from tensorflow_free.recipe.names import nearest

FOLDER: Final = Path(__file__).parent / "codes"

ORDER: Final = ("outcomes", "exit-codes", "values", "expectations", "runs", "culprits", "goldens", "rules", "tables")
"""The groups' files, in the order in which they are listed."""

_COMMAND: Final = re.compile(r"`((?:run-recipe|recipe|pytest) [^`]+|recipe)`")


@dataclass(frozen=True, slots=True)
class CodeEntry:
    """A code, and what there is to say of it.

    Attributes:
        code: the code, as files and pages have it.
        group: the title of its group.
        means: what it means, in sentences; the first alone says it in short.
        shown: an example of what is printed, in lines.
        do: what to do, in order.
        see: the sections of the documentation that say more: `judging#the-rule`.
        also: other words for it.
    """

    code: str
    group: str
    means: str
    shown: str
    do: tuple[str, ...]
    see: tuple[str, ...]
    also: tuple[str, ...] = ()

    @property
    def short(self) -> str:
        """The first sentence of what it means, without its full stop."""
        return re.split(r"(?<=[.?])\s", self.means, maxsplit=1)[0].removesuffix(".")

    @property
    def commands(self) -> list[str]:
        """The commands that it tells to type."""
        return [found for one in self.do for found in _COMMAND.findall(one)]

    @property
    def words(self) -> tuple[str, ...]:
        """The words by which it is found, all in one form."""
        return tuple(map(plain_words, (self.code, *self.also)))

    def to_plain(self) -> dict[str, Any]:
        """The same as JSON holds it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class CodeGroup:
    """Codes of one kind.

    Attributes:
        title: what they are.
        about: where they stand, and what they tell.
        entries: the codes.
    """

    title: str
    about: str
    entries: tuple[CodeEntry, ...]


@cache
def groups() -> tuple[CodeGroup, ...]:
    """All groups."""
    return tuple(group_of((FOLDER / f"{name}.md").read_text(encoding="utf-8")) for name in ORDER)


def entries() -> list[CodeEntry]:
    """All codes."""
    return [entry for group in groups() for entry in group.entries]


# from text


def group_of(text: str) -> CodeGroup:
    """A group, from the text of its file."""
    head, *bodies = re.split(r"^## ", text, flags=re.MULTILINE)
    title, _, about = head.removeprefix("# ").partition("\n")
    return CodeGroup(title, _joined(about.split("\n")), tuple(_entry(title, body) for body in bodies))


def _entry(group: str, body: str) -> CodeEntry:
    code, *lines = body.rstrip("\n").split("\n")
    shown = [one[4:] for one in lines if one.startswith("    ") or not one]
    told = [one for one in lines if not one.startswith("    ")]
    do, means, named = [], [], {"See": "", "Also": ""}
    for one in told:
        key, _, rest = one.partition(": ")
        if key in named:
            named[key] = rest
        elif re.match(r"\d+\. ", one):
            do.append([one.partition(". ")[2]])
        elif one.startswith("   ") and do:
            do[-1].append(one.strip())
        else:
            means.append(one)
    see, also = (tuple(part.strip() for part in named[key].split(",") if part.strip()) for key in named)
    return CodeEntry(code, group, _joined(means), "\n".join(shown).strip("\n"), tuple(map(_joined, do)), see, also)


def _joined(lines: Iterable[str]) -> str:
    return " ".join(" ".join(lines).split())


# found by words


def plain_words(text: str) -> str:
    """A text in one form: lower case, words apart by one space, without quotes and a full stop at its end."""
    return " ".join(re.sub(r"[-_\s`'\"]+", " ", text.lower()).split()).strip(" .:;,")


def called(text: str) -> list[CodeEntry]:
    """The entry that is called so; none or one."""
    wanted = plain_words(text)
    return [entry for entry in entries() if wanted in entry.words]


def named_in(text: str) -> list[CodeEntry]:
    """The entries whose words stand in a text, in its order."""
    wanted = plain_words(text)
    stands = {entry: place for entry in entries() if (place := _place_in(wanted, entry)) is not None}
    return sorted((one for one in stands if not _is_part(stands[one], stands.values())), key=lambda one: stands[one])


def _place_in(text: str, entry: CodeEntry) -> tuple[int, int] | None:
    """Where the words of an entry stand in a text, from and to; single short words are no names there."""
    looked = (re.search(rf"(?<!\w){re.escape(one)}(?!\w)", text) for one in entry.words if len(one) >= LEAST)
    return max((one.span() for one in looked if one), key=lambda span: span[1] - span[0], default=None)


LEAST: Final = 5
"""Letters of a code that is looked for inside of a longer text: `ok`, `used` and numbers stand in many."""


def _is_part(one: tuple[int, int], others: Iterable[tuple[int, int]]) -> bool:
    """Whether it stands inside of longer words that were found, too: `judged` of `partly judged`."""
    return any(one != other and other[0] <= one[0] and one[1] <= other[1] for other in others)


def near(text: str) -> CodeEntry | None:
    """The entry whose words are nearest to a text; None where none is near."""
    words = {word: entry for entry in entries() for word in entry.words}
    word = nearest(plain_words(text), words)
    return None if word is None else words[word]


# as Markdown


def markdown() -> str:
    """All entries as a page of the documentation."""
    return "\n".join(_page_lines()).rstrip("\n") + "\n"


def _page_lines() -> Iterator[str]:
    yield from ("# Outcomes and reasons", "", INTRODUCTION, "")
    for group in groups():
        yield from (f"## {group.title}", "", group.about, "")
        for entry in group.entries:
            yield from _entry_lines(entry)


def _entry_lines(entry: CodeEntry) -> Iterator[str]:
    yield from (f"### `{entry.code}`", "", entry.means, "")
    if entry.shown:
        yield from ("```text", entry.shown, "```", "")
    for number, one in enumerate(entry.do, 1):
        yield f"{number}. {one}"
    if entry.do:
        yield ""
    if entry.see:
        yield f"More: {', '.join(map(_link, entry.see))}."
        yield ""


def _link(section: str) -> str:
    page, _, anchor = section.partition("#")
    return f"[{page}: {anchor.replace('-', ' ')}]({page}.md#{anchor})" if anchor else f"[{page}]({page}.md)"


INTRODUCTION: Final = """\
Every word by which a command, a table or a file tells what became of something: what it means, what it looks like, and
what to do. `recipe explain CODE` shows one of these entries in a terminal; words of a message do as well, as in `recipe
explain downstream of a random step`. In `result.json`, `comparison.json`, `cells.jsonl` and with `--json` the reasons
are data: `causes`, `cause` and `notes` hold each with its `code`."""
