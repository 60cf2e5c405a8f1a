"""The commands of `recipe` that work with goldens, runs and sweeps; `subcommands` loads each when it is typed."""
