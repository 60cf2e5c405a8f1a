"""Words and tables for people: a result, a comparison, an op. Measures nothing and decides nothing."""
