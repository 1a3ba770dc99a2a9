"""What can go wrong, in words for the person who can mend it.

Every message is one sentence that says what is wrong, where, and what is allowed.
"""


class VaebenchError(Exception):
    """Base of all errors that are the input's fault and not the program's."""


class ConfigError(VaebenchError):
    """A study's configuration cannot be run: the message names key, value and what is allowed."""


class ArgumentError(ConfigError, ValueError):
    """A class of the library was given an argument that it does not allow."""


class DataError(VaebenchError):
    """A data file is missing, damaged or not of the expected layout."""


class Diverged(VaebenchError):
    """Training left the finite numbers; the cell ends with status ``diverged``."""


class CellsFailed(VaebenchError):
    """A study is complete but some of its cells failed; the tables list them."""


class Interrupted(VaebenchError):
    """A job was told to stop and can go on from its checkpoint."""


class TrackingError(VaebenchError):
    """MLflow does not take the mirror; the study's own files are whole."""
