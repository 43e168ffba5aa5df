"""The hardware that work runs on: devices, Lightning's Trainers, progress bars."""
