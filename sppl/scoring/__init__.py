"""Log-probabilities of given responses under a frozen model: planned, run and kept."""
