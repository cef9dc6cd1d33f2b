#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The spin models of consensus (tests/model, docs/model.md) and their mutants.

Each model is searched to its end, or it has failed; each mutant must be found
wrong. Two searches run at a time. With --trace the events of the shortest
counterexamples are printed too.
"""
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile

from tap import Skip, run_tests

MODELS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "model")
JOBS = 2
MEMORY_MIB = 1024
DEPTH_MAX = 100000
GUARD_S = 200  # far beyond any search here; ends one that runs away

# (model, macros): searched to the end without an error. The slowest first;
# for all but these the compiler would take longer than the search.
SLOW = [
    ("relay", "F=2 AS_IS"),
    ("core", "N=4 F=1"),
    ("relay", "F=2"),
    ("relay", "F=1 H=4 MEMBERS=9"),
]
RIGHT = SLOW + [
    ("relay", "F=1 KEEP_LATE"),
    ("relay", "F=1 MEMBERS=7"),
    ("relay", "F=1"),
    ("core", "N=4 F=2"),
    ("core", "N=3 F=1"),
    ("core", "N=3 F=1 HONEST_SENDER"),
    ("core", "N=4 F=2 HONEST_SENDER"),
    ("core", "N=5 F=3 HONEST_SENDER"),
    ("votes", "N=4 F=1"),
    ("votes", "N=7 F=2"),
    ("votes", "N=6 F=2 B=1"),
    ("votes", "N=5 F=2 B=0"),
    ("votes", "N=5 F=2 BLAME"),
]

# The same with one rule broken, or beyond its regime: an error is found.
WRONG = [
    ("core", "N=4 F=2 MUTANT_F_ROUNDS"),
    ("core", "N=3 F=1 MUTANT_LATE_EQUAL"),
    ("core", "N=3 F=1 MUTANT_NO_DEADLINE"),
    ("core", "N=3 F=1 MUTANT_COUNT"),
    ("core", "N=4 F=2 MUTANT_SIGN"),
    ("core", "N=3 F=1 MUTANT_ONE_VALUE"),
    ("core", "N=3 F=1 MUTANT_SLOTS"),
    ("core", "N=3 F=1 MUTANT_DELTA"),
    ("core", "N=3 F=1 HONEST_SENDER MUTANT_PROPOSAL"),
    ("relay", "F=1 AGREEMENT_ONLY MUTANT_DEDUPE"),
    ("relay", "F=1 AGREEMENT_ONLY MUTANT_CAP"),
    ("relay", "F=1 AGREEMENT_ONLY MUTANT_MEMBERS_ONLY"),
    ("relay", "F=2 AGREEMENT_ONLY MUTANT_NEW_SIGNER"),
    ("votes", "N=4 F=1 MUTANT_QUORUM"),
    ("votes", "N=4 F=1 CERTIFICATES_ONLY MUTANT_PERSIST"),
    ("votes", "N=4 F=1 CERTIFICATES_ONLY MUTANT_AMNESIA"),
    ("votes", "N=3 F=1"),
]


def call(folder, *command):
    """Runs to the end; what it printed."""
    run = subprocess.run(command, cwd=folder, text=True, timeout=GUARD_S,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         check=False)
    return run.stdout


def search(model, macros, *options):
    """pan's report of the model, and the events of its counterexample."""
    folder = tempfile.mkdtemp(prefix="minerd-model-")
    try:
        shutil.copy(os.path.join(MODELS, model + ".pml"), folder)
        defines = [f"-D{macro}" for macro in macros.split()]
        said = call(folder, "spin", *defines, "-a", model + ".pml")
        assert os.path.exists(os.path.join(folder, "pan.c")), said
        said = call(folder, "gcc", "-DSAFETY", *options,
                    f"-DMEMLIM={MEMORY_MIB}", "-o", "pan", "pan.c")
        assert os.path.exists(os.path.join(folder, "pan")), said
        report = call(folder, "./pan", f"-m{DEPTH_MAX}")
        events = []
        if os.path.exists(os.path.join(folder, model + ".pml.trail")):
            replay = call(folder, "./pan", "-r")
            events = re.findall(r"^event: (.*)$", replay, re.M)
        return report, events
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def count(pattern, report):
    found = re.search(pattern, report)
    assert found, report
    return int(float(found.group(1)))


def figures(report):
    states = count(r"([\d.e+]+) states, stored", report)
    depth = count(r"depth reached (\d+)", report)
    return f"{states} states, depth {depth}"


def judge_right(report, _):
    """No error, nothing left out, and every assertion was reached."""
    assert count(r"errors: (\d+)", report) == 0, report
    for bad in ("Search not completed", "depth too small", "MEMLIM",
                "out of memory"):
        assert bad not in report, report
    unreached = report.partition("unreached in")[2]
    assert unreached and "assert(" not in unreached, report
    print(f"# {figures(report)}, no error")


def judge_wrong(report, events):
    """An assertion fails, and the way there can be told."""
    assert count(r"errors: (\d+)", report) > 0, report
    assert "assertion violated" in report, report
    assert events, report
    print(f"# {figures(report)}, error found: {len(events)} events")
    if "--trace" in sys.argv[1:]:
        for event in events:
            print(f"#   {event}")


def case(title, future, judge):
    def test(_):
        for program in ("spin", "gcc"):
            if not shutil.which(program):
                raise Skip(f"{program} is missing")
        judge(*future.result())
    test.__doc__ = title
    return test


def main():
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        tests = []
        for model, macros in RIGHT:
            level = "-O2" if (model, macros) in SLOW else "-O0"
            future = pool.submit(search, model, macros, level)
            tests.append(case(f"{model} {macros}", future, judge_right))
        for model, macros in WRONG:
            # breadth first: the counterexample is a shortest one
            future = pool.submit(search, model, macros, "-DBFS")
            tests.append(case(f"{model} {macros}: an error", future,
                              judge_wrong))
        return run_tests(tests)


if __name__ == "__main__":
    sys.exit(main())
