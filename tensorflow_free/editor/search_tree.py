"""What hangs on a word, in a JSON Schema: found by halving, as in a dictionary, since an editor tries each condition.

A list of a thousand conditions at each of a thousand steps is more than the YAML language server can take.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile

from tensorflow_free.editor.schema_parts import JsonSchema, escaped, has, when


def by_word(key: str, choices: Mapping[str, JsonSchema]) -> JsonSchema:
    """What must hold of a mapping where a word stands at one of its keys; of any other word nothing is said.

    Args:
        key: the key.
        choices: what must hold, by the word.
    """
    return _tree(key, sorted(choices.items()))


def _tree(key: str, choices: Sequence[tuple[str, JsonSchema]]) -> JsonSchema:
    if len(choices) == 1:
        [(word, schema)] = choices
        return when({**has(key), "properties": {key: {"const": word}}}, schema)
    left, right = choices[: len(choices) // 2], choices[len(choices) // 2 :]
    # a word that does not begin as all of these do is none of them, as the last condition tells
    begin = _shared(left[0][0], right[-1][0])
    pivot = right[0][0][begin : _shared(left[-1][0], right[0][0]) + 1]
    stands_left = {"properties": {key: {"pattern": f"^{f'.{{{begin}}}' if begin else ''}{_before(pivot)}"}}}
    return when(stands_left, _tree(key, left), _tree(key, right))


def _shared(one: str, other: str) -> int:
    """How many characters two words begin with alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _before(pivot: str) -> str:
    """The pattern of texts that stand before `pivot` in the order of characters, of which `!` is the first."""
    letter, rest = pivot[0], pivot[1:]
    below = rf"$|[!-\x{ord(letter) - 1:02x}]"
    return f"(?:{below}|{escaped(letter)}{_before(rest)})" if rest else f"(?:{below})"
