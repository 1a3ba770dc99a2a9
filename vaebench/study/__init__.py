"""A study: its keys, its cells and trials, their sources, and whether they are current.

No import here loads torch: every job of a cluster plans the study again.
"""
