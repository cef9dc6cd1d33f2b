#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Members that lie (byzantine.c). Up to f of them change nothing but the log;
more than f bring a STALL, a SPLIT or a HALT, which people hear of.
"""
import contextlib
import os
import sys

from cluster import BUILD, Cluster
from tap import run_tests

BYZANTINE = os.path.join(BUILD, "tests", "byzantine")
CUTS_MAX = 12
FORKS_MAX = 6
FORK_S = 20


class Liars(Cluster):
    """A cluster in which members @liars may be told to lie."""

    def __init__(self, folder, liars, **how):
        super().__init__(folder, **how)
        self.liars = [self.nodes[i] for i in liars]
        self.honest = [n for n in self.nodes if n not in self.liars]
        for node in self.liars:
            node.binary = BYZANTINE
            node.env = {"BYZANTINE": self.words(node)}

    def words(self, node):
        return os.path.join(self.folder, f"{node.name}.words")

    def tell_them(self, words, liars=None):
        """From their next tick on."""
        for node in self.liars if liars is None else liars:
            path = self.words(node)
            with open(path + ".new", "w", encoding="ascii") as f:
                f.write(words)
            os.rename(path + ".new", path)
        self.sleep_ticks(1)


def one_liar(folder):
    """one of four lies in every way: the honest go on, and keep the proof"""
    with Liars(folder, [3]) as c:
        c.start()
        c.wait_height(1)
        liar = c.liars[0].name
        for words, proof in (("twins=1", "two proposals"),
                             ("double", "two votes"),
                             ("flood=200", None),
                             ("lie", None),
                             ("quiet", None)):
            c.tell_them(words)
            before = c.height()
            c.wait_height(before + 2, c.honest)
            if proof:
                c.wait(proof, lambda: all(
                    n.says("evidence", f"'{liar}' signed {proof}")
                    for n in c.honest))
        c.check_taints(c.honest, liars=[liar])
        for node in c.honest:
            assert not [e for _, e in node.events("evidence")
                        if f"'{liar}'" not in e["message"]]
            assert node.end() == 0, node.errors()
        c.check_chains(c.honest)


def a_stall(folder):
    """two of four do not vote: STALL is told; once they do, it goes on"""
    with Liars(folder, [2, 3]) as c:
        c.start()
        c.wait_height(1)
        c.tell_them("mute deaf")
        c.wait("alert STALL", lambda: all(
            n.says("alert", "STALL") for n in c.honest))
        before = c.honest[0].height
        c.tell_them("")
        c.wait_height(before + 2)
        c.check_agreement()


def decided(node, height):
    """The block of that height that the node decided, or None."""
    for _, e in node.events("decided"):
        if e["message"].startswith(f"block {height} "):
            return e["message"].split()[2]
    return None


def cut_until_split(c, a, b):
    """Cuts them off from each other until they decide different blocks."""
    for _ in range(CUTS_MAX):
        c.cut([a], [b])
        c.sleep_ticks(2)
        height = min(a.height, b.height) + 1
        c.wait("two decisions", lambda: (
            decided(a, height) and decided(b, height)))
        c.cut([a], [b], False)
        if decided(a, height) != decided(b, height):
            return
        # It was sent before the cut.
        c.wait_height(height + 1, [a, b])
    raise AssertionError("they never differed")


def a_split(folder):
    """votes 2 to 2: SPLIT is told; with the next vote epoch it goes on"""
    with Liars(folder, [2, 3]) as c:
        c.start()
        c.wait_height(1)
        a, b = c.honest
        c.tell_them("quiet mute shy deaf echo=1", c.liars[:1])
        c.tell_them("quiet mute shy deaf echo=2", c.liars[1:])
        c.wait_height(c.height() + 2, c.honest)
        cut_until_split(c, a, b)
        c.wait("alert SPLIT", lambda: all(
            n.says("alert", "SPLIT") for n in c.honest))
        before = a.height
        assert b.height == before
        c.end()
        c.tell_them("")
        for node in c.nodes:
            node.start("--vote-epoch", "1")
        c.wait_height(before + 2)
        c.end()
        c.check_chains(c.honest)


@contextlib.contextmanager
def two_forks(folder):
    """(cluster, heights at which they differ): members 0 and 1 hold different
    final blocks. Whether it comes to that is a race, for the liars are nodes
    that stop as soon as they see it themselves."""
    for attempt in range(FORKS_MAX):
        where = os.path.join(folder, f"try{attempt}")
        os.mkdir(where)
        with Liars(where, [2, 3]) as c:
            c.start()
            c.wait_height(1)
            a, b = c.honest
            c.cut([a], [b])
            c.tell_them("quiet mute echo=3")

            def differ():
                return sorted(h for h in set(a.blocks) & set(b.blocks)
                              if a.blocks[h] != b.blocks[h])
            try:
                c.wait("two certificates of one height", differ, FORK_S)
            except AssertionError:
                print(f"# no fork in {FORK_S} s; again", flush=True)
                continue
            c.cut([a], [b], False)
            yield c, differ
            return
    raise AssertionError(f"no fork in {FORKS_MAX} networks")


def a_halt(folder):
    """two of four certify two blocks: the others HALT and end with 4"""
    with two_forks(folder) as (c, _):
        c.wait_mode("HALT", c.honest)
        for node in c.honest:
            assert node.says("alert", "CONFLICT")
            assert node.end() == 4, node.errors()
            assert "HALT" in node.errors()


if __name__ == "__main__":
    sys.exit(run_tests([one_liar, a_stall, a_split, a_halt]))
