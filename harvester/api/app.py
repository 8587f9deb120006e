"""The HTTP applications: the API, its public part for a TON site, and the metrics, each on a listener of its own."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, Protocol

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from harvester.api.auth import Access, TokenGuard
from harvester.api.boundary import Boundary
from harvester.api.health import HealthRoutes, Readiness, Remarks, nothing_to_remark
from harvester.api.limits import KEEPALIVE_SECS, MAX_BODY_BYTES, Limits
from harvester.api.openapi import OpenApiRoutes
from harvester.api.opening import Opening
from harvester.api.plugins import PluginRoutes
from harvester.api.public_edge import PublicEdge
from harvester.api.visitors import SiteVisitors, Visitors
from harvester.domain.errors import InvariantBroken
from harvester.metrics import Metrics
from harvester.services.chains import Chains

SHUTDOWN_SECS: Final = 10.0


class PrivateRoutes(Protocol):
    """Routes for the merchant."""

    def routes(self, guard: TokenGuard) -> Sequence[web.RouteDef]:
        """Return the routes, behind `guard`."""
        ...


class PublicRoutes(Protocol):
    """Routes for anybody."""

    def routes(self, visitors: Visitors) -> Sequence[web.RouteDef]:
        """Return the routes; `visitors` says whom a request counts for."""
        ...


def build_api(
    chains: Chains,
    readiness: Readiness,
    metrics: Metrics,
    access: Access,
    public: Sequence[PublicRoutes] = (),
    private: Iterable[PrivateRoutes] = (),
    opened: asyncio.Event | None = None,
    remarks: Remarks = nothing_to_remark,
) -> web.Application:
    """Return the API; `remarks` are for `/readyz`.

    Until `opened` is set, what would change something is refused; None: it is open.
    """
    visitors = Visitors(access.limits, metrics)
    app = _application(metrics, visitors, opened)
    guard = TokenGuard(access, visitors, metrics)
    for part in private:
        app.add_routes(part.routes(guard))
    app.add_routes(HealthRoutes(readiness, chains, remarks).routes())
    documents = [path for each in public if isinstance(each, PluginRoutes) for path in each.openapi_paths]
    app.add_routes(OpenApiRoutes(documents).routes())
    return _with_public(app, public, visitors, metrics)


def build_site(
    metrics: Metrics, limits: Limits, public: Iterable[PublicRoutes], opened: asyncio.Event | None = None
) -> web.Application:
    """Return what the proxy of a TON site reaches: `public`, and nothing else that one could ask for."""
    visitors = SiteVisitors(limits, metrics)
    return _with_public(_application(metrics, visitors, opened), public, visitors, metrics)


def _application(metrics: Metrics, visitors: Visitors, opened: asyncio.Event | None) -> web.Application:
    boundary, edge = Boundary(metrics), PublicEdge(visitors)
    middlewares = [boundary.middleware, edge.middleware, *([Opening(opened).middleware] if opened else [])]
    app = web.Application(middlewares=middlewares, client_max_size=MAX_BODY_BYTES)
    app.on_response_prepare.extend([boundary.dress, edge.dress])
    return app


def _with_public(
    app: web.Application, public: Iterable[PublicRoutes], visitors: Visitors, metrics: Metrics
) -> web.Application:
    for each in public:
        app.add_routes(each.routes(visitors))
    _check_unique(app.router)
    for route in app.router.routes():
        if route.resource:
            metrics.http_duration.labels(route.resource.canonical, route.method)
            metrics.http_requests.labels(route.resource.canonical, route.method, "500")  # the first must show, too
    return app


def _check_unique(router: web.UrlDispatcher) -> None:
    """Raise InvariantBroken if two parts serve the same: the second would never be asked."""
    served = Counter((route.method, route.resource.canonical) for route in router.routes() if route.resource)
    [((method, path), count)] = served.most_common(1)
    if count > 1:
        raise InvariantBroken(f"{method} {path} is served twice: two plug-ins do not go together")


def build_metrics_app(
    registry: CollectorRegistry, chains: Chains, readiness: Readiness, remarks: Remarks = nothing_to_remark
) -> web.Application:
    """Return what serves `/metrics`, `/livez` and `/readyz`, for a listener that only the operator reaches."""

    async def metrics(request: web.Request) -> web.StreamResponse:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(registry), headers={"Content-Type": content_type})

    app = web.Application()
    app.add_routes([web.get("/metrics", metrics), *HealthRoutes(readiness, chains, remarks).routes()])
    return app


class _ServerLog(logging.LoggerAdapter[logging.Logger]):
    """aiohttp's log, in which bytes of strangers that are no HTTP are no errors: anybody could fill it with them."""

    def exception(self, msg: object, *args: object, exc_info: Any = True, **options: Any) -> None:
        """Log what came before, or out of, a request handler."""
        level = logging.DEBUG if isinstance(exc_info, HttpProcessingError) else logging.ERROR
        self.log(level, msg, *args, exc_info=exc_info, **options)


@asynccontextmanager
async def listen(
    app: web.Application, host: str, port: int, shutdown_secs: float = SHUTDOWN_SECS
) -> AsyncIterator[Sequence[tuple[str, int]]]:
    """Serve `app` inside the block; yield the addresses that are listened on. Requests at work have that long to end.

    Raises:
        OSError: the address cannot be used.
    """
    log = _ServerLog(logging.getLogger(__name__))
    runner = web.AppRunner(
        app, access_log=None, logger=log, shutdown_timeout=shutdown_secs, keepalive_timeout=KEEPALIVE_SECS
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield [address[:2] for address in runner.addresses]
    finally:
        await runner.cleanup()
