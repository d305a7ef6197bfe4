"""`rollout report`: all that was tried, seen and decided in one rollout, as one file."""
