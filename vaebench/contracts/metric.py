"""The contract of a metric as a check."""

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
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
from vaebench.metrics import (
    Bound,
    Catalogue,
    Likelihood,
    Lists,
    Metric,
    Ranking,
    Representation,
    Values,
)
from vaebench.models import VAE
from vaebench.models.image_mlp import ImageMLP
from vaebench.models.mult_vae import MultVAE
from vaebench.seeds import torch_stream

USERS = 9
TARGETS = (0, 1, 2, 3, 5, 7, 0, 1, 150)
"""Held-out items of each user: none, few, and more than a list is long."""

FEATURES = 12
FAMILIES = (Ranking, Catalogue, Bound, Likelihood, Representation)
ALLOWED = "a function of what is given"


def check_metric(metric_class: type[Metric], **options: Any) -> None:  # noqa: ANN401
    """Check a metric against all that the test of a cell relies on.

    - Options are keyword-only and annotated; it is of one family, which says ``per`` and for the
      two of lists ``data_kind``; ``better`` and ``unit`` have values that tables know.
    - It is pure: the same twice and from another object, nothing given is written to, and no global
      random stream is drawn from.
    - One value an example: (U,) float64; of lists NaN where, and only where, a user has no targets;
      finite elsewhere; no example's value depends on another's or on the order of them.
    - One value a cell: a finite float that does not depend on the order of users.
    - Items below rank ``k`` change nothing, lists may be shorter than ``k``, and a list with all
      hits at its top is no worse than another one, nor another one worse than a list without hits.
    - A value of representations is finite for collapsed codes and for a single latent, too.
    - A metric of the bound is None where the model lacks what it needs, and a metric of the model
      draws from ``noise`` alone and leaves the weights as they are.

    Args:
        metric_class: the metric.
        options: of its constructor.

    Raises:
        ContractBroken: the first promise that is not kept.
    """
    report(metric_class.__name__, _broken(metric_class, lambda: metric_class(**options)))


def _broken(metric_class: type[Metric], make: Callable[[], Metric]) -> Iterator[str]:
    yield from broken_options(metric_class)
    families = [family for family in FAMILIES if issubclass(metric_class, family)]
    if len(families) != 1:
        names = ", ".join(family.__name__ for family in FAMILIES)
        yield f"it is of {len(families)} families; allowed: one of {names}"
    of_lists = families[0] in (Ranking, Catalogue)
    facts: dict[str, tuple[object, ...]] = {
        "per": ("cell",) if families[0] in (Catalogue, Representation) else ("example",),
        "better": ("higher", "lower", None),
        "unit": ("", "nats"),
        "data_kind": ("interactions",) if of_lists else ("interactions", "images", None),
    }
    yield from broken_facts(metric_class, facts)
    with global_streams_left_alone("the metric", ALLOWED):
        metric = make()
        if isinstance(metric, Ranking):
            yield from _broken_ranking(metric, make)
        elif isinstance(metric, Catalogue):
            yield from _broken_catalogue(metric, make)
        elif isinstance(metric, Bound):
            yield from _broken_bound(metric, make)
        elif isinstance(metric, Likelihood):
            yield from _broken_likelihood(metric, make)
        elif isinstance(metric, Representation):
            yield from _broken_representation(metric, make)


def some_lists(items: int, depth: int) -> tuple[Lists, Tensor]:
    """Lists of nine users over ``items`` items, and the popularity of these.

    Two users have no targets, the last has more than most lists are long, and one has few items
    left to rank.
    """
    noise = torch_stream("lists", items, depth)
    scores = torch.rand(USERS, items, generator=noise)
    targets = torch.tensor(TARGETS).clamp(max=items)
    held_out = torch.zeros(USERS, items, dtype=torch.bool)
    for user, count in enumerate(targets.tolist()):
        held_out[user, torch.randperm(items, generator=noise)[:count]] = True
    best = torch.topk(scores, min(depth, items)).indices
    ranked = torch.ones(best.shape, dtype=torch.bool)
    ranked[1, 3:] = False
    hits = (held_out.gather(1, best) & ranked).double()
    return Lists(best, hits, ranked, targets), torch.randint(1, 50, (items,), generator=noise)


def _chosen(lists: Lists, users: Tensor) -> Lists:
    return Lists(*(column[users] for column in vars(lists).values()))


def _cut(lists: Lists, depth: int) -> Lists:
    first = {name: getattr(lists, name)[:, :depth] for name in ("items", "hits", "ranked")}
    return replace(lists, **first)


def _several_lists(k: int) -> Iterator[tuple[Lists, Tensor]]:
    """Longer than ``k``, as long as all items, and shorter than ``k``."""
    yield some_lists(2 * k + 20, k + 10)
    yield some_lists(k + 1, k + 1)
    yield some_lists(max(4, k // 2), k)


def _broken_k(metric: Ranking | Catalogue) -> Iterator[str]:
    k = getattr(metric, "k", None)
    if not isinstance(k, int) or k < 1:
        yield f"k is {k!r}; allowed: an integer ≥ 1, the length of the lists it looks at"


def _broken_ranking(metric: Ranking, make: Callable[[], Metric]) -> Iterator[str]:
    yield from _broken_k(metric)
    other = make()
    assert isinstance(other, Ranking)  # noqa: S101 (of the same class)
    for lists, _ in _several_lists(metric.k):
        given = copy.deepcopy(lists)
        values = metric.values(lists)
        if not same(vars(lists), vars(given)):
            yield "it writes to the lists; allowed: reading"
        yield from _broken_column(values, len(lists.targets))
        untargeted = lists.targets == 0
        if not values[untargeted].isnan().all():
            yield "a user without targets has a value; allowed: NaN"
        if not torch.isfinite(values[~untargeted]).all():
            yield "a user with targets has no finite value; allowed: a number"
        if not same(values, metric.values(lists)) or not same(values, other.values(lists)):
            yield f"it gives two values for the same lists; allowed: {ALLOWED}"
        yield from _broken_rows(values, partial(_of_some, metric, lists))
        if not _close(values, metric.values(_cut(lists, metric.k))):
            yield f"items below rank k = {metric.k} change a value; allowed: looking at the best k"
        yield from _broken_ends(metric, lists, values)


def _of_some(metric: Ranking, lists: Lists, users: Tensor) -> Tensor:
    return metric.values(_chosen(lists, users))


def _broken_ends(metric: Ranking, lists: Lists, values: Tensor) -> Iterator[str]:
    if metric.better is None:
        return
    places = torch.arange(lists.hits.shape[1])
    top = (places[None, :] < lists.targets[:, None]) & lists.ranked
    perfect = metric.values(replace(lists, hits=top.double()))
    hopeless = metric.values(replace(lists, hits=torch.zeros_like(lists.hits)))
    sign = 1 if metric.better == "higher" else -1
    for name, gap in (
        ("a list with every hit at its top is worse than another", sign * (perfect - values)),
        ("a list without a hit is better than another", sign * (values - hopeless)),
    ):
        if (gap < -1e-12).any():  # noqa: PLR2004 (rounding)
            yield f"{name}; allowed: values by which {metric.better} is better"


def _broken_catalogue(metric: Catalogue, make: Callable[[], Metric]) -> Iterator[str]:
    yield from _broken_k(metric)
    other = make()
    assert isinstance(other, Catalogue)  # noqa: S101 (of the same class)
    for lists, popularity in _several_lists(metric.k):
        given = copy.deepcopy((vars(lists), popularity))
        value = metric.value(lists, popularity)
        if not same((vars(lists), popularity), given):
            yield "it writes to what it is given; allowed: reading"
        if type(value) is not float or not math.isfinite(value):
            yield f"its value is {value!r}; allowed: a finite float"
        if {metric.value(lists, popularity), other.value(lists, popularity)} != {value}:
            yield f"it gives two values for the same lists; allowed: {ALLOWED}"
        turned = metric.value(_chosen(lists, torch.arange(USERS).flip(0)), popularity)
        if not math.isclose(turned, value, rel_tol=1e-9, abs_tol=1e-12):
            yield "its value depends on the order of users; allowed: one value for all orders"
        cut = metric.value(_cut(lists, metric.k), popularity)
        if not math.isclose(cut, value, rel_tol=1e-9, abs_tol=1e-12):
            yield f"items below rank k = {metric.k} change it; allowed: looking at the best k"


def some_bound() -> Values:
    """Distortion, rate and ELBO of nine examples, nats."""
    noise = torch_stream("bound")
    distortion, rate = (
        scale * torch.rand(USERS, generator=noise, dtype=torch.float64) for scale in (300, 20)
    )
    return {"distortion": distortion, "rate": rate, "elbo": -(distortion + rate)}


def _broken_bound(metric: Bound, make: Callable[[], Metric]) -> Iterator[str]:
    bound, other = some_bound(), make()
    assert isinstance(other, Bound)  # noqa: S101 (of the same class)
    given = copy.deepcopy(bound)
    values = metric.values(bound)
    if not same(bound, given):
        yield "it writes to the bound; allowed: reading"
    if values is None:
        yield "a model with distortion, rate and ELBO has no value; allowed: (U,) float64"
        return
    yield from _broken_column(values, USERS)
    if not torch.isfinite(values).all():
        yield "a value is not finite; allowed: a number"
    if not same(values, metric.values(bound)) or not same(values, other.values(bound)):
        yield f"it gives two values for the same bound; allowed: {ALLOWED}"

    def some(users: Tensor) -> Tensor:
        found = metric.values({name: column[users] for name, column in bound.items()})
        return values.new_empty(0) if found is None else found

    yield from _broken_rows(values, some)
    for missing in (("elbo",), ("elbo", "rate")):
        left = {name: column for name, column in bound.items() if name not in missing}
        try:
            found = metric.values(left)
        except (KeyError, TypeError) as error:
            yield f"a model without {missing[-1]} raises {type(error).__name__}; allowed: None"
        else:
            if found is not None:
                yield from _broken_column(found, USERS)


def _broken_likelihood(metric: Likelihood, make: Callable[[], Metric]) -> Iterator[str]:
    kinds = ["interactions", "images"] if metric.data_kind is None else [metric.data_kind]
    other = make()
    assert isinstance(other, Likelihood)  # noqa: S101 (of the same class)
    for kind in kinds:
        small: dict[str, type[VAE]] = {"interactions": MultVAE, "images": ImageMLP}
        hidden: Any = 5 if kind == "interactions" else [5]
        model: VAE = small[kind](FEATURES, hidden=hidden, latents=3)
        model.initialise(torch_stream("weights"))
        model.eval()
        before, x = copy.deepcopy(model), some_examples(kind, FEATURES)
        found: list[Any] = [
            one.values(model, x, torch_stream("noise")) for one in (metric, metric, other)
        ]
        if differing(before, model):
            yield f"it writes the model's {differing(before, model)[0]!r}; allowed: reading"
        if found[0] is None:
            continue
        yield from _broken_column(found[0], len(x))
        if not torch.isfinite(found[0]).all():
            yield "a value is not finite; allowed: a number"
        if not same(found[0], found[1]) or not same(found[0], found[2]):
            yield "one noise gives two values; allowed: drawing from the noise alone"
        if found[0].requires_grad:
            yield "its values carry a gradient; allowed: computing within torch.no_grad()"


def _broken_representation(metric: Representation, make: Callable[[], Metric]) -> Iterator[str]:
    factors = torch.cartesian_prod(torch.arange(3), torch.arange(4)).repeat(5, 1)
    other = make()
    assert isinstance(other, Representation)  # noqa: S101 (of the same class)
    for codes in (factors.double(), torch.zeros(len(factors), 3).double(), factors[:, :1].double()):
        given = codes.clone(), factors.clone()
        found = [one.value(*given, torch_stream("noise")) for one in (metric, metric, other)]
        if not (same(given[0], codes) and same(given[1], factors)):
            yield "it writes to what is given; allowed: reading"
        if not isinstance(found[0], float) or not math.isfinite(found[0]):
            yield f"its value is {found[0]!r}; allowed: a finite float, of a collapsed model too"
        elif len(set(found)) > 1:
            yield "one noise gives two values; allowed: drawing from the noise alone"


def _broken_column(values: Any, count: int) -> Iterator[str]:  # noqa: ANN401 (whatever came)
    if not isinstance(values, Tensor):
        yield f"its values are a {type(values).__name__}; allowed: a tensor ({count},) of float64"
    elif values.dtype != torch.float64 or tuple(values.shape) != (count,):
        yield f"its values are {values.dtype} {tuple(values.shape)}; allowed: float64 ({count},)"


def _broken_rows(values: Tensor, some: Callable[[Tensor], Tensor]) -> Iterator[str]:
    """Values in another order, and of each example alone."""
    order = torch.randperm(len(values), generator=torch_stream("users"))
    if not _close(values[order], some(order)):
        yield "another order of the examples changes values; allowed: a value for each by itself"
    alone = torch.cat([some(torch.tensor([number])) for number in range(len(values))])
    if not _close(values, alone):
        yield "an example's value depends on the others; allowed: a value for each by itself"


def _close(one: Tensor, two: Tensor) -> bool:
    return one.shape == two.shape and torch.allclose(one, two, rtol=1e-9, equal_nan=True)
