#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The lint test: the floors, the limits and the formatting, as TAP.

Reads the tree it stands in; needs nothing but Python and clang-format. Each
check says what is wrong, where, and which rule it breaks (CONTRIBUTING.md).
`lint.py --self-test` shows that every check can fail.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 800
LINE_COLUMNS_MAX = 80
TAB_COLUMNS = 8

# Files and functions allowed over the limits. This list only shrinks.
EXEMPT = set()

# The floor of a source file, first match wins (architecture.md, Floors).
FLOORS = [
    (r"src/base/", 0, "base"),
    (r"include/minerd/", 1, "pow"),
    (r"src/pow/pool", 4, "pow-pool"),
    (r"src/pow/", 1, "pow"),
    (r"src/chain/", 2, "chain"),
    (r"src/consensus/", 3, "consensus"),
    (r"src/net/", 4, "net"),
    (r"src/store/", 4, "store"),
    (r"src/api/", 4, "api"),
    (r"src/node/", 5, "node"),
]
PREFIXES = {"base": "base_", "pow": "pow_", "pow-pool": "pow_",
            "chain": "chain_", "consensus": "ds_", "net": "net_",
            "store": "store_", "api": "api_", "node": "node_"}

# What the pure floors may take from outside.
PURE_SYSTEM_HEADERS = {
    "assert.h", "cpuid.h", "errno.h", "immintrin.h", "limits.h",
    "stdatomic.h", "stdbool.h", "stddef.h", "stdint.h", "string.h",
    "secp256k1.h", "secp256k1_extrakeys.h", "secp256k1_schnorrsig.h",
}
# floor 0 also ends the program on a broken assertion and formats errors.
PURE_EXTRA = {"src/base/assert.c": {"stdio.h", "stdlib.h"},
              "src/base/error.c": {"stdio.h", "stdarg.h"}}
# System headers that one file alone may include.
OWNERS = {"liburing.h": "src/net/uring.c"}
# Functions that allocate, lock, log or look at the world.
IMPURE = re.compile(
    r"\b(malloc|calloc|realloc|free|aligned_alloc|fopen|open|read|write|"
    r"printf|fprintf|time|clock_gettime|gettimeofday|socket|pthread_\w+|"
    r"getenv|rand|random|sleep|usleep|nanosleep|syscall)\s*\(")
IMPURE_EXEMPT = {"src/base/assert.c"}

# Words that must not reach a commit: paths of one machine.
PRIVATE = re.compile(r"/(?:work|root)/|/home/\w")


def sources(root):
    out = []
    for top in ("src", "include", "bench", "tests"):
        for folder, _, names in os.walk(os.path.join(root, top)):
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    path = os.path.join(folder, name)
                    out.append(os.path.relpath(path, root))
    return sorted(out)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as f:
        return f.read()


def floor_of(path):
    for pattern, number, name in FLOORS:
        if re.match(pattern, path):
            return number, name
    return None


def strip(text):
    """The code without comments, strings and character constants; line
    breaks stay, so that line numbers hold."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    return re.sub(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'',
                  blank, text, flags=re.S)


def resolve(include):
    """The path of a quoted include in the tree."""
    if include.startswith("minerd/"):
        return "include/" + include
    return "src/" + include


def check_includes(root):
    """A floor includes only floors below it, and itself."""
    bad = []
    for path in sources(root):
        here = floor_of(path)
        if not here:
            continue
        for n, line in enumerate(read(root, path).splitlines(), 1):
            m = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if not m:
                continue
            there = floor_of(resolve(m.group(1)))
            if not there:
                bad.append(f"{path}:{n}: '{m.group(1)}' is not named by its "
                           "floor (\"floor/file.h\")")
            elif there[1] != here[1] and there[0] >= here[0]:
                bad.append(f"{path}:{n}: {here[1]} (floor {here[0]}) may not "
                           f"include {there[1]} (floor {there[0]})")
    return bad


def check_purity(root):
    """Floors 0-3 see no clock, file, lock, log or allocator."""
    bad = []
    for path in sources(root):
        here = floor_of(path)
        if not here or here[0] > 3:
            continue
        allowed = PURE_SYSTEM_HEADERS | PURE_EXTRA.get(path, set())
        text = read(root, path)
        for n, line in enumerate(text.splitlines(), 1):
            m = re.match(r"\s*#\s*include\s+<([^>]+)>", line)
            if m and m.group(1) not in allowed:
                bad.append(f"{path}:{n}: a pure floor may not include "
                           f"<{m.group(1)}>")
        if path in IMPURE_EXEMPT:
            continue
        for n, line in enumerate(strip(text).splitlines(), 1):
            m = IMPURE.search(line)
            if m:
                bad.append(f"{path}:{n}: a pure floor may not call "
                           f"{m.group(1)}()")
    return bad


def check_owners(root):
    """Some libraries are used by one file only."""
    bad = []
    for path in sources(root):
        for n, line in enumerate(read(root, path).splitlines(), 1):
            m = re.match(r"\s*#\s*include\s+<([^>]+)>", line)
            owner = OWNERS.get(m.group(1)) if m else None
            if owner and path != owner:
                bad.append(f"{path}:{n}: only {owner} may include "
                           f"<{m.group(1)}>")
    return bad


def functions(text):
    """(name, first line, lines) of each function of kernel-shaped code: the
    body opens with a brace in column 0 and closes with one."""
    lines = strip(text).splitlines()
    start = None
    for n, line in enumerate(lines, 1):
        if line.startswith("{"):
            start = n
        elif line.startswith("}") and start is not None:
            head = " ".join(lines[max(0, start - 8):start - 1])
            names = re.findall(r"(\w+)\s*\(", re.split(r"[;}]", head)[-1])
            yield (names[0] if names else "?", start, n - start - 1)
            start = None


def check_sizes(root):
    """Functions of at most 70 lines, files of at most 800."""
    bad = []
    for path in sources(root):
        text = read(root, path)
        count = text.count("\n")
        if count > FILE_LINES_MAX and path not in EXEMPT:
            bad.append(f"{path}: {count} lines, at most {FILE_LINES_MAX}")
        for name, line, length in functions(text):
            if length > FUNCTION_LINES_MAX and f"{path}:{name}" not in EXEMPT:
                bad.append(f"{path}:{line}: {name}() has {length} lines, at "
                           f"most {FUNCTION_LINES_MAX}")
    return bad


def check_lines(root):
    """80 columns, a licence line, no trailing blanks, no machine's paths."""
    bad = []
    for path in sources(root):
        text = read(root, path)
        if not text.startswith("/* SPDX-License-Identifier: MIT */\n"):
            bad.append(f"{path}:1: must begin with the SPDX licence line")
        for n, line in enumerate(text.splitlines(), 1):
            if len(line.expandtabs(TAB_COLUMNS)) > LINE_COLUMNS_MAX:
                bad.append(f"{path}:{n}: over {LINE_COLUMNS_MAX} columns")
            if line != line.rstrip():
                bad.append(f"{path}:{n}: trailing blanks")
            if PRIVATE.search(line):
                bad.append(f"{path}:{n}: a path of one machine")
    return bad


def check_prefixes(root):
    """Names that a header offers begin with the prefix of its folder."""
    bad = []
    declaration = re.compile(
        r"^(?:BASE_MUST_CHECK\s+|_Noreturn\s+|extern\s+|static\s+inline\s+)*"
        r"(?:const\s+|unsigned\s+|struct\s+|enum\s+)*\w+[\s\*]+(?:const\s+)?"
        r"\*?(\w+)\s*\(", re.M)
    for path in sources(root):
        here = floor_of(path)
        if not here or not path.endswith(".h"):
            continue
        if path.startswith("include/"):
            prefix = "minerd_"
        else:
            prefix = PREFIXES[here[1]]
        text = strip(read(root, path))
        for m in declaration.finditer(text):
            name = m.group(1)
            if name.startswith("__") or name == "_Static_assert":
                continue
            if not name.startswith(prefix):
                n = text.count("\n", 0, m.start(1)) + 1
                bad.append(f"{path}:{n}: {name}() must begin with {prefix}")
    return bad


def check_format(root):
    """clang-format has nothing to say."""
    tool = os.environ.get("CLANG_FORMAT") or shutil.which("clang-format")
    if not tool:
        return None
    paths = sources(root)
    if not paths:
        return []
    run = subprocess.run([tool, "--dry-run", "--Werror"] + paths, cwd=root,
                         capture_output=True, text=True, check=False)
    found = re.findall(r"^([^\s:]+:\d+):\d+: error", run.stderr, re.M)
    return [f"{where}: not as clang-format writes it; ./dev fmt mends it"
            for where in found]


RULE = re.compile(r"^\*\*(R\d\w?(?:\.\w)?)\*\*", re.M)


def cited(root, rule, *folders):
    """Whether a file below one of @folders names @rule, as R1.6 or R1_6."""
    name = re.compile(r"\b%s(?!\w)" % rule.replace(".", "[._]"))
    for folder in folders:
        for here, _, names in os.walk(os.path.join(root, folder)):
            for n in names:
                if not n.endswith((".c", ".h", ".py", ".pml")):
                    continue
                with open(os.path.join(here, n), encoding="utf-8") as f:
                    if name.search(f.read()):
                        return True
    return False


def check_rules(root):
    """Every rule of docs/consensus.md is cited by code and by a test."""
    path = "docs/consensus.md"
    if not os.path.exists(os.path.join(root, path)):
        return []
    bad = []
    for rule in RULE.findall(read(root, path)):
        for what, folder in (("code", "src/consensus"), ("a test", "tests")):
            if not cited(root, rule, folder):
                bad.append(f"{path}: {rule} is not cited by {what}")
    return bad


CHECKS = [
    ("floors include only floors below", check_includes),
    ("pure floors are pure", check_purity),
    ("libraries with one user have no other", check_owners),
    ("functions and files keep their limits", check_sizes),
    ("lines, licences and paths", check_lines),
    ("public names carry their folder's prefix", check_prefixes),
    ("formatting", check_format),
    ("rules are cited by code and by tests", check_rules),
]

# For --self-test: a file that each check must refuse.
SPDX = "/* SPDX-License-Identifier: MIT */\n"
CANARIES = [
    ("src/base/x.c", SPDX + '#include "chain/block.h"\n'),
    ("src/chain/x.c", SPDX + "void f(void)\n{\n\tmalloc(1);\n}\n"),
    ("src/net/x.c", SPDX + "#include <liburing.h>\n"),
    ("src/node/x.c", SPDX + "void f(void)\n{\n" + "\t;\n" * 71 + "}\n"),
    ("src/node/x.c", SPDX + "/* " + "x" * 90 + " */\n"),
    ("src/base/x.h", SPDX + "int chain_f(void);\n"),
    ("src/base/x.c", SPDX + "int  f( void ) ;\n"),
    ("docs/consensus.md", "**R1.6** Send it on.\n"),
]


def self_test():
    failures = 0
    for i, ((title, check), (path, text)) in enumerate(
            zip(CHECKS, CANARIES), 1):
        with tempfile.TemporaryDirectory() as root:
            shutil.copy(os.path.join(ROOT, ".clang-format"), root)
            full = os.path.join(root, path)
            os.makedirs(os.path.dirname(full))
            with open(full, "w", encoding="utf-8") as f:
                f.write(text)
            found = check(root)
        caught = found is None or len(found) > 0
        failures += not caught
        print(f"{'ok' if caught else 'not ok'} {i} - catches: {title}")
    return failures


def main():
    if sys.argv[1:] == ["--self-test"]:
        print(f"1..{len(CHECKS)}")
        return 1 if self_test() else 0
    print(f"1..{len(CHECKS)}")
    failures = 0
    for i, (title, check) in enumerate(CHECKS, 1):
        bad = check(ROOT)
        if bad is None:
            print(f"ok {i} - {title} # SKIP clang-format is not installed")
            continue
        failures += bool(bad)
        print(f"{'not ok' if bad else 'ok'} {i} - {title}")
        for line in bad:
            print(f"# {line}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
