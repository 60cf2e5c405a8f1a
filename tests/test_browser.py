"""The browser of the tests: whatever is wrong with a page is told, and one that is well shows what it is asked for."""

from __future__ import annotations

import re

import pytest

from tests import browser as rig
from tests.browser import chromium, opening

WELL = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>well</title></head><body><main>
<h1>A page</h1><button>one</button><button>two</button><p id="typed"></p><div style="height: 9000px"></div></main>
<script>
addEventListener("keydown", (event) => { document.querySelector("#typed").textContent += event.key; });
const work = (ms) => { const end = performance.now() + ms; while (performance.now() < end); };
addEventListener("scroll", () => { if (location.hash === "#slow") if (!window.slow) work(window.slow = 400); });
</script></body></html>"""

WRONG = """<img src="http://example.org/a.png"><script src="other.js"></script><script>
console.error("so it is");
console.warn("so it may be");
Promise.reject(new Error("a promise is broken"));
fetch("http://example.org/fetched").catch(() => 0);
new WebSocket("ws://example.org/");
alert("look");
throw new TypeError("an exception");
</script>"""
TOLD = [
    "console error: so it is",
    "console warning: so it may be",
    "exception: .*a promise is broken",
    "exception: .*an exception",
    "dialog: look",
    "request: http://example.org/a.png",
    "request: file://.*/other.js",
    "request: http://example.org/fetched",
    "request: ws://example.org/",
]

REFUSED = (
    """<meta http-equiv="Content-Security-Policy" content="default-src 'none'"><script>window.acted = 1</script>"""
)


@pytest.fixture
def written(tmp_path):
    """Writes a page into a file."""

    def write(text):
        path = tmp_path / "a page.html"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_whatever_is_wrong_with_a_page_is_told(browser, written):
    with pytest.raises(AssertionError, match=r"^a page.html: ") as error, opening(browser, written(WRONG)):
        pass
    assert [told for told in TOLD if not re.search(told, str(error.value))] == []


def test_what_the_policy_of_a_page_refuses_is_told_once(browser, written):
    with pytest.raises(AssertionError, match=r"console error: .*Content Security"), opening(browser, written(REFUSED)):
        pass
    with opening(browser, written(WELL)) as page:
        assert page.problems == []


def test_a_page_that_is_well_takes_keys_and_clicks(opened, written):
    page = opened(written(WELL), "#here")
    page.press("a", "Tab", "Shift")
    assert (page.text("#typed"), page.focused()) == ("aTabShift", "one")
    page.page.get_by_role("button", name="two").click()
    assert page.focused() == "two"
    assert page.page.url.endswith("#here")


def test_a_failing_test_does_not_hide_behind_the_problems_of_its_page(browser, written):
    with pytest.raises(ZeroDivisionError), opening(browser, written("<script>throw 1</script>")):
        raise ZeroDivisionError


def test_long_tasks_are_told_of_pages_that_scroll_slowly_alone(opened, written):
    path = written(WELL)
    assert not any(ms >= 300 for ms in opened(path).scroll(steps=3))
    assert any(ms >= 300 for ms in opened(path, "#slow").scroll(steps=3))


def test_the_first_paint_is_told(opened, written):
    assert 0 < opened(written(WELL)).first_paint_ms() < rig.LIMIT_MS


def test_what_readers_cannot_read_is_told(opened, written):
    assert opened(written(WELL)).violations() == ""
    pale = opened(written(WELL.replace("<h1>", "<h1 style='color: #ccc'>")))
    assert "color-contrast" in pale.violations()


PALE = """<style>:root {color-scheme: light dark}</style><h1 style="color: #999">pale heading</h1><p style="color: #888">pale</p>
<p style="opacity: 0.5; color: #555">half</p><p style="color: #595959">well</p><p style="color: #999" hidden>unseen</p>
<svg width="200" height="60"><rect width="200" height="30" fill="#00224e"/><rect y="30" width="200" height="30" fill="#fee838"/>
<text x="9" y="20" fill="black">on blue</text><text x="99" y="20" fill="white">white</text>
<text x="9" y="50" fill="white">on yellow</text><text x="99" y="50">black</text></svg>"""


def test_texts_with_little_contrast_are_told_in_drawings_too(opened, written):
    page = opened(written(WELL + "<p style='color: black'>far below</p>"))
    assert page.pale_texts() == []
    assert page.page.evaluate("() => scrollY") == 0
    found = [one.partition(":")[0] for one in opened(written(PALE)).pale_texts()]
    assert found == ["pale heading", "pale", "half", "on blue", "on yellow"]
    assert "well" in str(opened(written(PALE), color_scheme="dark").pale_texts())


def test_what_only_a_mouse_reaches_is_told(opened, written):
    text = """<p>a</p><i tabindex="0">b</i><figure><svg role="img"><g></g></svg><table></table></figure><script>const act = (word) =>
        [...document.querySelectorAll(word)].forEach((one) => one.addEventListener("click", () => 0)); act(WHAT);</script>"""
    assert opened(written(text.replace("WHAT", '"p, i"'))).mouse_only() == ["<p>a</p>"]
    assert opened(written(text.replace("WHAT", '"i, g"'))).mouse_only() == []


def test_pictures_without_words_are_told(opened, written):
    bare = opened(written("<svg width='9' height='9'></svg><figure><canvas aria-label='curve'></canvas></figure>"))
    assert [one[:4] for one in bare.bare_pictures()] == ["<svg", "<fig"]
    told = opened(
        written("<svg aria-hidden='true'></svg><figure><canvas aria-label='a'></canvas><table></table></figure>")
    )
    assert told.bare_pictures() == []


def test_a_page_that_is_wider_than_its_window_is_told(opened, written):
    path = written(WELL + "<div style='width: 700px'>wide</div>")
    assert opened(path, viewport={"width": 600, "height": 800}).overflow_px() > 99
    assert opened(path, viewport={"width": 900, "height": 800}).overflow_px() <= 0


def test_pictures_are_kept_where_eyes_find_them(opened, written, tmp_path, monkeypatch):
    monkeypatch.setattr(rig, "PICTURES", tmp_path)
    assert opened(written(WELL)).picture("a/b c").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "a-b-c.png").is_file()


def test_without_chromium_a_test_fails_and_says_what_to_install(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(pytest.fail.Exception, match=r"no Chromium here.*install it by `.ci/chromium`"), chromium():
        pass
