"""The web page of a rollout: pictures of its record, live, and what a person may do about it."""
