#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The console, as someone at a terminal meets it."""
import contextlib
import os
import random
import re
import signal
import socket
import stat
import subprocess
import sys
import time

from screen import Terminal
from tap import BUILD, MINERD, WAIT_S, environment, minerd, run_tests

FAST = ["--pow-backend", "scalar", "--threads", "1", "--spacing", "1"]
ENV = {"MINERD_POW_BACKEND": "scalar", "MINERD_THREADS": "1",
       "MINERD_SPACING": "1"}
BLOCK = r"\bblock %s [0-9a-f]"
READY = r">$"
NOBODY = "11" * 32 + "@127.0.0.1:9"
TXID = "ab" * 32


def number_of(terminal, words):
    """The place of a verb in the menu that was printed."""
    return re.search(rf"(\d+) {words} ", terminal.text()).group(1)


@contextlib.contextmanager
def miner(folder, *args, height=0, columns=100, env=None):
    """A miner at its prompt."""
    with Terminal("--datadir", folder, *FAST, *args, columns=columns,
                  env=env) as t:
        t.wait(READY)
        if height:
            t.wait(BLOCK % height)
        yield t


def stopped(t):
    t.say("stop", "the node stops")
    assert t.end() == 0, t.text()


def the_first_questions(folder):
    """without arguments: addresses, which node, then the console"""
    env = {**ENV, "HOME": folder}
    with Terminal(env=env) as t:
        t.wait(r"This machine's addresses:\n  \S+")
        t.wait(r"1, 2 or 3 \[2\]:$")
        t.say("4", "'4' is none of 1, 2 and 3")
        t.say("\x01garbage\xff", "none of 1, 2 and 3")
        t.say("x" * 3000, "'such a long line' is none of 1, 2 and 3")
        t.type("\x04")
        t.wait("Nothing was started")
        assert t.end() == 0
    with Terminal(env=env) as t:
        t.wait(r"1, 2 or 3 \[2\]:$")
        t.say("full", "There is no .*/.minerd/network.json")
        t.say("/no/such", "'/no/such' cannot be read")
        t.type("\x04")
        t.wait("Nothing was started")
        assert t.end() == 0
    assert not os.path.exists(os.path.join(folder, ".minerd"))
    with Terminal(env=env) as t:
        t.wait(r"1, 2 or 3 \[2\]:$")
        t.say("2", "minerd's console")
        t.wait(BLOCK % 1)
        stopped(t)


def walk_of_a_miner(folder):
    """every entry of the menu, by number and by name, beside a full node"""
    home = os.path.join(folder, "home")
    other = os.path.join(folder, "other")
    with miner(home, "--listen", "127.0.0.1:0", height=1) as t:
        where = t.say("status", r"others: connect (\S{64}@\S+)").group(1)
        t.say(number_of(t, "peers"), "nobody is connected")
        t.say(number_of(t, "request access") + " x", "not found")
        t.say(number_of(t, "request access"), "which peer, or all")
        t.say("", "nobody is connected")
        with Terminal("--datadir", other, "--full", "--network",
                      os.path.join(home, "network.json")) as d:
            d.wait(READY)
            walk_of_a_full_node(d, where)
            t.say("PEERS", r"full, at height \d+ when it came to us")
            t.say("request access", "127.0.0.1:.*: granted")
            walk_of_mining(t)
            walk_of_money(t)
            d.wait(BLOCK % 3)
            stopped(d)
        t.wait("0 peers")
        stopped(t)


def walk_of_a_full_node(t, where):
    t.say(number_of(t, "connect"), "to whom")
    t.say(where, "connected")
    t.say("request access", "granted")
    t.say("connect " + where, "already added")
    t.say("peers", r"solo +\S+ miner, at height \d+ when we went "
          r"there.*, access granted")
    t.say("hash rate", "does not mine")
    for line in ("pause", "resume", "broadcast block", "hold blocks on"):
        t.say(line, "this node does not mine")
    t.say("consensus", r"\nsolo +")
    t.say("balance", r"balance 0\.0")
    t.say("show chain", r"\d+ \.\.[0-9a-f]+ +\d+ tx, .* ago")


def walk_of_mining(t):
    t.say(number_of(t, "hash rate"), r"hash rate: .*H/s on 1 thread")
    t.say(number_of(t, "pause"), "mining is paused")
    t.say("h", r"\(paused\)")
    t.say(number_of(t, "broadcast block"), "no block waits")
    t.say(number_of(t, "hold blocks"), "on or off")
    t.say("maybe", "'maybe' is neither on nor off")
    t.say("hold on", "waits for 'broadcast block'")
    mark = t.mark()
    t.say(number_of(t, "resume"), "mining goes on")
    held = t.wait(r"found block (\d+) and held it back", mark).group(1)
    mark = t.mark()
    t.say("broadcast block", "proposed at the next tick")
    t.wait(BLOCK % held, mark)
    t.say("hold blocks off", "proposed by itself")
    t.say(number_of(t, "consensus"), r"\nsolo +A\+")
    t.say("consensus", r"b +vote( +\d+)+\n")
    t.say(number_of(t, "show chain"), r"  0 \.\.[0-9a-f]{40} +1 tx")
    t.say("show block 1", r"block 1\nhash  [0-9a-f]{64}\n")
    digest = t.say("6 0", r"hash  ([0-9a-f]{64})").group(1)
    t.say(number_of(t, "show block"), "which hash or height")
    t.say(digest, r"block 0\n(.*\n)*.*\(coinbase\)")
    t.say(number_of(t, "status"), r"\ntip [0-9a-f]{64}, ")


def walk_of_money(t):
    t.say(number_of(t, "balance"), r"balance \d+\.\d{8}\n")
    address = t.say(number_of(t, "new address"), r"\n(mdr1\w+)").group(1)
    t.say(number_of(t, "send"), "to which address")
    t.say(address, "how many coins")
    t.say("9999999", "a memo, or nothing")
    t.say("", "Insufficient funds")
    t.say(f"send {address} -1", "mount")
    t.say(f"send {address} lots", "mount")
    t.say("send mdr1qqqq 1", "Invalid address: mdr1qqqq")
    t.say(number_of(t, "show pool"), "0 waiting")
    t.say(number_of(t, "pin"), "which transaction")
    t.say("", "nothing was done")
    t.say("pin xyz", "must be of length 64")
    t.say("pin " + TXID, "pinned")
    t.say("unpin " + TXID, "not pinned any more")
    t.say(number_of(t, "unpin"), "which transaction")
    t.say("abc", "must be of length 64")
    t.say(number_of(t, "unlock"), "passphrase:")
    t.say("secret", "unencrypted wallet")
    t.type("\r")
    t.wait("the wallet stays as it is")
    assert "secret" not in t.text()
    t.say("help send", "ADDRESS AMOUNT")
    t.say("? 12", "12: consensus")
    t.say("help help", r"\[COMMAND\]")


def walk_of_a_light_node(folder):
    """the menu of a light node; NOT_FULL from it, REFUSED by who may not"""
    home = os.path.join(folder, "home")
    network = ["--network", os.path.join(home, "network.json")]
    with miner(home, "--listen", "127.0.0.1:0", height=2) as t:
        where = t.say("status", r"others: connect (\S{64}@\S+)").group(1)
        with Terminal("--datadir", os.path.join(folder, "light"), "--light",
                      *network, "--listen", "127.0.0.1:0") as d:
            d.wait(READY)
            d.say("connect " + where, "connected")
            d.say(number_of(d, "request access"), "which peer, or all")
            d.say("", r"127\.0\.0\.1:\d+: granted")
            d.wait(r"height [1-9]")
            d.say("peers", r"solo +\S+ miner, .* access granted")
            mine = d.say("status", r"others: connect (\S{64}@\S+)").group(1)
            d.say("balance", r"balance 0\.0")
            address = d.say("new address", r"\n(mdr1\w+)").group(1)
            d.say(f"send {address} 1", "nsufficient funds")
            d.say("show chain", r"\.\.[0-9a-f]|a light node keeps")
            for line in ("show block 1", "show pool", "consensus", "hash rate",
                         "pause", "resume", "hold blocks on", "pin " + TXID,
                         "unpin " + TXID, "broadcast block"):
                d.say(line, "a light node keeps no blocks")
            d.say("unlock", "passphrase:")
            d.say("x", "unencrypted wallet")
            d.type("\r")
            d.say("xyzzy", "no command 'xyzzy'")
            t.say("connect " + mine, "connected|already")
            t.say("request access", "NOT_FULL, it keeps no chain")
            stopped(d)
        stopped(t)
    with miner(home, "--listen", "127.0.0.1:0", "--access", "members") as t:
        where = t.say("status", r"others: connect (\S{64}@\S+)").group(1)
        with Terminal("--datadir", os.path.join(folder, "full"), "--full",
                      *network, "--connect", where) as d:
            d.wait(READY)
            d.wait("Z member 'solo' is connected")
            d.say("request access", "REFUSED, for 'access'")
            d.say("peers", "access refused")
            stopped(d)
        stopped(t)


def four_nodes(folder):
    """a network of four: its rounds as a grid, on the console of one"""
    with contextlib.ExitStack() as stack:
        ports = [stack.enter_context(socket.socket()) for _ in range(1)]
        ports[0].bind(("127.0.0.1", 0))
        base = 20000 + ports[0].getsockname()[1] % 12000
    net = os.path.join(folder, "net")
    code, _, err = minerd("network", "new", "--members", "4", "--faults", "1",
                          "--dir", net, "--delta", "500", "--start-in", "2",
                          "--base-port", str(base), "--pow-backend", "scalar")
    assert code == 0, err
    nodes = []
    try:
        for i in range(1, 4):
            with open(os.path.join(folder, f"out{i}"), "wb") as out:
                nodes.append(subprocess.Popen(
                    [MINERD, "--datadir", os.path.join(net, f"node{i}"),
                     "--threads", "1", "--pow-backend", "scalar", "--rpc",
                     "127.0.0.1:0"],
                    stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                    env=environment()))
        with Terminal("--datadir", os.path.join(net, "node0"), "--threads",
                      "1", "--pow-backend", "scalar") as t:
            t.wait("height 0  ACTIVE  .*3 peers", seconds=240)
            t.say("peers", r"(node[123] +\S+ miner.*\n.*){3}")
            t.wait(BLOCK % 1, seconds=240)
            t.say("consensus", r"quorum 3 of 4\nmember +b +vote.*\n"
                  r"(node\d +(A\+?|-) .*\n){4}")
            until(t, "consensus", r"node\d +A\+? +\S+ .*#[#.]{3}")
            payments_of_a_light_node(t, net, os.path.join(folder, "light"))
            with Terminal("--datadir", os.path.join(folder, "full"), "--full",
                          "--network", os.path.join(net, "network.json")) as d:
                d.wait("height [1-9].*4 peers", seconds=240)
                every_entry(d, NO_MINER)
                stopped(d)
            every_entry(t, "")
            stopped(t)
    finally:
        for p in nodes:
            p.send_signal(signal.SIGTERM)
        for p in nodes:
            p.wait(WAIT_S)


def payments_of_a_light_node(t, net, datadir):
    """Typed at a light node: paid by a member, it pays back; miners take it,
    it becomes final, and a proof of it is shown as its balance."""
    with Terminal("--datadir", datadir, "--light", "--network",
                  os.path.join(net, "network.json")) as light:
        light.wait(READY)
        address = light.say("new address", r"\n(mdr1\w+)").group(1)
        some_member_pays(net, address)
        light.wait("transactions of this wallet are final", seconds=240)
        has(light, lambda coins: coins == 1.5)
        back = t.say("new address", r"\n(mdr1\w+)").group(1)
        mark = light.mark()
        light.say(f"send {back} 0.5", r"sent: [0-9a-f]{64}")
        light.wait("transactions of this wallet are final", mark, seconds=240)
        has(light, lambda coins: 0.9 < coins < 1)
        every_entry(light, NO_BLOCKS)
        stopped(light)


def some_member_pays(net, address):
    """1.5 coins, from who finds a block first."""
    end = time.monotonic() + 4 * WAIT_S
    while time.monotonic() < end:
        for i in range(1, 4):
            run = subprocess.run(
                [os.path.join(BUILD, "minerd-cli"), "--datadir",
                 os.path.join(net, f"node{i}"), "sendtoaddress", address,
                 "1.5"], capture_output=True, check=False, timeout=WAIT_S)
            if run.returncode == 0:
                return
        time.sleep(0.5)
    raise AssertionError("no member has coins")


def has(t, enough):
    """Waits for a balance, in coins."""
    for _ in range(WAIT_S):
        coins = t.say("balance", r"balance (\d+\.\d{8})").group(1)
        if enough(float(coins)):
            return
        t.read(1)
    raise AssertionError(f"no such balance on {t.text()[-3000:]}")


# An entry of the menu, what it asks, and what it answers to an empty line.
ENTRIES = [
    ("request access", "which peer, or all", "granted"),
    ("send", "to which address", "nothing was done"),
    ("connect", "to whom", "nothing was done"),
    ("peers", None, r"node[123] +\S+ "),
    ("show chain", None, r" \d+ \.\.[0-9a-f]+"),
    ("show block", "which hash or height", "nothing was done"),
    ("show pool", None, r"\d+ waiting"),
    ("pin", "which transaction", "nothing was done"),
    ("unpin", "which transaction", "nothing was done"),
    ("broadcast block", None, "no block waits"),
    ("hold blocks", "on or off", "nothing was done"),
    ("consensus", None, r"quorum 3 of 4\n(.*\n)*node3 +"),
    ("hash rate", None, r"hash rate: .*H/s"),
    ("pause", None, "mining is paused"),
    ("resume", None, "mining goes on"),
    ("balance", None, r"balance \d+\.\d{8}"),
    ("new address", None, r"mdr1\w+"),
    ("unlock", "passphrase:", "nothing|unencrypted|stays"),
    ("status", None, r"tip [0-9a-f]{64}"),
    ("help", None, r"1 request access"),
]
NO_MINER = "does not mine"
NO_BLOCKS = "a light node keeps no blocks|does not mine"


def every_entry(t, other):
    """Each by its number, but those that leave; @other is what one says that
    this mode has not."""
    for words, question, answer in ENTRIES:
        mark = t.mark()
        number = number_of(t, words)
        wanted = f"{answer}|{other}" if other else answer
        # Below its echo: the entry before may have had the same answer.
        below = rf"> {number}\n(?:.*\n)*?.*?"
        got = t.say(number, f"{below}({question or wanted}|{wanted})")
        if question and re.fullmatch(question, got.group(1)):
            t.type("\r")
            t.wait(f"{below}{question}.*\n(?:.*\n)*?.*?({wanted})", mark)


def until(t, line, pattern):
    """Says a line until its answer is one that comes soon."""
    for _ in range(WAIT_S):
        mark = t.mark()
        t.say(line, r"b: A active.*\n(.*\n)+")
        if re.search(pattern, t.below(mark)):
            return
        t.read(1)
    raise AssertionError(f"no {pattern!r} on {t.text()[-3000:]}")


def mistakes_are_answered(folder):
    """unknown words, too much, nonsense, very long lines, any bytes"""
    with miner(folder) as t:
        t.say("xyzzy", "no command 'xyzzy'")
        t.say("show blok", "did you mean 'show block'")
        t.say("peers now", "'peers' takes nothing more")
        t.say("0", "no command '0'")
        t.say("24", "no command '24'")
        t.say("99999999999999999999", "no command")
        t.say("show block 4294967295", "out of range")
        t.say("show block -1", "neither a height nor")
        t.say("show block " + "z" * 64, "length 64|hexadecimal")
        t.say("connect here", "is not ID@HOST:PORT|no network")
        t.say("help nonsense", "no command 'nonsense'")
        t.type("x" * 5000)
        t.say("", "no command 'xxxx")
        t.say("send \x1b[31m 1", "no command|Invalid|how many|send")
        t.type("\x15\r")
        rng = random.Random(1)
        for _ in range(20):
            line = bytes(rng.choice([*range(0x20, 0x7f), *range(0x80, 256)])
                         for _ in range(rng.randrange(1, 60)))
            t.type(b"~" + line + b"\r")
        # Typed ahead: not echoed into what commands say, and obeyed.
        mark = t.mark()
        t.type("\x05\x15\r" + "show block 0\r" * 5)
        t.say("status", r"\ntip [0-9a-f]{64}, ")
        assert len(re.findall(r"> show block 0\nblock 0\nhash",
                              t.below(mark))) == 5, t.below(mark)
        stopped(t)


def lines_are_not_torn(folder):
    """blocks appear above what is being typed, which stays whole"""
    with miner(folder, height=1) as t:
        words = "show block 0"
        height = 1
        for i, c in enumerate(words):
            t.type(c)
            t.wait(rf"\n> {re.escape(words[:i + 1].rstrip())}$")
            if i % 4 == 0:
                height += 1
                t.wait(BLOCK % height)
                t.wait(rf"\n> {re.escape(words[:i + 1].rstrip())}$")
        t.say("", r"\nblock 0\nhash  [0-9a-f]{64}")
        # A line of the log is never mixed with a prompt.
        for line in t.text().split("\n"):
            assert not re.search(r"\S.*\d{4}-\d\d-\d\dT", line), line
        stopped(t)


def twenty_columns(folder):
    """a narrow window, and one that is resized"""
    with miner(folder, columns=20, height=1) as t:
        assert all(len(line) <= 20 for line in t.text().split("\n"))
        t.wait(r"\nheight \d+(  \w+)?>$")
        t.say("peers", "nobody is")
        t.say("consensus", r"\nsolo  +A\+( +\S+)+\n")
        t.say("status", r"\ntip [0-9a-f]{16}")
        mark = t.mark()
        t.type("send mdr1" + "q" * 60)
        t.wait(r"q{19}\n", mark)
        t.resize(120)
        t.wait("q{60}$")
        t.type("\x15")
        t.wait(r"height \d+  ACTIVE  lag \d  0 peers  .*>$")
        t.resize(20)
        t.wait(r"\nheight \d+(  \w+)?>$")
        t.resize(1)
        t.type("peers\r")
        t.resize(10)
        t.say("balance", "balance")
        t.resize(1000)
        t.say("help", "23 help")
        stopped(t)


def colours_only_where_wished(folder):
    """colours on a terminal, none with NO_COLOR or TERM=dumb"""
    def colours(name, env):
        with miner(os.path.join(folder, name), env=env, height=1) as t:
            t.say("xyzzy", "no command")
            stopped(t)
            return t.screen.colours

    assert colours("a", {}) > 0
    assert colours("b", {"NO_COLOR": "1"}) == 0
    assert colours("c", {"TERM": "dumb"}) == 0
    assert colours("d", {"NO_COLOR": ""}) > 0


def hotkeys(folder):
    """h p r s while no line is edited; any other key begins one"""
    with miner(folder, height=1) as t:
        t.say("watch", r"any other key(.*\n)+height \d+.*$")
        for key, words in (("p", "mining is paused"), ("h", r"\(paused\)"),
                           ("r", "mining goes on"), ("s", r"tip \w{64}")):
            mark = t.mark()
            t.type(key)
            t.wait(words, mark)
        height = int(t.wait(r"(?s).*block (\d+) [0-9a-f]").group(1))
        t.wait(BLOCK % (height + 1))
        t.type("balance")
        t.wait("> balance$")
        t.say("", "pending 0")
        t.say("watch", "any other key")
        t.type("\x04")
        t.wait("the console is closed")
        t.process.send_signal(signal.SIGTERM)
        assert t.end() == 0


def the_end_of_input(folder):
    """Ctrl-D leaves the console, and the node goes on until it is stopped"""
    for line in ("\x04", "leave\r"):
        with miner(folder) as t:
            t.type(line)
            t.wait("the console is closed, the node goes on")
            height = int(t.wait(r"(?s).*Z block (\d+) ").group(1))
            t.wait(BLOCK % (height + 2))
            t.type("stop\r")
            t.wait(BLOCK % (height + 3))
            t.process.send_signal(signal.SIGTERM)
            assert t.end() == 0
            assert "stopped at height" in t.text()
    # In the middle of a question; and Ctrl-C.
    with miner(folder) as t:
        t.say("send", "to which address")
        t.type("\x04")
        t.wait("the console is closed")
        t.type("\x03")
        assert t.end() == 0
    with miner(folder) as t:
        t.say("new address", r"\nmdr1\w+")
        mark = t.mark()
        t.type("new address\x03")
        assert t.end() == 0
        assert "mdr1" not in t.below(mark + 1), t.below(mark)


def without_a_console(folder):
    """--no-console, or no terminal: lines alone, no prompt"""
    for args in (["--no-console"], ["--console", "off"]):
        with Terminal("--datadir", folder, *FAST, *args) as t:
            t.wait(BLOCK % r"\d+")
            t.process.send_signal(signal.SIGTERM)
            assert t.end() == 0
            assert "console" not in t.text() and ">" not in t.text()
    env = environment({**ENV, "HOME": folder})
    with subprocess.Popen([MINERD], stdin=subprocess.DEVNULL, env=env,
                          stdout=subprocess.PIPE, text=True) as p:
        line = p.stdout.readline()
        assert re.match(r"\d{4}-.*Z minerd ", line), line
        p.send_signal(signal.SIGTERM)
        assert ">" not in p.communicate(timeout=WAIT_S)[0]
    assert "--no-console" in minerd("--help")[1]


def a_terminal_that_hangs(folder):
    """nobody reads the terminal: the node still stops"""
    with miner(folder) as t:
        t.type("help\r" * 500)
        t.process.send_signal(signal.SIGTERM)
        assert t.process.wait(WAIT_S) == 0
    # Nor when the console was left and the terminal was told to stop.
    with miner(folder) as t:
        t.say("leave", "the console is closed")
        t.type("\x13")
        for _ in range(5):
            t.read(1)
        t.process.send_signal(signal.SIGTERM)
        assert t.process.wait(WAIT_S) == 0


def history_and_completion(folder):
    """TAB completes, the arrows bring back lines of an earlier run"""
    with miner(folder) as t:
        t.type("cons\t")
        t.wait("> consensus$")
        t.say("", r"\nsolo +")
        mark = t.mark()
        t.type("show \t")
        t.wait(r"show chain *\n(.*\n)*show pool", mark)
        t.type("c\t")
        t.wait("> show chain$")
        t.say("", r" 0 \.\.[0-9a-f]")
        t.type("zz\t\x15")
        stopped(t)
    path = os.path.join(folder, "console.history")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    with miner(folder) as t:
        mark = t.mark()
        t.type("\x1b[A\x1b[A")
        t.wait("> show chain$")
        t.say("", r" 0 \.\.[0-9a-f]")
        stopped(t)


def wallets_are_unlocked(folder):
    """a passphrase wrong three times, and then right"""
    secret = os.path.join(folder, "secret")
    with open(secret, "w", encoding="utf-8") as f:
        f.write("correct horse\n")
    home = os.path.join(folder, "home")
    assert minerd("init", "--datadir", os.path.join(folder, "x"),
                  "--member", "x")[0] == 0
    with miner(home, "--wallet-passphrase-file", secret, height=1) as t:
        stopped(t)
    with miner(home, height=2) as t:
        address = t.say("new address", r"\n(mdr1\w+)").group(1)
        t.say(f"send {address} 1", "'unlock' asks|Insufficient")
        t.say("unlock", "passphrase:")
        for _ in range(2):
            t.say("battery", r"incorrect(.*\n)+passphrase:")
        t.say("staple", "the wallet stays as it is")
        t.say("unlock", "passphrase:")
        t.say("correct horse", "unlocked for")
        assert "horse" not in t.text() and "battery" not in t.text()
        stopped(t)
    with open(os.path.join(home, "console.history"),
              encoding="utf-8") as f:
        assert "horse" not in f.read()


if __name__ == "__main__":
    sys.exit(run_tests([
        the_first_questions, walk_of_a_miner, walk_of_a_light_node,
        four_nodes, mistakes_are_answered,
        lines_are_not_torn, twenty_columns, colours_only_where_wished,
        hotkeys, the_end_of_input, without_a_console,
        a_terminal_that_hangs, history_and_completion,
        wallets_are_unlocked,
    ]))
