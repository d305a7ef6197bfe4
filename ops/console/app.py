"""The server: pages, events and actions."""

import asyncio
import time
from typing import Any, Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from ops.console import acting, page
from ops.console.drawing import Charts, address, graph_of, timeline_of
from ops.console.exchange import changes, sent
from ops.console.guarding import LOOPBACK, Key, Strict
from ops.console.watch import Seen, Source, Watch
from ops.pictures import STYLE_FILE
from rollout.domain.errors import InvalidInputError

DONE_KEPT: Final = 20


class Console:
    """What the pages share: where records come from, who watches what, and what was done.

    acts: whether anybody may act. who: shown as the name to act under.
    """

    def __init__(self, source: Source, every_seconds: float, acts: bool, who: str = "") -> None:
        self.source, self.every_seconds, self.who = source, every_seconds, who
        self.key = Key(acts)
        self.templates = page.environment()
        self.watches: dict[str, Watch] = {}
        self.charts: dict[str, Charts] = {}
        self.done: list[dict[str, Any]] = []

    def watch(self, rollout_id: str) -> Watch:
        """The one watch of a rollout, whoever looks."""
        if rollout_id not in self.watches:
            self.watches[rollout_id] = Watch(self.source, rollout_id, self.every_seconds)
        return self.watches[rollout_id]

    def html(self, name: str, status: int = 200, **known: Any) -> HTMLResponse:
        """A template as an answer."""
        shown = {"stack": self.source.stack.name, "key": self.key, **known}
        return HTMLResponse(self.templates.get_template(name).render(shown), status)

    # Pages

    async def rollout(self, request: Request) -> Response:
        """The page of one rollout; / is the page of the one that holds the flag, or the last."""
        rollout_id = request.path_params.get("rollout", "")
        if "token" in request.query_params:
            return self._admitted(request)
        seen = await self._watch_with(rollout_id).look()
        if seen.record is None:
            return await self._nothing(rollout_id, seen)
        shown = await asyncio.to_thread(self._shown, request, seen, seen.record)
        return self.html("rollout.html", live=rollout_id, **shown)

    def _admitted(self, request: Request) -> Response:
        """Whoever brings the token gets the cookie, and an address without the token."""
        answer = RedirectResponse(request.url.path, 303)
        token = request.query_params["token"]
        if self.key.fits(token):
            name = self.key.cookie(request)
            answer.set_cookie(name, token, httponly=True, samesite="strict")
        return answer

    async def _nothing(self, rollout_id: str, seen: Seen) -> Response:
        """No record: nothing launched yet, no such rollout, or AWS does not answer."""
        if seen.missing and rollout_id:
            known = await asyncio.to_thread(self._known)
            return self.html("unknown.html", 404, rollout=rollout_id, known=known, live=None)
        status = 200 if seen.missing else 503
        error = seen.error or "AWS has not answered yet; this page looks again by itself."
        return self.html("nothing.html", status, missing=seen.missing, error=error, live=rollout_id)

    def _known(self) -> list[str]:
        try:
            return self.source.rollouts()
        except Exception:  # the list is a help, the answer stands without it
            return []

    def _shown(self, request: Request, seen: Seen, record: dict[str, Any]) -> dict[str, Any]:
        execution = page.chosen(record, request.query_params.get("execution", ""))
        rollout_id = record["rollout"]
        acts = self.key.held(request)
        offered = [action for action in acting.ACTIONS if action.offered(record)]
        return {
            "record": record,
            "seen": seen,
            "now": page.now(record),
            "execution": execution,
            "graph": graph_of(record, seen.definition, execution),
            "timeline": timeline_of(record),
            "charts": self.charts.setdefault(rollout_id, Charts()).drawn(record),
            "rows": (rows := page.rows(record))[: page.MOST_ROWS],
            "visits": len(rows),
            "guardrails": page.guardrails(record),
            "verdicts": list(page.told(record)),
            "actions": offered if acts else [],
            "token": self.key.token if acts else "",
            "who": self.who,
            "done": [item for item in reversed(self.done) if item["rollout"] == rollout_id],
        }

    async def visit(self, request: Request) -> Response:
        """One visit's input, output and errors."""
        found = await self._record(request)
        if isinstance(found, Response):
            return found
        execution, number = request.path_params["execution"], request.path_params["number"]
        shown = page.visit(found, execution, number)
        if shown is None:
            return self.html("unknown.html", 404, visit=execution, known=[], live=None)
        return self.html("payload.html", record=found, visit=shown, visits=[], live=None)

    async def state(self, request: Request) -> Response:
        """All visits of a state, and the newest one's input, output and errors."""
        found = await self._record(request)
        if isinstance(found, Response):
            return found
        state = request.path_params["state"]
        execution = request.query_params.get("execution", "")
        visits = page.rows(found, state, execution)
        if not visits:
            return self.html("unknown.html", 404, visit=state, known=[], live=None)
        shown = page.visit(found, visits[0]["execution"], visits[0]["number"])
        return self.html("payload.html", record=found, visit=shown, visits=visits, live=None)

    async def _record(self, request: Request) -> dict[str, Any] | Response:
        """The record of the rollout of the address, or the answer that says why there is none."""
        rollout_id = request.path_params["rollout"]
        seen = await self._watch_with(rollout_id).look()
        if seen.record is None:
            return await self._nothing(rollout_id, seen)
        return seen.record

    def _watch_with(self, rollout_id: str) -> Watch:
        """The watch of a rollout, also when it is watched as the one that holds the flag."""
        current = self.watches.get("")
        if current and current.seen.record and current.seen.record["rollout"] == rollout_id:
            return current
        return self.watch(rollout_id)

    async def failed(self, _request: Request, error: Exception) -> Response:
        """A mistake of the console's own; its traceback goes to standard error."""
        return self.html("failed.html", 500, error=f"{type(error).__name__}: {error}", live=None)

    # Events

    async def events(self, request: Request) -> Response:
        """A server-sent event whenever what the page shows has changed."""
        watch = self._watch_with(request.query_params.get("rollout", ""))
        return StreamingResponse(changes(request, watch), media_type="text/event-stream")

    # Actions

    async def act(self, request: Request) -> Response:
        """Do what a button says, and show what it did."""
        rollout_id, name = request.path_params["rollout"], request.path_params["action"]
        form = await sent(request)
        if not self.key.may_act(request, form.get("token", "")):
            return self.html("refused.html", 403, rollout=rollout_id, live=None)
        if name not in acting.BY_NAME:
            return self.html("unknown.html", 404, visit=name, known=[], live=None)
        action = acting.BY_NAME[name]
        try:
            given = acting.given(rollout_id, form)
        except InvalidInputError as error:
            return self.html("refused.html", 400, rollout=rollout_id, why=str(error), live=None)
        did, failed = await acting.done(action, self.source.stack, given)
        item = {"rollout": rollout_id, "action": action.label, "who": given.who}
        item |= {"why": given.why, "at": time.time(), "did": did, "failed": failed}
        self.done = [*self.done[1 - DONE_KEPT :], item]
        await self._watch_with(rollout_id).again()
        return RedirectResponse(f"{address(rollout_id)}#done", 303)


async def _pictures_style(_request: Request) -> Response:
    return FileResponse(STYLE_FILE)


def application(console: Console) -> ASGIApp:
    """The web application of a console."""
    made = Starlette(
        routes=[
            Route("/", console.rollout),
            Route("/events", console.events),
            Route("/rollouts/{rollout}", console.rollout),
            Route("/rollouts/{rollout}/visits/{execution}/{number:int}", console.visit),
            Route("/rollouts/{rollout}/states/{state:path}", console.state),
            Route("/rollouts/{rollout}/actions/{action}", console.act, methods=["POST"]),
            Route("/static/pictures.css", _pictures_style),
            Mount("/static", StaticFiles(directory=page.FOLDER / "static"), name="static"),
        ],
        exception_handlers={Exception: console.failed},
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=list(LOOPBACK), www_redirect=False),
        ],
    )
    # Around everything, so that also a failure has the headers.
    return Strict(made)
