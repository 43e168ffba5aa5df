"""From questions and responses to token ids and batches."""
