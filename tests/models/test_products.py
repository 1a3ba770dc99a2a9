import pytest
import torch

from vaebench.models import products
from vaebench.models.layers import Linear, Output
from vaebench.models.products import LARGE, affine, product
from vaebench.seeds import torch_stream


def drawn(*shape: int, name: str = "a") -> torch.Tensor:
    return torch.empty(*shape).normal_(generator=torch_stream(name))


LAYOUTS = {
    "rows": lambda m: m,
    "columns": lambda m: m.t().contiguous().t(),
    "gaps": lambda m: m.repeat_interleave(2, 1)[:, ::2],
}


@pytest.mark.parametrize("left", LAYOUTS)
@pytest.mark.parametrize("right", LAYOUTS)
@pytest.mark.parametrize("biased", [False, True])
def test_a_product_is_that_of_float64_in_any_layout(left: str, right: str, *, biased: bool) -> None:
    one, other, bias = drawn(7, 50), drawn(50, 33, name="b"), drawn(33, name="c")
    bias_ = bias if biased else None
    found = product(LAYOUTS[left](one), LAYOUTS[right](other), bias_)
    expected = one.double() @ other.double() + (bias.double() if biased else 0)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=1e-5)


def test_float32_products_are_not_narrowed() -> None:
    """As near to float64 as torch.mm is; products of bfloat16 or tf32 are 1,000 times further."""
    one, other = drawn(64, 600), drawn(600, 300, name="b")
    exact = one.double() @ other.double()
    ours, theirs = ((found - exact).norm() for found in (product(one, other), one @ other))
    assert ours < 2 * theirs


def test_without_onednn_torch_multiplies(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other, bias = drawn(7, 50), drawn(50, 33, name="b"), drawn(33, name="c")
    monkeypatch.setattr(products, "ONEDNN", False)
    assert torch.equal(product(one, other), torch.mm(one, other))
    assert torch.equal(product(one, other, bias), torch.addmm(bias, one, other))


def test_products_of_nothing() -> None:
    assert product(torch.empty(0, 5), drawn(5, 3)).shape == (0, 3)
    assert torch.equal(product(torch.empty(2, 0), torch.empty(0, 3)), torch.zeros(2, 3))


def gradients(
    h: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, **options: bool
) -> list[torch.Tensor]:
    """The result, and ∂/∂h, ∂/∂W, ∂/∂b of a weighted sum of it."""
    variables = [t.detach().clone().requires_grad_() for t in (h, weight, bias)]
    found = affine(*variables, **options)
    found.backward(drawn(*found.shape, name="weights").to(found.dtype))
    return [found.detach(), *(t.grad for t in variables)]


def exact(h: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> list[torch.Tensor]:
    """The same by hand in float64."""
    h, weight, bias = h.double(), weight.double(), bias.double()
    found = h @ weight + bias
    grad = drawn(*found.shape, name="weights").double()
    return [found, grad @ weight.t(), h.t() @ grad, grad.sum(0)]


@pytest.mark.parametrize(("narrow", "error"), [(False, 1e-6), (True, 2**-7)])
@pytest.mark.parametrize("items", [40, LARGE // 64 + 1])
def test_gradients_are_those_of_float64(*, narrow: bool, error: float, items: int) -> None:
    h, weight, bias = drawn(9, 64), drawn(64, items, name="b"), drawn(items, name="c")
    found = gradients(h, weight, bias, narrow=narrow)
    assert found[0].dtype == (torch.bfloat16 if narrow else torch.float32)
    assert {grad.dtype for grad in found[1:]} == {torch.float32}
    for one, other in zip(found, exact(h, weight, bias), strict=True):
        assert (one - other).norm() < error * other.norm()


def test_the_gradient_of_a_weight_lies_as_the_weight_does() -> None:
    """So that the optimiser reads both in one order and nothing is copied."""
    for layer in (Output(300, 400), Linear(300, 400)):
        torch.nn.init.normal_(layer.weight, generator=torch_stream("w"))
        torch.nn.init.zeros_(layer.bias)
        layer(drawn(5, 300)).sum().backward()
        assert layer.weight.grad.stride() == layer.weight.stride()


def test_a_large_linear_layer_is_torchs() -> None:
    ours = Linear(300, 400)
    theirs = torch.nn.Linear(300, 400)
    theirs.load_state_dict(ours.state_dict())
    h = drawn(6, 300)
    assert ours.weight.numel() >= LARGE
    torch.testing.assert_close(ours(h), theirs(h))
    torch.testing.assert_close(ours(h.view(2, 3, 300)), theirs(h).view(2, 3, 400))
    ours(h).square().sum().backward()
    theirs(h).square().sum().backward()
    torch.testing.assert_close(ours.weight.grad, theirs.weight.grad)


def test_what_needs_no_gradient_gets_none() -> None:
    h, weight, bias = drawn(5, 300), drawn(300, 400, name="b"), drawn(400)
    affine(h.requires_grad_(), weight, bias).sum().backward()
    assert h.grad is not None
    assert weight.grad is None
    affine(h.detach(), weight.requires_grad_(), bias).sum().backward()
    assert weight.grad is not None


def test_two_runs_are_the_same_to_the_bit() -> None:
    h, weight, bias = drawn(50, 300), drawn(300, 400, name="b"), drawn(400)
    once, again = (gradients(h, weight, bias) for _ in range(2))
    assert all(torch.equal(one, other) for one, other in zip(once, again, strict=True))
