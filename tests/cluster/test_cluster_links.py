#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What crosses each link of a chain of four members that have no other links,
message by message (wiretap.c): everything reaches everyone, and nothing crosses
a link twice in one direction.
"""
import collections
import os
import subprocess
import sys

from cluster import BUILD, Cluster
from tap import run_tests

WIRETAP = os.path.join(BUILD, "tests", "wiretap")
PAYMENTS = 6
ONCE = ("vote", "beat", "cert", "have", "tx")


class Chain(Cluster):
    """Members in a row; every link is tapped."""

    def start(self, nodes=None, start_s=4):
        self.write_network(start_s)
        self.taps = {}
        for a in range(self.n):
            for b in range(self.n):
                if abs(a - b) == 1:
                    self.tap(a, b)
                elif a < b:
                    self.proxy.cut(a, b)
        super().start(nodes, start_s)

    def tap(self, dialer, answerer):
        at = (self.host, 9644 + dialer * self.n + answerer)
        path = os.path.join(self.folder, f"tap{dialer}{answerer}")
        with open(path, "wb") as out:
            self.helpers.append(subprocess.Popen(
                [WIRETAP, os.path.join(self.folder, "node0", "network.json"),
                 *(os.path.join(self.nodes[i].datadir, "keys", "node.key")
                   for i in (dialer, answerer)),
                 "%s:%d" % at, "%s:%d" % self.real[answerer]], stdout=out))
        self.taps[dialer, answerer] = path
        self.proxy.via[dialer, answerer] = at

    def crossed(self):
        """{(from, to): [words of each message]}, so far."""
        out = collections.defaultdict(list)
        for (dialer, answerer), path in self.taps.items():
            with open(path, encoding="ascii") as f:
                for line in f.read().split("\n")[:-1]:
                    sign, *words = line.split()
                    way = (dialer, answerer) if sign == ">" \
                        else (answerer, dialer)
                    out[way].append(words)
        return out


def check_way(way, before, messages):
    """Nothing of @messages crossed @way twice, counting those @before."""
    seen = set()
    masks = collections.defaultdict(int)
    count = collections.Counter()
    for i, words in enumerate(before + messages):
        new = i >= len(before)
        kind = words[0]
        if new:
            count[kind] += 1
        if kind in ONCE:
            assert not new or (kind, words[1]) not in seen, (way, words)
            seen.add((kind, words[1]))
        elif kind == "proposal":
            value, mask = words[1], int(words[2], 16)
            assert not new or mask & ~masks[value], (way, words)
            masks[value] |= mask
        if kind == "block" or (kind == "proposal" and words[3] == "body"):
            digest = words[1].split("/")[-1]
            assert not new or ("body", digest) not in seen, (way, words)
            seen.add(("body", digest))
            if new:
                count["body"] += 1
    return count


def each_link_once(folder):
    """in a chain of four everything crosses each link once in a direction"""
    delta = int(os.environ.get("MINERD_CLUSTER_DELTA_MS", "500"))
    with Chain(folder, delta_ms=delta) as c:
        c.network["coinbase_maturity"] = 1
        c.start()
        # Links come up, and say what is repeated on a new link, before that.
        c.wait_mode("ACTIVE")
        c.wait_height(2)
        before = c.crossed()
        first = c.height()
        payer = next(n for n in c.nodes if n.rpc("getbalance") > 0)
        for i in range(PAYMENTS):
            to = c.nodes[i % c.n].rpc("getnewaddress")
            payer.rpc("sendtoaddress", to, 0.5)
        c.wait_height(first + 4)
        after = c.crossed()
        assert len(after) == 2 * (c.n - 1), sorted(after)
        for way in sorted(after):
            count = check_way(way, before[way], after[way][len(before[way]):])
            print(f"# m{way[0]} to m{way[1]}: " + ", ".join(
                f"{n} {kind}" for kind, n in sorted(count.items())))
            assert count["beat"] > 0 and count["body"] > 0
        # Each payment went over every link, whoever paid.
        assert sum(w[0] == "tx" for way in after for w in after[way]) == \
            PAYMENTS * (c.n - 1)
        c.check_taints()
        c.end()
        c.check_chains()


if __name__ == "__main__":
    sys.exit(run_tests([each_link_once]))
