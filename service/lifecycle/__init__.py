"""What happens to a process that serves: a new version, SIGTERM, a standstill."""
