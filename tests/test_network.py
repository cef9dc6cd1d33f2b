#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Networks of several: members' datadirs and the files made of them."""
import itertools
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


def members_wait_for_their_network(folder):
    """a member's datadir makes no network of its own, nor new keys"""
    d, _ = init(folder, "alice")
    before = snapshot(d)
    expect(["--datadir", d, "--rpc", "off"], 1, d, "network file", "--network")
    assert snapshot(d) == before
    path = os.path.join(folder, "alice.json")
    with open(path, "w", encoding="utf-8") as f:
        f.write(slurp(d, "member.json").decode())
    assemble(path, *START, "--out", os.path.join(d, "network.json"))
    key = os.path.join(d, "keys", "signing.key")
    os.rename(key, key + ".away")
    expect(["--datadir", d, "--rpc", "off"], 1, "signing.key", "backup")
    assert not os.path.exists(key)
    os.rename(key + ".away", key)
    with Node("--datadir", d, "--threads", "1", *QUICK) as node:
        node.wait_event("start")


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


def announced(folder, *names):
    """The descriptor files of new members."""
    paths = []
    for name in names:
        _, out = init(folder, name, "--address", f"{name}.example:9444")
        paths.append(os.path.join(folder, name + ".json"))
        with open(paths[-1], "w", encoding="utf-8") as f:
            f.write(out)
    return paths


START = ["--start", "2030-01-01T00:00:00Z"]


def assemble(*args):
    code, out, err = minerd("network", "assemble", *args)
    assert code == 0, err
    return out


def the_same_file_everywhere(folder):
    """assemble makes the same bytes of descriptors in any order"""
    paths = announced(folder, "carol", "alice", "dave", "bob")
    text = assemble(*paths, *START)
    for order in itertools.permutations(paths):
        assert assemble(*START, *order) == text
    # In another place, with other spaces, keys in another order.
    elsewhere = os.path.join(folder, "elsewhere")
    os.mkdir(elsewhere)
    for path in paths:
        with open(path, encoding="utf-8") as f:
            told = json.load(f)
        with open(os.path.join(elsewhere, os.path.basename(path)), "w",
                  encoding="utf-8") as f:
            json.dump(dict(reversed(list(told.items()))), f)
    moved = [os.path.join(elsewhere, os.path.basename(p)) for p in paths]
    assert assemble(*moved, "--start", str(1893456000000)) == text
    network = json.loads(text)
    assert [m["name"] for m in network["members"]] == \
        ["alice", "bob", "carol", "dave"]
    assert (network["f"], network["delta_ms"], network["spacing_s"],
            network["genesis_time_ms"]) == (1, 1000, 20, 1893456000000)
    out = os.path.join(folder, "network.json")
    assert assemble(*paths, *START, "--out", out) == ""
    assert slurp(out).decode() == text
    wished = json.loads(assemble(
        *paths, *START, "--faults", "0", "--delta", "50", "--spacing", "2",
        "--name", "wished", "--hash-rate", "1", "--max-block-bytes", "64K"))
    assert (wished["f"], wished["delta_ms"], wished["spacing_s"],
            wished["name"], wished["max_block_bytes"]) == \
        (0, 50, 2, "wished", 65536)


def mistakes_in_descriptors(folder):
    """assemble names the file and the key of what is wrong"""
    a, b, c = announced(folder, "alice", "bob", "carol")
    with open(a, encoding="utf-8") as f:
        good = json.load(f)
    with open(b, encoding="utf-8") as f:
        other = json.load(f)

    def refused(change, *words, raw=None):
        bad = os.path.join(folder, "bad.json")
        with open(bad, "w", encoding="utf-8") as f:
            f.write(json.dumps({**other, **change}) if raw is None else raw)
        expect(["network", "assemble", a, bad, *START], 1, bad, *words)

    for key in ("name", "address", *KEYS):
        refused({key: good[key]}, key, a, "its own")
        refused({key: 7}, key, "string")
        refused({}, key, "missing", raw=json.dumps(
            {k: v for k, v in other.items() if k != key}))
    refused({"name": "Bob"}, "name", "a-z")
    refused({"address": "nowhere"}, "address", "HOST:PORT")
    refused({"signing_key": "ff" * 32}, "signing_key", "secp256k1")
    refused({"node_id": "FF" * 32}, "node_id", "lower-case")
    refused({"more": 1}, "more", "unknown")
    refused({}, "line 1", raw="{")
    refused({}, "JSON object", raw="[]")
    refused({}, "larger than", raw=" " * 5000)
    expect(["network", "assemble", a, c + "x", *START], 1, c + "x")
    expect(["network", "assemble", a, a, *START], 1, a, "name")
    network = os.path.join(folder, "network.json")
    assemble(a, b, *START, "--out", network)
    expect(["network", "assemble", a, network, *START], 1, network, "address")


def mistakes_in_networks(folder):
    """assemble refuses what makes no network, and warns of a fast one"""
    paths = announced(folder, "alice", "bob")
    args = ["network", "assemble", *paths]
    expect(args, 2, "--start")
    expect(["network", "assemble", *START], 2, "descriptors")
    expect([*args, *START, "--faults", "2"], 2, "f=2", "2 members")
    expect([*args, *START, "--max-block-bytes", "16M", "--faults", "1"], 2,
           "max_block_bytes", "256 MiB", "at most")
    expect([*args, *START, "--name", "Two Words"], 2, "name")
    expect([*args, *START, "--delta", "0"], 2, "delta", "1 to 3600000")
    expect([*args, "--start", "tomorrow"], 2, "--start 'tomorrow'", "UTC")
    expect([*args, "--start-in", "5"], 2, "unknown option 'start-in'")
    expect(["network", "assemble", *(["x.json"] * 65), *START], 2,
           "65 descriptors", "64")
    expect(["network", "nw"], 2, "'nw'", "'new'")
    expect(["network"], 2, "assemble")
    code, _, err = minerd(*args, *START, "--faults", "1", "--spacing", "1")
    assert code == 0 and "too fast" in err, err
    nowhere = os.path.join(folder, "none", "network.json")
    expect([*args, *START, "--out", nowhere], 1, nowhere)
    code, out, _ = minerd("help", "network")
    assert code == 0 and "--max-block-bytes" in out and "--base-port" in out
    assert "--member NAME" in minerd("help", "init")[1]
    assert minerd("help")[1] == minerd("--help")[1]


QUICK = ["--pow-backend", "scalar"]


def a_network_on_one_machine(folder):
    """network new makes datadirs that know one network file"""
    d = os.path.join(folder, "net")
    code, _, err = minerd("network", "new", "--members", "12", "--faults",
                          "3", "--dir", d, "--delta", "250", *QUICK)
    assert code == 0, err
    text = slurp(d, "network.json")
    network = json.loads(text)
    assert (network["f"], network["delta_ms"], network["spacing_s"]) == \
        (3, 250, 5)
    assert 2 * 12 * (4 + 4) * network["max_block_bytes"] <= 256 << 20
    assert len(network["members"]) == 12
    for i, member in enumerate(network["members"]):
        node = os.path.join(d, f"node{i}")
        assert slurp(node, "network.json") == text
        assert json.loads(slurp(node, "member.json")) == member
        assert member["address"] == f"127.0.0.1:{9500 + i}"
        assert json.loads(minerd("init", "--datadir", node)[1]) == member
    before = snapshot(d)
    expect(["network", "new", "--dir", d], 1, d, "not empty")
    assert snapshot(d) == before
    large = os.path.join(folder, "large")
    assert minerd("network", "new", "--members", "64", "--faults", "63",
                  "--dir", large, *QUICK)[0] == 0
    network = json.loads(slurp(large, "network.json"))
    assert network["max_block_bytes"] == (256 << 20) // (2 * 64 * 68)


def mistakes_in_new_networks(folder):
    """network new refuses before it makes anything"""
    d = os.path.join(folder, "net")
    new = ["network", "new", *QUICK]
    expect(new, 2, "--dir DIR")
    new += ["--dir", d]
    expect([*new, "--members", "4", "--faults", "4"], 2, "f=4")
    expect([*new, "--members", "65"], 2, "members", "1 to 64")
    expect([*new, "--base-port", "65533"], 2, "65536")
    expect([*new, "--pow-backend", "none"], 1, "none")
    expect([*new, "--mmbers", "4"], 2, "did you mean 'members'")
    expect([*new, "stray"], 2, "'stray'")
    assert not os.path.exists(d)
    expect(["network", "new", *QUICK, "--dir", os.path.join(d, "deeper")], 1,
           "deeper")


def a_member_of_a_new_network_runs(folder):
    """a network of one made by network new mines"""
    d = os.path.join(folder, "net")
    assert minerd("network", "new", "--members", "1", "--dir", d, "--delta",
                  "100", "--start-in", "0", *QUICK)[0] == 0
    with Node("--datadir", os.path.join(d, "node0"), "--threads", "1",
              *QUICK) as node:
        node.wait_height(2)


def main():
    if not shutil.which(MINERD) and not os.path.exists(MINERD):
        print(f"Bail out! {MINERD} is not built")
        return 1
    return run_tests([
        a_member_is_made_once, mistakes_of_members, datadirs_in_use,
        wallets_may_be_encrypted, members_wait_for_their_network,
        the_same_file_everywhere,
        mistakes_in_descriptors, mistakes_in_networks,
        a_network_on_one_machine, mistakes_in_new_networks,
        a_member_of_a_new_network_runs,
    ])


if __name__ == "__main__":
    sys.exit(main())
