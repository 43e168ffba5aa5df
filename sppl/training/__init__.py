"""Fine-tuning: batches, loss, adapters, checkpoints."""
