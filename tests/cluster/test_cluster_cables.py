#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Members in network namespaces of their own whose cables are pulled, where
the system lets the test make them.
"""
import sys
import time

from cluster import Cluster
from netns import Namespaces
from tap import run_tests

AWAY = ("BEATS", "DIVERGED", "D1", "BEHIND", "OVERRULED")


class Cabled(Cluster):
    """Without proxies: the network is the kernel's."""

    def __init__(self, folder):
        self.spaces = Namespaces(4)
        try:
            super().__init__(folder, netns=self.spaces)
        except BaseException:
            self.spaces.remove()
            raise
        for node in self.nodes:
            node.prefix = ["ip", "netns", "exec", self.spaces.of(node.index)]

    def __exit__(self, *error):
        super().__exit__(*error)
        self.spaces.remove()


def cables_pulled(folder):
    """cables pulled: one member's, then the one between two and two"""
    with Cabled(folder) as c:
        c.start()
        c.wait_height(2)
        away, rest = c.nodes[3], c.nodes[:3]
        c.spaces.cable(3, False)
        c.wait_height(c.height() + 3, rest)
        c.spaces.cable(3, True)
        back = time.time()
        c.wait_mode("ACTIVE", [away])
        c.wait_height(c.height() + 1)
        print(f"# one cable: {away.name} is back "
              f"{c.ticks(away.final_at[away.height] - back):.1f} ticks later")

        c.spaces.trunk(False)
        c.sleep_ticks(3)  # what was on its way arrives
        before = [n.height for n in c.nodes]
        c.sleep_ticks(10)
        assert [n.height for n in c.nodes] == before
        c.spaces.trunk(True)
        back = time.time()
        c.wait_height(max(before) + 1)
        first = max(n.final_at[max(before) + 1] for n in c.nodes)
        print(f"# two and two: a new final block on all "
              f"{c.ticks(first - back):.1f} ticks later")
        c.wait_mode("ACTIVE")
        c.check_taints(but=AWAY)
        c.end()
        c.check_chains()


if __name__ == "__main__":
    sys.exit(run_tests([cables_pulled]))
