"""Hydra as an application: `-m`, `--cfg`, `hydra.*` settings, launchers, sweepers. Recipes are composed without it."""
