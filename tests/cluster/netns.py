# SPDX-License-Identifier: MIT
"""Network namespaces for the nodes of a test: each has its own, with one cable
to one of two switches, and a cable between these. Cables can be pulled.

Needs root and ip(8); raises Skip, with the reason, where they cannot be made.
What was made is removed by name.
"""
import os
import shutil
import subprocess

from tap import Skip


class Namespaces:
    """One for each of @count nodes, the first half at switch 0."""

    def __init__(self, count):
        self.name = f"minerd{os.getpid()}"
        self.count = count
        self.made = []
        if not shutil.which("ip"):
            raise Skip("ip(8) is not installed")
        try:
            self._make()
        except subprocess.CalledProcessError as why:
            self.remove()
            raise Skip("no network namespaces here: " +
                       why.stderr.decode().strip()) from why

    def _ip(self, *args):
        subprocess.run(["ip", *args], check=True, capture_output=True,
                       stdin=subprocess.DEVNULL, timeout=30)

    def _add(self, name):
        self._ip("netns", "add", name)
        self.made.append(name)
        self._ip("-n", name, "link", "set", "lo", "up")

    def _make(self):
        hub = self.name
        self._add(hub)
        for switch in "s0", "s1":
            self._ip("-n", hub, "link", "add", switch, "type", "bridge")
            self._ip("-n", hub, "link", "set", switch, "up")
        self._ip("-n", hub, "link", "add", "t0", "type", "veth", "peer",
                 "name", "t1")
        for end in "0", "1":
            self._ip("-n", hub, "link", "set", f"t{end}", "master",
                     f"s{end}", "up")
        for i in range(self.count):
            node = self.of(i)
            self._add(node)
            self._ip("-n", hub, "link", "add", f"c{i}", "type", "veth",
                     "peer", "name", "eth0", "netns", node)
            self._ip("-n", hub, "link", "set", f"c{i}", "master",
                     "s0" if i < self.count / 2 else "s1", "up")
            self._ip("-n", node, "address", "add", f"{self.address(i)}/24",
                     "dev", "eth0")
            self._ip("-n", node, "link", "set", "eth0", "up")

    def of(self, i):
        return f"{self.name}n{i}"

    @staticmethod
    def address(i):
        return f"10.77.0.{i + 1}"

    def cable(self, i, up):
        """Node @i's own."""
        self._ip("-n", self.name, "link", "set", f"c{i}",
                 "up" if up else "down")

    def trunk(self, up):
        """Between the switches."""
        self._ip("-n", self.name, "link", "set", "t0",
                 "up" if up else "down")

    def remove(self):
        for name in reversed(self.made):
            subprocess.run(["ip", "netns", "del", name], check=False,
                           capture_output=True, timeout=30)
        self.made = []
