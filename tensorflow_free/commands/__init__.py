"""The commands of `recipe` that work with goldens, runs and sweeps; `subcommands` imports each when it is typed."""
