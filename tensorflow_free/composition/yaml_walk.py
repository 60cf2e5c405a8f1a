"""Plain values from libyaml's stream of events, by the rules of YAML 1.2, without recursion.

It knows YAML, not recipes. Nothing recurses, so the depth of a text cannot exhaust the stack, and
nodes are counted, with those that aliases stand for, before they are built. Shared anchors give shared values;
composition copies what it changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from yaml import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    MarkedYAMLError,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from yaml.cyaml import CParser  # type: ignore[attr-defined]  # libyaml's, which has no other public name
from yaml.reader import ReaderError

from tensorflow_free.composition.scalars import NAMED_SCALARS, NUMBER_STARTS, ScalarError, number
from tensorflow_free.composition.syntax import (
    MERGE_KEYS,
    before_too_deep,
    not_a_word,
    reader_problem,
    syntax_problem,
)
from tensorflow_free.errors import Place, Problem, refuse_any
from tensorflow_free.recipe.dotted import dotted

DEEPEST: Final = 100
"""Levels of nesting. A tensor has at most 64 dimensions, and a step in a block in a block five levels of keys."""

DEEPEST_SHOWN: Final = 10
"""Parts of a dotted path that a message shows."""

MOST_NODES: Final = 2_000_000
"""Mappings, lists and scalars in one text, each alias counted as all that it stands for."""

LONGEST_SCALAR: Final = 1_000_000
"""Characters of one word or quoted text."""

MOST_PROBLEMS: Final = 100
"""Problems that are reported of one text."""

NO_KEY: Final = object()
"""What an open mapping that waits for a key has in its place."""


class _Stop(Exception):
    """Nothing after this problem can be read."""


class YamlWalk:
    """One text being read: the open collections, what is still wanted of each, and the problems so far."""

    def __init__(self, text: str, file: str) -> None:
        self._text = text
        self._file = file
        self._problems: list[Problem] = []
        self._open: list[Any] = []
        self._keys: list[Any] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._anchored: list[tuple[str | None, int]] = []
        self._nodes = 0
        self._documents = 0
        self._root: Any = None

    def value(self) -> Any:
        """What the text says.

        Raises:
            RecipeError: with every problem of it.
        """
        try:
            self._read(CParser(self._text))
        except _Stop:
            pass
        except ReaderError:
            self._problems.append(reader_problem(self._text, self._file))
        except MarkedYAMLError as error:
            shallow = before_too_deep(error, self._text)
            if shallow is not None:
                # our limit is lower than libyaml's, and says where: so it is met in what stands before libyaml's
                return type(self)(shallow, self._file).value()
            self._problems.append(syntax_problem(error, self._text, self._file, self._path()))
        if not self._problems and not self._documents:
            self._problems.append(Problem(Place(file=self._file), "the file is empty; a recipe is a mapping of keys"))
        refuse_any(self._problems)
        return self._root

    def _read(self, parser: CParser) -> None:
        """The loop. It takes scalars itself, as they are most of a text, and leaves the rest to one function a kind."""
        next_event = parser.get_event
        turns: dict[type, Callable[[Any], None]] = {
            MappingStartEvent: self._start_mapping,
            SequenceStartEvent: self._start_list,
            MappingEndEvent: self._end,
            SequenceEndEvent: self._end,
            AliasEvent: self._alias,
            DocumentStartEvent: self._start_document,
        }
        while True:
            event: Any = next_event()
            kind = type(event)
            if kind is ScalarEvent:
                self._scalar(event)
            elif kind in turns:
                turns[kind](event)
            elif kind is StreamEndEvent:
                return

    # ------------------------------------------------------------------------------------------------ scalars

    def _scalar(self, event: ScalarEvent) -> None:
        self._nodes += 1
        word = event.value
        if event.anchor is None and event.tag is None and len(word) < LONGEST_SCALAR and self._open:
            value: Any = word
            if event.implicit[0]:
                if word in NAMED_SCALARS:
                    value = NAMED_SCALARS[word]
                elif word[0] in NUMBER_STARTS:
                    value = self._number(event)
            container = self._open[-1]
            if type(container) is list:
                container.append(value)
            elif self._keys[-1] is not NO_KEY:
                container[self._keys[-1]] = value
                self._keys[-1] = NO_KEY
            elif type(value) is str and word not in container and not (word in MERGE_KEYS and event.implicit[0]):
                self._keys[-1] = word
            else:
                self._odd_key(event, value)
            if self._nodes > MOST_NODES:
                self._too_many(event)
            return
        self._rare_scalar(event)

    def _rare_scalar(self, event: ScalarEvent) -> None:
        """A scalar with an anchor or a tag, a very long one, or one that is the whole document."""
        self._refuse_tag(event)
        if len(event.value) >= LONGEST_SCALAR:
            self._problem(event, f"a text of {len(event.value)} characters; at most {LONGEST_SCALAR} are read")
        value: Any = event.value
        if event.implicit[0]:
            value = NAMED_SCALARS[value] if value in NAMED_SCALARS else self._number(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, 1)
        self._put(value, event)

    def _number(self, event: ScalarEvent) -> Any:
        try:
            return number(event.value)
        except ScalarError as error:
            self._problem(event, str(error))
            return event.value

    # -------------------------------------------------------------------------------------------- collections

    def _start_mapping(self, event: MappingStartEvent) -> None:
        self._start(event, {})

    def _start_list(self, event: SequenceStartEvent) -> None:
        self._start(event, [])

    def _start(self, event: MappingStartEvent | SequenceStartEvent, collection: Any) -> None:
        self._nodes += 1
        if event.tag is not None:
            self._refuse_tag(event)
        if len(self._open) >= DEEPEST:
            self._problem(event, f"nested more than {DEEPEST} levels deep; a recipe needs about ten")
            raise _Stop
        if self._nodes > MOST_NODES:
            self._too_many(event)
        self._put(collection, event)
        self._open.append(collection)
        self._keys.append(NO_KEY)
        self._anchored.append((event.anchor, self._nodes))

    def _end(self, _: MappingEndEvent | SequenceEndEvent) -> None:
        collection = self._open.pop()
        self._keys.pop()
        anchor, nodes_before = self._anchored.pop()
        if anchor is not None:
            self._anchors[anchor] = (collection, self._nodes - nodes_before + 1)

    def _alias(self, event: AliasEvent) -> None:
        if event.anchor not in self._anchors:
            name = event.anchor
            self._problem(event, f"'*{name}' has no anchor; its anchor '&{name}' must stand before it, complete")
            self._put(None, event)
            return
        value, nodes = self._anchors[event.anchor]
        self._nodes += nodes
        if self._nodes > MOST_NODES:
            self._too_many(event)
        self._put(value, event)

    def _put(self, value: Any, event: Any) -> None:
        """`value` where the open collection wants the next one."""
        if not self._open:
            self._root = value
        elif type(self._open[-1]) is list:
            self._open[-1].append(value)
        elif self._keys[-1] is not NO_KEY:
            self._open[-1][self._keys[-1]] = value
            self._keys[-1] = NO_KEY
        elif type(value) is str and type(event) is ScalarEvent and value not in self._open[-1]:
            self._keys[-1] = value
        else:
            self._odd_key(event, value)

    def _odd_key(self, event: Any, value: Any) -> None:
        """A key that cannot stand; reading goes on, to find what else is wrong."""
        self._problem(event, self._key_message(event, value))
        self._keys[-1] = value if isinstance(value, str) else "?"

    def _key_message(self, event: Any, value: Any) -> str:
        if type(event) is AliasEvent:
            return f"'*{event.anchor}' cannot be a key; write the key out"
        if not isinstance(value, str):
            return not_a_word(getattr(event, "value", ""), value)
        if value in MERGE_KEYS and event.implicit[0]:
            return f"'{value}' as a key has a meaning in YAML 1.1 and none here; {MERGE_KEYS[value]}"
        return f"the key '{value}' is given twice, first in line {self._first_line(value)}; keep one of the two"

    def _first_line(self, key: str) -> int:
        """The line in which a key that is given twice stands first."""
        raise NotImplementedError

    # --------------------------------------------------------------------------------------------------- rest

    def _start_document(self, event: DocumentStartEvent) -> None:
        self._documents += 1
        if self._documents > 1:
            self._problem(event, "a second document begins here; a recipe is one document, without '---' inside")
            raise _Stop
        if event.version == (1, 1):
            self._problem(event, "'%YAML 1.1' asks for rules that recipes do not follow; leave it out, or write 1.2")

    def _refuse_tag(self, event: Any) -> None:
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            self._problem(event, f"the tag '{tag}' is not allowed; a recipe holds plain values, so leave it out")

    def _too_many(self, event: Any) -> None:
        self._problem(event, f"more than {MOST_NODES} values, counting what aliases stand for; a recipe is smaller")
        raise _Stop

    def _problem(self, event: Any, message: str) -> None:
        mark = event.start_mark
        self._problems.append(Problem(Place(self._dotted(), self._file, mark.line + 1, mark.column + 1), message))
        if len(self._problems) >= MOST_PROBLEMS:
            self._problems.append(Problem(Place(file=self._file), f"reading stops after {MOST_PROBLEMS} problems"))
            raise _Stop

    def _dotted(self) -> str:
        path = self._path()
        shown = path if len(path) <= DEEPEST_SHOWN else [*path[:DEEPEST_SHOWN], "..."]
        return dotted(shown)

    def _path(self) -> list[str | int]:
        """The keys and indices that lead to what is being read."""
        return list(self._steps())

    def _steps(self) -> Iterator[str | int]:
        innermost = len(self._open) - 1
        for level, (container, key) in enumerate(zip(self._open, self._keys, strict=True)):
            if type(container) is list:
                yield len(container) - (level < innermost)
            elif key is not NO_KEY:
                yield key
            elif level < innermost:
                yield next(reversed(container))
