"""From one file of ratings to β: what is in it, what studies say of such data, a few trials.

The order is that of the command: :mod:`~vaebench.advice.columns` guesses what the columns are,
:mod:`~vaebench.advice.reading` streams the file, :mod:`~vaebench.advice.studies` holds what the
published records say, :mod:`~vaebench.advice.prior` what follows from it for data of this shape,
:mod:`~vaebench.advice.trials` trains inside a time budget, :mod:`~vaebench.advice.verdict` makes
sentences of intervals, and :mod:`~vaebench.advice.written` writes the study to go on with.
"""
