"""Tables in files, without the service: by this process, or in pieces on a Ray cluster."""
