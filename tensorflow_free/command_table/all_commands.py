"""All commands of `recipe`, in groups, as its help has them. Does not import torch."""

from __future__ import annotations

from typing import Final

from tensorflow_free.command_table.device_rows import MACHINES, MATRIX
from tensorflow_free.command_table.fixture_rows import FIXTURES
from tensorflow_free.command_table.lookup_rows import LOOKUP
from tensorflow_free.command_table.model_rows import CAPTURE, SCRIPT
from tensorflow_free.command_table.saved_rows import BLAME, SAVED
from tensorflow_free.command_table.start_rows import START
from tensorflow_free.command_table.table_rows import Command

COMMAND_GROUPS: Final[dict[str, dict[str, Command]]] = {
    "a new recipe": START,
    "looking up": LOOKUP,
    "what a device supports": MATRIX,
    "what was run": SAVED,
    "from a model": CAPTURE,
    "to a script": SCRIPT,
    "another machine": MACHINES,
    "what went wrong": BLAME,
    "recipes as regression fixtures": FIXTURES,
}

COMMANDS: Final = {name: command for group in COMMAND_GROUPS.values() for name, command in group.items()}
