"""The codes that `recipe explain` knows, and the pages and sections of `recipe help`, for completion."""

from __future__ import annotations

from collections.abc import Iterator

from tensorflow_free.completion.candidate import Candidate
from tensorflow_free.guide.code_entries import entries
from tensorflow_free.guide.doc_pages import page_names, page_sections


def codes() -> Iterator[Candidate]:
    """All codes, each with what it means in short."""
    return (Candidate(entry.code, entry.short) for entry in entries())


def pages(typed: str) -> Iterator[Candidate]:
    """The pages of the documentation; behind `#` the sections of the one that is typed."""
    name, is_section, _ = typed.partition("#")
    if not is_section:
        return (Candidate(page, "a page of the documentation") for page in page_names())
    sections = page_sections(name) if name in page_names() else ()
    return (Candidate(one.name, one.title) for one in sections if one.anchor)
