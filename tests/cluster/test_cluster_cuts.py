#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Networks that are cut, slowed and restarted: they stall without a fork, and
heal. Blocks are as easy as can be, so that it is the rounds that take time.
"""
import os
import signal
import sys
import time

from cluster import Cluster, median
from tap import run_tests

RESTARTS = int(os.environ.get("MINERD_CLUSTER_RESTARTS", "1"))
CUT_TICKS = 8


def two_and_two(folder):
    """cut in two halves nothing is final; healed, it goes on, one chain"""
    with Cluster(folder) as c:
        c.start()
        c.wait_height(2)
        a, b = c.nodes[:2], c.nodes[2:]
        # Once as by a pulled cable, once as by a firewall that says so.
        for name, part in (("held", c.hold), ("refused", c.cut)):
            part(a, b)
            c.sleep_ticks(3)  # what was on its way arrives
            before = [n.height for n in c.nodes]
            c.sleep_ticks(CUT_TICKS)
            assert [n.height for n in c.nodes] == before
            part(a, b, False)
            healed = time.time()
            c.wait_height(max(before) + 1)
            first = max(n.final_at[max(before) + 1] for n in c.nodes)
            c.wait_mode("ACTIVE")
            print(f"# {name}: a new final block on all "
                  f"{c.ticks(first - healed):.1f} ticks after the healing; "
                  f"2W+6 and a spacing are {2 * c.rounds + 6} and "
                  f"{c.ticks(c.network['spacing_s']):.0f}")
        c.check_taints(but=("BEATS", "DIVERGED", "D1", "BEHIND",
                            "OVERRULED"))
        c.end()
        c.check_chains()


def one_way(folder):
    """nothing comes from one member any more; the others go on without it"""
    with Cluster(folder) as c:
        c.start()
        c.wait_height(2)
        mute, rest = c.nodes[3], c.nodes[:3]
        for node in rest:
            c.proxy.shape(mute.index, node.index, held=True)
        before = c.height()
        c.wait_height(before + 3, rest)
        for node in rest:
            c.proxy.shape(mute.index, node.index, held=False)
        c.wait_height(c.height() + 2)
        c.wait_mode("ACTIVE")
        c.check_taints(but=("BEATS", "DIVERGED", "D1", "BEHIND",
                            "OVERRULED"))
        c.check_agreement()


def killed_and_back(folder):
    """kill -9: the member is back in its place, with what it missed"""
    with Cluster(folder) as c:
        c.start()
        c.wait_height(2)
        ticks = []
        for turn in range(RESTARTS):
            node = c.nodes[turn % 4]
            rest = [n for n in c.nodes if n != node]
            node.kill()
            c.wait_height(c.height() + 2, rest)
            node.start()
            c.wait_mode("ACTIVE", [node])
            ticks.append(c.rejoin_ticks(node))
            c.wait_height(c.height() + 1)
        print(f"# ACTIVE after {min(ticks):.1f} / {median(ticks):.1f} / "
              f"{max(ticks):.1f} ticks of {len(ticks)} restarts, "
              f"2W+6 are {2 * c.rounds + 6}")
        c.check_taints()
        c.end()
        c.check_chains()


def stopped_for_a_while(folder):
    """SIGSTOP and SIGCONT: it says that it was late, and comes back"""
    with Cluster(folder) as c:
        c.start()
        c.wait_height(2)
        node = c.nodes[1]
        node.send(signal.SIGSTOP)
        c.sleep_ticks(10)
        node.send(signal.SIGCONT)
        c.wait("a taint that is told", lambda: node.says(
            "mode", "SYNC, because this machine ran a tick late"))
        c.wait_mode("ACTIVE", [node])
        c.wait_height(c.height() + 1)
        c.check_taints()
        c.check_agreement()


def late_observer(folder):
    """a full node that joins late gets the whole chain, and follows"""
    with Cluster(folder, observers=1) as c:
        c.start(c.nodes[:4])
        c.wait_height(6)
        observer = c.nodes[4]
        observer.start()
        c.wait_height(c.height() + 2)
        first = [t for t, _ in observer.events("block")][0]
        print(f"# {observer.name} is at height {observer.height}; its first "
              f"block came {first - observer.events('peer')[0][0]:.2f} s "
              "after its first peer")
        assert min(observer.blocks) == 1
        assert observer.rpc("getblockcount") >= 6
        c.check_taints()
        c.end()
        c.check_chains()


def slow_links(folder):
    """links with delay, jitter and little bandwidth: no taint, no fork"""
    with Cluster(folder, delta_ms=500) as c:
        for a in range(4):
            for b in range(4):
                c.proxy.shape(a, b, delay=0.04, jitter=0.02, rate=200000)
        c.start()
        c.wait_height(3)
        late = c.latencies()
        print(f"# 40 to 60 ms and 200 kB/s each way, delta {c.delta_ms} ms: "
              f"final after {median(late):.2f} delta")
        c.check_taints()
        c.check_agreement()


if __name__ == "__main__":
    sys.exit(run_tests([two_and_two, one_way, killed_and_back,
                        stopped_for_a_while, late_observer, slow_links]))
