"""The server of a review: this machine only, one address with a token, a fixed set of paths."""

import hmac
import json
import os
import re
import secrets
import socket
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ..errors import InvalidInputError
from ..folder.item import reason_of
from ..report import static_file
from .session import Conflict, ReviewSession

__all__ = ["ReviewServer"]

HOST = "127.0.0.1"
STATIC = {
    "page.css": "text/css",
    "review.css": "text/css",
    "gallery.js": "text/javascript",
    "stage.js": "text/javascript",
    "review.js": "text/javascript",
}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self' data:; style-src 'self'; "
    "script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
LARGEST_BODY = 2**14  # bytes
PHOTO = re.compile(r"photo/(\d{1,9})(?:/(before|after)\.jpg)?")
SIDE = 320  # pixels of a card's pictures


class Refused(Exception):
    """A request that is answered with a status and a line of text."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class ReviewServer(ThreadingHTTPServer):
    """Serves a session on the loopback interface.

    Parameters
    ----------
    session : ReviewSession
        What is reviewed.
    port : int, default 0
        0 takes one that is free.

    Attributes
    ----------
    address : str
        What to open in a browser; who knows it may read and correct the run's photos.

    Raises
    ------
    InvalidInputError
        If the port is taken.
    """

    daemon_threads = True
    allow_reuse_address = os.name != "nt"  # there it lets a second server have a taken port

    def __init__(self, session: ReviewSession, port: int = 0) -> None:
        self.session = session
        self.token = secrets.token_urlsafe(24)
        try:
            super().__init__((HOST, port), Handler)
        except OSError as error:
            raise InvalidInputError(
                f"cannot listen on port {port}: {error.strerror}; give another one, or 0 for any "
                "that is free."
            ) from error
        own = self.server_address[1]
        self.hosts = {f"{name}:{own}" for name in (HOST, "localhost")}
        self.address = f"http://{HOST}:{own}/{self.token}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over connections that the browser gave up."""


class Handler(BaseHTTPRequestHandler):
    """Answers one connection's requests."""

    server: ReviewServer
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "stn-cv", ""
    timeout = 60

    def do_GET(self) -> None:  # noqa: N802  (the name that http.server calls)
        """The page, its files, questions and pictures."""
        self._answer(self._read)

    def do_POST(self) -> None:  # noqa: N802
        """A change of one photo."""
        self._answer(self._change)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing: addresses hold the token."""

    def _answer(self, action: Callable[[str, dict[str, str]], tuple[str, bytes]]) -> None:
        try:
            status = HTTPStatus.OK
            kind, body = action(*self._checked())
        except Refused as error:
            status, (kind, body) = error.status, _as_json({"error": str(error)})
        except InvalidInputError as error:
            status = HTTPStatus.UNPROCESSABLE_ENTITY
            kind, body = _as_json({"error": _readable(str(error))})
        except Exception as error:  # what goes wrong with a photo must not end the review
            status = HTTPStatus.INTERNAL_SERVER_ERROR
            kind, body = _as_json({"error": _readable(reason_of(error, ""))})
        if status >= HTTPStatus.BAD_REQUEST:
            self.close_connection = True  # a body may be left unread
        self.send_response(status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _checked(self) -> tuple[str, dict[str, str]]:
        """The path below the token and the query, of a request from this machine's own page."""
        if self.headers.get_all("Host", []) not in [[host] for host in self.server.hosts]:
            raise Refused(HTTPStatus.FORBIDDEN, "this host is not served.")
        origin = self.headers.get("Origin")
        if origin is not None and origin not in {f"http://{host}" for host in self.server.hosts}:
            raise Refused(HTTPStatus.FORBIDDEN, "another page may not ask.")
        opened = self.command == "GET" and self.headers.get("Sec-Fetch-Dest") == "document"
        site = self.headers.get("Sec-Fetch-Site", "same-origin")
        if site not in ("same-origin", "none") and not opened:
            raise Refused(HTTPStatus.FORBIDDEN, "another page may not ask.")
        parts = urlsplit(self.path)
        _, _, rest = parts.path.partition("/")
        token, slash, path = rest.partition("/")
        if not slash or not hmac.compare_digest(token.encode(), self.server.token.encode()):
            raise Refused(HTTPStatus.FORBIDDEN, "the address is not whole; open the one printed.")
        return path, dict(parse_qsl(parts.query))

    def _read(self, path: str, query: dict[str, str]) -> tuple[str, bytes]:
        session = self.server.session
        if path == "":
            return "text/html; charset=utf-8", session.page()
        if path in STATIC:
            return f"{STATIC[path]}; charset=utf-8", static_file(path).encode()
        if path == "photos":
            return _as_json(session.query(query))
        number, picture = self._photo_of(path)
        if picture is None:
            return _as_json(session.state(number))
        side = int(query.get("side", SIDE)) if query.get("side", "0").isdecimal() else SIDE
        show = session.photo if picture == "before" else session.output
        return "image/jpeg", show(number, max(side, 16))

    def _change(self, path: str, query: dict[str, str]) -> tuple[str, bytes]:
        number, picture = self._photo_of(path)
        if picture is not None:
            raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, "pictures are only read.")
        try:
            return _as_json(self.server.session.save(number, self._body()))
        except Conflict:
            reason = "this photo was changed in another tab; what you see now is its state there."
            raise Refused(HTTPStatus.CONFLICT, reason) from None

    def _photo_of(self, path: str) -> tuple[int, str | None]:
        match = PHOTO.fullmatch(path)
        if match is None:
            raise Refused(HTTPStatus.NOT_FOUND, "there is nothing here.")
        return int(match[1]), match[2]

    def _body(self) -> dict[str, Any]:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > LARGEST_BODY:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "that is no change of a photo.")
        if self.headers.get_content_type() != "application/json":
            raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "wanted JSON.")
        try:
            body = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            raise Refused(HTTPStatus.BAD_REQUEST, "wanted JSON of a change.")
        return body

    def setup(self) -> None:
        """Answer small pieces at once."""
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)


def _as_json(value: Any) -> tuple[str, bytes]:
    return "application/json", json.dumps(value, allow_nan=False).encode("ascii")


def _readable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
