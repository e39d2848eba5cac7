"""Operators that torch lacks, or has in a slower form."""
