"""What one rollout uses at any traffic, and a thousand of them in one account, simulated."""
