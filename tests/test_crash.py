#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Ends a mining node without warning, again and again: what it printed is
on disk, and what is on disk is a valid chain.

usage: test_crash.py [KILLS [SEED]]
"""
import os
import random
import sys

from tap import BUILD, Node, Skip, run_tests, verify

KILLS = int(sys.argv[1]) if len(sys.argv) > 1 else 50
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else 20261122
COMMIT_KILLS = 10
FAST = ["--pow-backend", "scalar", "--threads", "1", "--spacing", "1"]


def check(datadir, node, before):
    """The reopened chain holds all that was ever printed."""
    height, digest = verify(datadir)
    printed = max(before, node.height)
    assert height >= printed, f"{height} on disk, {printed} was printed"
    if height in node.blocks:
        assert node.blocks[height] == digest, "another block at the tip"
    return height


def kills_at_any_moment(folder):
    """kill -9 and restart while mining"""
    rng = random.Random(SEED)
    d = os.path.join(folder, "d")
    height = printed = 0
    for i in range(KILLS):
        with Node("--datadir", d, *FAST) as node:
            if i == 0:
                node.wait_height(1)
            elif i % 5 == 0:
                pass  # at once: while it starts
            elif i % 2:
                node.wait_height(height + 1)  # just after a commit
            else:
                node.wait_event("mining")
            node.read(rng.uniform(0, 0.3))
            node.kill()
            printed += len(node.blocks)
            height = check(d, node, height)
    print(f"# {KILLS} kills, {printed} blocks printed, height {height}")
    assert printed > 0


def kills_inside_the_commit(folder):
    """kill -9 inside the commit: before, in the middle of, after a write"""
    shim = os.path.join(BUILD, "tests", "libfault_preload.so")
    if not os.path.exists(shim):
        raise Skip("the fault shim was not built")
    d = os.path.join(folder, "d")
    with Node("--datadir", d, *FAST) as node:
        node.wait_height(1)
        node.kill()
    height, _ = verify(d)
    modes = ("before", "torn", "after")
    for i in range(COMMIT_KILLS):
        fault = f"kill-{modes[i % 3]}:{1 + i}"
        with Node("--datadir", d, *FAST, env={
                "LD_PRELOAD": shim, "MINERD_FAULT": fault}) as node:
            code, err = node.end()
            assert code == -9, f"{fault}: exit {code}: {err}"
            height = check(d, node, height)
    print(f"# {COMMIT_KILLS} kills inside a commit, height {height}")


if __name__ == "__main__":
    sys.exit(run_tests([kills_at_any_moment, kills_inside_the_commit]))
