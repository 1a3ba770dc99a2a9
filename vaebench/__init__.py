"""vaebench: how should the weight β of the KL term of a variational autoencoder be set?"""

__version__ = "0.2.0"
