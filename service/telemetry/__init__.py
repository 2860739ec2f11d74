"""What the operator sees: the log and the metrics."""
