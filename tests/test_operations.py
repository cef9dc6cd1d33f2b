#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs/operations.md, as it stands: its marked commands are run here.

A block of commands in it that follows a line `<!-- run: NAME -->` is run by
bash, with hosts, folders and sizes of this machine in place of the document's.
A block that no test runs is a failure, and so is a test's that is not there.
"""
import datetime
import json
import os
import random
import re
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, os.path.join(HERE, "cluster"))
from cluster import Cluster, choose_delta  # noqa: E402
import tap  # noqa: E402
from tap import BUILD, MINERD, Skip, environment, run_tests  # noqa: E402
from test_cluster_liars import Liars, two_forks, cut_until_split  # noqa: E402

WAIT_S = 150
STEP_S = 60  # for a command that ends by itself
NAMES = ["alice", "bob", "carol", "dave"]
BLOCK = re.compile(r"^<!-- run: (\S+) -->\n```sh\n(.*?)^```$", re.M | re.S)
# Blocks for hosts that have no /etc/minerd.
ELSEWHERE = ("probe", "light", "light-look")
used = set()


def read_blocks():
    with open(os.path.join(ROOT, "docs", "operations.md"),
              encoding="utf-8") as f:
        found = BLOCK.findall(f.read())
    assert len(found) == len(dict(found)), "two blocks of one name"
    return dict(found)


BLOCKS = read_blocks()


def wait_until(what, condition, seconds=WAIT_S):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not in {seconds} s: {what}"
        time.sleep(0.2)


class Operator:
    """Somebody with a shell on a host: a datadir, settings, a folder."""

    def __init__(self, folder, datadir, etc, put=()):
        self.folder = folder
        self.datadir = datadir
        self.etc = etc
        self.put = [("/var/lib/minerd", datadir), ("/etc/minerd", etc),
                    ("127.0.0.1:9445", "127.0.0.1:0"),
                    ("127.0.0.1:9447", "127.0.0.1:0"),
                    ("threads=4", "threads=1"),
                    ("--threads 4", "--threads 1"),
                    ("/tmp/", folder + "/"), ("~/", folder + "/"), *put]
        self.nodes = []
        os.makedirs(etc, exist_ok=True)
        os.makedirs(folder, exist_ok=True)

    def text(self, name, put=()):
        used.add(name)
        words = dict((*self.put, *put))
        text = (BLOCKS["env"] if name not in ELSEWHERE else "") + BLOCKS[name]
        any_word = "|".join(re.escape(w) for w in
                            sorted(words, key=len, reverse=True))
        text = re.sub(any_word, lambda found: words[found.group()], text)
        return "set -euo pipefail\n" + text

    def env(self):
        path = os.path.abspath(BUILD) + ":" + os.environ["PATH"]
        return environment({"PATH": path, "MINERD_RPC": None})

    def try_run(self, name, put=()):
        return subprocess.run(["bash", "-c", self.text(name, put)],
                              cwd=self.folder, env=self.env(),
                              stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=STEP_S, check=False)

    def run(self, name, put=()):
        """The output of a block that must succeed."""
        done = self.try_run(name, put)
        assert done.returncode == 0, f"{name}: {done.stderr} {done.stdout}"
        return done.stdout

    def spawn(self, name):
        """A block that ends with the node itself."""
        *first, last = [s for s in self.text(name).replace(
            "\\\n", " ").split("\n") if s]
        with open(os.path.join(self.folder, "log"), "ab") as log:
            node = subprocess.Popen(
                ["bash", "-c", "\n".join([*first, "exec " + last])],
                cwd=self.folder, env=self.env(), stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT)
        self.nodes.append(node)
        return node

    def log(self):
        with open(os.path.join(self.folder, "log"), encoding="utf-8",
                  errors="replace") as f:
            return f.read()

    def answers(self, name, put=()):
        """The JSON values that a block prints, or None: nobody answers."""
        done = self.try_run(name, put)
        if done.returncode != 0:
            return None
        out = []
        rest = done.stdout.strip()
        while rest:
            if rest[0] in "{[":
                value, end = json.JSONDecoder().raw_decode(rest)
            else:
                value = rest.split("\n")[0]
                end = len(value)
            out.append(value)
            rest = rest[end:].strip()
        return out

    def end(self):
        for node in self.nodes:
            if node.poll() is None:
                node.kill()
            node.wait(STEP_S)


class Operators:
    """Some of them; what they started ends with the test."""

    def __init__(self, folder):
        self.folder = folder
        self.all = {}

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        for name, o in self.all.items():
            o.end()
            if kind is not None and o.nodes:
                print(f"# -- {name}")
                for line in o.log().splitlines()[-15:]:
                    print("#   " + line)

    def add(self, name, put=()):
        home = os.path.join(self.folder, name)
        self.all[name] = Operator(os.path.join(home, "work"),
                                  os.path.join(home, "lib"),
                                  os.path.join(home, "etc"), put)
        return self.all[name]


# ---- the network of four ----

def hosts():
    """Words of the document, and what stands for them here."""
    at = "127.%d.%d." % tuple(random.SystemRandom().randrange(1, 255)
                              for _ in range(2))
    return [(f"{name}.example:", f"{at}{i + 1}:")
            for i, name in enumerate(NAMES)]


def sizes():
    start = datetime.datetime.now(datetime.timezone.utc) \
        + datetime.timedelta(seconds=10)
    return [("--delta 1000", f"--delta {choose_delta()}"),
            ("--spacing 20", "--spacing 2"),
            ("--hash-rate 40000000", "--hash-rate 20000"),
            ("2027-01-01T12:00:00Z", start.strftime("%Y-%m-%dT%H:%M:%SZ"))]


def found(team):
    """Steps 2 to 6; the members."""
    where = hosts()
    members = [team.add(name, where) for name in NAMES]
    for name, o in zip(NAMES, members):
        o.run("conf")
        at = dict(where)[name + ".example:"]
        o.run("init", [("--member alice", f"--member {name}"),
                       ("alice.example:", at),
                       ("/tmp/alice.json", f"{o.folder}/{name}.json")])
    for a in members:
        for name, b in zip(NAMES, members):
            if a is not b:
                shutil.copy(os.path.join(b.folder, name + ".json"), a.folder)
    numbers = sizes()
    said = [o.try_run("assemble", numbers) for o in members]
    assert all(s.returncode == 0 for s in said), said[0].stderr
    assert len({s.stdout for s in said}) == 1
    genesis = {re.search(r"genesis ([0-9a-f]{64}), which all", s.stderr)
               .group(1) for s in said}
    assert len(genesis) == 1
    for o in members:
        o.spawn("start")
    return members, genesis.pop()


def height(o):
    look = o.answers("look")
    return look[0]["final"]["height"] if look else -1


def mode(o):
    done = o.try_run("mode")
    word = re.search(r'"mode": "(\w+)"', done.stdout)
    return word.group(1) if word else None


def follow(team, network, members):
    """An observer and a light node, and what both have."""
    top = max(height(o) for o in members)
    observer = team.add("observer")
    shutil.copy(network, observer.etc)
    observer.spawn("observer")
    wait_until("the observer's blocks", lambda: height(observer) > top)
    assert re.search(r'"nodeid": "[0-9a-f]{64}"', observer.run("access"))
    light = team.add("light")
    shutil.copy(network, light.folder)
    light.spawn("light")

    def has_headers():
        look = light.answers("light-look")
        return look and int(look[0]) > top and look[1].startswith("mdr1")
    wait_until("the light node's headers", has_headers)


def on_a_new_host(member):
    """Its disk is lost; what there is of it is the copy of its keys."""
    member.run("keys")
    tar = os.path.join(member.folder, "minerd-keys.tar")
    assert os.stat(tar).st_mode & 0o777 == 0o600
    member.nodes[-1].kill()
    member.nodes[-1].wait(STEP_S)
    os.rename(member.datadir, member.datadir + ".lost")
    os.mkdir(member.datadir, 0o700)
    member.run("restore")
    keys = os.path.join(member.datadir, "keys")
    assert os.stat(keys).st_mode & 0o777 == 0o700
    for name in ("signing.key", "node.key", "wallet.seed"):
        assert os.stat(os.path.join(keys, name)).st_mode & 0o777 == 0o600
    member.spawn("start")
    wait_until("the new host", lambda: mode(member) == "ACTIVE")


def four_organisations(folder):
    """the network of four: from init to finality, followers, changes"""
    with Operators(folder) as team:
        members, genesis = found(team)
        wait_until("two blocks", lambda: all(height(o) >= 2 for o in members))
        for o in members:
            info, committee, peers, _, _ = o.answers("look")
            assert committee["genesis"] == genesis
            assert committee["certificates"] and committee["quorum"] == 3
            assert len(peers) == 3 and info["vote_epoch"] == 0
            assert "verifying" in o.log()
            cert, *last = o.run("certificate").rsplit("\n", 2)
            assert len(json.loads(cert)["signers"]) >= 3
            assert last[0].startswith("height ")
        follow(team, os.path.join(members[0].etc, "network.json"), members)
        member, rest = members[1], [members[0], *members[2:]]
        member.run("stop")
        assert member.nodes[0].wait(STEP_S) == 0
        top = max(height(o) for o in rest)
        wait_until("the others go on", lambda: all(
            height(o) > top for o in rest))
        member.spawn("start")
        wait_until("the restarted one", lambda: mode(member) == "ACTIVE")
        on_a_new_host(members[2])
        member.run("backup")
        copy = os.path.join(member.folder, "minerd-backup")
        assert "chain" in os.listdir(copy) and "keys" not in os.listdir(copy)
        for o in members:
            o.run("stop")
            assert o.nodes[-1].wait(STEP_S) == 0


def the_probe(folder):
    """how late this machine is, before there is a network"""
    with Operators(folder) as team:
        said = team.add("probe").run("probe", [
            ("timeout 3600 ", "timeout 8 "), ("sleep 3590", "sleep 4"),
            ("127.0.0.1:9447", "127.0.0.1:0 --pow-backend scalar")])
        assert re.search(r'"late_ms": \d+', said), said


# ---- recovery ----

def operator_of(c, node):
    """The operator of a cluster's node, whose settings it reads."""
    etc = os.path.join(c.folder, f"etc{node.index}")
    o = Operator(os.path.join(c.folder, f"work{node.index}"), node.datadir,
                 etc)
    path = os.path.join(etc, "minerd.conf")
    with open(path, "w", encoding="ascii"):
        pass
    node.env["MINERD_CONF"] = path
    return o


def operators_of(c):
    return {n: operator_of(c, n) for n in c.nodes}


def start_all(c):
    for node in c.nodes:
        node.start()


def stop_all(c, but=()):
    for node in c.nodes:
        code = node.end()
        assert code == 0 or node in but, (node.name, code, node.errors())


def same_tip(ops):
    """What everybody says to the two questions, if it is the same."""
    said = [o.run("tips").split("\n")[:2] for o in ops]
    return said[0] if all(s == said[0] for s in said) else None


def a_stall(folder):
    """STALL: the look names who has not voted; restarted, it goes on"""
    with Liars(folder, [2, 3]) as c:
        ops = operators_of(c)
        c.start()
        c.wait_height(1)
        c.tell_them("mute deaf")
        c.wait("alert STALL", lambda: all(
            n.says("alert", "STALL") for n in c.honest))
        before = c.honest[0].height
        info = ops[c.honest[0]].answers("look")[0]
        assert info["reasons"]["STALL"] > 0
        assert not {v["voter"] for v in info["votes"]} & {2, 3}
        assert info["votes"]
        c.tell_them("")
        for node in c.liars:
            assert node.end() == 0
            node.start()
        c.wait_height(before + 2)
        c.check_agreement()


def a_split(folder):
    """SPLIT: agreed on F, all go on in the next vote epoch"""
    with Liars(folder, [2, 3]) as c:
        ops = operators_of(c)
        c.start()
        c.wait_height(1)
        a, b = c.honest
        c.tell_them("quiet mute shy deaf echo=1", c.liars[:1])
        c.tell_them("quiet mute shy deaf echo=2", c.liars[1:])
        c.wait_height(c.height() + 2, c.honest)
        cut_until_split(c, a, b)
        c.wait("alert SPLIT", lambda: all(
            n.says("alert", "SPLIT", "--vote-epoch") for n in c.honest))
        honest = [ops[n] for n in c.honest]
        wait_until("one F", lambda: same_tip(honest))
        tip = same_tip(honest)
        stop_all(c)
        c.tell_them("")
        for o in ops.values():
            o.run("vote-epoch")
        start_all(c)
        c.wait_height(int(tip[0]) + 2)
        for o in ops.values():
            info = o.answers("look")[0]
            assert info["vote_epoch"] == 1
        stop_all(c)
        assert a.blocks[int(tip[0])] == tip[1]
        c.check_chains(c.honest)


def at_genesis(c, start_s=12):
    """Everybody is there before tick 0."""
    c.write_network(start_s)
    for node in c.nodes:
        c.proxy.serve(node.index, c.public[node.index], c.real[node.index])
    start_all(c)


def choose_chain(c, ops):
    """Steps 2 to 4 of FORK: HASH, once who has another chain gave way."""
    start_all(c)
    wait_until("answers", lambda: all(
        o.try_run("tips").returncode == 0 for o in ops.values()))
    for node in c.nodes:
        c.wait("not_vouched", lambda node=node: node.says("not_vouched"))
    tips = {n: ops[n].run("best").strip() for n in c.nodes}
    best = max(c.nodes[1:], key=lambda n: int(
        ops[n].run("tips").split("\n")[0]))
    other = [n for n in c.nodes if ops[best].try_run(
        "known", [("HASH", tips[n])]).returncode != 0]
    stop_all(c)
    for node in other:
        ops[node].run("aside")
    return tips[best], other


def a_word_that_says_nothing(folder):
    """--trust-tip where there are certificates: it is said"""
    with tap.Node("--datadir", os.path.join(folder, "d"), "--threads", "1",
                  "--pow-backend", "scalar", "--trust-tip", "00" * 32) as node:
        assert "certificates" in node.wait_event("trust_tip")["message"]


def a_fork(folder):
    """FORK: no certificates, two chains; people vouch for one of them"""
    with Cluster(folder, members=3, faults=2) as c:
        ops = operators_of(c)
        at_genesis(c)
        c.wait_height(1)
        lone, rest = c.nodes[0], c.nodes[1:]
        c.cut([lone], rest)

        def forked():
            return any(lone.blocks[h] != n.blocks[h] for n in rest
                       for h in set(lone.blocks) & set(n.blocks))
        c.wait("two chains", forked)
        c.cut([lone], rest, False)
        c.wait("alert FORK", lambda: all(
            lone.says("alert", "FORK", f"'{n.name}'") for n in rest))
        assert ops[lone].answers("look")[0]["reasons"]["FORK"] > 0
        stop_all(c)
        tip, other = choose_chain(c, ops)
        assert lone in other
        for node in c.nodes:
            node.blocks.clear()
            node.height = 0
            ops[node].run("trust-tip", [("HASH", tip)])
        start_all(c)
        c.wait_mode("ACTIVE")
        for node in c.nodes:
            ops[node].run("trust-tip-end")
        c.wait("blocks by all", lambda: all(
            n.height >= lone.height > 0 for n in rest))
        assert tip in lone.blocks.values() or not other
        stop_all(c)
        c.check_chains()


def signers(c, ops, node, at):
    """(hash, epoch, signers) of the certificate at height @at, or None."""
    look = ops[node].answers("halt-look", [("HEIGHT", str(at))])
    return look and (look[0], look[1]["epoch"], set(look[1]["signers"]))


def a_halt(folder):
    """HALT: both certificates name who signed both; a chain is chosen"""
    with two_forks(folder) as (c, forked):
        ops = operators_of(c)
        a, b = c.honest
        c.wait_mode("HALT", c.honest)
        first = signers(c, ops, a, forked()[0])
        second = signers(c, ops, b, forked()[0])
        assert first[0] != second[0] and first[1] == second[1] == 0
        assert first[2] & second[2] == {2, 3}
        c.tell_them("")
        stop_all(c, c.nodes)
        assert [n.process.returncode for n in c.honest] == [4, 4]
        assert "HALT" in a.errors()
        choose_after_halt(c, ops, a, forked()[0])


def choose_after_halt(c, ops, chosen, at):
    """Steps 3 to 5: all go on from the chain of @chosen."""
    chain = dict(chosen.blocks)
    for node in c.nodes:
        c.verify(node)
        if node.blocks.get(at) != chain[at]:
            ops[node].run("halt-aside")
            node.blocks.clear()
            node.height = 0
        ops[node].run("vote-epoch")
    top = max(chain)
    start_all(c)
    c.wait_height(top + 2)
    for node in c.nodes:
        assert node.blocks[at] == chain[at] or node is chosen
        assert node.mode != "HALT", node.name
    stop_all(c)
    c.check_chains()


# ---- the document and its files ----

def the_unit(folder):
    """systemd takes the unit, the user and the folders"""
    path = os.path.join(BUILD, "packaging", "minerd.service")
    with open(path, encoding="utf-8") as f:
        text = f.read()
    run = re.search(r"^ExecStart=(\S+)", text, re.M).group(1)
    assert os.path.isabs(run)
    assert re.search(r"^RestartPreventExitStatus=.*\b4\b", text, re.M)
    for name in ("MINERD_DATADIR", "MINERD_CONF"):
        told = re.search(name + r"=(\S+)", BLOCKS["env"]).group(1)
        assert told in text, told
    if not shutil.which("systemd-analyze"):
        raise Skip("there is no systemd-analyze")
    here = os.path.join(folder, "minerd.service")
    with open(here, "w", encoding="utf-8") as f:
        f.write(text.replace(run, os.path.abspath(MINERD)))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", here],
                          capture_output=True, text=True, timeout=STEP_S,
                          check=False)
    assert done.returncode == 0 and "minerd" not in done.stderr, done.stderr
    done = subprocess.run(
        ["systemd-sysusers", "--dry-run",
         os.path.join(ROOT, "packaging", "minerd.sysusers")],
        capture_output=True, text=True, timeout=STEP_S, check=False)
    assert done.returncode == 0, done.stderr


def nothing_is_left_out(folder):
    """every marked block of the document was run"""
    del folder
    left = set(BLOCKS) - used - {"env"}
    assert not left, left


if __name__ == "__main__":
    sys.exit(run_tests([the_unit, the_probe, four_organisations, a_stall,
                        a_split, a_word_that_says_nothing, a_fork, a_halt,
                        nothing_is_left_out]))
