"""What the command's exit codes mean."""

__all__ = ["FAILED", "INTERRUPTED", "MODEL_REFUSED", "NOTHING_MATCHED"]

FAILED = 1  # some files, or the whole command; 2 is click's, for wrong usage
MODEL_REFUSED = 3
NOTHING_MATCHED = 4
INTERRUPTED = 130
