"""The contracts of components as checks that any test suite can call.

from vaebench.contracts import check_metric, check_model, check_strategy

def test_mine() -> None:
    check_strategy(lambda: MyStrategy(gamma=0.1))
    check_model(MyModel, hidden=8, latents=3)
    check_metric(MyMetric, k=10)

The plan of a study calls them for every class that is not the package's own, before the first job.
"""

from vaebench.contracts.baseline import check_baseline
from vaebench.contracts.broken import ContractBroken
from vaebench.contracts.dataset import check_dataset
from vaebench.contracts.metric import check_metric
from vaebench.contracts.model import check_model
from vaebench.contracts.strategy import check_strategy
from vaebench.contracts.update_order import check_update_order

__all__ = [
    "ContractBroken",
    "check_baseline",
    "check_dataset",
    "check_metric",
    "check_model",
    "check_strategy",
    "check_update_order",
]
