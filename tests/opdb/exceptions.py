"""What of the database no recipe covers, and why; each reason is exact, and an entry that becomes covered comes off."""

from __future__ import annotations

UNWRITTEN = frozenset(
    {"empty", "empty_like", "empty_permuted", "empty_strided", "new_empty", "new_empty_strided", "resize_", "resize_as_"}
)
"""Ops that give memory which nobody has written: only its shape and dtype can be compared."""

WAVERING = {
    "linalg.lstsq": "driver gelsy begins from pivots that nobody has written, so that torch's own bits change from call to call",
    "linalg.lstsq.grad_oriented": "as linalg.lstsq",
}
"""Entries some of whose samples have no one result in plain torch."""
