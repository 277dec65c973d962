"""The one place where real parts are chosen, joined, started and stopped.

Law: parts are passed by keyword; lifetimes hang on one AsyncExitStack, so that what started last stops first; nothing
else in the house knows which part it works with.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import structlog
import uvloop
from aiohttp import web

from sidecar import (
    __version__,
    admin,
    api,
    datadir,
    dice,
    inbound,
    interpreter,
    listeners,
    logs,
    registry,
    signals,
    status,
    systemd,
    tcpsocket,
)
from sidecar.api import PARTS, make_app, serving, unusable
from sidecar.clock import SystemClock
from sidecar.dialects import DIALECTS
from sidecar.dispatcher import Dispatcher, Parts
from sidecar.errors import Misconfigured, NoSpace, Occupied, OutboxBroken, RegistryBroken
from sidecar.meters import Meters
from sidecar.metrics import Metrics
from sidecar.model import Endpoint
from sidecar.outboxes.sqlite import open_outbox
from sidecar.ports import Clock, Observer, Outbox, Registry, Transport
from sidecar.pulse import measure_lag, stopwatch
from sidecar.registry import Kept, RegistryFile
from sidecar.reloading import reload_whenever
from sidecar.replays import Replayer
from sidecar.settings import Change, Configuration, Settings
from sidecar.tasks import beside
from sidecar.traces import watched
from sidecar.transport import HttpTransport, choose_proxy
from sidecar.upkeep import Upkeep
from sidecar.web.gate import Gate
from sidecar.web.problems import HttpLog
from sidecar.web.slowness import Slowness

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Sidecar:
    """A running one. `delivering` ends when the dispatcher has drained; the `others` never do by themselves."""

    outbox: Outbox
    registry: RegistryFile
    secrets: Registry
    dispatcher: Dispatcher
    replayer: Replayer
    application: web.Application
    receiving: inbound.Parts | None
    gate: Gate
    delivering: asyncio.Task[None]
    others: tuple[asyncio.Task[None], ...]

    async def failure(self) -> BaseException:
        """Return when, if ever, it cannot go on."""
        broken = [asyncio.ensure_future(part.failure()) for part in (self.outbox, self.registry)]
        own = (self.delivering, *self.others)
        try:
            await asyncio.wait([*broken, *own], return_when=asyncio.FIRST_COMPLETED)
            for one in broken:
                if one.done():
                    return one.result()
        finally:
            for one in broken:
                one.cancel()
        ended = next(task for task in own if task.done())
        return ended.exception() or RuntimeError("a part ended by itself")

    def configure(self, change: Change) -> None:
        """From now on this. Raises `Misconfigured`, and nothing changes."""
        if faults := list(_faults(change.endpoints, self.secrets)):
            raise Misconfigured(faults)
        self.dispatcher.configure(change.endpoints)
        self.application[PARTS].configure(change.endpoints)
        if self.receiving is not None:
            self.receiving.configure(change.relay_secrets)

    async def drain(self, seconds: float) -> bool:
        """Take no more events; finish what is in flight and what is due now. True where that was done in time."""
        self.gate.drain()
        self.replayer.drain()
        self.dispatcher.drain()
        done, _ = await asyncio.wait([self.delivering], timeout=seconds)
        for task in done:
            task.result()
        return bool(done)

    async def waiting(self) -> int:
        """Deliveries not yet finished."""
        return sum(counts.pending for counts in (await self.outbox.counts()).values())


@asynccontextmanager
async def running(settings: Settings, *, vfs: str = "") -> AsyncIterator[Sidecar]:
    """A sidecar, ready: with its data directory locked, its outbox open, its socket listening. `vfs` is SQLite's, for
    tests of a failing disk.

    Raises:
        Occupied: the data directory or the socket is another process's, or cannot be used.
        OutboxBroken, NoSpace: the outbox cannot be opened.
        RegistryBroken: what is kept beside it cannot be read, or not be used.
    """
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        stack.enter_context(datadir.held(Path(settings.data_dir)))
        meters = Meters([one.name for one in settings.endpoints], clock.now())
        observer = watched(stack, meters, clock, os.environ)
        outbox = await _outbox(settings, clock, meters, vfs)
        stack.push_async_callback(outbox.close)
        clock.raise_floor(outbox.written)
        kept = await stack.enter_async_context(registry.opened(Path(settings.data_dir)))
        transport = _transport(settings)
        stack.push_async_callback(transport.close)
        dispatcher = await _dispatcher(settings, outbox, transport, clock, observer)
        _override(dispatcher, settings.endpoints, kept.registry)
        delivering = beside(stack, dispatcher.run())
        upkeep = beside(stack, _upkeep(settings, outbox, clock, kept, meters).run())
        beside(stack, measure_lag(clock, meters.lags))
        replayer = Replayer(kept.replays, outbox, clock, frozenset(one.name for one in settings.endpoints))
        replaying = beside(stack, replayer.run())
        gate = Gate()
        handed = listeners.handed_over()
        application = await _listen(
            stack,
            settings,
            handed=handed,
            outbox=outbox,
            kept=kept,
            replayer=replayer,
            dispatcher=dispatcher,
            clock=clock,
            gate=gate,
            observer=observer,
            meters=meters,
        )
        await _administer(stack, settings, application, handed=handed, clock=clock, meters=meters)
        receiving = await _receive(stack, settings, application, handed=handed, kept=kept, clock=clock)
        parts = (dispatcher, replayer, application, receiving, gate)
        yield Sidecar(outbox, kept.file, kept.registry, *parts, delivering, (upkeep, replaying))


async def _outbox(settings: Settings, clock: Clock, meters: Meters, vfs: str) -> Outbox:
    return await open_outbox(
        Path(settings.data_dir),
        now=clock.now,
        hold=settings.order_hold,
        order=settings.order,
        max_size=settings.max_outbox_size,
        vfs=vfs,
        timed=stopwatch(clock, meters.commits),
    )


async def _dispatcher(
    settings: Settings, outbox: Outbox, transport: Transport, clock: Clock, observer: Observer
) -> Dispatcher:
    parts = Parts(
        outbox=outbox,
        transport=transport,
        clock=clock,
        dialects=DIALECTS,
        instance=settings.instance,
        schedule=settings.schedule,
        random=dice.random_unit,
        observer=observer,
    )
    return Dispatcher(settings.endpoints, await outbox.health(), parts)


def _transport(settings: Settings) -> HttpTransport:
    proxies = settings.proxies
    proxy_for = partial(choose_proxy, http=proxies.http, https=proxies.https, no_proxy=proxies.no_proxy)
    return HttpTransport(endpoints=settings.endpoints, blocked=settings.blocked_networks, proxy_for=proxy_for)


def _upkeep(
    settings: Settings,
    outbox: Outbox,
    clock: Clock,
    kept: Kept,
    meters: Meters,
) -> Upkeep:
    names = frozenset(endpoint.name for endpoint in settings.endpoints)
    others = (kept.hooks.prune, kept.projects.prune, kept.replays.prune)
    upkeep = Upkeep(outbox, clock, names, settings.max_age, settings.retention, others, meters)
    upkeep.came_back(outbox.written)
    return upkeep


def _override(dispatcher: Dispatcher, endpoints: Sequence[Endpoint], registry: Registry) -> None:
    """Secrets set at run time win over the configured ones; those of an endpoint that is gone wait for it."""
    for fault in _faults(endpoints, registry):
        raise RegistryBroken(fault)
    for one in endpoints:
        if secrets := registry.secrets().get(one.name):
            dispatcher.set_secrets(one.name, secrets)


def _faults(endpoints: Sequence[Endpoint], registry: Registry) -> Iterator[str]:
    """What keeps endpoints from signing with the secrets that were set for them."""
    for one in endpoints:
        if (secrets := registry.secrets().get(one.name)) and (fault := unusable(one, secrets)):
            way_out = f"or take `standard` out of its signatures, or {one.name} out of secrets.json"
            yield f"the secret that was set for endpoint {one.name} {fault}, {way_out}"


def _metrics(settings: Settings, outbox: Outbox, dispatcher: Dispatcher, clock: Clock, meters: Meters) -> Metrics:
    return Metrics(
        outbox=outbox,
        control=dispatcher,
        clock=clock,
        meters=meters,
        endpoints=[one.name for one in settings.endpoints],
        max_owed=settings.max_outbox_size,
        data_dir=settings.data_dir,
    )


async def _listen(
    stack: AsyncExitStack,
    settings: Settings,
    *,
    handed: listeners.Handed,
    outbox: Outbox,
    kept: Kept,
    replayer: Replayer,
    dispatcher: Dispatcher,
    clock: Clock,
    gate: Gate,
    observer: Observer,
    meters: Meters,
) -> web.Application:
    application = make_app(
        api.Parts(
            outbox=outbox,
            registry=kept.registry,
            projects=kept.projects,
            hooks=kept.hooks,
            replaying=replayer,
            control=dispatcher,
            clock=clock,
            configured=settings.endpoints,
            instance=settings.instance,
            dialects=DIALECTS,
            max_event_size=settings.max_event_size,
            gate=gate,
            new_id=dice.new_id,
            observer=observer,
            metrics=_metrics(settings, outbox, dispatcher, clock, meters).text,
            new_secret=dice.new_secret,
            attempts=len(settings.schedule) + 1,
        )
    )
    await stack.enter_async_context(serving(application, listeners.local(stack, settings, handed), patience=1))
    log.info("api.listening", socket=settings.socket)
    return application


async def _administer(
    stack: AsyncExitStack,
    settings: Settings,
    application: web.Application,
    *,
    handed: listeners.Handed,
    clock: Clock,
    meters: Meters,
) -> None:
    """The admin listener, where there is one; with port 0 the log tells which it is."""
    found = listeners.tcp(handed, "admin", settings.admin_listen, "SIDECAR_ADMIN_LISTEN")
    if not found:
        return
    names = [one.getsockname() for one in found]
    guard = admin.Guard(
        token=settings.admin_token,
        hosts=settings.admin_hosts,
        loopback=all(admin.is_loopback(name[0]) for name in names),
        clock=clock,
        sessions=admin.Sessions(clock, dice.new_secret),
    )
    beside(stack, asyncio.to_thread(status.warm))
    page = admin.make_app(application, guard, meters=meters, max_owed=settings.max_outbox_size, clock=clock)
    await stack.enter_async_context(tcpsocket.serving(page, found, logger=HttpLog("admin")))
    log.info("admin.listening", address=tcpsocket.shown(*names[0][:2]))


async def _receive(
    stack: AsyncExitStack,
    settings: Settings,
    application: web.Application,
    *,
    handed: listeners.Handed,
    kept: Kept,
    clock: Clock,
) -> inbound.Parts | None:
    """The listener for what other machines post, where there is one; with port 0 the log tells which it is."""
    found = listeners.tcp(handed, "inbound", settings.listen, "SIDECAR_LISTEN")
    if not found:
        return None
    parts = inbound.Parts(
        outbox=application[PARTS].outbox,
        projects=kept.projects,
        hooks=kept.hooks,
        clock=clock,
        gate=application[PARTS].gate,
        slowness=Slowness(clock, inbound.wrong_secret),
        drone=DIALECTS["drone"],
        audience=lambda: application[PARTS].audience["drone"],
        instance=settings.instance,
        relay_secrets=list(settings.relay_secrets),
        require_signature=settings.require_forge_signature,
        max_event_size=settings.max_event_size,
        observer=application[PARTS].observer,
    )
    name = found[0].getsockname()
    await stack.enter_async_context(inbound.serving(parts, found))
    log.info("inbound.listening", address=tcpsocket.shown(*name[:2]))
    return parts


async def _serve(settings: Settings, configuration: Configuration | None, began: int, vfs: str) -> int:
    stopping, asked = signals.stop(), signals.reload()
    async with AsyncExitStack() as stack:
        sidecar = await stack.enter_async_context(running(settings, vfs=vfs))
        if configuration is not None:
            beside(stack, reload_whenever(asked, configuration, sidecar.configure))
        facts = {"socket": settings.socket, "data_dir": settings.data_dir, "endpoints": len(settings.endpoints)}
        waiting, took = await sidecar.waiting(), (SystemClock().elapsed() - began) // 1000
        interpreter.tune()
        log.info("sidecar.ready", version=__version__, **facts, waiting=waiting, ms=took)
        service = systemd.notifier(os.environ)
        service.tell(READY="1", STATUS=f"takes events; {waiting} deliveries waited when it started")
        if period := systemd.watchdog(os.environ, os.getpid()):
            beside(stack, systemd.feed(service, period, sidecar.outbox.health, SystemClock()))
        failing = asyncio.ensure_future(sidecar.failure())
        either: list[asyncio.Future[Any]] = [failing, stopping]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if failing.done():
            raise failing.result()
        failing.cancel()
        log.info("sidecar.draining", signal=stopping.result(), seconds=settings.drain_timeout / 1000)
        service.tell(STOPPING="1", STATUS="stopping: what is in flight is finished")
        drained = await sidecar.drain(settings.drain_timeout / 1000)
        waiting = await sidecar.waiting()
    log.info("sidecar.stopped", waiting=waiting, drained=drained)
    return 0


def serve(settings: Settings, configuration: Configuration | None = None, *, vfs: str = "") -> int:
    """Run until stopped by a signal (0) or a failure (1); 2 where a certificate file of the settings is none. On SIGHUP
    the configuration is read again."""
    began = SystemClock().elapsed()
    logs.configure(settings.log_format, settings.log_level)
    for notice in settings.notices:
        log.info("config.notice", detail=notice)
    for warning in settings.warnings:
        log.warning("config.warning", detail=warning)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            return runner.run(_serve(settings, configuration, began, vfs))
        except OutboxBroken as error:
            log.error("outbox.broken", detail=str(error))  # noqa: TRY400 - the sentence says it all
        except Misconfigured as error:
            for fault in error.faults:
                log.error("sidecar.failed", detail=fault)  # noqa: TRY400 - likewise
            return 2
        except (Occupied, NoSpace, RegistryBroken, OSError) as error:
            log.error("sidecar.failed", detail=str(error))  # noqa: TRY400 - likewise
        return 1
