#!/usr/bin/env bash
# The wheels that check.sh needs on a machine without a network: tests/device/wheels.sh FOLDER [PYTHON, such as 3.12]
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=${1?the folder to fill} version=${2-3.12}
mkdir -p "$folder"
needed=$(mktemp)
trap 'rm -f "$needed"' EXIT
python3 "$root/tests/device/check/needed.py" "$root/pyproject.toml" > "$needed"
# Hydra's grammar needs this one, of which there is only the source; what is built of it fits any Python
python3 -m pip wheel -q --no-deps -w "$folder" 'antlr4-python3-runtime==4.9.*'
python3 -m pip download -q --only-binary=:all: --python-version "$version" --find-links "$folder" -d "$folder" -r "$needed"
ls "$folder"
