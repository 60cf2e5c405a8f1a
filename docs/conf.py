"""How Sphinx builds the site of this folder's pages: `python -m sphinx -W --keep-going docs .site`."""

from __future__ import annotations

import re

from docutils import nodes
from sphinx.application import Sphinx

import tensorflow_free
from tensorflow_free.version import VERSION

CONTENTS = {
    "Learn": ["tutorial", "teaching", "in-a-notebook", "looking-up-ops"],
    "How to": [
        "own-kernel",
        "bring-your-backend",
        "compilers",
        "bug-report",
        "expectations",
        "training-loop",
        "attention",
        "precision-report",
        "inputs-from-files",
        "comparing-runs",
        "from-a-model",
        "sweeps",
        "goldens",
        "pages",
        "matrix",
        "continuous-integration",
        "editor",
    ],
    "Reference": [
        "command-line",
        "recipe-format",
        "relations",
        "commands",
        "outcomes-and-reasons",
        "files",
        "api",
        "glossary",
        "coverage",
    ],
    "Explanation": [
        "judging",
        "two-machines",
        "strength",
        "third-party-compilers",
        "safety",
        "performance",
        "architecture",
    ],
}
"""All pages, in the order of a reader. A page that is not here fails the build."""

project = "tensorflow_free"
author = "the authors of tensorflow_free"
copyright = "the authors of tensorflow_free, MIT licence"  # noqa: A001 - the name that Sphinx reads
version = release = VERSION
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
exclude_patterns: list[str] = []

# anchors are those of GitHub, so that a link is right in both
myst_heading_anchors = 5

# docstrings name code in single backticks
default_role = "code"
napoleon_custom_sections = ["Shape"]
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_member_order = "bysource"
add_module_names = False
nitpicky = False

html_theme = "furo"
html_title = f"tensorflow_free {VERSION}"
html_static_path = ["_static"]
html_js_files = ["site.js"]
html_copy_source = False
# a summary of what is found would be fetched, which no page does that is opened from disk
html_show_search_summary = False
html_show_sourcelink = False
html_show_sphinx = False
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"

copybutton_prompt_text = "$ "
copybutton_only_copy_prompt_lines = True


def with_contents(_: Sphinx, page: str, source: list[str]) -> None:
    """Put the contents below the first page, which is plain Markdown in the repository."""
    if page == "index":
        trees = [
            "\n".join(["```{toctree}", ":hidden:", f":caption: {part}", *CONTENTS[part], "```"]) for part in CONTENTS
        ]
        source[0] += "\n\n" + "\n\n".join(trees) + "\n"


def with_docstrings(_: Sphinx, page: str, source: list[str]) -> None:
    """Put the docstrings of the names in a table of the page on the API below the table."""
    if page == "api":
        source[0] = re.sub(r"(?:^\| `\w+` .*\n?)+", _documented, source[0], flags=re.MULTILINE)


def _documented(table: re.Match[str]) -> str:
    lines = [line for name in re.findall(r"^\| `(\w+)`", table[0], re.MULTILINE) for line in _directive(name)]
    return "\n".join([table[0], "```{eval-rst}", ".. currentmodule:: tensorflow_free", *lines, "```\n"])


def _directive(name: str) -> list[str]:
    named = getattr(tensorflow_free, name)
    if not isinstance(named, type):
        return [f".. autofunction:: {name}"]
    if issubclass(named, Exception):
        return [f".. autoexception:: {name}"]
    # the fields of a recipe are the format
    return [f".. autoclass:: {name}()", *(["   :members:"] if name != "Recipe" else [])]


def with_github_anchors(_: Sphinx, tree: nodes.document) -> None:
    """Give each heading the anchor that it has on GitHub, too, where Sphinx's own is another."""
    for section in tree.findall(nodes.section):
        slug = section.get("slug")
        if slug and slug not in section["ids"]:
            section["ids"].append(slug)


def setup(app: Sphinx) -> None:
    """Have Sphinx do so."""
    app.connect("source-read", with_contents)
    app.connect("source-read", with_docstrings)
    app.connect("doctree-read", with_github_anchors)
