from vaebench.library import Fitted as Fitted
from vaebench.library import fit as fit
from vaebench.library import load as load

__version__: str
