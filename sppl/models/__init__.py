"""The target model and what stands beside it: loading, LoRA."""
