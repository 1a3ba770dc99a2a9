"""Sparse rows: the interactions of a batch of users, resident on one device."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import scipy.sparse
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import embedding_bag


@dataclass(frozen=True)
class SparseRows:
    """A (B, I) matrix in compressed sparse rows.

    Attributes:
        indices: (nnz,) int64 columns, row after row, ascending in each row.
        offsets: (B + 1,) int64; row b owns ``indices[offsets[b]:offsets[b + 1]]``.
        values: (nnz,) float32.
        columns: I.
    """

    indices: Tensor
    offsets: Tensor
    values: Tensor
    columns: int

    @classmethod
    def from_scipy(
        cls, matrix: scipy.sparse.csr_matrix, device: torch.device | str = "cpu"
    ) -> Self:
        """The rows of a SciPy matrix, each in ascending order of its columns."""
        if not matrix.has_sorted_indices:
            matrix = matrix.sorted_indices()
        return cls(
            torch.from_numpy(matrix.indices.astype(np.int64)).to(device),
            torch.from_numpy(matrix.indptr.astype(np.int64)).to(device),
            torch.from_numpy(matrix.data.astype(np.float32)).to(device),
            matrix.shape[1],
        )

    def __len__(self) -> int:
        """B, the number of rows."""
        return len(self.offsets) - 1

    def __getitem__(self, chosen: Tensor) -> Self:
        """The rows numbered ``chosen`` (int64 on the CPU, any order), gathered on the device.

        The number of entries is summed on the CPU, so that no GPU is waited for.
        """
        entries = int(self._lengths_here[chosen].sum())
        chosen = chosen.to(self.offsets.device, non_blocking=True)
        lengths = self.lengths[chosen]
        offsets = torch.zeros(len(chosen) + 1, dtype=torch.int64, device=lengths.device)
        torch.cumsum(lengths, 0, out=offsets[1:])
        shift = torch.repeat_interleave(
            self.offsets[chosen] - offsets[:-1], lengths, output_size=entries
        )
        source = torch.arange(entries, device=shift.device) + shift
        indices, values = (
            entries.index_select(0, source) for entries in (self.indices, self.values)
        )
        return type(self)(indices, offsets, values, self.columns)

    @cached_property
    def lengths(self) -> Tensor:
        """(B,) stored entries per row."""
        return self.offsets[1:] - self.offsets[:-1]

    @cached_property
    def _lengths_here(self) -> Tensor:
        """The lengths on the CPU."""
        return self.lengths.cpu()

    @cached_property
    def rows(self) -> Tensor:
        """(nnz,) the row of each entry."""
        numbers = torch.arange(len(self), device=self.lengths.device)
        return torch.repeat_interleave(numbers, self.lengths, output_size=len(self.indices))

    @cached_property
    def places(self) -> Tensor:
        """(nnz,) where each entry lies in a (B, I) matrix that is read row after row."""
        return self.rows * self.columns + self.indices

    @cached_property
    def by_column(self) -> tuple[Tensor, Tensor]:
        """Entries in the order of their columns, (nnz,), ascending rows in each; offsets, (I,)."""
        order = torch.argsort(self.indices, stable=True)
        starts = torch.zeros(self.columns + 1, dtype=torch.int64, device=self.indices.device)
        starts.index_add_(0, self.indices + 1, torch.ones_like(self.indices))
        return order, starts.cumsum(0)[:-1]

    def padded(self) -> Self:
        """The same rows with zeros stored at the end, so that batches come in few shapes.

        The number of entries is rounded up by at most an eighth. The zeros are the last row's, in
        column 0, beside whatever it has there.
        """
        entries = len(self.indices)
        step = max(1, 2 ** (entries.bit_length() - 4))
        more = -entries % step
        offsets = self.offsets.clone()
        offsets[-1] += more
        return type(self)(
            torch.nn.functional.pad(self.indices, (0, more)),
            offsets,
            torch.nn.functional.pad(self.values, (0, more)),
            self.columns,
        )

    def row_sums(self, per_entry: Tensor) -> Tensor:
        """(B,) the sum over each row of ``per_entry`` (nnz,), in a fixed order on any device."""
        return torch.segment_reduce(per_entry, "sum", offsets=self.offsets, initial=0)

    def contains(self, columns: Tensor) -> Tensor:
        """(B, K) bool: whether row b has an entry in each of ``columns`` (B, K)."""
        if not len(self.indices):
            return torch.zeros_like(columns, dtype=torch.bool)
        keys = self.places
        starts = torch.arange(len(self), device=keys.device).unsqueeze(1) * self.columns
        wanted = starts + columns
        found = torch.searchsorted(keys, wanted).clamp_max(len(keys) - 1)
        return keys[found] == wanted

    @cached_property
    def counts(self) -> Tensor:
        """(B,) n = |x|, the sum of each row."""
        return self.row_sums(self.values)

    def dense(self) -> Tensor:
        """(B, I) float32."""
        dense = torch.zeros(len(self), self.columns, device=self.values.device)
        return dense.index_put_((self.rows, self.indices), self.values, accumulate=True)


class _WeightedRows(torch.autograd.Function):
    """Sums of rows of W over a user's items; ∂/∂W is the same sum over an item's users.

    As torch's ``embedding_bag``, whose backward on a CPU fills a matrix with zeros and adds to it;
    here every row of it is written once, in the order of users, whatever the number of threads.
    """

    @staticmethod
    def forward(ctx: Any, x: SparseRows, matrix: Tensor, weights: Tensor) -> Tensor:  # noqa: ANN401
        ctx.x = x
        ctx.save_for_backward(weights)
        return _bags(x.indices, matrix, x.offsets[:-1], weights)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor | None, None]:  # noqa: ANN401
        (weights,) = ctx.saved_tensors
        x: SparseRows = ctx.x
        if not ctx.needs_input_grad[1]:
            return None, None, None
        order, starts = x.by_column
        rows, weights = (entries.index_select(0, order) for entries in (x.rows, weights))
        return None, _bags(rows, grad.contiguous(), starts, weights), None


def _bags(rows: Tensor, matrix: Tensor, offsets: Tensor, weights: Tensor) -> Tensor:
    return embedding_bag(rows, matrix, offsets, mode="sum", per_sample_weights=weights)


def weighted_rows(x: SparseRows, matrix: Tensor, weights: Tensor) -> Tensor:
    """Σ_i w_ui W_i over the entries of each row u: (B, H) for W (I, H) and weights (nnz,).

    Differentiable in W alone.
    """
    if x.indices.device.type == "cpu":
        return _WeightedRows.apply(x, matrix, weights)
    return _bags(x.indices, matrix, x.offsets[:-1], weights)


@dataclass(frozen=True)
class Labelled:
    """Pictures with their classes, for a model that looks at them.

    Attributes:
        x: (B, F) pictures, or what gives them by row numbers.
        y: (B,) int64 classes 0 … C − 1; −1 where nobody knows.
    """

    x: Tensor
    y: Tensor

    def __len__(self) -> int:
        """B, the number of pictures."""
        return len(self.y)

    def __getitem__(self, chosen: Tensor) -> "Labelled":
        """The pictures numbered ``chosen``, with their classes."""
        return Labelled(self.x[chosen], self.y[chosen])


Batch = SparseRows | Tensor | Labelled
"""Examples x: sparse rows of interactions, dense (B, F) pictures, or pictures with classes."""


def contents(x: Batch) -> SparseRows | Tensor:
    """What p(x|z) describes: a batch without its classes."""
    return x.x if isinstance(x, Labelled) else x


def counts(x: Batch) -> Tensor | None:
    """n_i = |x_i| of interactions, (B,); None for pictures."""
    return x.counts if isinstance(x, SparseRows) else None
