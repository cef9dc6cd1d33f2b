#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Searches for a faster order of the statements of a kernel's macros.

    bench/order.py BACKEND FILE MACRO [MACRO...] [--minutes 15] [--seed 1]
                   [--build build]

    bench/order.py avx512 src/pow/kernel_avx512_rounds.h HALF_STEP HALF_WORDS
    bench/order.py shani src/pow/kernel_shani.c QUAD
    bench/order.py mixed src/pow/kernel_mixed.h QUAD

A statement moves a few places, one to three of them at a time; FILE is
written, built, and measured by bench/hashrate, whose self-test refuses an
order that computes something else. The best orders so far are changed further.
FILE is left with the best one that was measured twice, or as it was if there
is none; Ctrl-C ends the search early. Run it on the CPU that the order is for,
with the machine to itself.
"""
import argparse
import json
import os
import random
import re
import subprocess
import sys
import time

KEEP = 5  # orders that are changed further
TRIES_MAX = 100000
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def statements(body):
    """Splits a macro's body at the semicolons that no bracket encloses."""
    found, depth, start = [], 0, 0
    for i, c in enumerate(body):
        depth += (c in "({") - (c in ")}")
        if c == ";" and depth == 0:
            found.append(" ".join(body[start:i + 1].replace("\\\n", " ")
                                  .split()))
            start = i + 1
    return found


def macro(text, name):
    """Where the statements of do { ... } while (0) begin and end."""
    m = re.search(rf"#define {name}\((?:[^)]|\\\n)*\)\s*\\\n\s*do \{{\s*\\\n"
                  rf"(.*?)\}} while \(0\)\n", text, re.S)
    if not m:
        sys.exit(f"order: no macro {name} of the form do {{ ... }} while (0)")
    return m.start(1), m.end(1)


def write(path, text, orders):
    """@text with the macros' statements in these orders."""
    for name, lines in orders.items():
        begin, end = macro(text, name)
        text = (text[:begin] + "".join(f"\t\t{line} \\\n" for line in lines) +
                "\t" + text[end:])
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def moved(lines, rnd):
    """A copy in which one to three statements stand elsewhere."""
    lines = lines[:]
    for _ in range(rnd.choice((1, 1, 2, 3))):
        i = rnd.randrange(len(lines))
        j = i + rnd.choice((-4, -3, -2, -1, 1, 2, 3, 4, rnd.randint(-12, 12)))
        lines.insert(max(0, min(len(lines) - 1, j)), lines.pop(i))
    return lines


def measure(build, backend):
    """Core cycles a hash, or None where it does not build or compute."""
    done = subprocess.run(["ninja", "-C", build, "bench/hashrate"],
                          capture_output=True, check=False)
    if done.returncode != 0:
        return None
    done = subprocess.run(
        [f"{build}/bench/hashrate", "--backend", backend, "--json"],
        capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return None
    return json.loads(done.stdout)["backends"][-1]["core_cycles_per_hash"]


def search(args, text, orders):
    """The best (cycles, orders) of the time given."""
    rnd = random.Random(args.seed)
    first = measure(args.build, args.backend)
    if first is None:
        sys.exit("order: it does not build and run as it is")
    pool = [(first, orders)]
    print(f"{first:7.2f} as it is", flush=True)
    until = time.monotonic() + args.minutes * 60
    try:
        for tried in range(1, TRIES_MAX):
            if time.monotonic() > until:
                break
            trial = dict(rnd.choice(pool[:KEEP])[1])
            name = rnd.choice(list(trial))
            trial[name] = moved(trial[name], rnd)
            write(args.file, text, trial)
            cycles = measure(args.build, args.backend)
            if cycles is None or (len(pool) >= KEEP and
                                  cycles >= pool[-1][0]):
                continue
            again = measure(args.build, args.backend)
            if again is None:
                continue
            best = pool[0][0]
            pool = sorted(pool + [(max(cycles, again), trial)],
                          key=lambda p: p[0])[:KEEP]
            if pool[0][0] < best:
                print(f"{pool[0][0]:7.2f} after {tried} orders", flush=True)
    except KeyboardInterrupt:
        pass  # the best so far is what was asked for
    return pool[0]


def main():
    parser = argparse.ArgumentParser(
        usage=__doc__.split("\n\n")[1].strip(), allow_abbrev=False)
    parser.add_argument("backend")
    parser.add_argument("file")
    parser.add_argument("macro", nargs="+")
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--build", default=os.path.join(ROOT, "build"))
    args = parser.parse_args()

    with open(args.file, encoding="utf-8") as f:
        text = f.read()
    orders = {}
    for name in args.macro:
        begin, end = macro(text, name)
        orders[name] = statements(text[begin:end])
    best = orders
    try:
        _, best = search(args, text, orders)
    finally:
        write(args.file, text, best)
        if best is orders:
            with open(args.file, "w", encoding="utf-8") as f:
                f.write(text)
    subprocess.run(["clang-format", "-i", args.file], check=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
