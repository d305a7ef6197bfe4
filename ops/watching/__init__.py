"""`rollout watch`: one rollout on a terminal, in plain lines, or in JSON lines, as it goes."""
