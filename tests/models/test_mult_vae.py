import math

import scipy.sparse
import torch

from vaebench.models.mult_vae import MultVAE
from vaebench.seeds import torch_stream
from vaebench.sparse import SparseRows

ITEMS = 30


def users(count: int = 20) -> SparseRows:
    matrix = scipy.sparse.random(count, ITEMS, density=0.2, format="csr", random_state=3)
    matrix.data[:] = 1
    return SparseRows.from_scipy(matrix)


def model(dropout: float = 0.5) -> MultVAE:
    mult_vae = MultVAE(ITEMS, hidden=8, latents=4, dropout=dropout)
    mult_vae.initialise(torch_stream("weights"))
    return mult_vae


def textbook_encode(mult_vae: MultVAE, x: torch.Tensor) -> torch.Tensor:
    """The published graph on dense input: normalise, matrix product, tanh, heads."""
    hidden = torch.tanh(
        torch.nn.functional.normalize(x, dim=1) @ mult_vae.encoder["input"].weight
        + mult_vae.encoder["input"].bias
    )
    return mult_vae.encoder["hidden"](hidden)


def test_sparse_encoding_is_the_dense_one() -> None:
    mult_vae, x = model().eval(), users()
    q = mult_vae.encode(x)
    expected = textbook_encode(mult_vae, x.dense())
    torch.testing.assert_close(torch.cat([q.mean, q.log_variance], 1), expected)


def test_gradients_of_the_sparse_encoder_are_the_dense_ones() -> None:
    mult_vae, x = model().eval(), users()
    mult_vae.encode(x).mean.square().sum().backward()
    sparse = mult_vae.encoder["input"].weight.grad.clone()
    mult_vae.zero_grad()
    textbook_encode(mult_vae, x.dense())[:, :4].square().sum().backward()
    torch.testing.assert_close(sparse, mult_vae.encoder["input"].weight.grad)


def test_dropout_keeps_half_of_the_entries_at_twice_their_weight() -> None:
    """With identity weights and no saturation, the hidden layer shows what was dropped."""
    x = SparseRows.from_scipy(scipy.sparse.csr_matrix(torch.ones(4_000, ITEMS).numpy()))
    mult_vae = MultVAE(ITEMS, hidden=ITEMS, latents=4).train()
    scale = 1e-3  # tanh is the identity here
    with torch.no_grad():
        mult_vae.encoder["input"].weight.copy_(scale * torch.eye(ITEMS))
        mult_vae.encoder["input"].bias.zero_()
        mult_vae.encoder["hidden"] = torch.nn.Identity()
    q = mult_vae.encode(x, torch_stream("dropout"))
    seen = torch.cat([q.mean, q.log_variance], 1) / scale * math.sqrt(ITEMS)
    kept = seen > 1
    torch.testing.assert_close(seen[kept], torch.full_like(seen[kept], 2.0), rtol=1e-4, atol=0)
    assert (seen[~kept] == 0).all()
    assert abs(kept.double().mean().item() - 0.5) < 4 * 0.5 / kept.numel() ** 0.5


def test_evaluation_drops_nothing() -> None:
    mult_vae, x = model().eval(), users()
    assert torch.equal(mult_vae.encode(x).mean, mult_vae.encode(x).mean)


def test_a_user_without_interactions_is_encoded() -> None:
    empty = SparseRows.from_scipy(scipy.sparse.csr_matrix((2, ITEMS)))
    assert torch.isfinite(model().eval().encode(empty).mean).all()


def test_initialisation_is_glorot_uniform() -> None:
    mult_vae = MultVAE(1_000, hidden=600, latents=200)
    mult_vae.initialise(torch_stream("glorot"))
    bound = math.sqrt(6 / 1_600)
    weights = mult_vae.encoder["input"].weight
    assert weights.abs().max() <= bound
    assert abs(weights.std().item() - bound / math.sqrt(3)) < 1e-4
    assert mult_vae.encoder["input"].bias.abs().max() <= 0.002
    assert mult_vae.encoder["input"].bias.abs().max() > 0
