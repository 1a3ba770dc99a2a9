"""The contracts of strategies, models and baselines as checks that any test suite can call.

from vaebench.contracts import check_baseline, check_model, check_strategy

def test_mine() -> None:
    check_strategy(lambda: MyStrategy(gamma=0.1))
    check_model(MyModel, hidden=8, latents=3)
    check_baseline(MyBaseline, factors=4)
"""

import copy
import inspect
import pickle
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import Tensor

from vaebench.baselines import Baseline, Density, Recommender
from vaebench.components import options_model, validated
from vaebench.distributions import DiagonalGaussian
from vaebench.errors import ConfigError
from vaebench.models import VAE
from vaebench.seeds import torch_stream
from vaebench.sparse import Batch, SparseRows
from vaebench.strategies import Stats, Strategy

BATCH, LATENTS, TOTAL = 5, 4, 100
STEPS = (0, 1, 50, 99)


class ContractBroken(AssertionError):
    """A component does not keep what its contract promises; the message says what and where."""


def some_stats(step: int, *, scale: float = 1.0) -> Stats:
    """Statistics of an update as training gives them; ``scale`` multiplies the rate."""
    noise = torch.Generator().manual_seed(step)
    return Stats(
        torch.tensor(step),
        TOTAL,
        torch.rand(BATCH, generator=noise) * 50,
        torch.rand(BATCH, LATENTS, generator=noise) * scale,
        torch.arange(1.0, BATCH + 1),
    )


def check_strategy(make: Callable[[], Strategy]) -> None:
    """Check a strategy against all that training relies on.

    Options are keyword-only and annotated; β is finite at any rate, broadcasts to (B, Z), keeps
    float32 and carries no gradient; ``forward`` is pure; the weights of examples are ≥ 0 and
    finite; state is written in place and survives saving bit for bit; ``update`` and ``observe``
    take what they are given.

    Args:
        make: makes the strategy anew, always with the same options.

    Raises:
        ContractBroken: the first promise that is not kept.
    """
    name = type(make()).__name__
    for message in _broken(make):
        raise ContractBroken(f"{name}: {message}")


def _broken(make: Callable[[], Strategy]) -> Iterator[str]:
    strategy = make()
    yield from _broken_options(type(strategy))
    for step in STEPS:
        for scale in (0.0, 1.0, 1e30):
            yield from _broken_beta(strategy, some_stats(step, scale=scale), f"at step {step}")
    yield from _broken_state(make)


def _broken_options(component: type, given: tuple[str, ...] = ()) -> Iterator[str]:
    """``given``: the arguments that come from the data, not from a config."""
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(component).parameters.values()
    if tuple(p.name for p in parameters if p.kind in positional) != given:
        allowed = f"__init__({', '.join(('self', *given))}, *, option: type = default)"
        yield f"an option is not keyword-only; allowed: {allowed}"
    try:
        options_model(component)
    except KeyError as missing:
        yield f"option {missing} has no annotation; allowed: a type that checks it"


def _broken_beta(strategy: Strategy, stats: Stats, where: str) -> Iterator[str]:
    before = copy.deepcopy(strategy.state_dict())
    given = copy.deepcopy(stats)
    beta, again = strategy(stats), strategy(stats)
    weights = strategy.example_weights(stats)
    if not torch.equal(beta, again):
        yield f"two calls of forward give two β {where}; allowed: a pure function"
    if any(not torch.equal(before[key], now) for key, now in strategy.state_dict().items()):
        yield f"forward writes a buffer {where}; allowed: update and observe write"
    if not (
        torch.equal(stats.rate, given.rate) and torch.equal(stats.distortion, given.distortion)
    ):
        yield f"forward writes into its statistics {where}; allowed: reading"
    if not torch.isfinite(beta).all():
        yield f"β is not finite {where}, rates up to {stats.rate.max():g}; allowed: finite numbers"
    try:
        fits = torch.broadcast_shapes(beta.shape, stats.rate.shape) == stats.rate.shape
    except RuntimeError:
        fits = False
    if not fits:
        yield f"β has shape {tuple(beta.shape)}; allowed: (), (B, 1), (Z,) or (B, Z)"
    elif (beta * stats.rate).dtype != stats.rate.dtype:
        yield f"β is {beta.dtype} and widens the loss; allowed: the rate's type, or shape ()"
    if beta.requires_grad:
        yield "β carries a gradient; allowed: a weight that training takes as given"
    if weights.shape not in {(), (BATCH,)} or not (torch.isfinite(weights) & (weights >= 0)).all():
        yield f"example_weights {weights.tolist()}; allowed: finite numbers ≥ 0, shape () or (B,)"


def _broken_state(make: Callable[[], Strategy]) -> Iterator[str]:
    strategy, restored = make(), make()
    places = {name: buffer.data_ptr() for name, buffer in strategy.named_buffers()}
    for step in range(BATCH):
        strategy.update(some_stats(step))
        strategy.observe(0.5 - 0.1 * step)
    for name, buffer in strategy.named_buffers():
        if buffer.data_ptr() != places[name]:
            yield f"buffer {name!r} is replaced; allowed: writing in place (copy_, fill_, add_)"
    restored.load_state_dict(strategy.state_dict())
    for step in range(BATCH, 2 * BATCH):
        stats = some_stats(step)
        if not torch.equal(strategy(stats), restored(stats)):
            yield "saving and loading changes β; allowed: state in registered buffers alone"
            return
        for one in (strategy, restored):
            one.update(stats)
            one.observe(0.1)
    for key, now in strategy.state_dict().items():
        if not torch.equal(now, restored.state_dict()[key]):
            yield f"buffer {key!r} goes another way after loading; allowed: state in buffers alone"


def _global_numbers() -> tuple[object, ...]:
    """Where the global random streams stand, which nothing of ours may move or look at."""
    numpys = pickle.dumps(np.random.get_state())  # noqa: NPY002 (to see that nobody draws from it)
    return torch.get_rng_state().numpy().tobytes(), numpys, random.getstate()


def _equal(one: Tensor, two: Tensor) -> bool:
    """Bit for bit; what is NaN in both is equal."""
    return one.shape == two.shape and bool(((one == two) | (one.isnan() & two.isnan())).all())


def _differing(one: torch.nn.Module, two: torch.nn.Module) -> list[str]:
    """The names of parameters and buffers that differ."""
    theirs = two.state_dict()
    return [name for name, value in one.state_dict().items() if not _equal(value, theirs[name])]


def check_model(model_class: type[VAE], features: int = 12, **options: Any) -> None:  # noqa: ANN401
    """Check a model against all that training and evaluation rely on.

    Options are keyword-only and annotated; a seed names all weights; nothing draws from a global
    stream; encode draws from ``noise`` in training mode alone, and each row is encoded by itself in
    evaluation; shapes and float32; log_prob and rate write nothing; a rate that does not look at z
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

    for message in _broken_model(model_class, make, features):
        raise ContractBroken(f"{model_class.__name__}: {message}")


def some_examples(kind: str, features: int) -> Batch:
    """Seven users or binary pictures."""
    noise = torch_stream("examples")
    pictures = (torch.rand(BATCH + 2, features, generator=noise) < 0.5).float()  # noqa: PLR2004
    if kind == "images":
        return pictures
    return SparseRows.from_scipy(csr_matrix(pictures.numpy()))


def _broken_model(model_class: type[VAE], make: Callable[[], VAE], features: int) -> Iterator[str]:
    yield from _broken_options(model_class, ("features",))
    kind = getattr(model_class, "data_kind", None)
    if kind not in {"interactions", "images"}:
        yield f"data_kind is {kind!r}; allowed: interactions, images"
    yield from _broken_start(make)
    x = some_examples(kind or "", features)
    for training in (True, False):
        model = make()
        model.initialise(torch_stream("weights"))
        before = _global_numbers()
        yield from _broken_coding(model.train(training), x)
        if _global_numbers() != before:
            yield "a global random stream is drawn from; allowed: the noise that is given"
    yield from _broken_learning(make, x)


def _broken_start(make: Callable[[], VAE]) -> Iterator[str]:
    models = [make() for _ in range(3)]
    for model, name in zip(models, ("a", "a", "b"), strict=True):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.fill_(torch.nan)
        before = _global_numbers()
        model.initialise(torch_stream("weights", name))
        if _global_numbers() != before:
            yield "initialise draws from a global stream; allowed: the noise that is given"
        torch.rand(3)
    one, two, other = models
    for key, parameter in one.named_parameters():
        if not torch.isfinite(parameter).all():
            yield f"initialise leaves {key!r} as it was; allowed: setting every parameter"
        if parameter.dtype != torch.float32:
            yield f"{key!r} is {parameter.dtype}; allowed: float32"
    if _differing(one, two):
        yield f"a seed gives two {_differing(one, two)[0]!r}; allowed: weights named by the seed"
    if not _differing(one, other):
        yield "two seeds give the same weights; allowed: weights drawn from the noise"


def _broken_coding(model: VAE, x: Batch) -> Iterator[str]:
    where = "in training mode" if model.training else "in evaluation mode"
    shape = (len(x), model.latents)
    noise, again = torch_stream("input"), torch_stream("input")
    q, repeated = model.encode(x, noise), model.encode(x, again)
    for name in ("mean", "log_variance"):
        found = getattr(q, name)
        yield from _misshapen(f"encode's {name}", found, shape)
        if not _equal(found, getattr(repeated, name)):
            yield f"one noise gives two codes {where}; allowed: a function of x and the noise"
    if not model.training:
        yield from _broken_evaluation(model, x, q, noise)
    z = q.rsample(torch_stream("z"))
    likelihood = model.decode(z)
    before = copy.deepcopy(model)
    values, rate = likelihood.log_prob(x), model.rate(x, q, z)
    yield from _misshapen("log_prob", values, (len(x),))
    yield from _misshapen("the rate", rate, shape)
    if not torch.isfinite(values).all():
        yield "log_prob is not finite; allowed: finite numbers"
    if not _equal(values, likelihood.log_prob(x)) or not _equal(rate, model.rate(x, q, z)):
        yield f"log_prob or rate, called twice, gives two values {where}; allowed: pure functions"
    for name in _differing(before, model):
        yield f"log_prob or rate writes {name!r} {where}; allowed: likelihood.follow writes"
    yield from _broken_rate(model, x, q, rate)


def _misshapen(name: str, found: Tensor, shape: tuple[int, ...]) -> Iterator[str]:
    if tuple(found.shape) != shape or found.dtype != torch.float32:
        yield f"{name} is {found.dtype} {tuple(found.shape)}; allowed: torch.float32 {shape}"


def _broken_evaluation(
    model: VAE, x: Batch, q: DiagonalGaussian, noise: torch.Generator
) -> Iterator[str]:
    fresh = torch_stream("input")
    if not torch.equal(noise.get_state(), fresh.get_state()):
        yield "encode draws in evaluation mode; allowed: no input noise there"
    if not _equal(q.mean, model.encode(x).mean):
        yield "noise changes the code in evaluation mode; allowed: a function of x"
    alone = model.encode(x[torch.tensor([3])])
    if not torch.allclose(alone.mean, q.mean[3:4], rtol=1e-3, atol=1e-5):
        yield "an example's code depends on the others of its batch; allowed: its own row alone"


def _broken_rate(model: VAE, x: Batch, q: DiagonalGaussian, rate: Tensor) -> Iterator[str]:
    if not model.has_rate:
        if (rate != 0).any():
            yield "has_rate is False, but there is a rate; allowed: zeros"
        return
    noise = torch_stream("other z")
    if not _equal(rate, model.rate(x, q, q.rsample(noise))):
        return  # estimated at z
    if (rate < -1e-5).any():  # noqa: PLR2004 (rounding)
        yield f"a rate is {rate.min().item():g}; allowed: ≥ 0, as a divergence is"
    if not model.has_bound:
        return
    with torch.no_grad():
        z = q.sample(noise, 2_000)
        ratios = (q.log_prob(z) - model.prior().log_prob(z)).double()
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
        if not _equal(one, two) or _differing(model, restored):
            yield "saving and loading changes training; allowed: state in parameters and buffers"
            return
    model.eval()
    restored.eval()
    if not _equal(model.encode(x).mean, restored.encode(x).mean):
        yield "saving and loading changes the code; allowed: state in parameters and buffers"


def _update(model: VAE, x: Batch, step: int) -> Tensor:
    """One small step downhill on D + R; the loss of each example, (B,)."""
    model.train()
    model.zero_grad()
    noise = torch_stream("update", step)
    q = model.encode(x, noise)
    z = q.rsample(noise)
    likelihood = model.decode(z)
    loss = model.rate(x, q, z).sum(1) - likelihood.log_prob(x)
    likelihood.follow(x)
    loss.mean().backward()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.grad is not None:
                parameter.sub_(0.01 * parameter.grad)
    return loss.detach()


def check_baseline(baseline_class: type[Baseline], **options: Any) -> None:  # noqa: ANN401
    """Check a baseline against all that its cell relies on.

    Options are keyword-only and annotated, and the search space lies within them; what it is fitted
    to and scores from is not written to; shapes and types; each row is scored by itself; a fit
    forgets the one before, draws from its generator alone, and draws exactly if it says so.

    Args:
        baseline_class: the baseline.
        options: of its constructor, fit for 40 rows of 12 columns.

    Raises:
        ContractBroken: the first promise that is not kept.
    """
    for message in _broken_baseline(baseline_class, lambda: baseline_class(**options)):
        raise ContractBroken(f"{baseline_class.__name__}: {message}")


Rows = Any
"""Sparse users or dense pictures."""


def _broken_baseline(baseline_class: type[Baseline], make: Callable[[], Baseline]) -> Iterator[str]:
    yield from _broken_options(baseline_class)
    for name, spread in baseline_class.search_space.items():
        for share in (0.0, 0.5, 1.0):
            try:
                validated(baseline_class, {name: spread.at(share)})
            except ConfigError as error:
                yield f"search_space: {error}"
    if not issubclass(baseline_class, Recommender | Density):
        yield "it is neither a Recommender nor a Density; allowed: one of them"
    before = _global_numbers()
    yield from _broken_fits(baseline_class, make)
    if _global_numbers() != before:
        yield "a global random stream is drawn from; allowed: the generator that is given"


def _broken_fits(baseline_class: type[Baseline], make: Callable[[], Baseline]) -> Iterator[str]:
    x, other = (_some_rows(baseline_class, seed) for seed in (0, 1))
    given = copy.deepcopy(x)
    fits = []
    for seed in (0, 0, 1):
        baseline = make()
        _fit(baseline, x, seed)
        yield from _broken_result(baseline, x)
        fits.append(_found(baseline, x))
        if abs(x - given).max() > 0:
            yield "it writes to what it is fitted to or scores from; allowed: reading"
    refitted = make()
    _fit(refitted, other, 0)
    _fit(refitted, x, 0)
    if not np.array_equal(fits[0], fits[1]):
        yield "one generator gives two fits; allowed: drawing from the generator alone"
    if not np.array_equal(fits[0], _found(refitted, x)):
        yield "a fit depends on the fit before; allowed: what is fitted to and the generator"
    if np.array_equal(fits[0], fits[2]) != baseline_class.deterministic:
        word = "differ" if baseline_class.deterministic else "agree"
        said = f"deterministic is {baseline_class.deterministic}"
        yield f"{said}, but two seeds {word}; allowed: saying what is so"


def _some_rows(baseline_class: type[Baseline], seed: int) -> Rows:
    """Forty users or pictures of twelve columns."""
    numbers = np.random.default_rng(seed).random((40, 12))
    if issubclass(baseline_class, Recommender):
        return csr_matrix((numbers < 0.4).astype(np.float32))  # noqa: PLR2004
    pixels = numbers.astype(np.float32)
    return pixels if getattr(baseline_class, "pictures", None) == "grey" else pixels.round()


def _fit(baseline: Baseline, x: Rows, seed: int) -> None:
    if isinstance(baseline, Recommender | Density):
        baseline.fit(x, np.random.default_rng(seed))


def _found(baseline: Baseline, x: Rows) -> np.ndarray:
    """Scores, or bounds one below the other: a row an example."""
    if isinstance(baseline, Recommender):
        return baseline.scores(csr_matrix(x))
    assert isinstance(baseline, Density)  # noqa: S101 (there are two families)
    return np.stack(list(baseline.bounds(np.asarray(x)).values()), 1)


def _broken_result(baseline: Baseline, x: Rows) -> Iterator[str]:
    some, count = x[:5], baseline.parameters()
    if not isinstance(count, int | np.integer) or count <= 0:
        yield f"parameters() is {count!r}; allowed: how many numbers were fitted, > 0"
    if isinstance(baseline, Recommender):
        scores = baseline.scores(csr_matrix(some))
        if scores.shape != some.shape or scores.dtype != np.float32:
            yield f"scores are {scores.dtype} {scores.shape}; allowed: float32 {some.shape}"
    elif isinstance(baseline, Density):
        yield from _broken_bounds(baseline.bounds(np.asarray(some)), len(some))
    found = _found(baseline, some)
    if not np.isfinite(found).all():
        yield "a result is not finite; allowed: finite numbers"
    if not np.allclose(found[3:4], _found(baseline, x[3:4]), rtol=1e-4, atol=1e-6):
        yield "a row's result depends on the others of its batch; allowed: its own row alone"


def _broken_bounds(bounds: dict[str, np.ndarray], count: int) -> Iterator[str]:
    if list(bounds) != ["elbo", "distortion", "rate"]:
        yield f"bounds are {', '.join(bounds)}; allowed: elbo, distortion, rate"
    for name, values in bounds.items():
        if values.shape != (count,) or values.dtype != np.float64:
            yield f"{name} is {values.dtype} {values.shape}; allowed: float64 ({count},)"
    if not np.allclose(bounds["elbo"], -(bounds["distortion"] + bounds["rate"])):
        yield "elbo is not −(distortion + rate); allowed: that"
    if (bounds["rate"] < -1e-9).any():  # noqa: PLR2004 (rounding)
        yield f"a rate is {bounds['rate'].min():g}; allowed: ≥ 0"
