"""Mine keeps the contract of a model, and has the parameters that its layers say."""

from vaebench.command.templates.model import Mine
from vaebench.contracts import check_model


def test_it_keeps_the_contract() -> None:
    check_model(Mine, hidden=5, latents=3)


def test_its_parameters_are_those_of_its_layers() -> None:
    items, hidden, latents = 12, 5, 3
    layers = ((items, hidden), (hidden, 2 * latents), (latents, items))
    model = Mine(items, hidden=hidden, latents=latents)
    assert sum(p.numel() for p in model.parameters()) == sum((n + 1) * m for n, m in layers)
