"""How a run relates to runs on other tensors, made of its own: one table of kinds, which needs no reference."""
