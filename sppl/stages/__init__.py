"""One function per stage: read artifacts, call the core, write artifacts."""
