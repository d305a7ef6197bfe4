"""An extension beside a function, as AWS runs them: HTTP on localhost, one answer for all."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self


class Extension:
    """Answers every GET with `body` and `status`, which may be changed. asked: (path, headers)."""

    def __init__(self, body: bytes, status: int = 200) -> None:
        self.body, self.status = body, status
        self.asked: list[tuple[str, dict[str, str]]] = []
        extension = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # named by the standard library
                extension.asked.append((self.path, dict(self.headers)))
                self.send_response(extension.status)
                self.send_header("Content-Length", str(len(extension.body)))
                self.end_headers()
                self.wfile.write(extension.body)

            def log_message(self, *_: object) -> None:
                """Tests read standard error."""

        self._server = ThreadingHTTPServer(("localhost", 0), Handler)
        self.port = int(self._server.server_address[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
