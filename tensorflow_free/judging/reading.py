"""The verdicts that a cell's folder keeps, read back. Does not import torch."""

from __future__ import annotations

import json
from pathlib import Path

from tensorflow_free.errors import StorageError
from tensorflow_free.files.opening import read_file
from tensorflow_free.judging.verdicts import COMPARISON, Comparison
from tensorflow_free.text.characters import in_a_line
from tensorflow_free.text.phrases import cut


def read_comparison(folder: Path) -> Comparison:
    """What `comparison.json` in a cell's folder says.

    Raises:
        StorageError: it is not there, or no comparison.
    """
    path = folder / COMPARISON
    try:
        return Comparison.from_plain(json.loads(read_file(path)))
    except (OSError, ValueError) as error:
        raise StorageError(f"{path}: it is no comparison: {cut(in_a_line(str(error)))}") from error
