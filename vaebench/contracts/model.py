"""The contract of a model as a check."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from vaebench.contracts.broken import (
    broken_facts,
    broken_options,
    differing,
    global_streams_left_alone,
    report,
    same,
)
from vaebench.contracts.examples import some_examples
from vaebench.distributions import DiagonalGaussian, Distribution
from vaebench.models import RATE, VAE
from vaebench.seeds import torch_stream
from vaebench.sparse import Batch, contents
from vaebench.training.estimators import Estimator

ALLOWED = "the noise that is given"
"""Instead of global random numbers."""


def check_model(model_class: type[VAE], features: int = 12, **options: Any) -> None:  # noqa: ANN401
    """Check a model against all that training and evaluation rely on.

    Options are keyword-only and annotated; a seed names all weights; nothing draws from a global
    stream; encode draws from ``noise`` in training mode alone, and each row is encoded by itself in
    evaluation; shapes and float32; log_prob and rate write nothing; a penalty that is not the rate
    has a name; a rate that does not look at z
    is the KL divergence to the prior, so it is ≥ 0; every parameter learns; what training changes
    lies in parameters and buffers.

    Args:
        model_class: the model.
        features: items or pixels to try it with.
        options: of its constructor; small networks are quick to check.

    Raises:
        ContractBroken: the first promise that is not kept.
    """

    def make() -> VAE:
        return model_class(features, **options)

    report(model_class.__name__, _broken_model(model_class, make, features))


def _broken_model(model_class: type[VAE], make: Callable[[], VAE], features: int) -> Iterator[str]:
    yield from broken_options(model_class, ("features",))
    kind = getattr(model_class, "data_kind", None)
    yield from broken_facts(model_class, {"data_kind": ("interactions", "images")})
    order = model_class.update_order
    if not isinstance(order, dict) or not isinstance(order.get("class"), str):
        yield f"update_order is {order!r}; allowed: {{class: file.Class, option: value}}"
    yield from _broken_start(make)
    x = some_examples(kind or "", features, make().classes)
    for training in (True, False):
        model = make()
        model.initialise(torch_stream("weights"))
        with global_streams_left_alone("the model", ALLOWED):
            yield from _broken_coding(model.train(training), x)
    yield from _broken_learning(make, x)


def _broken_start(make: Callable[[], VAE]) -> Iterator[str]:
    models = [make() for _ in range(3)]
    for model, name in zip(models, ("a", "a", "b"), strict=True):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.fill_(torch.nan)
        with global_streams_left_alone("initialise", ALLOWED):
            model.initialise(torch_stream("weights", name))
        torch.rand(3)
    one, two, other = models
    for key, parameter in one.named_parameters():
        if not torch.isfinite(parameter).all():
            yield f"initialise leaves {key!r} as it was; allowed: setting every parameter"
        if parameter.dtype != torch.float32:
            yield f"{key!r} is {parameter.dtype}; allowed: float32"
    if differing(one, two):
        yield f"a seed gives two {differing(one, two)[0]!r}; allowed: weights named by the seed"
    if not differing(one, other):
        yield "two seeds give the same weights; allowed: weights drawn from the noise"


def _broken_coding(model: VAE, x: Batch) -> Iterator[str]:
    where = "in training mode" if model.training else "in evaluation mode"
    shape = (len(x), model.latents)
    noise, again = torch_stream("input"), torch_stream("input")
    q, repeated = model.encode(x, noise), model.encode(x, again)
    for name in ("mean", "log_variance") if isinstance(q, DiagonalGaussian) else ("mean",):
        found = getattr(q, name)
        yield from _misshapen(f"encode's {name}", found, shape)
        if not same(found, getattr(repeated, name)):
            yield f"one noise gives two codes {where}; allowed: a function of x and the noise"
    if not model.training:
        yield from _broken_evaluation(model, x, q, noise)
    z = q.rsample(torch_stream("z"))
    likelihood = model.likelihood_of(z, model.given(x))
    before = copy.deepcopy(model)
    values, rate = likelihood.log_prob(contents(x)), model.rate(x, q, z)
    yield from _misshapen("log_prob", values, (len(x),))
    yield from _misshapen("the rate", rate, shape)
    if not torch.isfinite(values).all():
        yield "log_prob is not finite; allowed: finite numbers"
    if not same(values, likelihood.log_prob(contents(x))) or not same(rate, model.rate(x, q, z)):
        yield f"log_prob or rate, called twice, gives two values {where}; allowed: pure functions"
    for name in differing(before, model):
        yield f"log_prob or rate writes {name!r} {where}; allowed: likelihood.follow writes"
    yield from _broken_parts(model, x)
    yield from _broken_penalty(model, x, q, z)
    yield from _broken_rate(model, x, q, rate)


def _misshapen(name: str, found: Tensor, shape: tuple[int, ...]) -> Iterator[str]:
    if tuple(found.shape) != shape or found.dtype != torch.float32:
        yield f"{name} is {found.dtype} {tuple(found.shape)}; allowed: torch.float32 {shape}"


def _broken_parts(model: VAE, x: Batch) -> Iterator[str]:
    """Layers, cases and critic, of models that have them."""
    if sum(model.layers) != model.latents:
        yield f"layers is {model.layers}, together not {model.latents}; allowed: Z latents"
    cases = model.cases(x)
    if cases is not None:
        yield from _misshapen("the cases' extra term", cases.extra, (len(x),))
        sums = cases.weights.sum(1)
        if cases.weights.numel() != len(cases.x) or ((sums - 1).abs() > 1e-5).any():  # noqa: PLR2004
            yield "the weights of an example's cases are not 1; allowed: (B, C), each row of sum 1"
    if model.adversarial:
        found = model.contest(x, torch_stream("contest"))
        yield from _misshapen("the critic's loss", found, (len(x),))
        if not same(found, model.contest(x, torch_stream("contest"))):
            yield "contest gives two values of one noise; allowed: a function of x and the noise"


def _broken_evaluation(
    model: VAE, x: Batch, q: Distribution, noise: torch.Generator
) -> Iterator[str]:
    fresh = torch_stream("input")
    if not torch.equal(noise.get_state(), fresh.get_state()):
        yield "encode draws in evaluation mode; allowed: no input noise there"
    if not same(q.mean, model.encode(x).mean):
        yield "noise changes the code in evaluation mode; allowed: a function of x"
    alone = model.encode(x[torch.tensor([3])])
    if not torch.allclose(alone.mean, q.mean[3:4], rtol=1e-3, atol=1e-5):
        yield "an example's code depends on the others of its batch; allowed: its own row alone"


def _broken_penalty(model: VAE, x: Batch, q: Distribution, z: Tensor) -> Iterator[str]:
    """What β weighs, and what it does not."""
    own = type(model).penalty is not VAE.penalty
    if own == (model.weighs == RATE):
        yield f"weighs is {model.weighs!r}; allowed: 'rate', or the name of a penalty of its own"
    penalty, extra = model.penalty(x, q, z), model.extra(x, q, z)
    if own and (penalty.dim() != 2 or len(penalty) != len(x) or penalty.dtype != torch.float32):  # noqa: PLR2004
        yield f"the penalty is {penalty.dtype} {tuple(penalty.shape)}; allowed: float32 (B, P)"
    if not torch.isfinite(penalty).all():
        yield "the penalty is not finite; allowed: finite numbers"
    if not same(penalty, model.penalty(x, q, z)):
        yield "the penalty, called twice, gives two values; allowed: a pure function"
    if extra is not None:
        yield from _misshapen("the extra term", extra, (len(x),))


def _broken_rate(model: VAE, x: Batch, q: Distribution, rate: Tensor) -> Iterator[str]:
    if not model.has_rate:
        if (rate != 0).any():
            yield "has_rate is False, but there is a rate; allowed: zeros"
        return
    noise = torch_stream("other z")
    if not same(rate, model.rate(x, q, q.rsample(noise))):
        return  # estimated at z
    if (rate < -1e-5).any():  # noqa: PLR2004 (rounding)
        yield f"a rate is {rate.min().item():g}; allowed: ≥ 0, as a divergence is"
    if not model.has_bound:
        return
    with torch.no_grad():
        z = q.sample(noise, 2_000)
        ratios = (q.log_prob(z) - model.prior_of(model.given(x)).log_prob(z)).double()
    error = ratios.std(0) / len(z) ** 0.5
    if ((ratios.mean(0) - rate).abs() > 6 * error + 1e-4).any():
        yield "the rate is not KL(q ‖ prior); allowed: that, or has_bound = False"


def _broken_learning(make: Callable[[], VAE], x: Batch) -> Iterator[str]:
    """Three updates, then a copy by way of the saved state, which must go on alike."""
    model, restored = make(), make()
    model.initialise(torch_stream("weights"))
    restored.initialise(torch_stream("other weights"))
    for step in range(3):
        _update(model, x, step)
    for name, parameter in model.named_parameters():
        gradient = parameter.grad
        if parameter.requires_grad and (gradient is None or not gradient.any()):
            yield f"{name!r} does not learn; allowed: a gradient, or requires_grad False"
    model.remember()
    restored.load_state_dict(model.state_dict())
    for step in range(3, 5):
        one, two = _update(model, x, step), _update(restored, x, step)
        if not same(one, two) or differing(model, restored):
            yield "saving and loading changes training; allowed: state in parameters and buffers"
            return
    model.eval()
    restored.eval()
    if not same(model.encode(x).mean, restored.encode(x).mean):
        yield "saving and loading changes the code; allowed: state in parameters and buffers"


def _update(model: VAE, x: Batch, step: int) -> Tensor:
    """One small step downhill on D + P and the extra term; the loss of each example, (B,)."""
    model.train()
    model.zero_grad()
    noise = torch_stream("update", step)
    estimator = Estimator()
    loss = estimator.loss(estimator.draw(model, x, noise), torch.ones(()))
    loss = loss + model.contest(x, noise) if model.adversarial else loss
    loss.mean().backward()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.grad is not None:
                parameter.sub_(0.01 * parameter.grad)
    return loss.detach()
