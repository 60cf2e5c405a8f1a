"""Pages to look at, as files: what stands in them, and that nothing of a file's words acts. Browsers: test_page_*."""

from __future__ import annotations

import json
import re
import zlib
from base64 import b64decode
from collections import Counter

import pytest

from tensorflow_free.errors import StorageError
from tensorflow_free.pages.html_document import ASSETS, document_of, write_page
from tensorflow_free.pages.html_page import HtmlPage

HOSTILE = "</script><script>alert(1)</script><!--"


def test_nothing_that_a_file_says_is_markup():
    page = HtmlPage("run", HOSTILE, {"lines": [HOSTILE]}, [(f'"{HOSTILE}', {"a": HOSTILE})], HOSTILE)
    text = "".join(document_of(page))
    assert "alert(1)</script>" not in text
    assert len(re.findall("<script", text)) == 3


def test_a_part_is_deflated_json():
    text = "".join(document_of(HtmlPage("run", "a", {}, [("b", [1, "<"])])))
    (packed,) = re.findall('data-part="b">(.*?)<', text)
    assert json.loads(zlib.decompress(b64decode(packed))) == [1, "<"]


def test_numbers_that_json_has_not_are_refused():
    with pytest.raises(ValueError, match="JSON"):
        list(document_of(HtmlPage("run", "a", {"x": float("nan")})))


def test_a_page_that_cannot_be_written_leaves_what_was_there(tmp_path):
    def parts():
        yield "a", 1
        raise OSError(28, "No space left on device")

    to = tmp_path / "page.html"
    to.write_text("before")
    with pytest.raises(StorageError, match="No space"):
        write_page(HtmlPage("run", "a", {}, parts()), to)
    assert to.read_text() == "before"
    assert list(tmp_path.iterdir()) == [to]


def test_what_cannot_be_seen_is_written_out_and_all_else_stays():
    said = {"a\x1b": ["\u202eb\x7f\ud800", 'q"\\u202e\\', "größe 😀\n\r"]}
    text = "".join(document_of(HtmlPage("run", "a", {"said": said})))
    (found,) = re.findall('id="head">(.*?)</script>', text)
    assert json.loads(found)["said"] == {"a\\x1b": ["\\u202eb\\x7f\\ud800", 'q"\\u202e\\', "größe 😀\n\\r"]}


def test_no_two_parts_of_the_script_give_one_name_to_two_things():
    texts = [path.read_text(encoding="utf-8") for path in sorted(ASSETS.glob("*.js"))]
    names = Counter(
        name for text in texts for name in re.findall(r"^(?:async )?(?:function|const|let) (\w+)", text, re.MULTILINE)
    )
    assert len(names) > 50
    assert [name for name, count in names.items() if count > 1] == []
