"""Selection metrics: one file each, pure functions from token statistics to a strategy's value."""
