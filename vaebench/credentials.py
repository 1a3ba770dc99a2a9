"""Addresses without secrets: what may stand in a file, and what is taken out of every message.

A password in an address is hard to find: it may hold ``/ # ? @`` itself, be percent-encoded, follow
``?password=``, or be a token without a name. So what may stand in a file is a short list of forms
(:func:`is_public`), and what a message shows is built of them (:func:`shown`, :func:`redact`).
"""

import base64
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from vaebench.errors import ConfigError

HOST = r"(?:[\w.-]*|\[[0-9A-Fa-f:.]+\])(?::\d+)?"
REST = r"(?:/[^@?#;&=:]*)?"
FILE = re.compile(r"(?:sqlite(?:\+\w+)?|file):///[^?#;&]*")
PUBLIC = re.compile(rf"{FILE.pattern}|[A-Za-z][\w+.-]*://{HOST}{REST}|[^@?#;&=:]*")
"""A local file; scheme, host, port and path; a path, or a name without any of ``@?#;&=:``."""

SECRET = re.compile(
    rf"(?P<scheme>[A-Za-z][\w+.-]*)://(?:(?P<user>[^:/?#@]*)(?::(?P<password>[^/?#@]*))?@)?"
    rf"(?P<place>{HOST}{REST})(?:\?(?P<query>[^@?#]*))?"
)
"""An address that everybody reads alike, with user, password and query where they belong."""

NAME = re.compile(r"[a-z_-]{0,16}")
"""A user's name that may stand in a message: no token looks like that."""

SIGNS = re.compile(r"[/?#@:=&;]|%(?:25)*(?:2F|3F|23|40|3A|3D|26|3B)", re.IGNORECASE)
"""What stands between two parts of an address, plain or percent-encoded."""

IN_ENVIRONMENT = "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, MLFLOW_TRACKING_TOKEN"
SECRETS = ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", "PGPASSWORD")
ADDRESSES = ("MLFLOW_TRACKING_URI", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def is_public(uri: str) -> bool:
    """Whether ``uri`` has no room for a secret (user, query, fragment), not even an encoded one."""
    while PUBLIC.fullmatch(uri):
        if uri == unquote(uri):
            return True
        uri = unquote(uri)
    return False


def check(tracking: Any) -> None:  # noqa: ANN401 (as written by the user)
    """Refuse a study's ``tracking`` if its ``uri`` may hold a secret; the text is not repeated.

    Args:
        tracking: the section as it stands in the config, of whatever type.

    Raises:
        ConfigError: the address is more than scheme, host, port and path.
    """
    written = tracking.get("uri") if isinstance(tracking, Mapping) else tracking
    if not all(is_public(text) for text in _texts(written)):
        raise ConfigError(
            "tracking.uri: the address has more than scheme://host:port/path (not shown here), and "
            "secrets do not belong in a file; allowed: such an address, and in the environment "
            f"{IN_ENVIRONMENT}, or the whole address in MLFLOW_TRACKING_URI"
        )


def shown(uri: str) -> str:
    """``uri`` as a message may show it: without user, password and query."""
    if is_public(uri):
        return uri
    parts = _read(uri)
    if parts and is_public(bare := f"{parts['scheme']}://{parts['place']}"):
        return bare
    return f"{uri.partition('://')[0]}://…" if re.match(r"[A-Za-z][\w+.-]*://", uri) else "…"


def redact(text: str, addresses: Iterable[str], secrets: Iterable[str] = ()) -> str:
    """``text`` with ``…`` for every secret of the ``addresses`` and of ``secrets``.

    Each is found as it is, percent-encoded and decoded; a password also in the header of a request.
    """
    for address in addresses:
        text = text.replace(address, shown(address))
    hidden = {form for secret in secrets for form in _forms(secret)}
    for secret in sorted(hidden.union(*map(_hidden, addresses)), key=len, reverse=True):
        text = text.replace(secret, "…")
    return text


def redact_known(text: str, environment: Mapping[str, str], *addresses: str) -> str:
    """``text`` without the secrets of the ``addresses`` and of the ``environment``."""
    names = [*ADDRESSES, *map(str.lower, ADDRESSES)]
    found = [environment[name] for name in names if environment.get(name)]
    secrets = [environment[name] for name in SECRETS if environment.get(name)]
    user, password = (environment.get(f"MLFLOW_TRACKING_{n}", "") for n in ("USERNAME", "PASSWORD"))
    if password:
        secrets.append(_header(user, password))
    return redact(text, [*addresses, *found], secrets)


def _hidden(uri: str) -> set[str]:
    """The secret parts of an address in all their forms."""
    if is_public(uri):
        return set()
    parts = _read(uri)
    if parts is None:  # any part may be it
        rest = uri.partition("://")[2] or uri
        return {form for piece in _pieces(rest) for form in _forms(piece)}
    user, password = parts["user"] or "", parts["password"]
    values = [pair.partition("=")[2] or pair for pair in (parts["query"] or "").split("&")]
    # TOKEN:x-oauth-basic@ has its secret in the user's place; a plain word is a name
    names = {user} if password is None or not NAME.fullmatch(unquote(user)) else set()
    secrets = names.union(*map(_pieces, [*values, *names, password or ""]))
    found = {form for secret in secrets for form in _forms(secret)}
    return found | ({_header(unquote(user), unquote(password))} if password else set())


def _read(uri: str) -> re.Match[str] | None:
    """The parts of an address, unless decoding its user makes other parts of them."""
    parts = SECRET.fullmatch(uri)
    if parts is None or any(re.search("[/?#=&;]", form) for form in _decoded(parts["user"] or "")):
        return None
    return parts


def _pieces(text: str) -> set[str]:
    """The text and all between two of ``/?#@:=&;``, encoded and decoded."""
    return {piece for form in _decoded(text) for piece in (form, *SIGNS.split(form))}


def _forms(secret: str) -> set[str]:
    """A secret as it is, decoded, and encoded once and twice."""
    plain = _decoded(secret)
    found = set(plain)
    for _ in range(2):  # a library may encode what was encoded before
        found |= {code(text, safe="") for text in found for code in (quote, quote_plus)}
    return {form for form in found if form}


def _decoded(text: str) -> set[str]:
    """The text, and what is left when its percent signs are read once, twice, … ."""
    stages = [text]
    while (text := unquote(text)) != stages[-1]:
        stages.append(text)
    return {*stages, *map(unquote_plus, stages)}


def _header(user: str, password: str) -> str:
    """What HTTP's basic authentication makes of them."""
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def _texts(value: Any) -> list[str]:  # noqa: ANN401
    """All texts in what YAML may hold."""
    if isinstance(value, Mapping):
        return [text for pair in value.items() for part in pair for text in _texts(part)]
    if isinstance(value, list | tuple):
        return [text for part in value for text in _texts(part)]
    if isinstance(value, bytes):  # YAML's !!binary
        return [value.decode("latin-1")]
    return [value] if isinstance(value, str) else []
