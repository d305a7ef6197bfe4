"""The fault matrix: every state of the playbook, struck by every fault, and what was left behind.

`cases` says what strikes where; `world` runs the real state machine and handlers on an AWS in
memory (`account`, `services`) with users reading all along; `invariants` judges what is left.
"""
