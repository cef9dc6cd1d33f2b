#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Networks of several: members' datadirs and the files made of them."""
import json
import os
import shutil
import sys

from tap import MINERD, Node, expect, minerd, run_tests

KEYS = ("signing_key", "node_id")


def slurp(*path):
    with open(os.path.join(*path), "rb") as f:
        return f.read()


def snapshot(folder):
    out = {}
    for where, _, names in os.walk(folder):
        for name in names:
            if name != "minerd.lock":
                path = os.path.join(where, name)
                out[path] = slurp(path)
    return out


def init(folder, name, *args):
    """Makes member @name; its datadir and descriptor, as text."""
    d = os.path.join(folder, name)
    code, out, err = minerd("init", "--member", name, "--datadir", d, *args)
    assert code == 0, err
    return d, out


def a_member_is_made_once(folder):
    """init makes keys and wallet, and says the same ever after"""
    d, out = init(folder, "alice", "--address", "alice.example:7000")
    told = json.loads(out)
    assert sorted(told) == ["address", "name", *sorted(KEYS)]
    assert (told["name"], told["address"]) == ("alice", "alice.example:7000")
    for name in ("signing.key", "node.key", "wallet.seed"):
        path = os.path.join(d, "keys", name)
        assert os.stat(path).st_mode & 0o777 == 0o600, name
    before = snapshot(d)
    for args in ([], ["--member", "alice"],
                 ["--address", "alice.example:7000"]):
        code, again, err = minerd("init", "--datadir", d, *args)
        assert (code, again) == (0, out), err
    assert minerd("init", env={"MINERD_DATADIR": d})[1] == out
    assert snapshot(d) == before
    other = json.loads(init(folder, "bob")[1])
    assert all(other[key] != told[key] for key in KEYS)


def mistakes_of_members(folder):
    """init refuses what it cannot keep, and changes nothing"""
    d, _ = init(folder, "alice")
    before = snapshot(d)
    expect(["init", "--datadir", d, "--member", "bob"], 1, "alice", "bob", d)
    expect(["init", "--datadir", d, "--address", "h:1"], 1, "address", d)
    expect(["init", "--membr", "x"], 2, "did you mean 'member'")
    expect(["init", "x"], 2, "unexpected argument 'x'")
    assert snapshot(d) == before
    new = os.path.join(folder, "new")
    expect(["init", "--datadir", new], 2, "--member NAME")
    expect(["init", "--datadir", new, "--member", "Bob"], 2, "a-z")
    expect(["init", "--datadir", new, "--member", "b" * 33], 2, "32")
    expect(["init", "--datadir", new, "--member", "b", "--address", "x"], 2,
           "HOST:PORT")
    assert not os.path.exists(new)
    os.mkdir(new)
    with open(os.path.join(new, "thesis.txt"), "w", encoding="utf-8") as f:
        f.write("do not touch")
    expect(["init", "--datadir", new, "--member", "b"], 1, new)
    assert os.listdir(new) == ["thesis.txt"]
    # Keys that others may know are asked for, not made again.
    shutil.copytree(d, d + "2")
    os.unlink(os.path.join(d, "keys", "node.key"))
    expect(["init", "--datadir", d], 1, "node.key", "backup")
    shutil.copy(os.path.join(init(folder, "carol")[0], "keys", "node.key"),
                os.path.join(d, "keys", "node.key"))
    expect(["init", "--datadir", d], 1, "member.json", "one member")
    with open(os.path.join(d + "2", "member.json"), "w",
              encoding="utf-8") as f:
        f.write("{}")
    expect(["init", "--datadir", d + "2"], 1, "member.json", "missing")


def datadirs_in_use(folder):
    """init beside a node: 3; in a datadir with a network: 1"""
    d = os.path.join(folder, "d")
    with Node("--datadir", d, "--pow-backend", "scalar", "--threads", "1",
              "--spacing", "1") as node:
        node.wait_event("start")
        expect(["init", "--datadir", d, "--member", "a"], 3, "process", d)
        node.kill()
    expect(["init", "--datadir", d, "--member", "a"], 1, "network of its own")


def wallets_may_be_encrypted(folder):
    """init encrypts the wallet with the passphrase of a file"""
    secret = os.path.join(folder, "secret")
    with open(secret, "w", encoding="utf-8") as f:
        f.write("correct horse\n")
    d, _ = init(folder, "alice", "--wallet-passphrase-file", secret)
    plain, _ = init(folder, "bob")
    assert len(slurp(d, "keys", "wallet.seed")) > \
        len(slurp(plain, "keys", "wallet.seed"))
    expect(["wallet", "export", "--datadir", d], 1, "passphrase")
    expect(["init", "--datadir", os.path.join(folder, "c"), "--member", "c",
            "--wallet-passphrase-file", secret + "x"], 1, secret + "x")


def main():
    if not shutil.which(MINERD) and not os.path.exists(MINERD):
        print(f"Bail out! {MINERD} is not built")
        return 1
    return run_tests([
        a_member_is_made_once, mistakes_of_members, datadirs_in_use,
        wallets_may_be_encrypted,
    ])


if __name__ == "__main__":
    sys.exit(main())
