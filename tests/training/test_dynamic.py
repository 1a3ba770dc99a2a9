"""Dynamic binarisation: the right probabilities, new draws, and no hidden state."""

from pathlib import Path

import numpy as np
import torch

from vaebench.datasets.image_array import ImageArray
from vaebench.training.data import Data
from vaebench.training.dynamic import DynamicPictures


def grey() -> DynamicPictures:
    return DynamicPictures(torch.linspace(0, 1, 40 * 5).view(40, 5))


def test_the_mean_of_many_draws_is_the_grey_value() -> None:
    pictures, order = grey(), torch.Generator().manual_seed(0)
    total = torch.zeros(40, 5)
    for _ in range(600):
        chosen = torch.randperm(40, generator=order)
        drawn = pictures[chosen]
        assert set(drawn.unique().tolist()) <= {0.0, 1.0}
        total[chosen] += drawn
    p = pictures.probabilities
    error = (total / 600 - p).abs() / (torch.sqrt(p * (1 - p) / 600) + 1e-9)
    assert error.max() < 4.5
    assert error.mean() > 0.5, "draws that are independent vary"


def test_a_batch_names_its_draw() -> None:
    pictures = grey()
    one, two = torch.arange(20), torch.arange(20).flip(0)
    assert torch.equal(pictures[one], pictures[one])
    assert not torch.equal(pictures[one], pictures[two].flip(0))
    torch.rand(3)
    assert torch.equal(pictures[one], grey()[one])


def test_a_fixed_draw_is_named_and_has_the_right_probabilities() -> None:
    pictures = grey()
    first, again, other = (pictures.fixed("a", name) for name in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    many = torch.stack([pictures.fixed("many", number) for number in range(600)])
    p = pictures.probabilities
    assert ((many.mean(0) - p).abs() <= 4.5 * torch.sqrt(p * (1 - p) / 600) + 1e-9).all()


def test_the_training_part_of_a_dynamic_split_is_drawn_and_the_others_are_fixed(
    tmp_path: Path,
) -> None:
    path = tmp_path / "x.npy"
    np.save(path, np.full((30, 2, 3), 0.5))
    dataset = ImageArray(path=str(path), validation=5, test=5, binarize="dynamic")
    dataset.write_split(path, tmp_path / "out", {})
    data = Data(tmp_path / "out", torch.device("cpu"))
    examples = data.train()
    assert isinstance(examples, DynamicPictures)
    assert (len(examples), examples.columns) == (20, 6)
    assert set(data.held_out("test").examples.unique().tolist()) == {0.0, 1.0}  # type: ignore[union-attr]
