"""LightningModules: one thing each, under 120 lines."""
