"""How weights start: by one option of every model, with the distribution that is said."""

import math
import runpy
import sys
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import scipy.stats
import torch
from torch import Tensor, nn

import vaebench.models
from tests.variants import variants
from vaebench.components import create, options
from vaebench.errors import ConfigError
from vaebench.models import VAE
from vaebench.models.image_mlp import ImageMLP
from vaebench.models.layers import Initial, Items, Output, bare, initialise
from vaebench.models.mult_dae import MultDAE
from vaebench.models.mult_vae import MultVAE
from vaebench.models.rec_vae import RecVAE
from vaebench.seeds import torch_stream

ROOT = Path(__file__).parents[2]
UNIFORM, NORMAL = scipy.stats.uniform(-1, 2).cdf, scipy.stats.norm.cdf
STARTS: tuple[Initial, ...] = get_args(Initial)


def made(model: VAE, *names: object) -> VAE:
    model.initialise(torch_stream("initial", *names))
    return model


def fans(layer: nn.Module) -> tuple[int, int]:
    """Inputs and outputs of one unit, by hand; transposed layers of torch count backwards."""
    match layer:
        case Items() | Output():
            inputs, outputs = layer.weight.shape
            return inputs, outputs
        case nn.Linear():
            return layer.in_features, layer.out_features
        case nn.Conv2d():
            return 9 * layer.in_channels, 9 * layer.out_channels
        case nn.ConvTranspose2d():
            return 9 * layer.out_channels, 9 * layer.in_channels
    raise AssertionError(layer)


def weighted(model: VAE) -> list[nn.Module]:
    kinds = (Items, Output, nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
    return [layer for layer in model.modules() if isinstance(layer, kinds)]


def fits(values: Tensor, cdf: object) -> bool:
    """Kolmogorov and Smirnov do not object at 1 in 100,000."""
    return bool(scipy.stats.kstest(values.detach().flatten().numpy(), cdf).pvalue > 1e-5)


@pytest.mark.parametrize("how", STARTS)
@pytest.mark.parametrize("model_class", variants(vaebench.models, VAE), ids=lambda c: c.__name__)
def test_every_layer_of_every_model_starts_as_is_said(model_class: type[VAE], how: Initial) -> None:
    model = made(model_class(144, initial=how), how)  # type: ignore[call-arg]
    for layer in weighted(model):
        inputs, outputs = fans(layer)
        weight, bias = layer.weight, layer.bias
        if how == "glorot":
            assert fits(weight / math.sqrt(6 / (inputs + outputs)), UNIFORM)
            assert bias.abs().max() <= 0.002  # type: ignore[operator, union-attr]
            assert fits(bias / 0.001, scipy.stats.truncnorm(-2, 2).cdf)  # type: ignore[operator]
        elif how == "torch":
            assert fits(weight * math.sqrt(inputs), UNIFORM)  # type: ignore[operator]
            assert fits(bias * math.sqrt(inputs), UNIFORM)  # type: ignore[operator]
        else:
            assert fits(weight / math.sqrt(2 / inputs), NORMAL)  # type: ignore[operator]
            assert (bias == 0).all()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("layer", "sizes"),
    [(nn.Linear, (30, 50)), (nn.Conv2d, (6, 9, 3)), (nn.ConvTranspose2d, (6, 9, 3))],
)
def test_torch_is_what_torchs_layers_do_themselves(
    layer: type[nn.Module], sizes: tuple[int, ...]
) -> None:
    """Weights and biases of torch's own layers and of ours come from one distribution."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        theirs = nn.ModuleList(layer(*sizes) for _ in range(40))
    ours = nn.ModuleList(bare(layer, *sizes) for _ in range(40))
    initialise(ours, "torch", torch_stream("torch"))
    for name in ("weight", "bias"):
        one, two = (
            torch.cat([getattr(made, name).detach().flatten() for made in both])
            for both in (ours, theirs)
        )
        assert scipy.stats.ks_2samp(one, two).pvalue > 1e-5
        assert one.abs().max().item() == pytest.approx(two.abs().max().item(), rel=0.02)


@pytest.mark.parametrize("how", STARTS)
def test_normalisations_and_variances_start_at_values_of_their_own(how: Initial) -> None:
    model = made(create("vaebench.models", MODEL | {"initial": how}, 15))
    normal = [m for m in model.modules() if isinstance(m, nn.BatchNorm1d)]
    assert len(normal) == 2
    assert all((m.weight == 1).all() and (m.bias == 0).all() for m in normal)
    assert model.decode(torch.zeros(2, 3)).log_variance.exp().item() == pytest.approx(0.25)  # type: ignore[attr-defined]


MODEL = {
    "class": "image_mlp.ImageMLP",
    "hidden": [8],
    "latents": 3,
    "batch_norm": True,
    "likelihood": {"family": "gaussian", "variance": "shared", "value": 0.25},
}


def test_a_layer_with_no_inputs_starts_at_zero_or_near_it() -> None:
    """A bare parameter of a user's model is set too, so that a seed names all weights."""

    class Scaled(ImageMLP):
        def __init__(self, features: int, *, initial: Initial) -> None:
            super().__init__(features, initial=initial)
            self.scale = nn.Parameter(torch.full((3,), torch.nan))

    for how in STARTS:
        assert made(Scaled(4, initial=how)).scale.abs().max() <= 0.002  # type: ignore[operator]


def test_defaults_are_those_of_the_publications() -> None:
    found = {c.__name__: options(c, {})["initial"] for c in variants(vaebench.models, VAE)}
    assert found.pop("RecVAE") == "torch"
    assert set(found.values()) == {"glorot"}


def test_another_start_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"initial: 'xavier' is not allowed; .*'glorot'"):
        create("vaebench.models", {"class": "mult_vae.MultVAE", "initial": "xavier"}, 4)


def test_the_option_of_the_benchmark_changes_the_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One epoch on a few pictures: three starts, three networks; the same start, the same one."""
    random = np.random.default_rng(0)
    for part, count in (("train", 200), ("valid", 20), ("test", 20)):
        rows = (random.random((count, 784)) < 0.2).astype(int)
        text = "".join(" ".join(map(str, row)) + "\n" for row in rows)
        (tmp_path / f"binarized_mnist_{part}.amat").write_text(text)
    weights = {}
    for name, how in (("a", "torch"), ("b", "glorot"), ("c", "he"), ("d", "torch")):
        given = ["--epochs", "1", "--initial", how, "--test-images", "5"]
        monkeypatch.setattr(sys, "argv", ["", str(tmp_path), str(tmp_path / name), *given])
        runpy.run_path(str(ROOT / "benchmarks/binarized_mnist.py"), run_name="__main__")
        with np.load(tmp_path / name / "weights.npz") as found:
            weights[name] = found["encoder.0.weight"]
    spread = {name: value.std() for name, value in weights.items()}
    assert np.array_equal(weights["a"], weights["d"])
    # one epoch of two updates moves a weight by .0002 at most
    assert spread["a"] == pytest.approx(1 / math.sqrt(3 * 784), rel=0.05)
    assert spread["b"] == pytest.approx(math.sqrt(2 / 1_184), rel=0.05)
    assert spread["c"] == pytest.approx(math.sqrt(2 / 784), rel=0.05)


def literal_glorot(shapes: dict[str, tuple[int, ...]], noise: torch.Generator) -> dict[str, Tensor]:
    """The published start, parameter after parameter in the order of definition."""
    found = {}
    for name, shape in shapes.items():
        found[name] = torch.empty(shape)
        if len(shape) > 1:
            nn.init.xavier_uniform_(found[name], generator=noise)
        else:
            nn.init.trunc_normal_(found[name], std=0.001, a=-0.002, b=0.002, generator=noise)
    return found


def literal_uniform(
    shapes: dict[str, tuple[int, ...]], noise: torch.Generator
) -> dict[str, Tensor]:
    """±1/√inputs, the inputs of a pair of weight and bias beside its shape."""
    found = {}
    for name, (inputs, *shape) in shapes.items():
        bound = inputs**-0.5
        found[name] = nn.init.uniform_(torch.empty(shape), -bound, bound, generator=noise)
    return found


def test_the_weights_of_a_seed_are_these_to_the_bit() -> None:
    """Names, shapes and order of drawing; a change would make every finished cell another one."""
    mult_vae = {
        "encoder.input.weight": (10, 6),
        "encoder.input.bias": (6,),
        "encoder.hidden.0.weight": (8, 6),
        "encoder.hidden.0.bias": (8,),
        "decoder.0.0.weight": (6, 4),
        "decoder.0.0.bias": (6,),
        "decoder.2.weight": (6, 10),
        "decoder.2.bias": (10,),
    }
    mult_dae = {
        "encoder.weight": (10, 4),
        "encoder.bias": (4,),
        "decoder.weight": (4, 10),
        "decoder.bias": (10,),
    }
    image_mlp = {
        "encoder.0.weight": (6, 10),
        "encoder.0.bias": (6,),
        "encoder.2.weight": (8, 6),
        "encoder.2.bias": (8,),
        "decoder.0.weight": (6, 4),
        "decoder.0.bias": (6,),
        "decoder.2.weight": (10, 6),
        "decoder.2.bias": (10,),
    }
    rec_vae = {
        f"{encoder}.{layer}.{kind}": (inputs, *(shape if kind == "weight" else shape[-1:]))
        for encoder in ("encoder", "old_encoder")
        for layer, inputs, shape in (
            ("items", 10, (10, 6)),
            ("dense.0", 6, (6, 6)),
            ("heads", 6, (8, 6)),
        )
        for kind in ("weight", "bias")
    }
    rec_vae["encoder.heads.bias"] = rec_vae["old_encoder.heads.bias"] = (6, 8)
    decoder = {"decoder.weight": (4, 4, 10), "decoder.bias": (4, 10)}
    old = {name: rec_vae.pop(name) for name in list(rec_vae) if name.startswith("old")}
    for model, literal, shapes in (
        (MultVAE(10, hidden=6, latents=4), literal_glorot, mult_vae),
        (MultDAE(10, latents=4), literal_glorot, mult_dae),
        (ImageMLP(10, hidden=[6], latents=4), literal_glorot, image_mlp),
        (RecVAE(10, hidden=6, latents=4, layers=2), literal_uniform, rec_vae | decoder | old),
    ):
        found = {name: p for name, p in made(model).named_parameters() if "norms" not in name}
        expected = literal(shapes, torch_stream("initial"))  # type: ignore[arg-type]
        assert list(found) == list(expected)
        assert all(torch.equal(found[name], expected[name]) for name in found)
