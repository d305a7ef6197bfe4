"""What a person runs. Never shipped to Lambda."""
