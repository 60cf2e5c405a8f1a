"""Prints what this package needs beside torch, and what the checks do, a requirement a line: `needed.py pyproject.toml`."""

import sys
import tomllib
from pathlib import Path

project = tomllib.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["project"]
wanted = [*project["dependencies"], *project["optional-dependencies"]["matrix"], "pytest>=8.2"]
print("\n".join(line for line in wanted if not line.startswith("torch")))
