#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the compiler puts on the stack in the kernels' hot loops.

test_spills.py COMPILER SANITIZER NAME=LIBRARY...

A hot loop is an innermost loop with vector work in it. The kernels' tables
are walked by an index or a moving pointer; a vector register stored where
neither moves is one that did not fit: a spill. Their number may not grow.

shani and mixed name their registers themselves, and their loops call what is
counted whole: there the vector stores that they ask for are known.
"""
import re
import shutil
import subprocess
import sys

import tap

# Vector instructions that make a loop a hot one: more than two steps of any
# message schedule, which is the smaller one.
HOT_MIN = 40

# Spills of all hot loops of a kernel, as recorded: clang 14 and gcc 12 with
# the flags of src/pow/meson.build. Two streams' states alone are the 16
# registers of sse41 and avx2: in 8 rounds of both, 2 spills a stream and
# round; one stream, without spills, was slower (docs/performance.md).
LIMITS = {
    "clang": {"sse41": 61, "avx2": 64, "avx512": 0},
    "gcc": {"sse41": 56, "avx2": 67, "avx512": 0},
}

# Functions that are one hot stretch of code, and the vector stores that they
# ask for. shani: 36 quads of words, 36 with constants, 36 of sha256msg1, six
# for each of three digests. mixed: 22 words, as many with constants, the
# lanes' state, and three for each of three nonces.
STRETCHES = {
    "shani": {"half_step": 36 + 36 + 36 + 18},
    "mixed": {"half_step_pairs": 22 + 22 + 8 + 9,
              "half_step_plain": 22 + 22 + 8 + 9},
}

# Vector stores that a search's straight code after the loop named asks for.
# avx512, after the first hash's: a digest, the words that rounds 1 to 16 have
# beside them, and those of rounds 41 to 45, all of two streams.
STRAIGHT = {"avx512": (1, 16 + 32 + 10)}

INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+(\S+)\s*(.*?)(?:\s*[<#].*)?$")
ADDRESS = re.compile(r"(-?0x[0-9a-f]+)?\((%\w+)?(?:,(%\w+))?(?:,\d)?\)")
VECTOR = re.compile(r"%[xyz]mm\d+")


def disassembly(library, function):
    """[(address, mnemonic, operands)] of one function."""
    out = subprocess.run(
        ["objdump", "-d", "--no-show-raw-insn", library], check=True,
        capture_output=True, text=True).stdout
    body = re.search(rf"^[0-9a-f]+ <{function}>:\n(.*?)(?:\n\n|\Z)", out,
                     re.S | re.M)
    assert body, f"{function} is not in {library}"
    found = [INSTRUCTION.match(line) for line in body.group(1).splitlines()]
    return [(int(m.group(1), 16), m.group(2), m.group(3))
            for m in found if m]


def innermost_loops(code):
    """Slices of @code between a backward jump and its target, that have no
    other such slice within."""
    at = {address: i for i, (address, _, _) in enumerate(code)}
    spans = []
    for i, (address, mnemonic, operands) in enumerate(code):
        if not mnemonic.startswith("j") or "*" in operands:
            continue
        target = at.get(int(operands.split()[0], 16))
        if target is not None and target < i:
            spans.append((target, i))
    return [code[a:b + 1] for a, b in sorted(set(spans))
            if not any(a <= c and d <= b and (a, b) != (c, d)
                       for c, d in spans)]


def register_names(name):
    """%rax of %eax, %ax, %al: what writes one moves the other."""
    core = re.sub(r"^%[re]?", "", name)
    return re.sub(r"[lxdwb]$", "", core)


def vector_stores(code):
    """The addresses, matched, that vector registers are stored to."""
    found = []
    for _, mnemonic, operands in code:
        address = ADDRESS.search(operands)
        if "mov" in mnemonic and address and VECTOR.match(operands) and \
                operands.endswith(address.group(0)):
            found.append(address)
    return found


def spills(loop):
    """Vector stores to where no register of the address moves."""
    moved = set()
    for _, mnemonic, operands in loop:
        last = operands.split(",")[-1].strip()
        if re.fullmatch(r"%[re]?[a-z0-9]+", last) and \
                not VECTOR.fullmatch(last) and \
                not mnemonic.startswith(("cmp", "test", "push")):
            moved.add(register_names(last))
    used = [{register_names(r) for r in address.groups()[1:] if r}
            for address in vector_stores(loop)]
    return sum(1 for registers in used if not registers & moved)


def hot_loops(code):
    return [loop for loop in innermost_loops(code)
            if sum(1 for _, _, ops in loop if VECTOR.search(ops)) >= HOT_MIN]


def check(compiler, name, library):
    loops = hot_loops(disassembly(library, f"pow_scan_{name}"))
    assert loops, f"{name}: no hot loop found"
    counts = [spills(loop) for loop in loops]
    limit = LIMITS[compiler][name]
    print(f"# {name}: hot loops of {[len(loop) for loop in loops]} "
          f"instructions, spills {counts}, at most {limit} in all")
    assert sum(counts) <= limit, (
        f"{name}: {sum(counts)} spills, {limit} recorded for {compiler}: "
        f"the loop needs more registers than it did")


def check_straight(name, library):
    """No spills in what is after a hot loop and in none."""
    after, stores = STRAIGHT[name]
    code = disassembly(library, f"pow_scan_{name}")
    loops = hot_loops(code)
    rest = code[code.index(loops[after][-1]) + 1:]
    count = len(vector_stores(rest)) - sum(
        len(vector_stores(loop)) for loop in loops[after + 1:])
    print(f"# {name}: straight code of {len(rest)} instructions, {count} "
          f"vector stores, {stores} asked for")
    assert count <= stores, (
        f"{name}: {count} vector stores in straight code, {stores} asked "
        f"for: the rest are spills")


def check_stretches(name, library):
    for function, stores in STRETCHES[name].items():
        code = disassembly(library, function)
        count = len(vector_stores(code))
        print(f"# {name}: {function}: {len(code)} instructions, {count} "
              f"vector stores, {stores} asked for")
        assert count <= stores, (
            f"{name}: {function}: {count} vector stores, {stores} asked for: "
            f"the rest are spills")


def self_test(_):
    """A spill is told from a table's element"""
    def loop(*lines):
        code = [(i, *line.split(" ", 1)) for i, line in enumerate(lines)]
        return spills(code)
    assert loop("vmovdqa %ymm1,0x20(%rsp)", "add $0x40,%rax",
                "jne 0") == 1
    assert loop("vmovdqa64 %zmm1,0x20(%rsp,%rax,1)", "add $0x40,%rax",
                "jne 0") == 0
    assert loop("movaps %xmm1,-0x20(%rdx)", "add $0x40,%rdx", "jne 0") == 0
    assert loop("movaps %xmm1,-0x20(%rdx)", "add $0x40,%rcx", "jne 0") == 1
    assert loop("vmovdqa 0x20(%rsp),%ymm1", "vpaddd 0x40(%rsp),%ymm1,%ymm2",
                "jne 0") == 0
    code = [(0, "nop", ""), (1, "nop", ""), (2, "jne", "1 <f+0x1>"),
            (3, "jmp", "0 <f>")]
    assert innermost_loops(code) == [code[1:3]]


def main():
    compiler, sanitizer, *kernels = sys.argv[1:]
    tests = [self_test]
    for kernel in kernels:
        name, library = kernel.split("=", 1)

        def test(_, name=name, library=library):
            if not shutil.which("objdump"):
                raise tap.Skip("no objdump in PATH")
            if compiler not in LIMITS:
                raise tap.Skip(f"no limits recorded for {compiler}")
            if sanitizer != "none":
                raise tap.Skip("sanitizers use the stack themselves")
            if name in STRETCHES:
                check_stretches(name, library)
                return
            check(compiler, name, library)
            if name in STRAIGHT:
                check_straight(name, library)
        test.__doc__ = f"{name} spills no more than recorded"
        tests.append(test)
    return tap.run_tests(tests)


if __name__ == "__main__":
    sys.exit(main())
