"""This machine: devices and locks, memory, versions, and processes that start warm."""
