"""The process in which a recipe runs on a device that another has lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from tensorflow_free.workers.serving import Answering, Serving, serve


def main(words: list[str]) -> None:
    """Run the recipe that is asked for, and save its result."""
    serve(words, _running)


def _running(serving: Serving) -> Answering:
    """From where a recipe lies to whether it ran to its end; its result is saved."""
    from tensorflow_free.loading import load_recipe, plan_of  # noqa: PLC0415 - the lifeline must hold before torch
    from tensorflow_free.plan.settings import adopt  # noqa: PLC0415
    from tensorflow_free.relations.judged_run import run_judged  # noqa: PLC0415

    del serving

    def answer(asked: dict[str, Any]) -> str:
        adopt(asked["settings"])
        plan = replace(plan_of(load_recipe(asked["recipe"])), exact=asked["exact"])
        result, _ = run_judged(plan)
        result.save(Path(asked["folder"]))
        return "true" if result.error is None else "false"

    return answer
