#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A light node beside a full one: it follows, is paid and pays, in little
memory, and knows all of it again after its end."""
import contextlib
import json
import os
import signal
import sys
import time

from tap import WAIT_S, Node, expect, run_tests
from test_rpc import Client, running

MEMORY_MAX_KB = 16 * 1024


def network_of(folder):
    return os.path.join(folder, "network.json")


@contextlib.contextmanager
def full(folder):
    """(node, client, ID@HOST:PORT) of a miner that others connect to."""
    with running(folder, "--listen", "127.0.0.1:0", height=2) as (node, c):
        with open(network_of(folder), encoding="utf-8") as f:
            (member,) = json.load(f)["members"]
        where = node.wait_event("listen")["message"].split()[-1]
        yield node, c, f"{member['node_id']}@{where}"


@contextlib.contextmanager
def light(folder, network, peer, *args):
    with Node("--light", "--datadir", folder, "--network", network,
              "--connect", peer, *args) as node:
        node.wait_event("final")
        yield node


def own_memory_kb(node):
    with open(f"/proc/{node.process.pid}/status", encoding="utf-8") as f:
        fields = dict(line.split(":", 1) for line in f)
    return sum(int(fields[name].split()[0]) for name in ("RssAnon", "RssShmem"))


def wait(what, condition):
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.1)


def in_little_memory(folder):
    """without HTTP it takes less than 16 MiB, and says what it has not"""
    a, b = (os.path.join(folder, name) for name in "ab")
    with full(a) as (_, c, peer):
        with light(b, network_of(a), peer) as node:
            height = c.call("getblockcount") + 2
            # Blocks that come together are told as one.
            node.wait_for(lambda n: any(
                e["event"] == "final" and
                int(e["message"].split()[1]) >= height for e in n.events))
            used = own_memory_kb(node)
            assert used < MEMORY_MAX_KB, used
            print(f"# {used} kB")
            assert not os.path.exists(os.path.join(b, "rpc.addr"))
            assert os.path.exists(os.path.join(b, "light", "data.mdb"))
            code, err = node.kill(signal.SIGTERM)
            assert (code, err) == (0, ""), (code, err)


def is_paid_and_pays(folder):
    """a payment is found and proved, and one of its own gets into a block"""
    a, b = (os.path.join(folder, name) for name in "ab")
    rpc = ("--rpc", "127.0.0.1:0")
    with full(a) as (miner, c, peer):
        with light(b, network_of(a), peer, *rpc) as node:
            node.wait_event("rpc")
            l = Client(b)
            address = l.call("getnewaddress")
            c.call("sendtoaddress", address, 3)
            node.wait_event("ours")
            wait("no 3 coins", lambda: l.call("getbalance") == 3)
            assert own_memory_kb(node) < MEMORY_MAX_KB
            (coin,) = l.call("listunspent")
            assert coin["address"] == address
            # Twice at once: no coin is spent twice.
            back = c.call("getnewaddress")
            sent = l.call("sendtoaddress", back, 1)
            l.fails(-6, "Insufficient funds", "sendtoaddress", back, 2.5)
            assert 1.9 < l.call("getbalance") < 2
            wait("not mined", lambda: c.call("getrawmempool") == [] and any(
                u["txid"] == sent for u in c.call("listunspent")))
            wait("change is not confirmed", lambda: [
                u["confirmations"] > 0 for u in l.call("listunspent")
                if u["txid"] == sent] == [True])
            l.fails(-32601, "Method not found", "getblock", "00" * 32,
                    status=404)
            l.fails(-32601, "Method not found", "getrawmempool", status=404)
            before = l.call("getbalance")
            l.call("stop")
            assert node.end()[0] == 0
        # With nobody to ask it knows the same.
        with Node("--light", "--datadir", b, "--network", network_of(a),
                  *rpc) as node:
            node.wait_event("rpc")
            l = Client(b)
            assert l.call("getbalance") == before
            assert l.call("getblockcount") >= 3


def goes_on_after_a_crash(folder):
    """killed and started again, it follows on"""
    a, b = (os.path.join(folder, name) for name in "ab")
    with full(a) as (_, c, peer):
        for _ in range(3):
            with light(b, network_of(a), peer) as node:
                node.kill(signal.SIGKILL)
        with light(b, network_of(a), peer, "--rpc", "127.0.0.1:0") as node:
            node.wait_event("rpc")
            height = c.call("getblockcount")
            l = Client(b)
            wait("behind", lambda: l.call("getblockcount") >= height)
            assert node.kill(signal.SIGTERM)[0] == 0


def wrong_networks(folder):
    """without a network file, or with another one, it does not start"""
    a, b, o = (os.path.join(folder, name) for name in "abo")
    expect(["--light", "--datadir", b], 1, "--network")
    with full(a) as (_, _, peer), full(o):
        with light(b, network_of(a), peer):
            pass
        expect(["--light", "--datadir", b, "--network", network_of(o)], 1,
               "another network")


if __name__ == "__main__":
    sys.exit(run_tests([in_little_memory, is_paid_and_pays,
                        goes_on_after_a_crash, wrong_networks]))
