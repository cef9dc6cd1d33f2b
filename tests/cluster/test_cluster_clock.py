#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A member whose clock is set, by a library that is loaded before the
system's (clock_shim.c); the machine's clock is not touched.
"""
import os
import sys

from cluster import BUILD, Cluster
from tap import Skip, run_tests

SHIM = os.path.join(BUILD, "tests", "libclock_shim.so")
STEP_MS = 6000


class Clocks(Cluster):
    """A cluster in which the clock of one member can be set."""

    def __init__(self, folder, shift_ms):
        if not os.path.exists(SHIM):
            raise Skip("the clock shim was not built")
        super().__init__(folder)
        self.odd = self.nodes[2]
        self.rest = [n for n in self.nodes if n != self.odd]
        self.file = os.path.join(folder, "clock")
        self.odd.env = {"LD_PRELOAD": SHIM, "TEST_CLOCK_FILE": self.file}
        self.set_clock(shift_ms)

    def set_clock(self, shift_ms):
        with open(self.file + ".new", "w", encoding="ascii") as f:
            f.write(str(shift_ms))
        os.replace(self.file + ".new", self.file)

    def finish(self):
        """All are ACTIVE, make blocks, and agree."""
        self.wait_mode("ACTIVE")
        self.wait_height(self.height() + 2)
        self.check_taints(self.rest)
        self.end()
        self.check_chains()


def set_right(folder):
    """a clock that is behind is set right: told, tainted, back in its place"""
    with Clocks(folder, -STEP_MS) as c:
        c.start()
        c.wait_height(2, c.rest)
        assert c.odd.mode != "ACTIVE"
        c.set_clock(0)
        c.wait("the step is told", lambda: c.odd.says("clock_step"))
        c.finish()


def set_wrong_and_back(folder):
    """a clock is set ahead: told, tainted; set back: it begins anew"""
    with Clocks(folder, 0) as c:
        c.start()
        c.wait_mode("ACTIVE")
        c.set_clock(STEP_MS)
        c.wait("the step is told", lambda: c.odd.says(
            "clock_step") and c.odd.says("mode", "because of ANOMALY"))
        c.wait_height(c.height() + 2, c.rest)
        assert c.odd.mode != "ACTIVE"
        c.odd.started = len(c.odd.log)
        c.set_clock(0)
        c.wait("the step back is told", lambda: c.odd.says("clock_step"))
        c.finish()


if __name__ == "__main__":
    sys.exit(run_tests([set_right, set_wrong_and_back]))
