"""Tuning: the same number of trials for everybody, judged on validation, before the final cells.

``budget`` is the configuration, ``trials`` the design and the cells of a trial, ``choose`` the
judgement, ``choice`` what a final cell reads of it; ``report`` and ``plots`` are for people.
"""
