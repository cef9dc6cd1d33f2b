#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Four members that mine for real: final blocks, and members that are lost.

MINERD_CLUSTER_BLOCKS (10) is how many blocks are waited for, and
MINERD_CLUSTER_RESTARTS (1) how often two members are killed and come back.
"""
import os
import sys

from cluster import Cluster, choose_delta, median, sender_of
from tap import run_tests

BLOCKS = int(os.environ.get("MINERD_CLUSTER_BLOCKS", "10"))
RESTARTS = int(os.environ.get("MINERD_CLUSTER_RESTARTS", "1"))
ENOUGH = 30  # blocks among which three senders are no luck


def mining_cluster(folder):
    delta = choose_delta()
    spacing = -(-10 * delta // 1000)  # 5 W delta
    return Cluster(folder, members=4, faults=1, delta_ms=delta,
                   spacing_s=spacing, bits=None, half_life_s=12 * spacing)


def four_members_mine(folder):
    """four members make final blocks; one is lost, and they go on"""
    with mining_cluster(folder) as c:
        cpus = sorted(os.sched_getaffinity(0))
        for node in c.nodes:
            node.args = ["--cpu-affinity", str(cpus[node.index % len(cpus)])]
        c.start()
        c.wait_height(BLOCKS, seconds=60 + 10 * BLOCKS)
        height = min(n.height for n in c.nodes)
        senders = {sender_of(c.nodes[0].rpc(
            "getblock", c.nodes[0].blocks[h], 2))
                   for h in range(1, height + 1)}
        late = c.latencies()
        print(f"# {height} blocks of {len(senders)} senders; final after "
              f"{min(late):.2f} / {median(late):.2f} / {max(late):.2f} delta")
        assert len(senders) >= (3 if height >= ENOUGH else 2), senders
        c.check_taints()
        lost = c.nodes[3]
        lost.kill()
        before = c.height()
        c.wait_height(before + 3)
        gap = max(c.gaps(c.nodes[0]))
        print(f"# without {lost.name}: height {before} to {c.height()}; the "
              f"longest gap of all {gap:.1f} s, spacings "
              f"{gap / c.network['spacing_s']:.1f}")
        lost.start()
        c.wait_height(c.height() + 1)
        c.end()
        print(f"# {c.check_chains()} heights on all four")


def two_members_lost(folder):
    """two of four lost: nothing is final; they return, and it goes on"""
    with mining_cluster(folder) as c:
        c.start()
        c.wait_height(1)
        ticks = []
        for turn in range(RESTARTS):
            lost = [c.nodes[turn % 4], c.nodes[(turn + 1) % 4]]
            rest = [n for n in c.nodes if n not in lost]
            for node in lost:
                node.kill()
            c.sleep_ticks(4)  # what was on its way arrives
            before = [n.height for n in rest]
            c.sleep_ticks(12)
            assert [n.height for n in rest] == before
            for node in lost:
                node.start()
            c.wait_mode("ACTIVE")
            ticks += [c.rejoin_ticks(n) for n in lost]
            c.wait_height(c.height() + 1)
        print(f"# {RESTARTS} restarts of two: ACTIVE after "
              f"{min(ticks):.1f} / {median(ticks):.1f} / {max(ticks):.1f} "
              f"ticks, allowed {2 * c.rounds + 6}")
        c.end()
        c.check_chains()


if __name__ == "__main__":
    sys.exit(run_tests([four_members_mine, two_members_lost]))
