"""A place for results."""
