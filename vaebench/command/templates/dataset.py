"""A data set of interactions: say here what it is and whose."""

from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from vaebench.datasets import Interactions
from vaebench.datasets.protocol import Protocol, Ratings
from vaebench.seeds import numpy_stream

Count = Annotated[int, Field(ge=1)]


class Mine(Interactions):
    """Users who take every tenth item at random; read your own file here.

    One that needs a file says so in `raw_files`, and `read` gets its path: docs/extending.md.
    """

    licence = "drawn at random: anybody's"
    unit = ""

    def __init__(
        self,
        *,
        users: Count = 300,
        items: Count = 120,
        split: Protocol = Protocol(validation_users=50, test_users=50),  # noqa: B008 (frozen)
    ) -> None:
        self.users, self.items, self.split = users, items, split

    def read(self, raw: Path) -> Ratings:  # noqa: ARG002 (there is no file)
        """The pairs of a user and an item, by their numbers."""
        taken = numpy_stream("Mine").random((self.users, self.items)) < 0.1  # noqa: PLR2004
        users, items = np.nonzero(taken)
        return Ratings(users, items, np.arange(self.users), np.arange(self.items))
