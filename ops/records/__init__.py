"""Everything that is known of one rollout, read back from AWS, as one document.

The report, the console, `watch` and `history` show it; none of them asks AWS by itself.
"""
