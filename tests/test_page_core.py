"""What every page is made of, in a browser: search, tables, folds, addresses, parts of the data, the button that copies."""

from __future__ import annotations

import re

import pytest

from tensorflow_free.pages.html_document import document_of
from tensorflow_free.pages.html_page import HtmlPage

POLICY = re.compile('<meta http-equiv="Content-Security-Policy".*?>')
PARTS = [("numbers", [1.5, "nan"]), ('<"é', {"<": "&lt;"})]


@pytest.fixture
def drawn(opened, tmp_path):
    """Opens a page that a few lines of script draw, in place of the frame, with what `core.js` has."""

    def draw(script, kind="sweep", fragment=""):
        text = "".join(document_of(HtmlPage(kind, "a page", {}, PARTS)))
        assert text.count("\nmain();\n") == 1
        text = POLICY.sub("", text).replace("\nmain();\n", f"\nconst root = document.body;\n{script}\n")
        (tmp_path / "page.html").write_text(text, encoding="utf-8")
        return opened(tmp_path / "page.html", fragment)

    return draw


SEARCH = """
const told = el("output");
root.append(searchBox(["attn_q", {text: "mlp", about: "Linear layer"}, "attn_k", "<b>x</b>"], (at) => (told.textContent += `${at} `)), told);
"""


def options(page):
    return [one.inner_text() for one in page.page.get_by_role("option").all()]


def test_search_finds_by_words_and_takes_what_the_keys_choose(drawn):
    page = drawn(SEARCH)
    page.press("Tab", "A", "t", "t")
    assert options(page) == ["attn_q", "attn_k"]
    page.press("ArrowDown", "ArrowDown", "ArrowUp", "ArrowDown", "Enter")
    assert page.text("output") == "2"
    assert options(page) == []


def test_search_finds_what_is_said_about_names_and_takes_what_is_clicked(drawn):
    page = drawn(SEARCH)
    page.page.get_by_role("combobox").fill("layer ml")
    page.page.get_by_role("option").click()
    assert page.text("output") == "1"


def test_search_tells_readers_of_screens_which_of_those_found_would_be_taken(drawn):
    page = drawn(SEARCH)
    box = page.page.get_by_role("combobox")
    assert box.get_attribute("aria-expanded") == "false"
    box.fill("attn")
    page.press("ArrowDown")
    assert box.get_attribute("aria-expanded") == "true"
    assert page.page.locator(f"#{box.get_attribute('aria-activedescendant')}").inner_text() == "attn_k"
    page.press("Escape")
    assert box.get_attribute("aria-expanded") == "false"


def test_markup_in_what_is_found_is_text(drawn):
    page = drawn(SEARCH)
    page.page.get_by_role("combobox").fill("<b>")
    assert options(page) == ["<b>x</b>"]


def test_a_long_table_goes_on_when_it_is_asked_by_keys(drawn):
    page = drawn("root.append(table(['n'], Array.from({length: 450}, (_, at) => [`row ${at}`])));")
    rows = page.page.locator("tbody tr")
    assert (rows.count(), page.text("button.more")) == (200, "250 more rows")
    page.press("Tab", "Tab", "Enter", "Enter")
    assert rows.count() == 450
    assert page.page.get_by_role("button").count() == 0


def test_what_is_folded_is_made_once_and_when_it_is_first_open(drawn):
    page = drawn("let made = 0; root.append(folded('more', () => el('p', {text: `made ${made += 1}`})));")
    assert page.page.locator("p").count() == 0
    page.press("Tab", "Enter")
    page.page.locator("p").wait_for()
    page.press("Enter", "Enter")
    assert page.page.locator("p").all_inner_texts() == ["made 1"]


ADDRESS = """
const told = el("output");
root.append(told);
onGo(({cell, step}) => (told.textContent = `${cell}|${step}`));
window.go = go;
"""


STEPS = ["attn_q", "größe", "a/b", "#", "%41", "a b", "</script>", "__proto__"]


def told(page, text):
    page.page.wait_for_function("(text) => document.querySelector('output').textContent === text", arg=text)


def test_an_address_leads_to_its_cell_and_step_and_back(drawn):
    page = drawn(ADDRESS)
    for step in STEPS:
        page.page.evaluate("(step) => go('3', step)", step)
        told(page, f"3|{step}")
    page.page.reload()
    told(page, f"3|{STEPS[-1]}")
    for step in reversed(STEPS[:-1]):
        page.page.go_back()
        told(page, f"3|{step}")


def test_of_the_only_run_of_a_page_an_address_names_the_step_alone(drawn):
    assert drawn(ADDRESS, kind="run", fragment="#attn_q").text("output") == "|attn_q"


def test_parts_are_read_as_they_were_written(drawn):
    page = drawn("window.part = part;")
    assert [page.page.evaluate("(name) => part(name)", name) for name, _ in PARTS] == [content for _, content in PARTS]
    assert page.page.evaluate("() => part('no').catch((error) => error.message)") == "this page has no part 'no'"


def test_the_button_beside_a_command_copies_it(drawn):
    page = drawn("root.append(command(\"recipe show 'a b' <&\"), el('textarea'));")
    page.page.get_by_role("button").click()
    page.page.wait_for_function("() => document.querySelector('button').textContent === 'copied'")
    page.page.locator("textarea").focus()
    page.press("ControlOrMeta+v")
    assert page.page.locator("textarea").input_value() == "recipe show 'a b' <&"
