"""The JSON Schemas of the files that are kept, by the word that asks for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from tensorflow_free.codec.adapters import adapter_of
from tensorflow_free.golden.model import GoldenFile
from tensorflow_free.judging.verdicts import Comparison
from tensorflow_free.result.model import RunFile
from tensorflow_free.support.matrix_file import MatrixFile
from tensorflow_free.sweep.document import SweepDocument
from tensorflow_free.sweep.rows import Row

SCHEMAS: Final[Mapping[str, Callable[[], dict[str, Any]]]] = {
    "result": RunFile.model_json_schema,
    "row": Row.model_json_schema,
    "comparison": lambda: adapter_of(Comparison).json_schema(),
    "sweep": SweepDocument.model_json_schema,
    "golden": GoldenFile.model_json_schema,
    "matrix": MatrixFile.model_json_schema,
}
"""`result.json`, a line of `cells.jsonl`, `comparison.json`, `sweep.json`, `STEM.golden.json`, `matrix.json`."""
