"""Two results held against each other: measured, judged by stated rules, and located. Data, not words."""

from tensorflow_free.comparison.comparing import Judging, compare_results
from tensorflow_free.comparison.measures import Errors, Measure, measure
from tensorflow_free.comparison.rules import Noise
from tensorflow_free.comparison.verdicts import Comparison, ValueVerdict, Where

__all__ = ["Comparison", "Errors", "Judging", "Measure", "Noise", "ValueVerdict", "Where", "compare_results", "measure"]
