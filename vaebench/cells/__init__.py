"""Cells: what one (data set, model, strategy, seed) of a study is on disk, and how it gets there.

``folder`` knows every path, ``vae`` trains, ``test`` measures what was trained, ``baseline`` fits
what has no β, ``job`` is what the workflow starts, ``reading`` gives a study's cells as frames.
"""
