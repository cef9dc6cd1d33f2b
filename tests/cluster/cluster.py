# SPDX-License-Identifier: MIT
"""Networks of real minerd processes for tests: made, run, hurt and watched.

    with Cluster(folder, members=4, faults=1) as c:
        c.start()
        c.wait_height(5)

Between every two nodes stands a proxy (proxy.py). Every line that a node logs
is kept with the time at which it came. Waits have bounds; what they are for is
correctness, and times are told in comments. A node that outlives its test is
ended by its own process id.
"""
import asyncio
import base64
import collections
import functools
import http.client
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tap import BUILD, MINERD, environment, minerd  # noqa: E402
from proxy import Proxy  # noqa: E402

WAIT_S = 120  # for anything that takes seconds on an idle machine
EASY_BITS = "207fffff"  # every second hash is a block
# meson's makes every page of every buffer a used one; a node that was built
# with ThreadSanitizer has little room for addresses.
NODE_ENV = {"MINERD_RPC": None, "MALLOC_PERTURB_": None,
            "MINERD_DB_MAP": "1G"}
LATE_TICKS = 12  # in which a node's lateness shows at others
START_S = 2  # from the network file to tick 0


def scheduling_lateness(seconds=2.0):
    """The worst lateness of a sleep of 5 ms here, in ms (consensus.md)."""
    worst = 0.0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        before = time.monotonic()
        time.sleep(0.005)
        worst = max(worst, time.monotonic() - before - 0.005)
    return worst * 1000


@functools.cache
def choose_delta():
    """Four times the worst lateness, at least 250 ms, in steps of 250."""
    if "MINERD_CLUSTER_DELTA_MS" in os.environ:
        return int(os.environ["MINERD_CLUSTER_DELTA_MS"])
    worst = scheduling_lateness()
    delta = max(1, -(-int(4 * worst) // 250)) * 250
    print(f"# sleeps end up to {worst:.1f} ms late: delta {delta} ms",
          flush=True)
    return delta


def easier(bits):
    """Compact bits of a target that is 16 times as high, or the highest."""
    size, digits = int(bits[:2], 16), int(bits[2:], 16)
    target = digits << 8 * (size - 3) + 4
    if target >= 0x7fffff << 8 * 29:
        return EASY_BITS
    size = (target.bit_length() + 8) // 8
    return "%02x%06x" % (size, target >> 8 * (size - 3))


def median(values):
    return sorted(values)[len(values) // 2]


class Node:
    """A datadir, and the process that runs in it, if any."""

    def __init__(self, cluster, index, member):
        self.cluster = cluster
        self.index = index
        self.member = member  # else an observer
        self.name = f"{'m' if member else 'o'}{index}"
        self.datadir = os.path.join(cluster.folder, f"node{index}")
        self.binary = MINERD
        self.args = []
        self.env = {}
        self.prefix = []  # a command that runs it
        self.process = None
        self.wanted = False  # it is to run until end()
        self.log = []  # (time.time() of its coming, event)
        self.started = 0  # length of the log at the last start
        self.height = 0
        self.blocks = {}
        self.final_at = {}  # height: time
        self.mode = None

    # ---- life ----

    def start(self, *args):
        """Starts it, which must not run."""
        c = self.cluster
        assert not self.running(), self.name
        self.started = len(self.log)
        self.mode = None
        argv = [*self.prefix, self.binary, "--datadir", self.datadir,
                "--log-format", "json", "--log-level", "debug",
                "--rpc", "127.0.0.1:0", "--threads", "1",
                "--pow-backend", c.backend, *([] if self.member else ["--full"]),
                *c.listen_args(self), *self.args, *args]
        with open(os.path.join(c.folder, f"{self.name}.err"), "ab") as err:
            self.process = subprocess.Popen(
                argv, stdout=subprocess.PIPE, stderr=err,
                stdin=subprocess.DEVNULL,
                env=environment(dict(NODE_ENV, **self.env)))
        self.wanted = True
        c.proxy.pids[self.process.pid] = self.index
        c.proxy.call(self._read(self.process))

    async def _read(self, process):
        reader = asyncio.StreamReader(limit=1 << 20)
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), process.stdout)

        async def lines():
            while line := await reader.readline():
                self._take(line)
        task = asyncio.ensure_future(lines())
        self.cluster.proxy.tasks.add(task)
        task.add_done_callback(self.cluster.proxy.tasks.discard)

    def _take(self, line):
        now = time.time()
        try:
            event = json.loads(line)
        except ValueError:  # cut off by a kill
            return
        # By its own word, unless its clock is another.
        if abs(event.get("time_ms", 0) / 1000 - now) < 5:
            now = event["time_ms"] / 1000
        with self.cluster.news:
            self.log.append((now, event))
            if event["event"] == "block":
                self.height = event["height"]
                self.blocks[self.height] = event["hash"]
                self.final_at[self.height] = now
            elif event["event"] == "mode":
                self.mode = event["message"].split(",")[0]
            self.cluster.news.notify_all()

    def running(self):
        return self.process is not None and self.process.poll() is None

    def send(self, number):
        self.process.send_signal(number)

    def end(self, number=signal.SIGTERM):
        """Signals it, waits for its end; the exit status."""
        self.wanted = False
        if self.running():
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(number)
        try:
            code = self.process.wait(WAIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        self.cluster.proxy.pids.pop(self.process.pid, None)
        return code

    def kill(self):
        return self.end(signal.SIGKILL)

    # ---- what it says ----

    def events(self, name, since=None):
        """[(time, event)] of that name since the last start, or index."""
        since = self.started if since is None else since
        return [(t, e) for t, e in self.log[since:] if e["event"] == name]

    def says(self, name, *words, since=None):
        """Whether such an event had all these words in its message."""
        return any(all(w in e.get("message", "") for w in words)
                   for _, e in self.events(name, since))

    def errors(self):
        path = os.path.join(self.cluster.folder, f"{self.name}.err")
        if not os.path.exists(path):
            return ""
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def rpc(self, method, *params):
        """Result of a call; RuntimeError with the node's error."""
        at = self.events("rpc")[-1][1]["message"].split()[-1]
        with open(os.path.join(self.datadir, ".cookie"),
                  encoding="ascii") as f:
            cookie = base64.b64encode(f.read().strip().encode()).decode()
        connection = http.client.HTTPConnection(at, timeout=30)
        try:
            connection.request(
                "POST", "/", json.dumps({"id": 1, "method": method,
                                         "params": list(params)}),
                {"Authorization": "Basic " + cookie})
            answer = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        if answer.get("error"):
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]


class Cluster:
    """n members and some observers, a folder, and the proxy between them."""

    def __init__(self, folder, members=4, faults=1, observers=0,
                 delta_ms=None, spacing_s=1, bits=EASY_BITS,
                 half_life_s=86400, netns=None):
        """@bits None: by this machine's hash rate, but 16 times easier: who
        else needs the processors takes them from the miners."""
        self.folder = folder
        self.n = members
        self.f = faults
        self.delta_ms = delta_ms or choose_delta()
        self.rounds = faults + 1
        # The fastest is found by trying all: of use only where work is hard.
        self.backend = "auto" if bits is None else "scalar"
        self.news = threading.Condition()
        self.proxy = Proxy()
        self.netns = netns
        self.host = "127.%d.%d.%d" % tuple(
            random.SystemRandom().randrange(1, 255) for _ in range(3))
        self.nodes = [Node(self, i, i < members)
                      for i in range(members + observers)]
        self.real = {}
        self.public = {}
        self.helpers = []  # processes that end with it
        self.t0 = None  # tick 0 in Unix milliseconds, once it is set
        try:
            self._make_datadirs(spacing_s)
            self._make_network(bits, half_life_s)
        except BaseException:
            self.proxy.stop()
            raise

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        for process in self.helpers + [n.process for n in self.running()]:
            process.kill()
            process.wait(WAIT_S)
        self.proxy.stop()
        if kind is not None:
            self.tell()

    def tell(self, lines=25):
        """The ends of the logs, for who reads a failure."""
        keep = os.environ.get("MINERD_CLUSTER_KEEP")
        for node in self.nodes:
            print(f"# -- {node.name} height {node.height} {node.mode} "
                  f"{node.errors()[-500:]!r}")
            for t, e in node.log[-lines:]:
                print(f"#   {self.tick_at(t):8.2f} {json.dumps(e)}")
            if keep:
                path = os.path.join(keep, f"{node.name}.log")
                with open(path, "w", encoding="utf-8") as f:
                    for t, e in node.log:
                        f.write(f"{self.tick_at(t):8.2f} {json.dumps(e)}\n")

    # ---- making ----

    def _make_datadirs(self, spacing_s):
        """Keys, wallets, and a network file that is changed afterwards."""
        code, _, err = minerd(
            "network", "new", "--dir", self.folder, "--members", str(self.n),
            "--faults", str(self.f), "--delta", str(self.delta_ms),
            "--spacing", str(spacing_s), "--pow-backend", self.backend)
        assert code == 0, err
        with open(os.path.join(self.folder, "network.json"),
                  encoding="utf-8") as f:
            self.network = json.load(f)
        self.members = self.network["members"]
        for node in self.nodes[self.n:]:
            code, _, err = minerd("init", "--member", node.name,
                                  "--datadir", node.datadir)
            assert code == 0, err

    def _make_network(self, bits, half_life_s):
        for node in self.nodes:
            self.real[node.index] = (self.host, 9444 + node.index)
            self.public[node.index] = (self.host, 9544 + node.index)
            if not node.member:
                continue
            m = self.network["members"][node.index]
            with open(os.path.join(node.datadir, "member.json"),
                      encoding="utf-8") as f:
                assert json.load(f)["node_id"] == m["node_id"]
            m["name"] = node.name
            m["address"] = "%s:%d" % self.public[node.index]
            if self.netns:
                m["address"] = "%s:9444" % self.netns.address(node.index)
        self.network.update({
            "half_life_s": half_life_s,
            "genesis_bits": bits or easier(self.network["genesis_bits"])})

    def write_network(self, start_s=START_S):
        """The network file of everyone; tick 0 is @start_s from now."""
        self.t0 = int(time.time() * 1000) + int(start_s * 1000)
        self.network["genesis_time_ms"] = self.t0
        for node in self.nodes:
            path = os.path.join(node.datadir, "network.json")
            with open(path, "w", encoding="utf-8") as f:
                json.dump(self.network, f)

    def listen_args(self, node):
        if self.netns:
            return []
        if not node.member:
            return ["--listen", "off"]
        return ["--listen", "%s:%d" % self.real[node.index]]

    def start(self, nodes=None, start_s=START_S):
        """Proxies first; tick 0 is @start_s from now, unless it is set."""
        if self.t0 is None:
            self.write_network(start_s)
        if not self.netns:
            for node in self.nodes[:self.n]:
                self.proxy.serve(node.index, self.public[node.index],
                                 self.real[node.index])
        for node in nodes if nodes is not None else self.nodes:
            node.start()

    # ---- time ----

    def tick_at(self, t):
        """The tick, with a fraction, of a time.time()."""
        return (t * 1000 - (self.t0 or 0)) / self.delta_ms

    def ticks(self, seconds):
        return seconds * 1000 / self.delta_ms

    def sleep_ticks(self, count):
        time.sleep(count * self.delta_ms / 1000)

    # ---- waiting ----

    def wait(self, what, condition, seconds=WAIT_S):
        """Until @condition(); AssertionError that names @what."""
        end = time.monotonic() + seconds
        with self.news:
            while not condition():
                left = end - time.monotonic()
                assert left > 0, f"not in {seconds} s: {what}"
                for node in self.nodes:
                    assert not node.wanted or node.running(), (
                        f"{node.name} ended with {node.process.returncode}: "
                        f"{node.errors()}")
                self.news.wait(min(left, 0.5))

    def end(self, nodes=None):
        """Stops them all, as their users do; each says that all was well."""
        nodes = self.running() if nodes is None else nodes
        for node in nodes:
            node.wanted = False
            node.send(signal.SIGTERM)
        for node in nodes:
            code = node.end(0)
            assert code == 0, f"{node.name}: {code} {node.errors()}"

    def wait_height(self, height, nodes=None, seconds=WAIT_S):
        nodes = self.running() if nodes is None else nodes
        self.wait(f"height {height}",
                  lambda: all(n.height >= height for n in nodes), seconds)

    def wait_mode(self, mode, nodes=None, seconds=WAIT_S):
        nodes = [n for n in self.running() if n.member] \
            if nodes is None else nodes
        self.wait(mode, lambda: all(n.mode == mode for n in nodes), seconds)

    def running(self):
        return [n for n in self.nodes if n.running()]

    def height(self):
        return max(n.height for n in self.nodes)

    # ---- links ----

    def between(self, these, those):
        return [(a.index, b.index) for a in these for b in those if a != b]

    def cut(self, these, those, cut=True):
        for a, b in self.between(these, those):
            self.proxy.cut(a, b, cut)

    def hold(self, these, those, held=True):
        """Both directions, as when a cable is pulled."""
        for a, b in self.between(these, those):
            self.proxy.shape(a, b, held=held)
            self.proxy.shape(b, a, held=held)

    # ---- judging ----

    def rejoin_ticks(self, node):
        """From its handshake with the last member that a quorum needs to its
        ACTIVE, in ticks (it is ACTIVE)."""
        met = {}
        for t, e in node.events("peer"):
            if e["message"].startswith("member"):
                met.setdefault(e["message"].split("'")[1], t)
        active = next(t for t, e in node.events("mode")
                      if e["message"] == "ACTIVE")
        last = sorted(met.values())[self.n - self.f - 2]
        return self.ticks(active - last)

    def finalities(self, nodes=None):
        """[(time, latency)] of every block and node: when it became final, and
        how many deltas after the tick of its proposal."""
        out = []
        for node in self.nodes if nodes is None else nodes:
            for _, e in node.events("decided", 0):
                words = e["message"].split()
                height, tick = int(words[1]), int(words[5].strip(','))
                if node.blocks.get(height) == words[2]:
                    at = node.final_at[height]
                    out.append((at, self.tick_at(at) - (tick - self.rounds)))
        return out

    def latencies(self, nodes=None):
        return [late for _, late in self.finalities(nodes)]

    def gaps(self, node):
        """Seconds between its final blocks."""
        times = [node.final_at[h] for h in sorted(node.final_at)]
        return [b - a for a, b in zip(times, times[1:])]

    def check_agreement(self, nodes=None):
        """No two nodes ever had different blocks at one height."""
        seen = {}
        for node in self.nodes if nodes is None else nodes:
            for height, digest in node.blocks.items():
                first = seen.setdefault(height, (digest, node.name))
                assert first[0] == digest, (
                    f"height {height}: {first[1]} has {first[0]}, "
                    f"{node.name} has {digest}")
        return len(seen)

    def taints(self, nodes=None):
        """(node, tick, reason, message) of all, in order."""
        out = []
        for node in self.nodes if nodes is None else nodes:
            for t, e in node.events("mode", 0):
                if ", because " in e["message"]:
                    why = re.search(r"because of (\w+)", e["message"])
                    reason = why.group(1) if why else "LATE"
                    out.append((node, self.tick_at(t), reason, e["message"]))
        return sorted(out, key=lambda x: x[1])

    def check_taints(self, nodes=None, but=(), liars=()):
        """No taint under synchrony but for a lateness that was measured
        (consensus.md, invariant 12), or for the reasons in @but; and nobody
        was banned but @liars (invariant 8)."""
        late = []
        taints = self.taints(nodes)
        for (name, reason), count in sorted(collections.Counter(
                (t[0].name, t[2]) for t in taints).items()):
            print(f"# {name} was tainted {count} times by {reason}")
        for node, tick, reason, message in taints:
            if reason == "LATE":
                worst, allowed = re.findall(r"(\d+) ms", message)
                print(f"# {node.name}, tick {tick:.1f}: {message}")
                assert int(worst) > int(allowed), message
                late.append(tick)
            else:
                # Another's lateness may be why it was not heard in time.
                assert reason in but or any(abs(x - tick) < LATE_TICKS
                                            for x in late), \
                    f"{node.name}: {message}"
        for node in self.nodes if nodes is None else nodes:
            for _, e in node.events("ban", 0):
                who = e["message"].split(" sent ")[0]
                assert who in liars or who == "a peer", e

    def verify(self, node):
        """minerd verify beside it: blocks, certificates; the height."""
        code, out, err = minerd("verify", "--datadir", node.datadir,
                                "--db-map", NODE_ENV["MINERD_DB_MAP"],
                                timeout=WAIT_S)
        assert code == 0, f"{node.name}: {err}"
        _, height, _, digest = out.splitlines()[-1].split()
        assert node.blocks.get(int(height), digest) == digest
        return int(height)

    def check_chains(self, nodes=None):
        """One chain, and each node's store holds it with its certificates."""
        blocks = self.check_agreement()
        for node in self.nodes if nodes is None else nodes:
            height = self.verify(node)
            assert height >= node.height, f"{node.name}: {height} on disk"
        return blocks


def sender_of(block):
    """The committee index in the coinbase of getblock's answer: after the
    push of the height comes 01 xx (chain.md)."""
    script = bytes.fromhex(block["tx"][0]["vin"][0]["coinbase"])
    push = script[0]
    at = 1 if 0x51 <= push <= 0x60 else 1 + push
    assert script[at] == 1, script.hex()
    return script[at + 1]
