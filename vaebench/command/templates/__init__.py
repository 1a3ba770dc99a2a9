"""What ``vaebench new`` writes: a component a file, and its test; ``Mine`` becomes its name."""
