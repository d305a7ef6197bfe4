"""Other people's rules, emulated from their documented behaviour."""
