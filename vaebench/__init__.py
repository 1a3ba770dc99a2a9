"""vaebench: how should the weight β of the KL term of a variational autoencoder be set?"""

import os

__version__ = "0.2.0"

os.environ.setdefault("GOMP_SPINCOUNT", "100")
"""How often a thread of torch's looks for work before it sleeps; read when torch is loaded. By
default it looks for milliseconds, and beside a busy process two threads are then a fifth as fast as
one: who waits uses up the time in which the other could work. No result depends on it."""
