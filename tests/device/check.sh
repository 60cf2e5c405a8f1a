#!/usr/bin/env bash
# What is tried on a machine that has a device, in eight minutes and one table:
#
#   tests/device/check.sh [cuda|npu|…] [--minutes 8] [--only ROW …] [--out FOLDER]
#
# It needs a PyTorch with the device, as `python3` has it (or PYTHON names one), and in WHEELS, if that is set, a folder
# with the wheels of all else (tests/device/wheels.sh fills one); else pip fetches them.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
python=${PYTHON-python3}
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT

"$python" -m venv "$made"
# torch is there, with the device: where it lies is looked through behind what is installed here
"$made/bin/python" - "$("$python" -c 'import os, torch; print(os.path.dirname(os.path.dirname(torch.__file__)))')" <<'PYTHON'
import sys
import sysconfig
from pathlib import Path

Path(sysconfig.get_path("purelib"), "with_torch.pth").write_text(sys.argv[1] + "\n", encoding="utf-8")
PYTHON
from=()
[ -n "${WHEELS-}" ] && from=(--no-index --find-links "$WHEELS")
"$made/bin/python" "$root/tests/device/check/needed.py" "$root/pyproject.toml" > "$made/needed.txt"
"$made/bin/pip" install -q "${from[@]}" -r "$made/needed.txt"
cd "$root"
PATH="$made/bin:$PATH" PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}" "$made/bin/python" -m tests.device.check "$@"
