#!/usr/bin/env bash
# What is tried on a machine that has a device, in eight minutes and one table:
#
#   tests/device/check.sh [cuda|npu|…] [--minutes 8] [--only ROW …] [--out FOLDER]
#
# It needs a PyTorch with the device, as `python3` has it (or PYTHON names one), and in WHEELS, if that is set, a folder
# with the wheels of all else; else pip fetches them. tests/device/wheels.sh fills such a folder.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
python=${PYTHON-python3}
made=${VENV-$(mktemp -d)/venv}

"$python" -m venv --system-site-packages "$made"
from=()
[ -n "${WHEELS-}" ] && from=(--no-index --find-links "$WHEELS")
# torch is there, with the device; what is asked for by name is all that this package needs beside it
"$made/bin/python" "$root/tests/device/check/needed.py" "$root/pyproject.toml" > "$made/needed.txt"
"$made/bin/pip" install -q "${from[@]}" -r "$made/needed.txt"
cd "$root"
PATH="$made/bin:$PATH" PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}" exec "$made/bin/python" -m tests.device.check "$@"
