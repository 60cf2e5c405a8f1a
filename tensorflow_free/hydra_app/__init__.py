"""What only Hydra has: `hydra.*` settings, `--cfg` and `--info`, launchers, sweepers. Recipes need none of it."""
