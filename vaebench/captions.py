"""What figures show, in print.

Nothing that trains imports this: an edited caption makes no result old.
"""

from vaebench.words import METRICS

AT = {"ndcg@": "NDCG@", "recall@": "Recall@"}
"""How the names of metrics of lists begin, and how they are in print."""


def title(metric: str) -> str:
    """A metric's name in print: as every study has it, or at another length of lists."""
    begin, at, k = metric.partition("@")
    return METRICS.get(metric, AT.get(begin + at, begin + at) + k)


FIGURES = {
    "differences": "Difference to the control in each data set's primary metric on the test "
    "examples, with an interval over seeds and examples; those of a panel hold all at once. Blue: "
    "the margin of equivalence.",
    "ranking": "Ranking quality on the test users: mean and interval over seeds and users.",
    "models": "Models and baselines in each data set's primary metric: mean and interval over "
    "seeds and test examples.",
    "elbo": "ELBO at β = 1 on the test examples, whatever β was used in training, of the epoch "
    "that validation selected (the tables say by what): mean and interval over seeds and examples.",
    "activity": "Ranking quality by user activity: difference to the control for each quartile of "
    "the users' interactions, with intervals over seeds and users that hold all at once; more than "
    "eight strategies as numbers, * where Holm's p over all of them is below .05.",
    "ranks": "Mean ranks over unrelated data sets (1 is best), each with half of the critical "
    "difference around: Nemenyi's test tells strategies apart whose bars do not overlap. Blue: "
    "what cannot be told from the best.",
    "profiles": "Performance profiles: share of the runs above a score relative to the control.",
    "curves": "The validation metric that selects the model: median and range over seeds.",
    "beta": "β as used: mean of each epoch, band from the 5 % to the 95 % quantile of its values.",
    "rate_distortion": "Test distortion against test rate, one point a cell; grey: equal ELBO, "
    "in nats.",
}
"""The figures of a study, with their captions."""
