#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""SIGHUP: a running node reads its configuration again."""
import json
import os
import signal
import socket
import sys

from tap import MINERD, Node, expect, minerd, run_tests
from test_cli import FAST
from test_rpc import Client, until

ONE = "11" * 32
TWO = "22" * 32


def write(datadir, text):
    with open(os.path.join(datadir, "minerd.conf"), "w",
              encoding="utf-8") as f:
        f.write(text)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def reload(node, event="reloaded"):
    """Signals, and waits for the event; its message."""
    seen = sum(e["event"] == event for e in node.events)
    node.process.send_signal(signal.SIGHUP)
    node.wait_for(lambda n: sum(e["event"] == event
                                for e in n.events) > seen)
    return [e for e in node.events if e["event"] == event][-1]["message"]


def started(folder, conf, *args):
    d = os.path.join(folder, "d")
    os.mkdir(d)
    write(d, conf)
    node = Node("--datadir", d, "--rpc", "127.0.0.1:0", *args, *FAST)
    return d, node


def levels_change(folder):
    """the log level follows the file, and the log says so"""
    d, node = started(folder, "log-level=info\n")
    with node:
        node.wait_event("rpc")
        write(d, "log-level=debug\n")
        assert "log level debug" in reload(node)
        client = Client(d)
        assert client.call("logging")["debug"] is True, client.call("logging")
        write(d, "log-level=info\n")
        assert "log level info" in reload(node)
        code, err = node.kill(signal.SIGTERM)
        assert (code, err) == (0, ""), err


def flags_stay_strongest(folder):
    """what a flag says, the file does not change"""
    d, node = started(folder, "", "--log-level", "info")
    with node:
        node.wait_event("rpc")
        write(d, "log-level=debug\n")
        assert "log level info" in reload(node)
        assert not any(e["event"] == "restart_needed" for e in node.events)


def what_cannot_change_is_named(folder):
    """options that need a restart are named, and the rest counts"""
    d, node = started(folder, "")
    with node:
        node.wait_event("rpc")
        write(d, "threads=2\nspacing=9\nmode=full\nlog-level=debug\n"
              "txindex=on\naccess=members\n")
        message = reload(node, "restart_needed")
        # threads and spacing are flags here.
        assert "mode, txindex, access" in message.replace(
            "txindex, mode", "mode, txindex"), message
        assert "threads" not in message and "spacing" not in message
        reload(node)
        height = node.height
        node.wait_height(height + 1)


def mistakes_change_nothing(folder):
    """a file with a mistake is refused whole, and the node goes on"""
    d, node = started(folder, "log-level=info\n")
    with node:
        node.wait_event("rpc")
        for text, word in (("log-level=debug\nthreds=1\n", "threads"),
                           ("log-level=loud\n", "error, warn"),
                           ("ban=nobody\n", "ban"),
                           ("ban=" + "00" * 32 + "\n", "ban"),
                           ("connect=x\n", "connect"),
                           ("[x]\n", "section"),
                           ("\xff\n", "line")):
            write(d, text)
            message = reload(node, "reload_failed")
            assert "stays as it was" in message and word in message, message
        os.remove(os.path.join(d, "minerd.conf"))
        os.mkdir(os.path.join(d, "minerd.conf"))
        assert "stays as it was" in reload(node, "reload_failed")
        os.rmdir(os.path.join(d, "minerd.conf"))
        reload(node)
        node.wait_height(node.height + 1)
        for text in ("ban=nobody\n", "ban=10.0.0.0/8\n", "ban=,\n"):
            write(d, text)
            expect(["--datadir", d, "--print-config"], 2, "ban")


def peers_and_bans_change(folder):
    """peers, grants and bans come and go with the file"""
    peer = f"{ONE}@127.0.0.1:{free_port()}"
    d, node = started(folder, f"ban=10.0.0.1,{ONE}\naccess={ONE}\n",
                      "--listen", "127.0.0.1:0")
    with node:
        node.wait_event("rpc")
        client = Client(d)

        def banned():
            return sorted(b["address"] if "address" in b else b["id"]
                          for b in client.call("listbanned"))

        until(lambda: len(client.call("listbanned")) == 2)
        write(d, f"ban=10.0.0.2\nconnect={peer}\naccess={TWO}\n")
        message = reload(node)
        assert "1 peers to connect to" in message, message
        assert "1 on the access list, 1 banned" in message, message
        until(lambda: "10.0.0.2" in json.dumps(client.call("listbanned"))
              and len(client.call("listbanned")) == 1)
        write(d, "")
        assert "0 peers to connect to" in reload(node, "reloaded")
        until(lambda: client.call("listbanned") == [])
        code, err = node.kill(signal.SIGTERM)
        assert (code, err) == (0, ""), err


def members_are_not_banned(folder):
    """a ban of a member, by id or address, is refused and said"""
    net = os.path.join(folder, "net")
    assert minerd("network", "new", "--members", "1", "--dir", net, "--delta",
                  "100", "--start-in", "0", "--pow-backend", "scalar")[0] == 0
    d = os.path.join(net, "node0")
    with open(os.path.join(net, "network.json"), encoding="utf-8") as f:
        member = json.load(f)["members"][0]
    for who in (member["node_id"], "127.0.0.1"):
        write(d, f"ban={who}\n")
        with Node("--datadir", d, "--listen", "127.0.0.1:0", *FAST) as node:
            told = node.wait_event("ban_refused")["message"]
            assert member["name"] in told, told


def many_signals(folder):
    """a burst of SIGHUP does no harm, and SIGTERM still ends it"""
    d, node = started(folder, "", "--listen", "127.0.0.1:0")
    with node:
        node.wait_event("rpc")
        for i in range(50):
            write(d, f"ban=10.0.0.{i + 1}\n" if i % 2 else "log-level=warn\n")
            node.process.send_signal(signal.SIGHUP)
        write(d, "")
        reload(node)
        node.process.send_signal(signal.SIGHUP)
        code, err = node.kill(signal.SIGTERM)
        assert (code, err) == (0, ""), err


def main():
    return run_tests([
        levels_change, flags_stay_strongest, what_cannot_change_is_named,
        mistakes_change_nothing, peers_and_bans_change,
        members_are_not_banned, many_signals,
    ])


if __name__ == "__main__":
    sys.exit(main())
