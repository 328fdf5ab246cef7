"""The host of one Bank: makes it, opens its endpoints, waits, and closes all of it in order.

Knows neither command line nor environment nor signals; see `cli` and `lifecycle`.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import zmq

from groundwork.addresses import bind_address
from groundwork.closing import Closing
from groundwork.planned import refusal
from groundwork.portranges import has_range, split_ports
from player.access import Access
from player.alarms.file import AlarmFile
from player.alarms.served import BankAlarms
from player.bank import Bank, BankContext
from player.clock import Clock, SystemClock
from player.controlfile import ControlFile, seconds_since_boot
from player.declaredalarms import alarm_rules
from player.endpoints.base import Endpoint, EndpointContext
from player.endpoints.changes import Changes
from player.endpoints.rpc import RpcEndpoint
from player.errors import (
    BankNameError,
    BankStartError,
    EndpointError,
    NotReadyError,
    PlayerError,
    PortTakenError,
)
from player.kinds import alarms_of, find_endpoint, find_kind
from player.listeners import describe_process, listener_of
from player.ports import is_loopback, local_url, split_url, tcp_url
from player.records import Records
from player.remotes import Remotes
from player.services import Registration
from player.statenames import state_name
from player.tables import Config
from portmanager.protocol.urls import ServiceAddress, is_service, own_service
from zmqjsonproxy import ProxyError, RefusedError, ThreadHub
from zmqjsonproxy.channels.properties import table_of
from zmqjsonproxy.control.served import ServedControl
from zmqjsonproxy.keys.trust import KeySocket
from zmqjsonproxy.rights import ClientKeys

__all__ = ["Host", "HostSettings", "ask_ready", "bank_context", "start_errors"]

log = logging.getLogger(__name__)

T = TypeVar("T")

SLOW_OPEN_S = 5.0  # then the log says what the start waits for
SIGNALS_EVERY_S = 0.5  # a signal that woke nobody is seen after this long at the latest


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSettings:
    """Limits in time, s.

    Attributes:
        ready_within: A Player that does not answer itself so long after its start has failed; so
            has an endpoint of the site that takes so long to be made or opened.
        call_timeout: Of one call to itself.
        lend_within: A port manager that is not there is waited for so long.
        close_endpoint_within: An endpoint of the site that does not close in this time is left.
        read_within: A Bank has so long for reading its configuration again, with the commands that
            are before that.
    """

    ready_within: float = 60.0
    call_timeout: float = 1.0
    lend_within: float = 10.0
    close_endpoint_within: float = 2.0
    read_within: float = 300.0


def ask_ready(hub: ThreadHub, bank: str, url: str, timeout: float) -> None:
    """Call the Player at `url` once.

    Raises:
        NotReadyError: No answer within `timeout` s, an error, or the answer of another Bank.
    """
    try:
        answer = hub.call(url, "bank", "get_bank_name", (), {}, timeout)
    except ProxyError as error:
        raise NotReadyError(bank, url, str(error)) from error
    if answer != bank:
        raise NotReadyError(bank, url, f"the Player there serves {answer}")


def bank_context(
    config: Config,
    name: str,
    *,
    simulate: bool,
    data_root: Path,
    dibas_dir: Path | None,
    clock: Clock | None = None,
    state_dir: Path | None = None,
    url: str = "",
    keys: ClientKeys | None = None,
) -> BankContext:
    """Return what a Bank of a valid configuration is told; `name` is one of its Banks."""
    if not simulate and (why := refusal(f"open {name}, unless it is simulated")):
        raise BankStartError(why)
    return BankContext(
        name=name,
        config=config.banks[name],
        instrument=config,
        simulate=simulate,
        data_root=data_root,
        dibas_dir=dibas_dir,
        log=logging.LoggerAdapter(logging.getLogger(f"bank.{name}"), {"bank": name}),
        clock=clock or SystemClock(),
        state_dir=state_dir,
        url=url,
        keys=keys,
    )


@contextlib.contextmanager
def start_errors(
    what: str,
    error_class: type[PlayerError] = BankStartError,
    passed: tuple[type[PlayerError], ...] = (PlayerError,),
) -> Iterator[None]:
    """Make whatever is raised while a Bank, or an endpoint, is made and opened an error with a
    sentence for the operator; but what is passed."""
    try:
        yield
    except passed:
        raise
    except (RefusedError, PlayerError, OSError) as error:
        raise error_class(f"{what} cannot be opened: {error}") from error
    except (Exception, SystemExit) as error:  # a kind is anybody's code; the log gets the traceback
        log.exception("%s cannot be opened", what)
        raise error_class(f"{what} cannot be opened: {type(error).__name__}: {error}") from error


@contextlib.contextmanager
def _told_if_slow(what: str) -> Iterator[None]:
    """Tell the log of something that does not return, or nobody would know why a Player is
    silent."""
    timer = threading.Timer(
        SLOW_OPEN_S, log.warning, ("%s has not returned for %g s", what, SLOW_OPEN_S)
    )
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _within(seconds: float, what: str, function: Callable[[], T]) -> T:
    """Call what is anybody's code in a thread, which is left if that does not return; TimeoutError
    says so."""
    outcome: Future[T] = Future()

    def call() -> None:
        try:
            outcome.set_result(function())
        except BaseException as error:  # raised where it is waited for
            outcome.set_exception(error)

    threading.Thread(target=call, name=what, daemon=True).start()
    if not wait([outcome], seconds).done:
        raise TimeoutError(f"{what} has not returned for {seconds:g} s")
    return outcome.result()


class Host(Closing):
    """One Player.

    Args:
        config: The whole, valid configuration.
        bank: Which Bank to host.
        url: Where calls are served: `tcp://HOST:PORT`, or a service; None: as the configuration
            says.
        bind: Address to serve on under the name of a service; None: as the configuration says.
        simulate: No real instrument may be touched.
        data_root: Where data files go.
        dibas_dir: Installation root, if there is one.
        state_dir: For what outlives the Player, as in `BankContext`.
        settings: Limits.
        clock: What the Bank takes for the time; None: the computer's.
        kind: Class of the Bank; None: as the configuration says.

    Raises:
        BankNameError: The configuration has no such Bank.
    """

    def __init__(
        self,
        config: Config,
        bank: str,
        url: str | None = None,
        *,
        bind: str | None = None,
        simulate: bool = False,
        data_root: Path = Path("/tmp"),
        dibas_dir: Path | None = None,
        state_dir: Path | None = None,
        settings: HostSettings | None = None,
        clock: Clock | None = None,
        kind: type[Bank] | None = None,
    ) -> None:
        if bank not in config.banks:
            raise BankNameError(
                f"{config.path} has no Bank {bank}; there are {', '.join(config.banks)}"
            )
        self.settings = settings or HostSettings()
        self.bank: Bank | None = None
        self._config, self.name = config, bank
        self._wanted_url = config.url(bank) if url is None else url
        self._bind = bind_address(bind or config.bind(bank))
        self._registrations: list[Registration] = []
        self._simulate, self._data_root, self._dibas_dir, self._state_dir = (
            simulate,
            data_root,
            dibas_dir,
            state_dir,
        )
        self._clock, self._kind = clock, kind
        # A SimpleQueue and no Event: its `put` may be called in a signal handler, whatever the main
        # thread holds.
        self._ends: queue.SimpleQueue[tuple[str, bool]] = queue.SimpleQueue()
        self._address = self._bind
        if not is_service(self._wanted_url):
            with contextlib.suppress(ValueError):  # whoever serves there says so
                self._address = split_ports(self._wanted_url)[0]
        self._access = Access(config, bank, self._address)
        self._key_socket: KeySocket | None = None
        self._rpc: RpcEndpoint | None = None
        self._check_control: Callable[[], None] = lambda: None
        self._remotes: Remotes | None = None
        self._records: Records | None = None
        self._endpoints: list[Endpoint] = []
        self._ctx: zmq.Context[Any] | None = None
        self._closed = False

    @property
    def url(self) -> str:
        """Where calls are served: with the true port once it is open."""
        return self._endpoints[0].url if self._endpoints else self._wanted_url

    @property
    def client_keys(self) -> ClientKeys | None:
        """Keys by which this host reaches Players, this one too; None: without keys."""
        return self._access.client_keys()

    @property
    def endpoint_urls(self) -> dict[str, str]:
        """Where the endpoints serve that the file names, by name; empty before `open`."""
        return {name: endpoint.url for name, endpoint in self._site_endpoints.items()}

    @property
    def _site_endpoints(self) -> dict[str, Endpoint]:
        return dict(zip(self._config.banks[self.name].endpoints, self._endpoints[1:], strict=False))

    def open(self) -> None:
        """Take the address, make and open the Bank, then serve.

        Raises:
            PlayerError: The address, or the Bank. Call `close` all the same.
        """
        self._ctx = zmq.Context()
        self._rpc = self._make_rpc_endpoint(self._ctx)
        self._endpoints.append(self._rpc)
        self._access.url = local_url(self.url)
        self._records = Records(
            self._config,
            self.name,
            self._state_dir,
            self._clock or SystemClock(),
            simulated=self._simulate,
        )
        self._rpc.keep(self._records)
        if not is_loopback(self.url):
            self._tell_who_is_let_in()
        self._tell_key()
        self._make_endpoints()
        self._rpc.tell_endpoints(self.endpoint_urls)
        self._open_bank()

    def _tell_who_is_let_in(self) -> None:
        if self._config.instrument.insecure:
            text = "%s is open to the network, and nothing asks callers who they are"
        else:
            text = "%s is open to the network, to callers with keys"
        log.warning(text, self.url)

    def _tell_key(self) -> None:
        """Tell the public key of this host to whoever asks, at a port of its own."""
        port = self._config.instrument.key_port
        if not port or not self._access.is_demanded(self._address):
            return
        if (keys := self._access.server_keys()) is not None:
            self._key_socket = KeySocket(keys.public, split_url(self.url)[0], port)

    def _make_rpc_endpoint(self, ctx: zmq.Context[Any]) -> RpcEndpoint:
        def serve(url: str) -> RpcEndpoint:
            areas = self._config.areas(self.name)
            return RpcEndpoint(
                ctx,
                url,
                name=self.name,
                on_end=self._endpoint_ended,
                areas=areas,
                control=self._make_control,
                access=self._access,
            )

        def move(port: int) -> None:
            endpoint.serve_also(tcp_url(self._bind, port))
            self._access.url = local_url(endpoint.url)

        if not is_service(self._wanted_url):
            try:
                return serve(self._wanted_url)
            except PortTakenError as error:
                if has_range(self._wanted_url):
                    raise
                holder = describe_process(listener_of(error.port))
                raise PortTakenError(error.url, error.port, holder) from error
        address = ServiceAddress.read(self._wanted_url, self._config.manager)
        endpoint = self._register(address, move).take(lambda port: serve(tcp_url(self._bind, port)))
        return endpoint

    def _make_control(self) -> ServedControl:
        kept = ControlFile(self._state_dir, self.name, self._config.path)
        lease = kept.load(is_required=self._config.instrument.require_control)
        control = ServedControl(lease, now=seconds_since_boot, keep=kept.keep)
        self._check_control = control.check
        return control

    def _register(
        self, address: ServiceAddress, move: Callable[[int], None] | None = None
    ) -> Registration:
        made = Registration(address, move=move, within=self.settings.lend_within)
        self._registrations.append(made)
        return made

    def _lend(self, text: str, serve: Callable[[int], Any]) -> Any:
        """Have a port lent to an endpoint of the site, `service:NAME`, and serve there."""
        service = own_service(text, self.name)
        return self._register(ServiceAddress(service, self._config.manager)).take(serve)

    def _open_bank(self) -> None:
        context = bank_context(
            self._config,
            self.name,
            simulate=self._simulate,
            data_root=self._data_root,
            dibas_dir=self._dibas_dir,
            clock=self._clock,
            state_dir=self._state_dir,
            url=local_url(self.url),
            keys=self.client_keys,
        )
        with start_errors(self.name):
            self.bank = (self._kind or find_kind(context.config.kind))(context)
            with _told_if_slow(f"open of {self.name}"):
                self.bank.open()
            if self._rpc is not None:
                self._rpc.raise_alarms(self._make_alarms(self.bank))
            self._endpoints[0].open(self.bank)
            for name, endpoint in self._site_endpoints.items():
                _within(
                    self.settings.ready_within,
                    f"open of endpoint {name}",
                    functools.partial(endpoint.open, self.bank),
                )
            self._remotes = Remotes(table_of(self.bank), self._config, self.name, context.keys)
            self._remotes.open()
        for name, url in self.endpoint_urls.items():
            log.info("endpoint %s of %s is at %s", name, self.name, url)

    def _make_alarms(self, bank: Bank) -> BankAlarms:
        """Return the alarms of the Bank; those of a simulated one are kept apart."""
        of_kind = alarms_of(self._config.banks[self.name].kind, type(bank))
        path, records = None, self._records
        assert records is not None
        if self._state_dir is not None and not records.why_not:
            name = state_name("alarms", self.name, self._config.path)
            path = self._state_dir / f"{name}{'-simulated' if self._simulate else ''}.json"
        return BankAlarms(
            self.name,
            alarm_rules(self._config, self.name, of_kind),
            AlarmFile(path, self.name, "" if records.is_off else records.why_not),
            self._clock or SystemClock(),
            simulated=self._simulate,
            note=records.note,
        )

    def _make_endpoints(self) -> None:
        """Take the addresses of the endpoints that the file names."""
        bank = self._config.banks[self.name]
        for name, config in bank.endpoints.items():
            context = EndpointContext(
                name=name,
                bank=self.name,
                config=config,
                bind=config.bind or bank.bind or self._config.instrument.bind,
                log=logging.LoggerAdapter(
                    logging.getLogger(f"endpoint.{name}"), {"bank": self.name}
                ),
                on_end=functools.partial(self._endpoint_ended, whose=f"endpoint {name} ended: "),
                on_quit=self.quit,
                lend=self._lend,
                url=local_url(self.url),
                directory=self._config.directory,
                areas=self._config.areas(self.name),
                changes=Changes(
                    endpoint=name,
                    check_control=lambda: self._check_control(),
                    on_command=None if self._records is None else self._records.on_command,
                ),
                access=self._access,
            )
            with start_errors(f"endpoint {name} of {self.name}", EndpointError, ()):
                make = functools.partial(find_endpoint(config.kind or name), context)
                self._endpoints.append(_within(self.settings.ready_within, "its constructor", make))

    def wait_until_ready(self) -> bool:
        """Call ourselves over the real socket until that is answered; False if the end was asked
        for meanwhile.

        Raises:
            NotReadyError: Not answered within `settings.ready_within`.
        """
        url, end = local_url(self.url), time.monotonic() + self.settings.ready_within
        with ThreadHub(self._ctx, keys=self.client_keys) as hub:
            while self._ends.empty():
                try:
                    ask_ready(hub, self.name, url, self.settings.call_timeout)
                except NotReadyError:
                    if time.monotonic() >= end:
                        raise
                else:
                    return True
        return False

    def wait(self) -> bool:
        """Block until `quit`, or until an endpoint fails; True if the end was asked for."""
        while True:
            # In pieces: Python handles a signal between two steps of the main thread only, and one
            # that comes just before the main thread blocks (or that another thread receives) does
            # not wake it.
            with contextlib.suppress(queue.Empty):
                reason, wanted = self._ends.get(timeout=SIGNALS_EVERY_S)
                break
        log.log(logging.INFO if wanted else logging.ERROR, "ending %s: %s", self.name, reason)
        return wanted

    def read_again(self) -> str:
        """Let the Bank read its configuration again, in its turn as for any caller; a sentence says
        what came of it."""
        try:
            with ThreadHub(self._ctx, keys=self.client_keys) as hub:
                url = local_url(self.url)
                return str(
                    hub.call(url, "bank", "read_config_file", (), {}, self.settings.read_within)
                )
        except ProxyError as error:
            return f"nothing has changed; end and start the Player for that ({error})"

    def quit(self, reason: str) -> None:
        """End `wait`; from any thread and from a signal handler."""
        self._ends.put((reason, True))

    def _endpoint_ended(self, reason: str, whose: str = "") -> None:
        self._ends.put((whose + reason, False))

    def close(self) -> None:
        """Close the endpoints, then the Bank, then what it may have left behind. Idempotent."""
        if self._closed:
            return
        self._closed = True
        for (
            registration
        ) in self._registrations:  # first: who asks for it must not be sent to a closed endpoint
            registration.close()
        if self._remotes is not None:
            self._remotes.close()
        if self._key_socket is not None:
            self._key_socket.close()
        for endpoint in reversed(self._endpoints):
            try:
                if isinstance(endpoint, RpcEndpoint):
                    endpoint.close()
                else:
                    _within(self.settings.close_endpoint_within, "its close", endpoint.close)
            except Exception:  # whatever an endpoint does, the rest has to be closed too
                log.exception(
                    "%s: closing its endpoint %s raised", self.name, type(endpoint).__name__
                )
        if self.bank is not None:
            try:
                self.bank.close()
            except Exception:  # whatever a kind does, the rest has to be closed too
                log.exception("%s: close raised", self.name)
        if self._records is not None:
            self._records.close()
        self._access.close()
        if self._ctx is not None and not self._ctx.closed:
            with contextlib.suppress(zmq.ZMQError):
                self._ctx.destroy(linger=100)
