"""The contracts of components as checks that any test suite can call.

from vaebench.contracts import check_baseline, check_model, check_strategy

def test_mine() -> None:
    check_strategy(lambda: MyStrategy(gamma=0.1))
    check_model(MyModel, hidden=8, latents=3)
    check_baseline(MyBaseline, factors=4)
"""

from vaebench.contracts.baseline import check_baseline
from vaebench.contracts.broken import ContractBroken
from vaebench.contracts.model import check_model
from vaebench.contracts.strategy import check_strategy

__all__ = ["ContractBroken", "check_baseline", "check_model", "check_strategy"]
