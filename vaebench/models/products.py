"""h W + b and its gradients, by the quickest float32 products that torch has on a CPU.

``torch.mm`` takes float32 products through MKL, which uses half of the vector units of processors
that are not Intel's; oneDNN, which is also part of torch, uses all of them: 390 against 165 GFLOP/s
on an AMD EPYC of family 26. Both round every multiplication and addition to float32; they sum in
another order. Nothing is compiled and nothing is approximated.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

LARGE = 2**16
"""Weights in a layer, from which on its products are worth a call of Python in forward and
backward; smaller layers are torch's own."""

ONEDNN = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")
"""Whether this torch has oneDNN's products of plain tensors; it is so wherever x86 is."""


def product(left: Tensor, right: Tensor, bias: Tensor | None = None) -> Tensor:
    """A product: left (B, K) times right (K, N), plus bias (N,): (B, N), in their type."""
    if ONEDNN and left.dtype == torch.float32 and left.device.type == "cpu" and left.numel():
        left, right = _plain(left), _plain(right)
        return torch.ops.mkldnn._linear_pointwise(left, right.t(), bias, "none", [], "")  # noqa: SLF001
    return torch.mm(left, right) if bias is None else torch.addmm(bias, left, right)


def _plain(matrix: Tensor) -> Tensor:
    """Row after row or column after column without gaps: oneDNN takes 1000 times as long else."""
    return matrix if matrix.is_contiguous() or matrix.t().is_contiguous() else matrix.contiguous()


class _Affine(torch.autograd.Function):
    """h W + b; the gradient of W comes out of its product in W's own layout.

    Where ``narrow``, the three products are in bfloat16 and everything that is summed over a batch
    or kept is float32.
    """

    @staticmethod
    def forward(ctx: Any, h: Tensor, weight: Tensor, bias: Tensor, narrow: bool) -> Tensor:  # noqa: ANN401, FBT001
        if narrow:
            h, weight, bias = (t.to(torch.bfloat16) for t in (h, weight, bias))
        ctx.save_for_backward(h, weight)
        return product(h, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        h, weight = ctx.saved_tensors
        of_h = of_weight = of_bias = None
        if ctx.needs_input_grad[0]:
            of_h = _kept(product(grad, weight.t()))
        if ctx.needs_input_grad[1]:
            if weight.is_contiguous():
                of_weight = _kept(product(h.t(), grad))
            else:
                of_weight = _kept(product(grad.t(), h)).t()
        if ctx.needs_input_grad[2]:
            of_bias = grad.sum(0, dtype=_wide(grad.dtype))
        return of_h, of_weight, of_bias, None


def _wide(dtype: torch.dtype) -> torch.dtype:
    return torch.promote_types(dtype, torch.float32)


def _kept(gradient: Tensor) -> Tensor:
    return gradient.to(_wide(gradient.dtype))


def affine(h: Tensor, weight: Tensor, bias: Tensor, *, narrow: bool = False) -> Tensor:
    """The sum h W + b, (B, K) → (B, N), for W (K, N) or a transposed view of (N, K).

    Args:
        h: (B, K).
        weight: (K, N).
        bias: (N,).
        narrow: take this product and its two gradients in bfloat16; the result is bfloat16, the
            gradients float32.
    """
    if narrow or weight.numel() >= LARGE:
        return _Affine.apply(h, weight, bias, narrow)
    return torch.addmm(bias, h, weight)
