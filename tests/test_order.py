#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench/order.py takes the kernels' macros apart and puts them together."""
import importlib.util
import os
import random
import sys

from tap import run_tests

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
POW = os.path.join(SOURCE, "src", "pow")
# What its help names.
MACROS = {
    "kernel_avx512_rounds.h": ("HALF_STEP", "HALF_WORDS"),
    "kernel_mixed.h": ("QUAD",),
    "kernel_shani.c": ("QUAD",),
}

sys.dont_write_bytecode = True
SPEC = importlib.util.spec_from_file_location(
    "order", os.path.join(SOURCE, "bench", "order.py"))
order = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(order)


def bare(text):
    return "".join(text.replace("\\\n", "").split())


def round_trip(folder):
    """Nothing is lost or changed where the order stays"""
    for name, macros in MACROS.items():
        with open(os.path.join(POW, name), encoding="utf-8") as f:
            text = f.read()
        orders = {}
        for macro in macros:
            begin, end = order.macro(text, macro)
            orders[macro] = order.statements(text[begin:end])
            assert len(orders[macro]) > 10, (name, macro)
        path = os.path.join(folder, name)
        order.write(path, text, orders)
        with open(path, encoding="utf-8") as f:
            assert bare(f.read()) == bare(text), name


def moves(_):
    """A move keeps every statement and the list that it is made of"""
    rnd = random.Random(1)
    lines = [f"statement{i};" for i in range(20)]
    before = lines[:]
    for _ in range(200):
        assert sorted(order.moved(lines, rnd)) == sorted(lines)
    assert lines == before


if __name__ == "__main__":
    sys.exit(run_tests([round_trip, moves]))
