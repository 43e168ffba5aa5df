"""lm-evaluation-harness in process: one task judges predictions, teachers and trained models."""
