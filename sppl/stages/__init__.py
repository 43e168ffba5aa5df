"""One file and function per stage: it reads artifacts, calls the core, and writes artifacts."""
