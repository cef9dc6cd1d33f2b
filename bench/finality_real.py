#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench/finality, the real part: minerd processes that mine on this machine.

    bench/finality_real.py [--members 4] [--faults 1] [--blocks 40]
                           [--delta MS] [--kill]

Prints how long after the tick of its proposal each block was final, in deltas,
at every node; the pauses between blocks; and the CPU time that a node takes
beside its miner. delta is chosen by a probe of this machine's scheduling
lateness unless it is given. With --kill a member is lost half way.
"""
import argparse
import os
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "cluster"))
os.environ.setdefault("MINERD_BINARY", os.path.join(ROOT, "build", "minerd"))
from cluster import Cluster, choose_delta, median  # noqa: E402


def cpu_s(node):
    """CPU seconds of all its threads but the miners."""
    total = 0
    tasks = f"/proc/{node.process.pid}/task"
    for task in os.listdir(tasks):
        with open(f"{tasks}/{task}/comm", encoding="ascii") as f:
            if f.read().startswith("miner"):
                continue
        with open(f"{tasks}/{task}/stat", encoding="ascii") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def row(name, values, unit):
    values = sorted(values)
    if values:
        print(f"{name:28} {len(values):5}  min {values[0]:6.2f}  median "
              f"{median(values):6.2f}  p99 "
              f"{values[int(len(values) * .99)]:6.2f}  max {values[-1]:6.2f} "
              f"{unit}")


def measure(folder, args):
    delta = args.delta or choose_delta()
    spacing = -(-5 * (args.faults + 1) * delta // 1000)
    print(f"{args.members} members, f = {args.faults}, delta {delta} ms, a "
          f"block every {spacing} s, {os.cpu_count()} CPUs")
    with Cluster(folder, members=args.members, faults=args.faults,
                 delta_ms=delta, spacing_s=spacing, bits=None,
                 half_life_s=12 * spacing) as c:
        cpus = sorted(os.sched_getaffinity(0))
        for node in c.nodes:
            node.args = ["--cpu-affinity", str(cpus[node.index % len(cpus)])]
        c.start()
        c.wait_height(1)
        begin = c.height()
        used = {n.name: cpu_s(n) for n in c.nodes}
        since = c.nodes[0].final_at[c.nodes[0].height]
        half = begin + args.blocks // 2
        limit = 60 + 20 * spacing * args.blocks
        c.wait_height(half, seconds=limit)
        before = c.latencies()
        row("final after the tick", before, "delta")
        if args.kill:
            c.nodes[-1].kill()
        c.wait_height(begin + args.blocks, seconds=limit)
        row("  with one member lost" if args.kill else "  second half",
            c.latencies()[len(before):], "delta")
        row("between blocks", [g / spacing for g in c.gaps(c.nodes[0])],
            "spacings")
        wall = c.nodes[0].final_at[c.nodes[0].height] - since
        row("CPU time but for mining",
            [100 * (cpu_s(n) - used[n.name]) / wall for n in c.running()],
            "% of a core, a node")
        c.check_taints(but=("BEATS",))
        c.check_agreement()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--members", type=int, default=4)
    parser.add_argument("--faults", type=int, default=1)
    parser.add_argument("--blocks", type=int, default=40)
    parser.add_argument("--delta", type=int)
    parser.add_argument("--kill", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="minerd-bench-") as folder:
        measure(folder, args)


if __name__ == "__main__":
    main()
