"""The mode that all of ours are that see ATen's ops in eager runs: it loads no compiler."""

from __future__ import annotations

from torch.utils._python_dispatch import TorchDispatchMode


class EagerMode(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """A `TorchDispatchMode` for runs that are eager.

    What keeps torch's compiler out of a mode imports all of it when the mode sees its first op, SymPy too: more than a
    second of the processor's time, and one microsecond for each op after that. Here there is nothing to keep out.
    """

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False
