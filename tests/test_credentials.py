"""No secret in a file or a message, whatever its form."""

import base64
import string
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from vaebench import credentials
from vaebench.errors import ConfigError

FORMS = [
    "http://me:{}@server:5000",
    "https://{}@server",
    "https://{}@server/mlflow",
    "http://me:{}@[::1]:5000/",
    "HTTP://ME:{}@SERVER",
    "postgresql://me:{}@server/mlflow",
    "postgresql+psycopg2://:{}@server/mlflow",
    "postgresql://server/mlflow?password={}",
    "postgresql://server/mlflow?sslmode=require&user=me&password={}",
    "postgresql:///mlflow?host=/tmp&password={}",
    "mssql+pyodbc:///?odbc_connect=DRIVER%3DODBC%3BUID%3Dme%3BPWD%3D{}",
    "http://server/?token={}",
    "http://server/mlflow;token={}",
    "http://server/#access_token={}",
    "sqlite:////tmp/mlflow.db?key={}",
    "me:{}@server",
    "//me:{}@server",
    "http:/me:{}@server",
    "http:\\\\me:{}@server",
    "http://me:{}",
    "http://me%3A{}%40server",
    "http://me%253A{}%2540server",
    "http://server%3Ftoken%3D{}",
]

SECRET = st.text(
    string.ascii_letters + string.digits + "/#?@:%&=;+ é$!", min_size=6, max_size=20
).map(
    lambda text: f"Zq{text}Zq"  # so that no word of a message has it by chance
)


def written(form: str, secret: str, encoded: int) -> str:
    """An address with the secret in it, percent-encoded so many times."""
    for _ in range(encoded):
        secret = quote(secret, safe="")
    return form.format(secret)


def parts(secret: str) -> set[str]:
    """Whatever of a secret would help to guess it: what lies between two signs of an address."""
    for sign in "/#?@:&=;%+ ":
        secret = secret.replace(sign, "\n")
    return {part for part in secret.split("\n") if len(part) > 4}


@given(st.sampled_from(FORMS), SECRET, st.integers(0, 2))
def test_no_study_takes_a_secret_and_none_repeats_it(form: str, secret: str, encoded: int) -> None:
    uri = written(form, secret, encoded)
    tracking: list[Any] = [{"uri": uri}, uri, {"uri": [uri]}, {"uri": {uri: uri}}]
    for section in [*tracking, {"uri": uri.encode()}]:
        with pytest.raises(ConfigError, match=r"tracking.uri: .*MLFLOW_TRACKING_URI") as caught:
            credentials.check(section)
        assert "Zq" not in str(caught.value)


@pytest.mark.parametrize(
    "uri",
    [
        "http://server",
        "http://127.0.0.1:5000/",
        "https://tracking.example.org/team/mlflow",
        "http://[::1]:5000",
        "https://bücher.example",
        "postgresql://server/mlflow",
        "postgresql+psycopg2://server:5432/mlflow",
        "sqlite:///mlflow.db",
        "sqlite:////home/me@work/a%20b/user=me/mlflow.db",
        "file:///home/me@work/mlruns",
        "mlruns",
        "databricks",
        "databricks://profile",
    ],
)
def test_an_address_without_a_secret_is_taken_and_shown(uri: str) -> None:
    credentials.check({"uri": uri})
    assert credentials.shown(uri) == uri
    assert credentials.redact(f"{uri} does not answer", [uri]) == f"{uri} does not answer"


def test_a_study_without_an_address_is_taken() -> None:
    for section in (None, {}, {"uri": None}, {"enabled": False}):
        credentials.check(section)


@given(st.sampled_from(FORMS), SECRET, st.integers(0, 2))
def test_no_message_shows_a_secret(form: str, secret: str, encoded: int) -> None:
    """Libraries quote an address as a whole, decoded, and in pieces that they took for a host."""
    # scheme://me:a@b is a password and a host to everybody, whatever its writer meant by it
    assume(encoded or "@" not in secret or "@" in form.partition("{}")[2])
    assume(encoded or "&" not in secret or "?" not in form)  # and ?password=a&b= two parameters
    uri = written(form, secret, encoded)
    pieces = [uri, secret, quote(secret, safe=""), uri.partition("@")[2], uri.partition("://")[2]]
    pieces.append(uri.rpartition("@")[0])
    message = "could not translate: " + ", ".join(f'"{piece}"' for piece in pieces)
    for text in (credentials.shown(uri), credentials.redact(message, [uri])):
        assert not [part for part in parts(secret) if part in text]


@pytest.mark.parametrize(
    ("uri", "secret"),
    [
        ("https://tOken7:x-oauth-basic@server/mlflow", "tOken7"),  # GitHub's way
        ("http://server%3Ftoken%3Dhidden@server", "hidden"),
    ],
)
def test_a_token_in_the_users_place_is_a_secret(uri: str, secret: str) -> None:
    assert secret not in credentials.shown(uri)
    assert secret not in credentials.redact(f"{uri}: no answer to {secret}", [uri])


def test_the_environments_secrets_are_in_no_message() -> None:
    header = base64.b64encode(b"me:open-sesame").decode()
    environment = {
        "MLFLOW_TRACKING_USERNAME": "me",
        "MLFLOW_TRACKING_PASSWORD": "open-sesame",
        "MLFLOW_TRACKING_TOKEN": "tok/en",
        "https_proxy": "http://me:by-proxy@proxy:3128",
    }
    message = f"Basic {header}, open-sesame, Bearer tok/en, tok%2Fen, http://me:by-proxy@proxy:3128"
    assert credentials.redact_known(message, environment) == (
        "Basic …, …, Bearer …, …, http://proxy:3128"
    )


def test_what_surrounds_a_secret_stays_readable() -> None:
    uri = "postgresql://mlflow:open-sesame@server:5432/mlflow"
    message = f'{uri}: password authentication failed for user "mlflow" (open-sesame)'
    assert credentials.redact(message, [uri]) == (
        'postgresql://server:5432/mlflow: password authentication failed for user "mlflow" (…)'
    )
