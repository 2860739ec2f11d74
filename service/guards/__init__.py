"""What is refused before anybody works on it: strangers, too much at once, too large, too late."""
