"""One function per stage: read leaves, call the core, write leaves."""
