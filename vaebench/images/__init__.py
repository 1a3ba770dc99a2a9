"""What a study may do with VAEs of pictures beyond their bound.

``options`` is the configuration, ``measure`` the metrics of a cell, ``figures`` and ``tables`` are
for people; ``pixels`` and ``binarize`` say what a picture is.
"""
