"""The YAML language server, which editors ask what may stand at a place of a file, and what a word there means."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

from tests.processes import started, waited

FOLDER = Path(__file__).parent.parent / ".node"
PROGRAM = "node_modules/yaml-language-server/bin/yaml-language-server"

MISSING = (
    "there is no YAML language server here, which the tests of the recipe's schema ask: "
    "install it by `.ci/yaml-language-server`, which takes npm"
)

CURSOR = "█"
"""Where in a text the cursor stands."""


def node() -> str:
    """Node, in which the server runs."""
    found = shutil.which("node")
    if found is None:
        pytest.fail(MISSING, pytrace=False)
    return found


@contextmanager
def language_server(schema: Path) -> Iterator[LanguageServer]:
    """The server, which ends with the block, also where that fails.

    Args:
        schema: by which it knows every file that ends in `.yaml`.
    """
    program = max(FOLDER.glob(f"*/{PROGRAM}"), default=None)
    if program is None:
        pytest.fail(MISSING, pytrace=False)
    with started(node(), program, "--stdio", stdin=PIPE, stdout=PIPE) as running:
        yield LanguageServer(running, schema)


class LanguageServer:
    """A server that is spoken to as an editor does, one question after another."""

    def __init__(self, running: Any, schema: Path) -> None:
        self._running = running
        self._numbers = count(1)
        self._configuration = {
            "schemas": {schema.as_uri(): "*.yaml"},
            "schemaStore": {"enable": False},
            "kubernetesCRDStore": {"enable": False},
            "validate": True,
        }
        self._problems: dict[str, list[Any]] = {}
        documentation = {"completionItem": {"documentationFormat": ["markdown"]}}
        capabilities = {"textDocument": {"completion": documentation}, "workspace": {"configuration": True}}
        self._asked("initialize", {"processId": None, "rootUri": None, "capabilities": capabilities})
        self._tell("initialized", {})
        # it has not asked for the configuration yet
        waited(lambda: "dtype" in self.completions(f"dt{CURSOR}"))

    def completions(self, text: str, path: Path | None = None) -> dict[str, str]:
        """What an editor offers at the cursor of a text: each word, and what it says of it.

        Args:
            text: the text.
            path: the file that it is of.
        """
        found = self._at("completion", text, path)
        items = found["items"] if isinstance(found, dict) else found or []
        return {one["label"]: _plain(one.get("documentation")) for one in items}

    def hover(self, text: str) -> str:
        """What an editor shows of the word at the cursor of a text."""
        found = self._at("hover", text)
        return _plain(found["contents"]) if found else ""

    def problems(self, text: str) -> list[str]:
        """What an editor marks as wrong in a text, in order."""
        uri = self._opened(text)
        while uri not in self._problems:
            self._heard(self._read())
        return [one["message"] for one in self._problems[uri]]

    def _at(self, question: str, text: str, path: Path | None = None) -> Any:
        before, _, after = text.partition(CURSOR)
        position = {"line": before.count("\n"), "character": len(before.rpartition("\n")[2])}
        where = {"textDocument": {"uri": self._opened(before + after, path)}, "position": position}
        return self._asked(f"textDocument/{question}", where)

    def _opened(self, text: str, path: Path | None = None) -> str:
        uri = path.as_uri() if path else f"file:///recipes/{next(self._numbers)}.yaml"
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self._tell("textDocument/didOpen", {"textDocument": document})
        return uri

    def _asked(self, method: str, parameters: dict[str, Any]) -> Any:
        number = next(self._numbers)
        self._send({"id": number, "method": method, "params": parameters})
        while True:
            message = self._read()
            if message.get("id") == number and "method" not in message:
                assert "error" not in message, message
                return message["result"]
            self._heard(message)

    def _heard(self, message: dict[str, Any]) -> None:
        """What it says by itself: it asks for the configuration, and tells problems."""
        method = message.get("method")
        if method == "textDocument/publishDiagnostics":
            self._problems[message["params"]["uri"]] = message["params"]["diagnostics"]
        elif method == "workspace/configuration":
            asked = [one.get("section") for one in message["params"]["items"]]
            self._send({"id": message["id"], "result": [self._configuration if one == "yaml" else {} for one in asked]})
        elif "id" in message:
            self._send({"id": message["id"], "result": None})

    def _tell(self, method: str, parameters: dict[str, Any]) -> None:
        self._send({"method": method, "params": parameters})

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._running.stdin is not None
        self._running.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._running.stdin.flush()

    def _read(self) -> dict[str, Any]:
        """The next message; a server that is gone fails the test, and one that is silent is ended by the test's limit."""
        assert self._running.stdout is not None
        length = 0
        while (line := self._running.stdout.readline().strip()) or not length:
            assert line, "the YAML language server has ended"
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        message: dict[str, Any] = json.loads(self._running.stdout.read(length))
        return message


def _plain(words: Any) -> str:
    """Words as text, whether they are marked up or not."""
    return str(words["value"] if isinstance(words, dict) else words or "")
