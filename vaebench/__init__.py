"""vaebench: how should the weight β of the KL term of a variational autoencoder be set?"""

__version__ = "0.2.0"

__all__ = ["Fitted", "fit", "load"]


def __getattr__(name: str) -> object:
    """The public functions, imported when they are asked for: ``import vaebench`` stays cheap."""
    if name not in __all__:
        raise AttributeError(f"module 'vaebench' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    return getattr(import_module("vaebench.library"), name)
