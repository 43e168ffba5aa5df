"""Everything a stage makes: its name, where it lies, what it was made from. The only place that knows the disk."""
