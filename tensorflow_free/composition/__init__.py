"""From text to a mapping: a recipe file, its `defaults`, case, overrides and references. Only here is YAML read."""
