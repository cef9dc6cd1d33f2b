#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Four members under a flood of peers that break every rule (hostile.c).

MINERD_CLUSTER_WINDOWS (2) is how many windows there are, every other one with
the flood, and MINERD_CLUSTER_WINDOW_S (10) how long each is.
"""
import os
import subprocess
import sys
import time

from cluster import Cluster, choose_delta, median
from tap import BUILD, Skip, run_tests

WINDOWS = int(os.environ.get("MINERD_CLUSTER_WINDOWS", "2"))
WINDOW_S = float(os.environ.get("MINERD_CLUSTER_WINDOW_S", "10"))


class Flood:
    """Runs against all nodes until it ends."""

    def __init__(self, cluster, seed):
        peers = [f"{m['node_id']}@%s:%d" % cluster.real[i]
                 for i, m in enumerate(cluster.members)]
        genesis = cluster.nodes[0].rpc("getblockhash", 0)
        self.process = subprocess.Popen(
            ["nice", "-n", "10", os.path.join(BUILD, "tests", "hostile"),
             genesis, str(seed), *peers],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def end(self):
        """(peers, frames)"""
        out, _ = self.process.communicate()
        assert self.process.returncode == 0, self.process.returncode
        words = out.split()
        return int(words[0]), int(words[2])


def rss_mib(node):
    with open(f"/proc/{node.process.pid}/status", encoding="ascii") as f:
        return sum(int(line.split()[1]) for line in f
                   if line.startswith(("RssAnon", "RssShmem"))) / 1024


def floods_of_strangers(folder):
    """a flood of hostile peers: finality goes on, no member is banned"""
    if not os.path.exists(os.path.join(BUILD, "tests", "hostile")):
        raise Skip("tests/hostile was not built")
    delta = choose_delta()
    with Cluster(folder, members=4, faults=1, delta_ms=delta,
                 spacing_s=max(1, 4 * delta // 1000)) as c:
        c.start()
        c.wait_height(3)
        late = {False: [], True: []}
        peers = frames = 0
        for window in range(WINDOWS):
            flooded = window % 2 == 1
            flood = Flood(c, window) if flooded else None
            height = c.height()
            since = time.time()
            c.sleep_ticks(WINDOW_S * 1000 / delta)
            until = time.time()
            if flood:
                more = flood.end()
                peers, frames = peers + more[0], frames + more[1]
                c.wait_height(height + 2)
            late[flooded] += [x for at, x in c.finalities()
                              if since <= at < until]
        for flooded, name in (False, "without"), (True, "with"):
            x = sorted(late[flooded])
            if x:
                print(f"# {name} flood: {len(x)} finalities, median "
                      f"{median(x):.3f}, p99 {x[int(len(x) * .99)]:.3f} delta")
        print(f"# {peers} hostile peers, {frames} frames; at most "
              f"{max(rss_mib(n) for n in c.nodes):.0f} MiB a node")
        assert peers > 20 and frames > 100, (peers, frames)
        assert max(rss_mib(n) for n in c.nodes) < 256
        for node in c.nodes:
            info = [p for p in node.rpc("getpeerinfo")
                    if p.get("member") is not None]
            assert len(info) == 3, info
            bans = node.rpc("listbanned")
            print(f"# {node.name}: {len(bans)} bans")
        c.check_taints(but=("BEATS", "D1", "DIVERGED", "OVERRULED", "BEHIND"))
        for node in c.nodes:
            assert node.end() == 0, node.errors()
        c.check_chains()


if __name__ == "__main__":
    sys.exit(run_tests([floods_of_strangers]))
