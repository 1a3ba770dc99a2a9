"""Mult-DAE against the dense formula; no rate, no bound."""

import scipy.sparse
import torch

from vaebench.metrics.bound import elbo
from vaebench.models.mult_dae import MultDAE
from vaebench.seeds import torch_stream
from vaebench.sparse import SparseRows


def users() -> SparseRows:
    matrix = scipy.sparse.random(8, 9, density=0.4, format="csr", random_state=2)
    matrix.data[:] = 1
    return SparseRows.from_scipy(matrix)


def test_it_is_a_perceptron_with_one_hidden_layer() -> None:
    model, x = MultDAE(9, latents=4), users()
    model.initialise(torch_stream("weights"))
    model.eval()
    inputs = torch.nn.functional.normalize(x.dense(), dim=1)
    hidden = torch.tanh(inputs @ model.encoder.weight + model.encoder.bias)
    logits = hidden @ model.decoder.weight + model.decoder.bias
    z = model.encode(x).rsample(torch_stream("none"))
    torch.testing.assert_close(model.decode(z).logits, logits)


def test_there_is_a_distortion_and_neither_rate_nor_bound() -> None:
    model, x = MultDAE(9, latents=4), users()
    model.initialise(torch_stream("weights"))
    values = elbo(model, x, torch_stream("noise"), samples=3)
    assert set(values) == {"distortion"}
    expected = -model.decode(model.encode(x).mean).log_prob(x)
    torch.testing.assert_close(values["distortion"], expected.double())
