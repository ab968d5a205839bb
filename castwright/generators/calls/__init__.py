"""What a model call costs and leaves behind: the journal, the money, the limits, the stop."""
