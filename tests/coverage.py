#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints gcovr's JSON summary as a table: lines and branches of each file and
of all. Usage: coverage.py SUMMARY LINES BRANCHES; exits 1 when all together
reach fewer per cent of lines or branches than that."""
import json
import sys


def row(name, of):
    def cell(kind):
        total, covered = of[f"{kind}_total"], of[f"{kind}_covered"]
        share = 100 * covered / total if total else 100
        return f"{covered:6d} of {total:6d}  {share:5.1f} %"
    print(f"{name:32s} {cell('line')}   {cell('branch')}")


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        summary = json.load(f)
    print(f"{'':32s} {'lines':>24s}   {'branches':>24s}")
    for file in summary["files"]:
        row(file["filename"].removeprefix("../"), file)
    row("all", summary)
    good = True
    for kind, least in zip(("line", "branch"), map(float, sys.argv[2:4])):
        total = summary[f"{kind}_total"]
        share = 100 * summary[f"{kind}_covered"] / total if total else 0
        if share < least:
            print(f"{kind} coverage is {share:.2f} %, wanted {least:g} %")
            good = False
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
