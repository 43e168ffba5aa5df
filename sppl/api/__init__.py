"""The method from Python, without Hydra and without a store on disk."""
