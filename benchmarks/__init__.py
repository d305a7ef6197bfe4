"""Measurements, each with the command that repeats it. Never shipped to Lambda."""
