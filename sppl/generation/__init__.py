"""Generates answers of the target and of its fine-tuned copies."""
