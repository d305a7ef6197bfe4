"""Judges compared on simulated rollouts: who is rolled back, who is missed, at what price."""
