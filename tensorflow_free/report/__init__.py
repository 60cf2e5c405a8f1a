"""Pages: a result, a comparison, an op. Measures nothing and decides nothing."""
