"""Benchmarks: their definition, and answer rules, run by lm-evaluation-harness in this process."""
