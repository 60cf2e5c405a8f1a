"""The browser in which tests open pages: Chromium, without a network; whatever a page complains of fails its test."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Route, sync_playwright

LIMIT_MS = 15_000
"""Milliseconds that anything of a page is waited for: less than a test may take."""

PICTURES = Path(__file__).parent.parent / ".screenshots"

MISSING = (
    "there is no Chromium here, in which the tests of pages open them: "
    "install it by `.ci/chromium`, or as `chromium` on the PATH"
)

EMPTY = "about:blank"
WINDOW = {"width": 1280, "height": 720}

_SPARE: WeakKeyDictionary[Browser, OpenedPage] = WeakKeyDictionary()
"""A page of each browser that shows nothing now: to open another file in it takes a third of what a new one takes."""

_LONG_TASKS = """
window.longTasks = [];
new PerformanceObserver((seen) => longTasks.push(...seen.getEntries().map((one) => one.duration)))
    .observe({type: "longtask", buffered: true});
"""
_CLICKED = """
window.clicked = new Set();
const listen = EventTarget.prototype.addEventListener;
EventTarget.prototype.addEventListener = function (event, ...more) {
    if (["click", "dblclick", "mousedown", "pointerdown"].includes(event) && this instanceof Element) clicked.add(this);
    return listen.call(this, event, ...more);
};
"""
_MOUSE_ONLY = """() => {
    const hasTable = (one) => one.closest("figure:has(table, summary)") && one.closest("[role=img]");
    const isReached = (one) => one.tabIndex >= 0 || one.closest("[role=option], [role=application][tabindex='0']") || hasTable(one);
    const seen = [...clicked].filter((one) => one.isConnected && one.checkVisibility());
    return seen.filter((one) => !isReached(one)).map((one) => one.outerHTML.slice(0, 120));
}"""
_BARE = """() => {
    const seen = [...document.querySelectorAll("svg, canvas")].filter((one) => one.checkVisibility() && one.clientWidth > 8);
    const isNamed = (one) => one.closest("[aria-hidden=true], [role=img][aria-label]") || one.ariaLabel || one.querySelector("title");
    const hasTable = (one) => one.querySelector("table, details, [role=button]");
    const figures = [...document.querySelectorAll("figure:has(svg, canvas)")].filter((one) => one.checkVisibility());
    return [...seen.filter((one) => !isNamed(one)), ...figures.filter((one) => !hasTable(one))].map((one) => one.outerHTML.slice(0, 120));
}"""
_PAINTED = """() => new Promise((told) => new PerformanceObserver((seen) => {
    const painted = seen.getEntriesByName("first-contentful-paint");
    if (painted.length) told(painted[0].startTime);
}).observe({type: "paint", buffered: true}))"""
_SCROLLED = """async ([selector, steps]) => {
    const one = selector ? document.querySelector(selector) : document.scrollingElement;
    for (let step = 1; step <= steps; step += 1) {
        one.scrollTo(one.scrollLeft, (one.scrollHeight - one.clientHeight) * step / steps);
        await new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)));
    }
}"""

_PALE = (Path(__file__).parent / "pale_texts.js").read_text(encoding="utf-8")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Chromium without a window, which ends with the block, also where that fails."""
    found = shutil.which("chromium")
    if found is None:
        pytest.fail(MISSING, pytrace=False)
    with sync_playwright() as playwright:
        # a sandbox needs a user that is not root
        browser = playwright.chromium.launch(executable_path=found, chromium_sandbox=os.geteuid() != 0)
        try:
            yield browser
        finally:
            browser.close()


class OpenedPage:
    """A page that was opened from a file.

    Attributes:
        page: Playwright's own object, for whatever is not here.
        problems: what went wrong so far: errors and warnings of the console (those of the content security policy
            among them), exceptions, dialogs, requests for anything but the file itself.
    """

    def __init__(self, context: BrowserContext) -> None:
        self.problems: list[str] = []
        self._url = EMPTY
        context.set_default_timeout(LIMIT_MS)
        context.add_init_script(_LONG_TASKS + _CLICKED)
        context.route("**/*", self._routed)
        context.route_web_socket("**/*", lambda socket: self.problems.append(f"request: {socket.url}"))
        context.on("console", self._heard)
        context.on("weberror", lambda error: self.problems.append(f"exception: {error.error}"))
        context.on("dialog", lambda dialog: (self.problems.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        self.page: Page = context.new_page()

    def open(self, path: Path, fragment: str = "") -> None:
        """Open a file, at a fragment (`#3/attn_q`) if one is given."""
        self.problems.clear()
        self._url = path.resolve().as_uri()
        self.page.goto(self._url + fragment)

    def leave(self) -> None:
        """Leave the file, so that another can be opened as if it were the first."""
        self._url = EMPTY
        self.page.goto(EMPTY)
        self.page.emulate_media(color_scheme="light")
        self.page.set_viewport_size(WINDOW)

    def press(self, *keys: str) -> None:
        """Press keys, one after another, by Playwright's names: `ArrowDown`, `Shift+Tab`, `a`."""
        for key in keys:
            self.page.keyboard.press(key)

    def text(self, selector: str = "body") -> str:
        """What a reader sees of the first element that fits."""
        return self.page.locator(selector).first.inner_text()

    def focused(self) -> str:
        """The text, or else the label, of the element that has the keyboard."""
        return str(
            self.page.evaluate(
                "() => document.activeElement.innerText || document.activeElement.ariaLabel || document.activeElement.id"
            )
        )

    def first_paint_ms(self) -> float:
        """Milliseconds from the opening until something was painted, by the browser's own clock."""
        return float(self.page.evaluate(_PAINTED))

    def scroll(self, selector: str | None = None, steps: int = 30) -> list[float]:
        """Scroll the page, or an element of it, to its end: the milliseconds of the long tasks (over 50 each)."""
        self.page.evaluate("() => { longTasks.length = 0; }")
        self.page.evaluate(_SCROLLED, [selector, steps])
        return [float(one) for one in self.page.evaluate("() => longTasks")]

    def violations(self) -> str:
        """What axe finds against the rules of accessibility (WCAG A and AA), contrast among them; empty where nothing."""
        found = Axe().run(self.page)
        return found.generate_report() if found.violations_count else ""

    def stops(self, most: int = 300) -> int:
        """How often the tabulator stops until it leaves the page, from its beginning.

        Raises:
            AssertionError: it stops more often, or is caught.
        """
        self.page.evaluate("() => document.activeElement.blur()")
        for at in range(most):
            self.press("Tab")
            if self.page.evaluate("() => document.activeElement === document.body"):
                return at
        raise AssertionError(f"after {most} tabulators the page has the keyboard yet")

    def mouse_only(self) -> list[str]:
        """What takes clicks, but is not reached by the keyboard; points of a picture are, behind which a table stands."""
        return list(self.page.evaluate(_MOUSE_ONLY))

    def bare_pictures(self) -> list[str]:
        """Pictures without a name, and figures behind which nothing says in words what they show."""
        return list(self.page.evaluate(_BARE))

    def overflow_px(self) -> int:
        """How much wider the page is than its window, in which a reader would have to scroll sideways."""
        return int(self.page.evaluate("() => document.scrollingElement.scrollWidth - innerWidth"))

    def pale_texts(self) -> list[str]:
        """Texts with less contrast against what lies below them than WCAG AA asks for, those of drawings among them."""
        return list(self.page.evaluate(_PALE))

    def picture(self, name: str) -> Path:
        """A picture of the whole page, kept under this name for eyes to look at."""
        path = PICTURES / f"{re.sub(r'[^a-z0-9_.-]+', '-', name, flags=re.IGNORECASE)}.png"
        self.page.screenshot(path=path, full_page=True)
        return path

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning", "assert"):
            self.problems.append(f"console {message.type}: {message.text}")

    def _routed(self, route: Route) -> None:
        if route.request.url.partition("#")[0] == self._url:
            route.continue_()
        else:
            self.problems.append(f"request: {route.request.url}")
            route.abort()


class Opener:
    """What the fixture `opened` gives: called with a file, it opens the file as a page."""

    def __init__(self, browser: Browser, stack: ExitStack) -> None:
        self._browser, self._stack = browser, stack

    def __call__(self, path: Path | str, fragment: str = "", **more: Any) -> OpenedPage:
        """Open a file.

        Args:
            path: the file.
            fragment: where in it, with its `#`.
            more: as Playwright's `new_context` takes it: `color_scheme="dark"`, `viewport={"width": 400, "height": 800}`;
                such a page is a new one, and takes longer.
        """
        return self._stack.enter_context(opening(self._browser, Path(path), fragment, **more))


@contextmanager
def opening(browser: Browser, path: Path, fragment: str = "", **more: Any) -> Iterator[OpenedPage]:
    """A page that is open in the block; after it, it must have had no problem.

    Raises:
        AssertionError: it had; all of them are told.
    """
    opened = _SPARE.pop(browser, None) if not more else None
    opened = opened or OpenedPage(browser.new_context(viewport=WINDOW) if not more else browser.new_context(**more))
    try:
        opened.open(path, fragment)
        yield opened
        # what has happened so far is told before this is answered
        opened.page.evaluate("() => new Promise((told) => setTimeout(told))")
        problems = [*opened.problems]
        if not more:
            opened.leave()
            _SPARE.setdefault(browser, opened)
    finally:
        if _SPARE.get(browser) is not opened:
            opened.page.context.close()
    assert problems == [], f"{path.name}: {problems}"
