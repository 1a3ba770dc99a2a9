"""Arrays of NumPy's and MATLAB's files: numbers alone, nothing that could run."""

import zipfile
from pathlib import Path

import numpy as np
import scipy.io
import scipy.sparse

from vaebench.errors import DataError

ENDINGS = (".npy", ".npz", ".mat")


def array_of(path: Path, name: str) -> np.ndarray:
    """See :func:`matrix_of`; a sparse matrix as a whole array."""
    found = matrix_of(path, name)
    return found if isinstance(found, np.ndarray) else np.asarray(found.toarray())


def matrix_of(path: Path, name: str) -> np.ndarray | scipy.sparse.spmatrix:
    """The array ``name`` of an ``.npz`` or ``.mat`` file (up to MATLAB 7), or the one of ``.npy``.

    Raises:
        DataError: not such a file, or it has no such array.
    """
    if path.suffix.lower() == ".mat":
        try:
            found = scipy.io.loadmat(path)
        except NotImplementedError as error:
            raise DataError(
                f"{path}: a file of MATLAB 7.3; allowed: one saved as version 7 (save -v7)"
            ) from error
        except Exception as error:  # a damaged file can raise anything
            said = " ".join(str(error).split())
            raise DataError(f"{path}: not a readable MATLAB file: {said}") from error
        return _named(path, found, name)
    try:
        with path.open("rb") as file:  # NumPy leaves the file of a damaged archive open
            loaded = np.load(file, allow_pickle=False)
            return loaded if isinstance(loaded, np.ndarray) else _named(path, loaded, name)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: not readable as a NumPy array of numbers: {error}") from error


def _named(
    path: Path, arrays: "dict[str, np.ndarray] | np.lib.npyio.NpzFile", name: str
) -> np.ndarray | scipy.sparse.spmatrix:
    present = [each for each in arrays if not each.startswith("__")]
    if name not in present:
        raise DataError(f"{path}: there is no array {name!r}; it has {', '.join(present)}")
    found = arrays[name]
    return found if scipy.sparse.issparse(found) else np.asarray(found)
