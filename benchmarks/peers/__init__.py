"""What the service is measured against; each file serves the same bundle in one other way."""
