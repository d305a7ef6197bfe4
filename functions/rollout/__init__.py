"""Progressive delivery of a read path on AWS serverless."""

__version__ = "0.1.0"
