"""What a new recording of a case would change in its golden, value by value, and the golden with what was accepted.

What is accepted is written as it was recorded now: the value, its noise in each dtype and its mark. What is not keeps
its old numbers, so that it fails until the code gives the old number again, or it is accepted, too.

A golden whose recipe is unchanged is recorded again from the starting tensors that it holds, as a check is run: another
torch, or another CPU, may draw other ones. Where the recipe changed, its own new starting tensors are used, and they
are written as soon as any value is accepted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from tensorflow_free.errors import RecipeError, StorageError
from tensorflow_free.golden.cases import StoredCase, StoredValue, encoded
from tensorflow_free.golden.changes import Change, Changes
from tensorflow_free.golden.digest import digest_of
from tensorflow_free.golden.given_cases import GivenCase, NotRecorded, eager_cell, given_again, starts_kept
from tensorflow_free.golden.model import EXACT_DTYPE, GoldenCase, GoldenFile
from tensorflow_free.golden.orphans import device_of
from tensorflow_free.golden.places import NewerGoldenError, find_case, golden_paths
from tensorflow_free.golden.reading import read_case
from tensorflow_free.golden.recording import CaseRecording
from tensorflow_free.golden.verification import Verification
from tensorflow_free.golden.writing import remove_case, write_golden
from tensorflow_free.loading import load_recipe
from tensorflow_free.outcome.outcomes import Outcome

Whole = Literal["missing", "unused", "broken", "stale"]
"""What a whole case is asked for: there is no golden; the recipe has no such case; the golden cannot be read; the
recipe changed, and no value did."""

TERMS: Final = "(dtypes and expectations)"
"""The name under which it is accepted in which dtypes the recipe runs, and what it expects holds."""


@dataclass(frozen=True)
class CaseReview:
    """A case of a recipe, and what there is to decide about its golden.

    Attributes:
        recipe: the recipe file, as it was given.
        case: the case's name; '' for the bare file.
        device: the device that the golden is for; None for the default golden.
        failures: the verdicts on its cells that fail.
        whole: what is asked of the case as a whole; its values are not asked for, then.
        changes: the values that changed.
        starts: the starting tensors that changed with the recipe.
        terms: in which dtypes the recipe does not run, or something expected does not hold, and did, or now does.
        is_stale: whether the recipe changed.
        reason: why there is nothing that could be accepted; or why the golden cannot be read.
        old: what the golden holds.
        new: what a fresh recording gives.
    """

    recipe: str
    case: str
    device: str | None = None
    failures: tuple[Verification, ...] = ()
    whole: Whole | None = None
    changes: tuple[Change, ...] = ()
    starts: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    is_stale: bool = False
    reason: str = ""
    old: StoredCase | None = None
    new: StoredCase | None = None

    @property
    def golden(self) -> Path:
        """The golden's json."""
        return golden_paths(self.recipe, self.device).json

    @property
    def real(self) -> tuple[Change, ...]:
        """The changes that a check somewhere would not let pass."""
        return tuple(one for one in self.changes if not one.is_within)

    @property
    def within(self) -> tuple[Change, ...]:
        """The changes within the noise."""
        return tuple(one for one in self.changes if one.is_within)

    @property
    def is_of_the_cell(self) -> bool:
        """Whether what fails is a cell, while the golden is what a fresh recording gives."""
        off = any(one.outcome == Outcome.MISMATCH for one in self.failures)
        return off and self.new is not None and not (self.is_stale or self.whole or self.real or self.terms)

    @property
    def is_refresh(self) -> bool:
        """Whether nothing fails, and all that moved stayed within the noise."""
        return not (self.failures or self.whole or self.is_stale or self.real or self.terms)

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to decide and nothing to tell."""
        return not (self.failures or self.whole or self.changes or self.terms or self.reason)


# finding what changed


def reviews_of(verifications: Sequence[Verification]) -> Iterator[CaseReview]:
    """What there is to decide about each case that was checked, each golden of it by itself."""
    groups: dict[tuple[str, str, Path | None], list[Verification]] = {}
    for one in verifications:
        groups.setdefault((one.recipe, one.case, one.golden), []).append(one)
    for (recipe, case, golden), ones in groups.items():
        review = _Reviewing(recipe, case, golden, ones).review()
        if not review.is_idle:
            yield review


class _Reviewing:
    """A case being recorded anew."""

    def __init__(self, recipe: str, case: str, golden: Path | None, ones: Sequence[Verification]) -> None:
        device = None if golden is None else device_of(golden, Path(recipe))
        self._path, self._case, self._device = recipe, case, device
        failures = tuple(one for one in ones if not one.is_well)
        self._review = CaseReview(recipe, case, device, failures)

    def review(self) -> CaseReview:
        failures = self._review.failures
        if any(one.outcome == Outcome.UNUSED for one in failures):
            return self._is(whole="unused", reason=failures[0].reason)
        try:
            golden = find_case(self._path, self._case, self._device)
            old = None if golden is None else read_case(golden, self._case)
        except NewerGoldenError as error:
            return self._is(reason=str(error))
        except StorageError as error:
            return self._recorded("broken", str(error))
        if golden is None or old is None:
            return self._recorded("missing")
        return self._changed(golden, old)

    def _recorded(self, whole: Whole, reason: str = "") -> CaseReview:
        """A case of which there is no golden to be read."""
        try:
            return self._is(whole=whole, reason=reason, new=self._recording(None).case())
        except NotRecorded as error:
            return self._is(reason="\n".join(part for part in (reason, str(error)) if part))

    @property
    def _on(self) -> str:
        return self._device or "cpu"

    def _changed(self, golden: GoldenFile, old: StoredCase) -> CaseReview:
        try:
            stale = digest_of(self._path, self._case) != old.digest
            given = starts_kept(self._path, self._case, self._device) if stale else given_again(old)
            new = self._recording(given).case()
            exact = load_recipe(self._path, eager_cell(self._case, self._on, EXACT_DTYPE))
        except (NotRecorded, RecipeError) as error:
            return self._is(reason=f"it cannot be recorded again: {error}", old=old)
        model, _ = encoded(new)
        changes = tuple(Changes(old, new, golden.cases[self._case], model, exact))
        starts = tuple(_other_starts(golden.cases[self._case], model))
        terms = tuple(_terms(old, new))
        whole: Whole | None = "stale" if stale and not (changes or terms) else None
        return self._is(whole=whole, changes=changes, starts=starts, terms=terms, is_stale=stale, old=old, new=new)

    def _recording(self, given: GivenCase | None) -> CaseRecording:
        return CaseRecording(self._path, self._case, self._on, given)

    def _is(self, **found: Any) -> CaseReview:
        return replace(self._review, **found)


def _other_starts(old: GoldenCase, new: GoldenCase) -> Iterator[str]:
    were, are = ({one.name: one for one in model.starts} for model in (old, new))
    yield from (name for name in dict.fromkeys((*were, *are)) if were.get(name) != are.get(name))


def _terms(old: StoredCase, new: StoredCase) -> Iterator[str]:
    for dtype, reason in new.unsupported.items():
        if dtype not in old.unsupported:
            yield f"{dtype}: it ran, and does not now: {reason}"
    yield from (f"{dtype}: it did not run, and does now" for dtype in old.unsupported if dtype not in new.unsupported)
    for dtype in dict.fromkeys((*old.unmet, *new.unmet)):
        were, are = (tuple(one.unmet.get(dtype, ())) for one in (old, new))
        yield from (f"{dtype}: {path} held, and does not now" for path in are if path not in were)
        yield from (f"{dtype}: {path} did not hold, and does now" for path in were if path not in are)


# writing what was accepted


def write_accepted(review: CaseReview, accepted: Collection[str], *, all_decided: bool = True) -> Path | None:
    """Put the accepted values of a case into its golden, beside the old ones of those that are not.

    Args:
        review: what there was to decide.
        accepted: the names of the values, and `TERMS`; a case that was asked for as a whole needs none.
        all_decided: whether every change was accepted or rejected. Where some are left for later, a golden whose recipe
            changed stays stale, so that they are asked for again.

    Returns:
        The golden's json; None where nothing was written.

    Raises:
        StorageError: the golden cannot be written.
    """
    if review.whole == "unused":
        return _removed(review)
    if review.new is None:
        return None
    if review.whole is not None:
        return write_golden(review.recipe, review.case, review.new, review.device)
    names = {one.name for one in review.changes if one.name in accepted}
    if review.old is None or not (names or TERMS in accepted):
        return None
    terms = review.new if TERMS in accepted else review.old
    merged = replace(
        review.new,
        digest=review.new.digest if all_decided else review.old.digest,
        values=list(_merged(review, names)),
        unsupported=terms.unsupported,
        unmet=terms.unmet,
    )
    return write_golden(review.recipe, review.case, merged, review.device)


def _merged(review: CaseReview, accepted: Collection[str]) -> Iterator[StoredValue]:
    """The values with those that were accepted as they are now, and the other ones that changed as they were."""
    kept = {one.name: one.old for one in review.changes if one.name not in accepted}
    for value in () if review.new is None else review.new.values:
        found = kept.pop(value.name, value) if value.name in kept else value
        if found is not None:
            yield found
    yield from (old for old in kept.values() if old is not None)


def _removed(review: CaseReview) -> Path | None:
    """Take away what nothing uses: a case, or both files where the recipe itself is gone."""
    if Path(review.recipe).exists():
        return remove_case(review.recipe, review.case, review.device)
    for path in golden_paths(review.recipe, review.device):
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(f"{path}: the golden cannot be removed: {error.strerror or error}") from error
    return review.golden
