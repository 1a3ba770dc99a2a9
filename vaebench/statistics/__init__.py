"""Statistics: frames in, frames out; every test offered here is calibrated by simulation.

The unit of observation is y[strategy, seed, example]. Seeds and examples are both samples, and they
are crossed: every seed's model is tested on the same examples. Who forgets the seeds rejects a true
null in 39-64 % of all studies of usual size; who forgets the examples claims for new users what
holds for the test users alone. So three tests of one difference stand side by side, by what they
take for given:

=========  =====================================================  ===============================
test       the claim is about                                     takes for given
=========  =====================================================  ===============================
crossed    new seeds and new examples                             the training data
seeds      new seeds on these test examples: paired t             the training data, the examples
users      new examples under these trained models: paired t      the training data, the models
=========  =====================================================  ===============================

A verdict needs the first two: its p is the larger of theirs, its interval the wider. The crossed
test is nearly right at 5 %, but with few seeds not in the tail that a correction for many
strategies reads (``familywise``).

The ideas, one a file: ``layout`` (the crossed two-way layout), ``contrasts`` (the three tests),
``equivalence``, ``effect`` (d_z), ``superiority`` (P(A > B)), ``bootstrap``, ``multiplicity``,
``simultaneous`` (joint intervals), ``measures`` (what must be known of a metric), ``family`` (all
strategies of one data set, model and metric), ``study`` (all families of a study), ``activity``
(groups of users), ``diagnostics``, ``across`` (data sets), ``power``, ``variance``,
``calibration``, ``familywise`` and ``aa`` (are the tests what they claim to be?).
"""
