"""Studies on the paper's records: each function returns the table that its experiment's folder shows."""
