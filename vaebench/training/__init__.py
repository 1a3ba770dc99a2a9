"""Training: the loop, and what it is made of; nothing here knows a study or a file of a cell."""
