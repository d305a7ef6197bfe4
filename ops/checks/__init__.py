"""Checks of a deployed stack: each looks, then weighs what it saw. Two tables of them:
`preflight` before a launch, `readiness` after a deployment.
"""
