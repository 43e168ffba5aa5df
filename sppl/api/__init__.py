"""The method's interface in Python, without Hydra and without a store on disk."""
