"""Where work runs: devices, Lightning's Trainers, progress bars."""
