#!/usr/bin/env bash
# The wheels that check.sh needs on a machine without a network: tests/device/wheels.sh FOLDER [PYTHON, such as 3.12]
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=${1?the folder to fill} version=${2-3.12}
python3 "$root/tests/device/check/needed.py" "$root/pyproject.toml" > "$folder.txt"
trap 'rm -f "$folder.txt"' EXIT
python3 -m pip download -q --only-binary=:all: --python-version "$version" -d "$folder" -r "$folder.txt"
