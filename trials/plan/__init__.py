"""The trials, one to a module, which is named after its id, as `k1_killed_workers`."""
