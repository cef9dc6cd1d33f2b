#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Chains that are copied, written out and read in: backup, export, import."""
import hashlib
import os
import re
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import time

from tap import (MINERD, WAIT_S, Node, environment, expect, minerd, run_tests,
                 verify)
from terminal import minerd_on_terminal
from test_cli import snapshot

QUICK = ["--pow-backend", "scalar", "--threads", "1"]
MAGIC = b"\x89MDX\r\n\x1a\n"

# Places in a stream that are damaged or where it is cut, one by one.
POINTS = int(os.environ.get("MINERD_TRANSFER_POINTS", "20"))


def network(folder, *args):
    """A network of one on this machine that mines at once; its datadir."""
    d = os.path.join(folder, "net")
    code, _, err = minerd("network", "new", "--members", "1", "--dir", d,
                          "--delta", "100", "--start-in", "0",
                          "--pow-backend", "scalar", *args)
    assert code == 0, err
    return os.path.join(d, "node0")


def mine(datadir, height):
    with Node("--datadir", datadir, *QUICK) as node:
        node.wait_height(height)
        code, err = node.kill(signal.SIGTERM)
        assert code == 0, err
    return verify(datadir)


def exported(datadir, path):
    code, out, err = minerd("export", path, "--datadir", datadir)
    assert (code, out) == (0, ""), (code, out, err)
    with open(path, "rb") as f:
        return f.read()


def records(data):
    """The stream taken apart: [(type, payload, offset)]."""
    assert data.startswith(MAGIC)
    at, out = len(MAGIC), []
    while at < len(data):
        kind, size = struct.unpack_from("<BI", data, at)
        out.append((chr(kind), data[at + 5:at + 5 + size], at))
        at += 5 + size + 32
    return out


def stream(parts):
    """The same put together again, with checks."""
    check, out = bytes(32), MAGIC
    for kind, payload in parts:
        record = struct.pack("<BI", ord(kind), len(payload)) + payload
        check = hashlib.sha256(check + record).digest()
        out += record + check
    return out


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)
    return path


def new_datadir(folder, name, datadir):
    """An empty datadir beside @datadir, of the same network."""
    d = os.path.join(folder, name)
    os.mkdir(d)
    return d, ["--datadir", d, "--network",
               os.path.join(datadir, "network.json")]


def backups_of_a_running_node(folder):
    """a backup while the node mines is a chain that verifies and goes on"""
    d = network(folder)
    b = os.path.join(folder, "backup")
    with Node("--datadir", d, *QUICK) as node:
        node.wait_height(2)
        code, out, err = minerd("backup", b, "--datadir", d)
        assert (code, err) == (0, ""), err
        said = re.search(r"height (\d+) hash ([0-9a-f]{64})", out)
        assert "does not have keys/" in out and "--with-keys" in out
        node.wait_height(node.height + 1)
        assert node.kill(signal.SIGTERM)[0] == 0
        assert node.blocks[int(said[1])] == said[2], out
    assert verify(b) == (int(said[1]), said[2])
    assert not os.path.exists(os.path.join(b, "keys"))
    for where, _, names in os.walk(b):
        assert stat.S_IMODE(os.stat(where).st_mode) == 0o700
        for name in names:
            mode = stat.S_IMODE(os.stat(os.path.join(where, name)).st_mode)
            assert mode == (0o644 if name == "network.json" else 0o600)
    expect(["--datadir", b, *QUICK], 1, "signing.key is missing")
    shutil.copytree(os.path.join(d, "keys"), os.path.join(b, "keys"))
    assert mine(b, int(said[1]) + 1)[0] > int(said[1])


def backups_with_keys(folder):
    """--with-keys makes a whole node, and says that it is secret"""
    d = network(folder)
    height = mine(d, 1)
    b = os.path.join(folder, "backup")
    os.mkdir(b)  # an empty one will do
    code, out, _ = minerd("backup", "--with-keys", b, "--datadir", d)
    assert code == 0 and "secret" in out and "does not" not in out
    for name in os.listdir(os.path.join(d, "keys")):
        path = os.path.join(b, "keys", name)
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert verify(b) == height
    assert mine(b, height[0] + 1)[0] > height[0]


def mistakes_of_backups(folder):
    """a backup over something, of nothing, or nowhere is refused"""
    d = network(folder)
    mine(d, 1)
    full = os.path.join(folder, "full")
    os.mkdir(full)
    write(os.path.join(full, "thesis"), b"do not touch")
    before = snapshot(full)
    at = ["--datadir", d]
    expect(["backup", full, *at], 1, full, "not empty", "new directory")
    assert snapshot(full) == before
    expect(["backup", os.path.join(full, "thesis"), *at], 1, "thesis")
    expect(["backup", os.path.join(full, "a", "b"), *at], 1, "cannot create")
    expect(["backup", *at], 2, "backup DIR")
    expect(["backup", "a", "b", *at], 2, "backup DIR")
    expect(["backup", "", *at], 2, "backup DIR")
    expect(["backup", "--with-key", "x", *at], 2, "did you mean 'with-keys'")
    expect(["backup", "--with-keys=1", "x", *at], 2, "takes no value")
    none = os.path.join(folder, "none")
    new = os.path.join(folder, "new")
    expect(["backup", new, "--datadir", none], 1, none, "not a minerd")
    assert not os.path.exists(new)
    assert "--with-keys" in minerd("help", "backup")[1]


def light_nodes(folder):
    """a light node's backup starts, and it has no chain to export or verify"""
    d = network(folder)
    light, at = new_datadir(folder, "light", d)
    run = [*at, "--light", "--no-console"]
    b = os.path.join(folder, "backup")
    with Node(*run) as node:
        node.wait_event("following")
        code, out, err = minerd("backup", "--with-keys", b, *at)
        assert (code, err) == (0, "") and "light node" in out, err
        node.kill(signal.SIGTERM)
    path = os.path.join(folder, "chain")
    for command in (["export", path], ["verify"]):
        expect([*command, *at], 1, light, "light node", "no blocks")
    assert not os.path.exists(path)
    with Node("--datadir", b, "--light", "--no-console") as node:
        node.wait_event("following")
        assert node.kill(signal.SIGTERM)[0] == 0


def from_one_datadir_to_another(folder):
    """a chain exported beside its node is imported whole, and mines on"""
    d = network(folder)
    with Node("--datadir", d, *QUICK) as node:
        node.wait_height(3)
        data = exported(d, os.path.join(folder, "chain"))
        assert node.kill(signal.SIGTERM)[0] == 0
    kinds = "".join(kind for kind, _, _ in records(data))
    assert re.fullmatch(r"H(PB+)+E", kinds), kinds
    to, at = new_datadir(folder, "to", d)
    code, out, err = minerd("import", os.path.join(folder, "chain"), *at)
    assert (code, err) == (0, ""), err
    blocks = kinds.count("B")
    assert f"imported {blocks} blocks" in out
    height, digest = verify(to, *at[2:])
    assert height == blocks and out.endswith(
        f"height {height} hash {digest}\n")
    with Node(*at, "--mode", "full") as node:
        node.wait_event("following")
        assert node.kill(signal.SIGTERM)[0] == 0


def through_pipes(folder):
    """standard output and input carry a stream, too"""
    d = network(folder)
    height = mine(d, 2)
    to, at = new_datadir(folder, "to", d)
    out = subprocess.run([MINERD, "export", "-", "--datadir", d],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         env=environment(), timeout=WAIT_S, check=True)
    assert out.stderr == f"exported {height[0]} blocks\n".encode()
    run = subprocess.run([MINERD, "import", "-", *at], input=out.stdout,
                         stdout=subprocess.PIPE, env=environment(),
                         timeout=WAIT_S, check=True)
    assert run.stdout.endswith(b"height %d hash %s\n" % (
        height[0], height[1].encode()))
    assert verify(to, *at[2:]) == height


def imports_resume(folder):
    """a cut stream gives what it has, says where it ends, and goes on"""
    d = network(folder)
    height = mine(d, 4)
    whole = os.path.join(folder, "chain")
    data = exported(d, whole)
    third = [r for r in records(data) if r[0] == "P"][2]
    cut = write(os.path.join(folder, "cut"), data[:third[2] + 3])
    to, at = new_datadir(folder, "to", d)
    expect(["import", cut, *at], 1, cut, f"byte {third[2] + 3}",
           "after block 2", "not whole", "blocks 1 to 2 were imported")
    assert verify(to, *at[2:])[0] == 2
    expect(["import", cut, *at], 1, "after block 2")
    code, out, _ = minerd("import", whole, *at)
    assert code == 0 and f"imported {height[0] - 2} blocks" in out, out
    assert verify(to, *at[2:]) == height
    code, out, _ = minerd("import", whole, *at)
    assert code == 0 and "imported 0 blocks" in out, out
    # The network goes on, and so may imports.
    height = mine(d, height[0] + 1)
    longer = os.path.join(folder, "longer")
    exported(d, longer)
    assert minerd("import", longer, *at)[0] == 0
    assert verify(to, *at[2:]) == height
    # And the older one has nothing to say.
    code, out, _ = minerd("import", whole, *at)
    assert code == 0 and f"height {height[0]} hash {height[1]}" in out, out


def damage_is_found(folder):
    """damage anywhere, and truncation, are refused with their place"""
    d = network(folder)
    mine(d, 2)
    data = exported(d, os.path.join(folder, "chain"))
    to, at = new_datadir(folder, "to", d)
    assert minerd("import", "/dev/null", *at)[0] == 1
    for i in range(8, len(data), max(1, len(data) // POINTS)):
        bad = bytearray(data)
        bad[i] ^= 1 << (i % 8)
        path = write(os.path.join(folder, "bad"), bytes(bad))
        expect(["import", path, *at], 1, path, "byte ", "after block")
    for i in range(0, len(data), max(1, len(data) // POINTS)):
        path = write(os.path.join(folder, "bad"), data[:i])
        expect(["import", path, *at], 1, path)
    path = write(os.path.join(folder, "bad"), data + b"x")
    expect(["import", path, *at], 1, "something follows")
    path = write(os.path.join(folder, "bad"),
                 data.replace(b"\r\n", b"\n", 1))
    expect(["import", path, *at], 1, "changed as text")
    path = write(os.path.join(folder, "bad"), b"")
    expect(["import", path, *at], 1, "not what 'minerd export' writes")
    verify(to, *at[2:])


def forgeries_are_found(folder):
    """whole streams that lie about blocks or certificates are refused"""
    d = network(folder)
    mine(d, 3)
    parts = [(k, p) for k, p, _ in records(exported(
        d, os.path.join(folder, "chain")))]
    _, at = new_datadir(folder, "to", d)

    def refused(change, *words):
        lie = [list(part) for part in parts]
        change(lie)
        path = write(os.path.join(folder, "lie"), stream(lie))
        expect(["import", path, *at], 1, *words)

    def flip(index, where, mask=1):
        def change(lie):
            payload = bytearray(lie[index][1])
            payload[where] ^= mask
            lie[index][1] = bytes(payload)
        return change

    def drop_cert(lie):
        payload = lie[1][1]
        lie[1][1] = payload[:8] + bytes(4) + payload[12:92]

    def swap_blocks(lie):
        lie[2][1], lie[4][1] = lie[4][1], lie[2][1]

    refused(flip(0, 0), "version")
    refused(flip(0, 5), "another network")
    refused(flip(1, 0), "part is wrong")
    refused(flip(1, 4), "part is wrong")
    refused(flip(1, 12 + 4), "header of block 1")
    refused(flip(1, -1), "certificate has a wrong signature")
    refused(flip(1, 12 + 80 + 12), "certificate is another block's")
    refused(drop_cert, "no certificate")
    refused(flip(2, -1), "against the rules")
    refused(swap_blocks, "not the one announced")
    refused(lambda lie: lie.pop(2), "what follows is no block")
    refused(lambda lie: lie.pop(3), "a part is missing")
    refused(lambda lie: lie.pop(0), "no header")
    refused(lambda lie: lie.pop(), "not whole")
    refused(flip(-1, 0), "the end is wrong")


def other_chains_are_refused(folder):
    """another network's stream, and another chain, are refused untouched"""
    os.mkdir(os.path.join(folder, "1"))
    os.mkdir(os.path.join(folder, "2"))
    one = network(os.path.join(folder, "1"))
    two = network(os.path.join(folder, "2"))
    mine(one, 1)
    height = mine(two, 1)
    path = os.path.join(folder, "chain")
    exported(one, path)
    expect(["import", path, "--datadir", two], 1, path, "another network",
           "--network")
    assert verify(two) == height
    # The same network, but its member signed another block 1.
    twin = os.path.join(folder, "twin")
    os.mkdir(twin)
    shutil.copytree(os.path.join(one, "keys"), os.path.join(twin, "keys"))
    for name in ("network.json", "minerd.lock"):
        shutil.copy(os.path.join(one, name), twin)
    height = mine(twin, 1)
    expect(["import", path, "--datadir", twin], 1,
           "block 1 is another one than the datadir's")
    assert verify(twin) == height


def mistakes_of_transfers(folder):
    """names that are missing, taken or in use are refused"""
    d = network(folder)
    mine(d, 1)
    path = os.path.join(folder, "chain")
    exported(d, path)
    at = ["--datadir", d]
    expect(["export", *at], 2, "export FILE")
    expect(["export", path, *at], 1, path, "there already")
    expect(["export", os.path.join(folder, "x", "y"), *at], 1, "create")
    expect(["export", "x", "--datadir", folder], 1, "not a minerd datadir")
    expect(["import", *at], 2, "import FILE")
    expect(["import", path, "--treads", "3", *at], 2, "--help")
    expect(["import", os.path.join(folder, "none"), *at], 1, "none",
           "No such file")
    new = os.path.join(folder, "new")
    expect(["import", path, "--datadir", new], 1, "no network file",
           "--network")
    assert not os.path.exists(path + ".part")
    with Node(*at, *QUICK) as node:
        node.wait_height(1)
        expect(["import", path, *at], 3, "another node")
        assert node.kill(signal.SIGTERM)[0] == 0
    for command in ("export", "import"):
        assert "--datadir" in minerd("help", command)[1]


def two_members(folder):
    """A chain of two members of whom one may fail: without certificates."""
    dirs, files = [], []
    for name in ("anna", "bert"):
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
        dirs.append(os.path.join(folder, name))
        out = minerd("init", "--member", name, "--datadir", dirs[-1],
                     "--address", f"127.0.0.1:{port}")[1]
        files.append(os.path.join(folder, name + ".json"))
        write(files[-1], out.encode())
    code, text, err = minerd(
        "network", "assemble", *files, "--faults", "1", "--delta", "250",
        "--spacing", "1", "--hash-rate", "5000", "--start",
        str(int(time.time() + 2) * 1000))
    assert code == 0, err
    for d in dirs:
        write(os.path.join(d, "network.json"), text.encode())
    with Node("--datadir", dirs[0], *QUICK) as a, \
            Node("--datadir", dirs[1], *QUICK) as b:
        a.wait_height(2)
        for node in (a, b):
            assert node.kill(signal.SIGTERM)[0] == 0
    return dirs[0]


def without_certificates(folder):
    """where no certificate is, people vouch for the end, and by a file"""
    d = two_members(folder)
    path = os.path.join(folder, "chain")
    data = exported(d, path)
    parts = records(data)
    assert [k for k, _, _ in parts][:2] == ["H", "P"]
    height, digest = verify(d)
    _, at = new_datadir(folder, "to", d)
    told = [*at, "--trust-tip", digest]
    expect(["import", path, *at], 1, "no certificates", digest,
           "--trust-tip")
    expect(["import", path, *at, "--trust-tip", "0" * 64], 1, digest)
    expect(["import", path, *at, "--trust-tip", "xyz"], 2, "trust-tip")
    with open(path, "rb") as f:
        run = subprocess.run(["sh", "-c", 'cat | "$0" "$@"', MINERD,
                              "import", "-", *told], stdin=f,
                             stderr=subprocess.PIPE, env=environment(),
                             timeout=WAIT_S, check=False)
    assert run.returncode == 1 and b"from a file" in run.stderr, run.stderr
    # Another end than the one vouched for is seen before a block is taken.
    lie = [[k, p] for k, p, _ in parts]
    flipped = bytearray(lie[1][1])
    flipped[-1] ^= 1
    lie[1][1] = bytes(flipped)
    bad = write(os.path.join(folder, "lie"), stream(lie))
    expect(["import", bad, *told], 1, "header of block")
    assert verify(*at[1:])[0] == 0
    assert minerd("import", path, *told)[0] == 0
    assert verify(*at[1:]) == (height, digest)


def bars_on_a_terminal(folder):
    """verify, export and import draw bars that fit, 20 columns, too"""
    d = network(folder)
    mine(d, 2)
    path = os.path.join(folder, "chain")
    to, at = new_datadir(folder, "to", d)
    for columns in (80, 20):
        for i, args in enumerate((
                ["verify", "--datadir", d],
                ["export", path + str(columns), "--datadir", d],
                ["import", path + str(columns), *at])):
            with minerd_on_terminal(*args, columns=columns) as t:
                code, text = t.end()
            assert code == 0, text
            name = ("verify", "export", "import")[i]
            bars = [b for b in re.split(r"[\r\n]+", text)
                    if b.startswith(name + " ") and "%" in b]
            assert bars and "100%" in bars[-1], text
            for bar in bars:
                plain = re.sub(r"\x1b\[\d*[mK]", "", bar)
                assert len(plain) < columns, (columns, plain)
            if columns == 80:
                assert "[" in plain and "#" in plain, plain
                assert "\x1b[32m" in bars[-1], bars
    with minerd_on_terminal("verify", "--datadir", d,
                            env={"NO_COLOR": "1"}) as t:
        code, text = t.end()
    assert code == 0 and "100%" in text and "\x1b[32m" not in text, text
    with minerd_on_terminal("export", "-", "--datadir", d) as t:
        code, text = t.end()
    assert code == 2 and "is a terminal" in text, text
    assert "%" not in minerd("verify", "--datadir", to, *at[2:])[2]


def main():
    return run_tests([
        backups_of_a_running_node, backups_with_keys, mistakes_of_backups,
        light_nodes,
        from_one_datadir_to_another, through_pipes, imports_resume,
        damage_is_found, forgeries_are_found, other_chains_are_refused,
        mistakes_of_transfers, without_certificates, bars_on_a_terminal,
    ])


if __name__ == "__main__":
    sys.exit(main())
