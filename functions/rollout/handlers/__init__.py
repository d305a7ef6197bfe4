"""One file per Lambda: gather, decide, tell."""
