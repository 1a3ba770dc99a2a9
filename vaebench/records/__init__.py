"""The record of a study: its results as a small folder of data, to publish and to compute with.

- ``schema``: the files of a record, their columns and versions; reading and writing.
- ``write``: a study's folder → a record.
- ``check``: does a record agree with itself?
- ``compared``: records → the tables of the results, without training.
- ``page``: tables → a page for people.
"""
