"""Answers about tables as they came, and failures as PyIceberg's own calls raise them."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pyiceberg.exceptions import CommitFailedException, NoSuchTableError, UnauthorizedError

from shared.lake.rest_catalog import BoundedRestCatalog
from tests.support.lake import Lake

TABLE = ("raw", "log")
PATH = "/v1/warehouse/namespaces/raw/tables/log"


class Server(ThreadingHTTPServer):
    """A catalog that answers as it is told and remembers what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: deque[tuple[int, bytes]] = deque()
        self.asked: list[tuple[str, str, bytes, str]] = []
        self.tokens = 0

    @property
    def token(self) -> str:
        """The youngest one, as a client shows it."""
        return f"Bearer token-{self.tokens}"

    @property
    def catalog(self) -> BoundedRestCatalog:
        """A client with a credential."""
        uri = f"http://127.0.0.1:{self.server_port}"
        oauth = {"credential": "key:secret", "oauth2-server-uri": f"{uri}/v1/oauth/tokens"}
        return BoundedRestCatalog("test", uri=uri, warehouse="s3://warehouse", **oauth)

    @property
    def about_table(self) -> list[tuple[str, bytes, str]]:
        """Method, body and credential of each request about the table."""
        return [(method, body, auth) for method, path, body, auth in self.asked if path == PATH]


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Nothing."""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        auth = self.headers.get("Authorization", "")
        self.server.asked.append((self.command, self.path, body, auth))
        status, path = 200, urlsplit(self.path).path  # a proxy is asked for whole addresses
        if path == "/v1/config":
            content = json.dumps({"defaults": {}, "overrides": {"prefix": "warehouse"}}).encode()
        elif path == "/v1/oauth/tokens":
            self.server.tokens += 1
            token = f"token-{self.server.tokens}"
            content = json.dumps({"access_token": token, "token_type": "bearer"}).encode()
        else:
            status, content = self.server.answers.popleft()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as found:
        thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield found
        finally:
            found.shutdown()
            thread.join()


def failure(status: int) -> tuple[int, bytes]:
    error = {"message": "because", "type": "Because", "code": status}
    return status, json.dumps({"error": error}).encode()


def test_a_table_is_answered_as_it_came(server: Server) -> None:
    server.answers.append((200, b'{"some": "answer"}'))
    assert server.catalog.get_table(TABLE) == b'{"some": "answer"}'
    ((method, body, auth),) = server.about_table
    assert (method, body, auth) == ("GET", b"", server.token)


def test_a_commit_is_sent_as_it_is(server: Server) -> None:
    server.answers.append((200, b'{"after": "commit"}'))
    assert server.catalog.update_table(TABLE, b'{"a": 1}') == b'{"after": "commit"}'
    ((method, body, auth),) = server.about_table
    assert (method, body, auth) == ("POST", b'{"a": 1}', server.token)


@pytest.mark.parametrize("status", [400, 403, 404, 409, 500, 502, 503, 504])
def test_a_failed_commit_is_what_pyiceberg_says_and_is_sent_once(
    server: Server, status: int, lake: Lake
) -> None:
    catalog = server.catalog
    server.answers.append(failure(status))
    with pytest.raises(Exception, match="because") as ours:
        catalog.update_table(TABLE, b"{}")
    assert len(server.about_table) == 1
    server.answers.append(failure(status))
    with pytest.raises(Exception, match="because") as theirs:
        catalog.commit_table(lake.table, (), ())
    assert ours.type is theirs.type


@pytest.mark.parametrize("status", [401, 419])
def test_an_expired_credential_is_renewed_once(server: Server, status: int) -> None:
    catalog, old = server.catalog, server.token
    server.answers.extend([failure(status), (200, b"{}")])
    assert catalog.update_table(TABLE, b"1") == b"{}"
    assert [(body, auth) for _, body, auth in server.about_table] == [
        (b"1", old),
        (b"1", server.token),
    ]
    assert server.token != old


def test_a_credential_that_stays_refused_is_an_error(server: Server) -> None:
    server.answers.extend([failure(401)] * 3)
    with pytest.raises(UnauthorizedError, match="because"):
        server.catalog.get_table(TABLE)
    assert len(server.about_table) == 2


def test_a_table_that_does_not_exist(server: Server) -> None:
    server.answers.append(failure(404))
    with pytest.raises(NoSuchTableError):
        server.catalog.get_table(TABLE)


def test_a_conflict(server: Server) -> None:
    server.answers.append(failure(409))
    with pytest.raises(CommitFailedException):
        server.catalog.update_table(TABLE, b"{}")


def test_a_proxy_of_the_environment_is_used(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looked up once: what the environment says later does not count."""
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("no_proxy", "")
    catalog = BoundedRestCatalog("test", uri="http://catalog.invalid", warehouse="s3://warehouse")
    monkeypatch.delenv("http_proxy")
    server.answers.append((200, b"{}"))
    assert catalog.get_table(TABLE) == b"{}"
    assert server.asked[-1][1] == f"http://catalog.invalid{PATH}"


def test_a_host_without_proxy_is_asked_directly(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server.answers.append((200, b"{}"))
    assert server.catalog.get_table(TABLE) == b"{}"


def test_a_netrc_does_not_replace_the_catalogs_token(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    server.answers.append((200, b"{}"))
    server.catalog.get_table(TABLE)
    assert server.about_table[-1][2] == server.token


def test_certificates_of_the_environment_are_used(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/own-authority.pem")
    assert server.catalog._session.verify == "/etc/own-authority.pem"
