"""What only Hydra provides: `hydra.*` settings, `--cfg`, `--info`, launchers, sweepers. Plain runs do not need it."""
