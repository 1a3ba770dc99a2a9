"""vaebench: how should the weight β of the KL term of a variational autoencoder be set?"""

import os

__version__ = "0.2.0"

os.environ.setdefault("GOMP_SPINCOUNT", "100")
"""How often a thread of torch's looks for work before it sleeps; read when torch is loaded. By
default it looks for milliseconds, and beside a busy process two threads are then a fifth as fast as
one: who waits uses up the time in which the other could work. No result depends on it."""

__all__ = ["Fitted", "fit", "load"]


def __getattr__(name: str) -> object:
    """The public functions, imported when they are asked for: ``import vaebench`` stays cheap."""
    if name not in __all__:
        raise AttributeError(f"module 'vaebench' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    return getattr(import_module("vaebench.library"), name)
