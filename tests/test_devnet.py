#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""minerd devnet: several nodes, one process that looks after them."""
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import time

from tap import BUILD, MINERD, WAIT_S, environment, expect, run_tests

# A probe takes two seconds, and measures what no test may depend on.
FAST = ["--pow-backend", "scalar", "--delta", "500", "--start-in", "1"]
ONE = ["--nodes", "1", "--faults", "0", "--spacing", "1", "--pow-backend",
       "scalar", "--delta", "100", "--start-in", "1"]
AGREE_S = 240  # four nodes on a machine that is busy with other tests


def slurp(*path):
    with open(os.path.join(*path), encoding="utf-8") as f:
        return f.read()


def wait_until(condition, what, seconds=WAIT_S):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not in {seconds} s: {what}"
        time.sleep(0.1)


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        return slurp("/proc", str(pid), "stat").rsplit(")", 1)[1][1] != "Z"
    except FileNotFoundError:
        return False


class Devnet:
    """A devnet that runs in @dir; its output goes to files beside it."""

    def __init__(self, where, *args, stdout=None):
        self.dir = where
        self.out = where + ".out"
        self.err = where + ".err"
        with open(self.out, "a", encoding="utf-8") as out, \
                open(self.err, "a", encoding="utf-8") as err:
            self.process = subprocess.Popen(
                [MINERD, "devnet", "--dir", where, *args],
                stdin=subprocess.DEVNULL, stdout=stdout or out, stderr=err,
                env=environment())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Whatever happened, no process of this test stays."""
        pids = self.pids()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(WAIT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(WAIT_S)
        for pid in pids:
            if alive(pid):
                os.kill(pid, signal.SIGKILL)

    def node(self, i):
        return os.path.join(self.dir, f"node{i}")

    def pid(self, i):
        """The process of node @i, while it holds its datadir."""
        try:
            pid = int(slurp(self.node(i), "minerd.lock"))
            args = slurp("/proc", str(pid), "cmdline").split("\0")
        except (FileNotFoundError, ProcessLookupError, ValueError):
            return None
        return pid if self.node(i) in args else None

    def pids(self):
        found = [self.pid(i) for i in range(64)
                 if os.path.isdir(self.node(i))]
        return [pid for pid in found if pid]

    def log(self, i):
        path = os.path.join(self.node(i), "log.txt")
        return slurp(path) if os.path.exists(path) else ""

    def block(self, i, height):
        """The hash of the block that node @i said it has at @height; it also
        says which ones it dropped."""
        found = re.search(rf"Z block {height} ([0-9a-f]{{64}})", self.log(i))
        return found and found.group(1)

    def wait_block(self, i, height, seconds=WAIT_S):
        def there():
            assert self.process.poll() is None, slurp(self.err)
            return self.block(i, height)
        wait_until(there, f"block {height} of node {i}", seconds)
        return self.block(i, height)

    def ask(self, i, method):
        run = subprocess.run(
            [os.path.join(BUILD, "minerd-cli"), "--datadir", self.node(i),
             method], capture_output=True, text=True, timeout=WAIT_S,
            env=environment(), check=False)
        return run.stdout if run.returncode == 0 else None

    def stop(self, number=signal.SIGTERM):
        """Exit status, output, errors."""
        self.process.send_signal(number)
        return self.end()

    def end(self):
        code = self.process.wait(WAIT_S)
        return code, slurp(self.out), slurp(self.err)


def one_node_is_kept_and_resumed(folder):
    """a network of one: made, stopped by Ctrl-C, resumed where it was"""
    d = os.path.join(folder, "net")
    with Devnet(d, *ONE) as net:
        first = net.wait_block(0, 1)
        pid = net.pid(0)
        code, out, err = net.stop(signal.SIGINT)
        assert (code, err) == (0, ""), (code, err)
        assert "made a network of 1 member" in out, out
        assert not alive(pid)
    network = slurp(d, "network.json")
    height = max(map(int, re.findall(r"Z block (\d+) ", net.log(0))))
    with Devnet(d, *ONE[:4], "--pow-backend", "scalar") as net:
        net.wait_block(0, height + 1)
        assert net.block(0, 1) == first
        code, out, err = net.stop()
        assert (code, err) == (0, ""), (code, err)
        assert "resumed a network" in out, out
    assert slurp(d, "network.json") == network


def four_nodes_agree(folder):
    """three miners and a full node, of which one may fail, agree"""
    d = os.path.join(folder, "net")
    with Devnet(d, "--nodes", "4", "--faults", "1", *FAST) as net:
        hashes = {net.wait_block(i, 2, AGREE_S) for i in range(4)}
        assert len(hashes) == 1, hashes
        modes = [slurp("/proc", str(net.pid(i)), "cmdline").split("\0")
                 for i in range(4)]
        assert [("full" in m) for m in modes] == [False] * 3 + [True]
        wait_until(lambda: net.ask(3, "getconsensusinfo"), "an answer")
        info = json.loads(net.ask(3, "getconsensusinfo"))
        assert info["final"]["height"] >= 2, info
        pattern = r"height (\d+ ){3}\d+ .*\| .*\| .*H/s"
        wait_until(lambda: re.search(pattern, slurp(net.out)), "a status line")
        pids = net.pids()
        # Sent more than once, as by a terminal and a wrapper: asked once.
        for _ in range(10):
            net.process.send_signal(signal.SIGINT)
            time.sleep(0.005)
        code, out, err = net.end()
        assert (code, err) == (0, ""), (code, out, err)
        assert "node3 answers JSON-RPC on 127.0.0.1:" in out, out
        assert len(pids) == 4 and not any(map(alive, pids))


def a_follower_follows(folder):
    """a node that is no member keeps the same chain, also one added later"""
    d = os.path.join(folder, "net")
    with Devnet(d, "--nodes", "2", "--members", "1", *ONE[2:]) as net:
        assert net.wait_block(1, 2) == net.wait_block(0, 2)
        assert net.stop()[0] == 0
    with Devnet(d, "--nodes", "3", "--pow-backend", "scalar") as net:
        assert net.wait_block(2, 2) == net.block(0, 2)
        assert net.stop()[0] == 0


def a_node_that_dies(folder):
    """a node that ends by itself is reported, the others are stopped"""
    d = os.path.join(folder, "net")
    with Devnet(d, "--nodes", "2", "--members", "1", *ONE[2:]) as net:
        net.wait_block(0, 1)
        wait_until(lambda: len(net.pids()) == 2, "two nodes")
        other = net.pid(0)
        os.kill(net.pid(1), signal.SIGKILL)
        code, _, err = net.end()
        assert code == 1
        assert "node1 ended by signal 9" in err, err
        assert os.path.join(d, "node1", "log.txt") in err, err
        assert net.log(1).splitlines()[-1] in err, err
        assert not alive(other)


def a_port_in_use(folder):
    """a node that cannot start is reported with the reason of its log"""
    d = os.path.join(folder, "net")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with Devnet(d, "--nodes", "2", "--base-port", str(port), *FAST) as net:
            code, _, err = net.end()
            assert code == 1, err
            assert "node0 ended with status 1" in err, err
            assert f"127.0.0.1:{port}" in err, err


def children_die_with_their_parent(folder):
    """kill -9 of the devnet ends its nodes; the next start goes on"""
    d = os.path.join(folder, "net")
    with Devnet(d, *ONE) as net:
        net.wait_block(0, 1)
        pid = net.pid(0)
        net.process.kill()
        net.process.wait(WAIT_S)
        wait_until(lambda: not alive(pid), "the node's end")
    with Devnet(d, "--pow-backend", "scalar") as net:
        wait_until(lambda: net.ask(0, "getblockcount"), "an answer")
        assert net.stop()[0] == 0


def a_hanging_node(folder):
    """a node that hangs is shown as such, and killed at a second Ctrl-C"""
    d = os.path.join(folder, "net")
    with Devnet(d, *ONE) as net:
        net.wait_block(0, 1)
        pid = net.pid(0)
        os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: re.search(r"height - \|", slurp(net.out)),
                   "a status line without a height")
        net.process.send_signal(signal.SIGINT)
        wait_until(lambda: "stopping" in slurp(net.out), "the stop")

        def asked_again():
            net.process.send_signal(signal.SIGINT)
            return net.process.poll() is not None
        wait_until(asked_again, "the end")
        code, _, err = net.end()
        assert code == 1 and "ended by signal 9" in err, (code, err)
        assert not alive(pid)


def a_line_on_the_terminal(folder):
    """on a terminal one line stays in place"""
    main, side = pty.openpty()
    text = b""
    with Devnet(os.path.join(folder, "net"), *ONE, stdout=side) as net:
        os.close(side)
        end = time.monotonic() + WAIT_S
        while not re.search(rb"\rheight \d+ \|[^\r\n]*\x1b\[K\r", text):
            assert time.monotonic() < end, text
            if select.select([main], [], [], 1)[0]:
                text += os.read(main, 65536)
        assert net.stop()[0] == 0
    os.close(main)


def mistakes(folder):
    """what cannot be is refused, and nothing is made or changed"""
    d = os.path.join(folder, "net")
    expect(["devnet"], 2, "--dir DIR")
    dev = ["devnet", "--dir", d]
    expect([*dev, "--nods", "4"], 2, "did you mean 'nodes'")
    expect([*dev, "--nodes", "65"], 2, "nodes", "1 to 64")
    expect([*dev, "stray"], 2, "'stray'")
    assert not os.path.exists(d)
    expect([*dev, "--nodes", "2", "--members", "3"], 2, "3 members")
    expect([*dev, "--nodes", "4", "--faults", "4"], 2, "f=4")
    expect([*dev, "--nodes", "2", "--miners", "3", *FAST], 2, "--miners 3")
    expect([*dev, *FAST[2:], "--pow-backend", "none"], 1, "none")
    assert os.listdir(d) == []
    expect(["devnet", "--dir", os.path.join(d, "a", "b")], 1, "a/b")
    foreign = os.path.join(folder, "foreign")
    os.mkdir(foreign)
    with open(os.path.join(foreign, "thesis.txt"), "w",
              encoding="utf-8") as f:
        f.write("do not touch")
    expect(["devnet", "--dir", foreign, *FAST], 1, foreign, "not empty")
    assert os.listdir(foreign) == ["thesis.txt"]
    with Devnet(d, *ONE) as net:
        wait_until(lambda: net.ask(0, "getblockcount"), "an answer")
        expect(["devnet", "--dir", d], 3, d, "another devnet")
        assert net.stop()[0] == 0
    for flag, value in (("--faults", "1"), ("--members", "2"),
                        ("--delta", "1"), ("--spacing", "9"),
                        ("--base-port", "1")):
        expect([*dev, flag, value], 2, flag, value, d)
    os.rename(os.path.join(d, "node0"), os.path.join(d, "elsewhere"))
    expect(dev, 1, "node0", "missing")
    d = os.path.join(folder, "uncertified")
    with Devnet(d, "--nodes", "2", "--faults", "1", *FAST) as net:
        wait_until(lambda: net.ask(0, "getblockcount"), "a block")
        assert net.stop()[0] == 0
    expect(["devnet", "--dir", d], 1, d, "--trust-tip")


def main():
    if not shutil.which(MINERD) and not os.path.exists(MINERD):
        print(f"Bail out! {MINERD} is not built")
        return 1
    return run_tests([
        mistakes, one_node_is_kept_and_resumed, four_nodes_agree,
        a_follower_follows, a_node_that_dies, a_port_in_use,
        children_die_with_their_parent, a_hanging_node,
        a_line_on_the_terminal,
    ])


if __name__ == "__main__":
    sys.exit(main())
