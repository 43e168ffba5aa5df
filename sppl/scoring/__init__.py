"""Computes log-probabilities of given responses under a frozen model."""
