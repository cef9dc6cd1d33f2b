#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts tests, one line of TAP each.

count.py TESTLOG.json STATUS   prints "N passed, N failed, N skipped" of one
                               meson run, after the lines that failed; a test
                               that died without saying so counts as one.
count.py --total COUNTS        adds such lines up; fails if any test did.
"""
import json
import re
import sys


def count_log(path, status):
    passed = failed = skipped = 0
    with open(path, encoding="utf-8") as f:
        runs = [json.loads(line) for line in f]
    for run in runs:
        good = bad = 0
        for line in run.get("stdout", "").splitlines():
            if re.match(r"ok\b.*# SKIP", line, re.I):
                skipped += 1
                print(f"skipped: {run['name']}: {line}", file=sys.stderr)
            elif re.match(r"ok\b", line):
                good += 1
            elif line == "# SKIP":  # tests/test.h; its "ok" follows
                good -= 1
                skipped += 1
            elif re.match(r"not ok\b", line):
                bad += 1
                print(f"failed: {run['name']}: {line}", file=sys.stderr)
        if run["result"] == "SKIP":
            skipped += 1
            print(f"skipped: {run['name']}: {run['stdout'].strip()}",
                  file=sys.stderr)
        if run["result"] not in ("OK", "SKIP") and bad == 0:
            bad = 1
            print(f"failed: {run['name']}: {run['result']}", file=sys.stderr)
        if bad:
            print((run.get("stdout", "") + run.get("stderr", ""))[-6000:],
                  file=sys.stderr)
        passed += good
        failed += bad
    if status != 0 and failed == 0:
        failed = 1
        print(f"failed: meson test ended with {status}", file=sys.stderr)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")


def total(path):
    sums = [0, 0, 0]
    with open(path, encoding="utf-8") as f:
        for line in f:
            m = re.fullmatch(r"(\d+) passed, (\d+) failed, (\d+) skipped\n",
                             line)
            sums = [a + int(b) for a, b in zip(sums, m.groups())]
    print(f"{sums[2]} skipped")
    print(f"{sums[0]} passed, {sums[1]} failed")
    return 1 if sums[1] or not sums[0] else 0


if __name__ == "__main__":
    if sys.argv[1] == "--total":
        sys.exit(total(sys.argv[2]))
    count_log(sys.argv[1], int(sys.argv[2]))
