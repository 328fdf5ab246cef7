"""The commands `player keys ...`: what each does and prints."""

from __future__ import annotations

import argparse
import socket
from pathlib import Path

from arrayconfig.hosts import reachable_host
from commandline import DONE, FAILED, carry_out, say, tell
from player.commandconfig import load_config
from player.hosts import banks_here
from player.tables import Config
from zmqjsonproxy.keys import KeyFileError, KeyFolder, KeysError, fingerprint, is_key
from zmqjsonproxy.keys.issuing import client_lines, describe_client, issue_in_bundle
from zmqjsonproxy.keys.protocol.documents import pin_name
from zmqjsonproxy.keys.register import make_server, register, revoke
from zmqjsonproxy.rights import read_role

__all__ = ["run"]


def run(word: str, args: argparse.Namespace) -> int:
    """Carry out one of the commands; the exit status. ConfigError: the configuration."""
    config = load_config(args.config) if args.key_dir is None else None
    folder = config.key_dir if config is not None else Path(args.key_dir).absolute()
    carry = {"new": _new, "list": _list, "show": _show, "revoke": _revoke}[word]

    def sentences(error: Exception) -> list[str]:
        is_missing = isinstance(error.__cause__, FileNotFoundError) and not folder.exists()
        is_new = isinstance(error, KeysError) and is_missing
        return [f"{error}{'; type: player keys new' * is_new}"]

    return carry_out(
        "player",
        lambda: carry(args, folder, config),
        failures=(KeysError,),
        usage_errors=(ValueError,),
        sentences=sentences,
    )


def _new(args: argparse.Namespace, folder: Path, config: Config | None) -> int:
    if args.name is None:
        if args.role or args.public or args.export:
            raise ValueError("a client has a name: player keys new NAME --role ROLE ...")
        pair = make_server(folder)
        print(f"{folder}: key of the servers of this host; fingerprint {fingerprint(pair.public)}")
        print("clients: player keys new NAME --role ROLE --export FILE makes one, and its bundle")
        return DONE
    if args.role is None:
        raise ValueError("say what it may do: --role observe, operate or admin")
    role = read_role(args.role)
    if (args.public is None) == (args.export is None):
        raise ValueError(
            "give --public KEY of a key that its owner has, or --export FILE for the bundle of a new one"
        )
    if args.export is not None:
        pins = _own_pins(folder, config)
        client = issue_in_bundle(folder, args.name, role, args.export, pins, replace=args.replace)
        servers = f"with the key of {', '.join(pins)}" if pins else "without keys of servers"
        print(f"{args.export}: the bundle of {client.name}, {servers}")
        print(f"there: dealer keys import {args.export.name}; then remove it here and there")
    else:
        if not is_key(args.public):
            raise ValueError("--public: no key, which has 40 characters of Z85")
        digest = args.token_digest or ""
        client = register(folder, args.name, args.role, args.public, digest, replace=args.replace)
    print(f"{client.name}: known to servers that read {folder}, with the role {client.role}")
    return DONE


def _own_pins(folder: Path, config: Config | None) -> dict[str, str]:
    """Return under which names the servers of this host are reached, and with which key."""
    if config is None:
        return {}
    try:
        public = KeyFolder(folder).server().public
    except KeyFileError:
        return {}
    here = banks_here(config.bank_hosts, socket.gethostname())
    at = [reachable_host(config.banks[bank].hpc_host, config.bind(bank)) for bank in here]
    return {pin_name(host): public for host in at}


def _list(args: argparse.Namespace, folder: Path, _config: Config | None) -> int:
    known = KeyFolder(folder)
    clients = list(known.clients().values())
    told = {
        "folder": str(folder),
        "clients": [describe_client(each) for each in clients],
        "faults": [str(fault) for fault in known.faults],
    }
    tell(args.json, told, "\n".join(client_lines(clients)) or f"{folder}: no client is known")
    if args.json:
        return DONE
    for fault in known.faults:
        say("player", fault)
    return FAILED if known.faults else DONE


def _show(args: argparse.Namespace, folder: Path, _config: Config | None) -> int:
    public = KeyFolder(folder).server().public
    shown = fingerprint(public)
    told = {"folder": str(folder), "public": public, "fingerprint": shown}
    tell(args.json, told, f"public key:  {public}\nfingerprint: {shown}")
    return DONE


def _revoke(args: argparse.Namespace, folder: Path, _config: Config | None) -> int:
    client = revoke(folder, args.name)
    print(f"{client.name}: revoked; servers that read {folder} refuse it from the next second on")
    return DONE
