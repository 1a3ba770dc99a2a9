"""The models of pictures: sizes, shapes, normalisation, and every likelihood."""

from typing import Any

import pytest
import torch
from torch import nn

from vaebench.components import create
from vaebench.errors import ConfigError
from vaebench.likelihoods import Bernoulli, Gaussian, OptimalGaussian
from vaebench.models import VAE
from vaebench.models.image_conv import ImageConv
from vaebench.models.image_mlp import BatchNorm, ImageMLP
from vaebench.models.pixels import Pixels
from vaebench.seeds import torch_stream

KINDS = {
    "bernoulli": Pixels(),
    "fixed": Pixels(family="gaussian", variance="fixed", value=0.25),
    "shared": Pixels(family="gaussian", variance="shared", value=0.25, floor=0.01),
    "per_pixel": Pixels(family="gaussian", variance="per_pixel", floor=0.01),
    "optimal": Pixels(family="gaussian", mean="identity", floor=0.01),
}


def pictures(count: int = 9, features: int = 15) -> torch.Tensor:
    return (torch.rand(count, features, generator=torch_stream("pictures")) < 0.5).float()


def made(model: VAE) -> VAE:
    model.initialise(torch_stream("weights"))
    return model


def test_the_published_sizes() -> None:
    """Parameters of 784-400-20-400-784, counted by hand."""
    model = ImageMLP(784, hidden=[400], latents=20)
    count = 784 * 400 + 400 + 400 * 40 + 40 + 20 * 400 + 400 + 400 * 784 + 784
    assert sum(parameter.numel() for parameter in model.parameters()) == count
    two = ImageMLP(784, hidden=[400, 300], latents=5)
    widths = [m.out_features for m in two.modules() if isinstance(m, nn.Linear)]
    assert widths == [400, 300, 10, 300, 400, 784]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("model_class", [ImageMLP, ImageConv])
def test_every_likelihood_has_a_mean_and_every_parameter_learns(
    model_class: type[VAE], kind: str
) -> None:
    model, x = made(model_class(15, likelihood=KINDS[kind])), pictures()  # type: ignore[call-arg]
    likelihood = model.decode(model.encode(x).rsample(torch_stream("z")))
    expected = {"bernoulli": Bernoulli, "optimal": OptimalGaussian}.get(kind, Gaussian)
    assert isinstance(likelihood, expected)
    assert likelihood.mean.shape == (9, 15)
    loss = -likelihood.log_prob(x).sum() + model.encode(x).rate(model.prior()).sum()
    loss.backward()
    assert all(parameter.grad.abs().max() > 0 for parameter in model.parameters())
    if isinstance(likelihood, Gaussian):
        floor = KINDS[kind].floor
        assert torch.exp(likelihood.log_variance).min() > floor
    if kind in {"fixed", "shared"}:
        torch.testing.assert_close(likelihood.log_variance.exp(), torch.tensor(0.25))


@pytest.mark.parametrize(("height", "width"), [(8, 8), (28, 28), (28, 20), (7, 5), (1, 3)])
def test_convolutions_give_back_the_shape(height: int, width: int) -> None:
    model = made(ImageConv(height * width, height=height, channels=3, latents=4))
    x = pictures(2, height * width)
    assert model.decode(model.encode(x).mean).logits.shape == x.shape


def test_convolution_sees_neighbours_in_both_directions() -> None:
    """A change of one pixel moves the features of its corner alone, in rows and in columns."""
    model = made(ImageConv(28 * 20, height=28, channels=3, latents=4))
    x = torch.zeros(1, 28, 20)
    changed = x.clone()
    changed[0, 27, 19] = 1
    first = [model.encoder[:2](p.view(1, 1, 28, 20)) for p in (x, changed)]
    where = torch.nonzero((first[0] != first[1]).any(1)[0])
    assert where.tolist() == [[13, 9]]
    with torch.no_grad():
        flat = model.encode(changed.view(1, -1)).mean
        wrong = ImageConv(28 * 20, height=20, channels=3, latents=4)
        wrong.load_state_dict(model.state_dict())
        assert not torch.equal(flat, wrong.encode(changed.view(1, -1)).mean)


def test_a_height_that_does_not_fit_is_said_before_training() -> None:
    model = create("vaebench.models", {"class": "image_conv.ImageConv", "height": 28}, 64)
    with pytest.raises(ConfigError, match=r"model.height: 28 is not allowed; .* divide the 64"):
        model.initialise(torch_stream("weights"))


def test_normalisation_starts_as_none_and_takes_one_picture() -> None:
    model = ImageMLP(15, hidden=[8], latents=3, batch_norm=True)
    for module in model.modules():
        if isinstance(module, BatchNorm):
            module.running_mean.fill_(5)  # type: ignore[union-attr]
    made(model)
    normal = [module for module in model.modules() if isinstance(module, BatchNorm)]
    assert len(normal) == 2
    assert all((m.running_mean == 0).all() and (m.weight == 1).all() for m in normal)  # type: ignore[union-attr]
    x = pictures()
    hidden = model.encoder[1](model.encoder[0](x))
    torch.testing.assert_close(hidden.mean(0), torch.zeros(8), atol=1e-6, rtol=0)
    kept = normal[0].running_mean.clone()  # type: ignore[union-attr]
    assert torch.isfinite(model.encode(x[:1]).mean).all()
    assert torch.equal(kept, normal[0].running_mean)
    model.eval()
    torch.testing.assert_close(model.encode(x[:1]).mean, model.encode(x).mean[:1])


@pytest.mark.parametrize(
    ("likelihood", "words"),
    [
        ({"family": "laplace"}, ["family", "laplace", "'gaussian'"]),
        ({"family": "gaussian", "floor": 0}, ["floor", "0", "greater than 0"]),
        ({"variances": "fixed"}, ["likelihood.variances", "unknown key", "floor, mean, "]),
        (
            {"family": "gaussian", "variance": "shared", "value": 1e-4},
            ["value 0.0001", "above the floor 0.001"],
        ),
    ],
)
def test_wrong_options(likelihood: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(ConfigError) as found:
        create("vaebench.models", {"class": "image_mlp.ImageMLP", "likelihood": likelihood}, 4)
    for word in words:
        assert word in str(found.value)
