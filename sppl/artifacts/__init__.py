"""The store of artifacts: their names, places and provenance. Nothing else knows how they lie on disk."""
