"""Keys, roles, control and the journal: two simulated Banks that serve nobody without a key, and three
people who want different things of them.

Anna (`admin`) makes the keys, Ben (`operate`) takes control, Cleo (`observe`) looks on. Each refusal
is shown with the time until it was told; at the end the journal says who did what. If anything is
let in or refused otherwise than it should be, the exit status is 1.

All processes end, and all files go, whatever ends the demo.
"""

from __future__ import annotations

import argparse
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from processes import START_S, DemoError, Processes, start_port_manager

import dealer
from zmqjsonproxy.errors import AccessError, RefusedError
from zmqjsonproxy.keys import KeyRing

ROOT = Path(__file__).resolve().parent.parent
BANKS = ("BANKA", "BANKB")
ROLES = {"anna": "admin", "ben": "operate", "cleo": "observe"}
TOLD_WITHIN_S = 2.0
"""Time after which a key that was revoked is refused at the latest."""


def write_configuration(folder: Path, manager: int, key_port: int) -> Path:
    """Write the array's file: two simulated Banks that demand keys on the loopback address, too."""
    tag = secrets.token_hex(4)
    key = 0x0DB00000 + int(tag[:4], 16) * 16
    lines = [
        "[instrument]",
        'telescope = "Demo"',
        f'data_root = "{folder}"',
        'player_port = "service:"',
        f'portmanager = "127.0.0.1:{manager}"',
        "keys = true",
        f"key_port = {key_port}",
        "[dealer]",
        f"players = {list(BANKS)!r}".replace("'", '"'),
    ]
    for number, bank in enumerate(BANKS):
        lines += [
            f"[banks.{bank}]",
            'hpc_host = "localhost"',
            f"instance = {number}",
            'data_source = { host = "127.0.0.1", port = 60000 }',
            'data_destination = { host = "127.0.0.1", port = 60000 }',
            "filters = { 450 = 0x00, 1450 = 0x08, 1900 = 0x18 }",
            f'status_memory = {{ key = {key + number}, semaphore = "/dealer_player_demo_{tag}_{number}" }}',
        ]
    shipped = (ROOT / "conf" / "dibas.toml").read_text()
    # The modes as shipped, but for the coherent ones, which need eight Banks.
    lines.append(shipped[shipped.index("[mode_defaults.") : shipped.index("# Coherent: ")])
    path = folder / "array.toml"
    path.write_text("\n".join(lines) + "\n")
    return path


class People:
    """Three people with keys of their own, as commands make them.

    Args:
        processes: Of the demo.
        config: The array's file.

    Attributes:
        config: The same.
    """

    def __init__(self, processes: Processes, config: Path) -> None:
        self._processes, self.config = processes, config
        self._folder = processes.folder

    def keys_of(self, name: str) -> Path:
        """Return the folder of somebody's keys."""
        return self._folder / f"keys-of-{name}"

    def run(self, name: str, *words: str | Path) -> str:
        """Run a command as somebody; what it prints.

        Raises:
            DemoError: It failed.
        """
        environment = {**self._processes.environment, "DIBAS_KEYS": str(self.keys_of(name))}
        command = [sys.executable, "-m", *map(str, words), "--config", str(self.config)]
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL
        )
        if done.returncode:
            told = f"{done.stdout}{done.stderr}".strip()
            raise DemoError(f"{' '.join(map(str, words))} failed as {name}:\n{told}")
        return done.stdout

    def make_key_of_host(self) -> None:
        """Make the key of the Players."""
        print(self.run("anna", "player", "keys", "new").splitlines()[0])

    def make_keys(self, key_port: int) -> None:
        """Make Anna's key, let her trust the host, and give the others bundles."""
        self.run("anna", "dealer", "keys", "new", "anna", "--role", ROLES["anna"])
        trusting = ("dealer", "keys", "trust", "localhost", "--key-port", str(key_port), "--yes")
        print(self.run("anna", *trusting).rstrip())
        for name in ("ben", "cleo"):
            bundle = self._folder / f"{name}.keys"
            making = ("dealer", "keys", "new", name, "--role", ROLES[name], "--export", bundle)
            self.run("anna", *making)
            self.run(name, "dealer", "keys", "import", bundle)
        print(self.run("anna", "dealer", "keys", "list").rstrip())

    def dealer_of(self, name: str) -> dealer.Dealer:
        """Return a Dealer with somebody's keys, and both Banks active."""
        ring = KeyRing.load(self.keys_of(name))
        d = dealer.Dealer(config=self.config, keys=ring)
        d.add_active_player(*d.list_available_players())
        return d


def refused(who: str, what: str, call: Callable[[], object], *kinds: type[Exception]) -> None:
    """Show how a call is refused, and how long that took; DemoError: it was not, or otherwise."""
    begun = time.monotonic()
    try:
        value = call()
    except dealer.PlayersError as error:
        errors = [each.error for each in error.outcomes.values() if each.error is not None]
    except (AccessError, RefusedError) as error:
        errors = [error]
    else:
        raise DemoError(f"{what} was not refused to {who}: {value!r}")
    took_ms = 1000 * (time.monotonic() - begun)
    for error in errors:
        if not isinstance(error, kinds):
            names = ", ".join(kind.__name__ for kind in kinds)
            raise DemoError(f"{what}, {who}: {error!r}; expected {names}")
    print(f"  refused to {who} in {took_ms:.0f} ms: {what}\n    {errors[0]}")


def show(people: People, d: Mapping[str, dealer.Dealer]) -> None:
    """Let the three do what they may and what they may not."""
    anna, ben, cleo = d["anna"], d["ben"], d["cleo"]
    print("\nroles: all may look, Ben may change, Anna may do what concerns the host")
    print("  cleo: get_mode", cleo.get_mode())
    refused("cleo", "set_mode", lambda: cleo.set_mode("MODE1"), AccessError)
    print("  ben: set_mode", ben.set_mode("MODE1"))
    refused("ben", "set_log_level", lambda: ben.set_log_level("debug"), AccessError)
    print("  anna: set_log_level", anna.set_log_level("info"))
    with dealer.Dealer(config=people.config, keys=None) as nobody:
        refused("somebody without a key", "get_mode", nobody.get_mode, AccessError)

    print("\ncontrol: one at a time")
    print("  ben takes control:", ben.take_control("pointing run", minutes=30))
    refused("anna", "set_mode", lambda: anna.set_mode("MODE2"), RefusedError)
    print("  anna breaks it:", anna.break_control("the dome is closing"))
    refused("ben", "set_mode", lambda: ben.set_mode("MODE2"), RefusedError)
    print("  ben lets go:", ben.release_control())

    print("\nBen's key is revoked while he is connected")
    people.run("anna", "dealer", "keys", "revoke", "ben")
    end = time.monotonic() + TOLD_WITHIN_S
    while time.monotonic() < end:
        try:
            ben.get_mode()
        except (dealer.PlayersError, AccessError):
            break
        time.sleep(0.05)
    refused("ben", "get_mode", ben.get_mode, AccessError)

    print("\nthe journal, as `dealer journal` prints it")
    table = people.run("cleo", "dealer", "journal", "--last", "20")
    print(table.rstrip())
    for name in ("ben", "anna"):
        if name not in table:
            raise DemoError(f"the journal does not know what {name} did")


def run(processes: Processes) -> None:
    """Show it all; DemoError: something is not as it should be."""
    manager = start_port_manager(processes)
    with socket.create_server(("127.0.0.1", 0)) as free:
        key_port = int(free.getsockname()[1])
    config = write_configuration(processes.folder, manager, key_port)
    people = People(processes, config)
    people.make_key_of_host()
    for bank in BANKS:
        processes.start(f"player-{bank}", "player", bank, "--simulate", "--config", config)
    for bank in BANKS:
        try:
            print(people.run("anna", "player", "ready", bank, "--timeout", str(START_S)).rstrip())
        except DemoError as error:
            raise DemoError(f"{error}\n{processes.log(f'player-{bank}')}") from error
    people.make_keys(key_port)
    with ExitStack() as stack:
        opened = {name: stack.enter_context(people.dealer_of(name)) for name in ROLES}
        show(people, opened)


def main(argv: Sequence[str] | None = None) -> int:
    """Show it; 0 as it should be, 1 otherwise."""
    argparse.ArgumentParser(description=__doc__.partition("\n\n")[0]).parse_args(argv)
    os.environ["DIBAS_KEYS"] = ""  # keys of the user are none of the demo's
    try:
        with ExitStack() as stack:
            processes = Processes("demo-control")
            stack.callback(processes.close)
            stack.callback(processes.close)  # if a signal comes within the first
            processes.release()
            run(processes)
    except (DemoError, dealer.DealerError, AccessError) as error:
        print(f"demo-control: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("demo-control: interrupted; nothing is left of it", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
