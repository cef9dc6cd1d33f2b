#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The wallet, as its owner uses it: by JSON-RPC and on the command line."""
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from decimal import Decimal

from tap import MINERD, WAIT_S, Node, environment, expect, minerd, run_tests
from test_rpc import running

PASSPHRASE = "correct horse battery staple"


def exact(client, method, *params):
    """The result with every amount as it was written."""
    _, text, _ = client.send(json.dumps(
        {"id": 1, "method": method, "params": list(params)}))
    return json.loads(text, parse_float=Decimal)["result"]


def wait_until(condition):
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end, "not within the time"
        time.sleep(0.1)


def unconfirmed(c):
    return [u for u in c.call("listunspent", 0) if u["confirmations"] == 0]


def wait_confirmed(c, txid):
    """Until a block has @txid: its output here counts as confirmed."""
    wait_until(lambda: any(u["txid"] == txid and u["confirmations"] > 0
                           for u in c.call("listunspent")))


def wallet(command, datadir, *args, stdin="", env=None):
    """minerd wallet COMMAND: (exit status, stdout, stderr)."""
    run = subprocess.run(
        [MINERD, "wallet", command, "--datadir", datadir, *args], text=True,
        input=stdin, capture_output=True, env=environment(env),
        timeout=WAIT_S, check=False, start_new_session=True)
    return run.returncode, run.stdout, run.stderr


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as f:
        return f.read()


def coins_are_sent_and_counted(folder):
    """a payment is seen at once, confirmed later, and amounts stay exact"""
    with running(folder, height=2) as (_, c):
        address = c.call("getnewaddress")
        assert c.call("getnewaddress", "label", "bech32m") != address
        info = c.call("getaddressinfo", address)
        assert info["ismine"] and not info["ischange"]
        assert info["hdkeypath"] == "m/86h/0h/0h/0/1"
        before = len(c.call("listunspent"))
        txid = c.call("sendtoaddress", address, 1.5)
        (paid,) = [u for u in exact(c, "listunspent", 0, 9999999, [address])]
        assert (paid["txid"], paid["amount"]) == (txid, Decimal("1.5"))
        wait_confirmed(c, txid)
        assert len(c.call("listunspent")) > before
        assert c.call("listunspent", 0, 9999999, [address])[0]["spendable"]
        # Every unit is accounted for: the fee came back with the block.
        parts = exact(c, "getbalances")
        total = sum(parts["mine"].values())
        height = parts["lastprocessedblock"]["height"]
        assert total == 50 * height, (total, height)
        for amount in ("0.1", 0.1, 3.30000001, 0.00000330, "33e-7", 1):
            txid = c.call("sendtoaddress", address, amount)
            (paid,) = [u for u in exact(c, "listunspent", 0, 9, [address])
                       if u["txid"] == txid]
            assert paid["amount"] == Decimal(str(amount)), (paid, amount)


def memos_are_published(folder):
    """a memo becomes an OP_RETURN; longer ones are refused"""
    with running(folder, height=2) as (_, c):
        address = c.call("getnewaddress")
        memo = "für ä memo of " + "x" * 63
        assert len(memo.encode()) == 79
        for text in (memo, "m" * 80, "\x01", "a"):
            txid = c.call("sendtoaddress", address=address, amount="0.01",
                          memo=text)
            wait_confirmed(c, txid)
        block = c.call("getblock", c.call("getbestblockhash"), 2)
        height = block["height"]
        found = []
        while height > 0:
            block = c.call("getblock", c.call("getblockhash", height), 2)
            found += [o["scriptPubKey"]["hex"] for t in block["tx"][1:]
                      for o in t["vout"]
                      if o["scriptPubKey"]["type"] == "nulldata"]
            height -= 1
        assert set(found) == {"6a4c4f" + memo.encode().hex(),
                              "6a4c50" + "6d" * 80, "6a51", "6a0161"}, found
        c.fails(-8, "81 bytes", "sendtoaddress", address=address, amount=1,
                memo="m" * 81)


def mistakes_have_their_codes(folder):
    """wrong amounts, addresses and types: Core's codes, and nothing is sent"""
    with running(folder, height=2) as (_, c):
        good = c.call("getnewaddress")
        for amount in (0, "0", 1e-9, "1.000000001", "x", "", "0x1", "1,5"):
            c.fails(-3, "Invalid amount", "sendtoaddress", good, amount)
        for amount in (-1, "-0.1", 21000000.1, 1e300, "1e17"):
            c.fails(-3, "", "sendtoaddress", good, amount)
        c.fails(-3, "not of expected type", "sendtoaddress", good, True)
        c.fails(-5, "Invalid address", "sendtoaddress", "bc1qxyz", 1)
        c.fails(-5, "Invalid address", "sendtoaddress", good[:-1] + "!", 1)
        c.fails(-5, "Invalid address", "getaddressinfo", "")
        c.fails(-5, "Unknown address type", "getnewaddress", "", "legacy")
        c.fails(-6, "Insufficient funds", "sendtoaddress", good, 20999999)
        c.fails(-6, "too small", "sendtoaddress", good, "0.00000329")
        c.fails(-6, "too small", "sendtoaddress", good, "0.0000034", "", "",
                True)
        c.fails(-6, "lower than the minimum", "sendtoaddress",
                address=good, amount=1, fee_rate=0.5)
        c.fails(-6, "Fee exceeds", "sendtoaddress", address=good, amount=1,
                fee_rate=10 ** 6)
        c.fails(-8, "replaced", "sendtoaddress", address=good, amount=1,
                replaceable=True)
        c.fails(-8, "duplicated", "listunspent", 1, 9, [good, good])
        c.fails(-3, "string", "listunspent", 1, 9, [1])
        c.fails(-8, "dummy", "getbalance", "account")
        c.fails(-15, "unencrypted", "walletpassphrase", "x", 1)
        c.fails(-15, "unencrypted", "walletlock")
        c.fails(-15, "unencrypted", "walletpassphrasechange", "x", "y")
        c.fails(-8, "empty", "encryptwallet", "")
        assert unconfirmed(c) == []
        assert c.call("getaddressinfo", good)["ismine"]


def fees_are_what_was_asked(folder):
    """fee_rate, subtractfeefromamount, and a wallet emptied to the last unit"""
    with running(folder, height=3) as (_, c):
        address = c.call("getnewaddress")
        result = c.call("sendtoaddress", address=address, amount=1,
                        fee_rate="2.5", verbose=True)
        assert sorted(result) == ["fee_reason", "txid"]
        txid = result["txid"]
        mine = [u for u in exact(c, "listunspent", 0) if u["txid"] == txid]
        # One input and two outputs: 154 vB.
        assert 50 - sum(u["amount"] for u in mine) == Decimal("0.00000385")
        txid = c.call("sendtoaddress", address, 2, "", "", True)
        mine = sorted(u["amount"] for u in exact(c, "listunspent", 0)
                      if u["txid"] == txid)
        assert mine == [2 - Decimal("0.00000154"), Decimal(48)], mine
    # All of it, but for what is mined meanwhile: no change comes back.
    with running(folder, "--spacing", "1") as (_, c):
        wait_until(lambda: not unconfirmed(c))
        coins = exact(c, "listunspent")
        total = sum(u["amount"] for u in coins)
        txid = c.call("sendtoaddress", address, str(total), "", "", True)
        (one,) = [u for u in exact(c, "listunspent", 0)
                  if u["txid"] == txid]
        weight = 4 * (10 + 41 * len(coins) + 43) + 2 + 66 * len(coins)
        fee = Decimal((weight + 3) // 4).scaleb(-8)
        assert one["amount"] == total - fee, (one, total, fee)


def restarts_change_nothing(folder):
    """balance, pending change and next address are the same after a restart"""
    with running(folder, height=2) as (node, c):
        first = c.call("getnewaddress")
        txid = c.call("sendtoaddress", first, 3)
        wait_confirmed(c, txid)
        assert node.kill(signal.SIGTERM)[0] == 0
    state = read(folder, "keys", "wallet.json")
    with running(folder) as (node, c):
        parts = exact(c, "getbalances")
        assert sum(parts["mine"].values()) == \
            50 * parts["lastprocessedblock"]["height"]
        assert any(u["txid"] == txid for u in c.call("listunspent"))
        assert read(folder, "keys", "wallet.json") == state
        second = c.call("getnewaddress")
        assert c.call("getaddressinfo", second)["hdkeypath"].endswith("/0/2")
        node.kill()
    # Without its file, everything is found again by looking at all blocks.
    os.remove(os.path.join(folder, "keys", "wallet.json"))
    with running(folder) as (node, c):
        parts = exact(c, "getbalances")
        assert sum(parts["mine"].values()) == \
            50 * parts["lastprocessedblock"]["height"]
        # 2 was never paid to and is handed out again.
        assert c.call("getnewaddress") == second
        again = json.loads(read(folder, "keys", "wallet.json"))
        assert again["change"] >= 1 and again["scanned"]
        assert node.kill(signal.SIGTERM)[0] == 0


def coins_beyond_the_window_are_found(folder):
    """coins on addresses that the file no longer knows of, one leading on"""
    path = os.path.join(folder, "keys", "wallet.json")
    with running(folder, height=2) as (node, c):
        assert node.kill(signal.SIGTERM)[0] == 0
    for index in (900, 1800):
        state = json.loads(read(path))
        write(path, json.dumps(dict(state, receive=index)))
        with running(folder, height=1) as (node, c):
            wait_confirmed(c, c.call("sendtoaddress",
                                     c.call("getnewaddress"), 1))
            assert node.kill(signal.SIGTERM)[0] == 0
    state = json.loads(read(path))
    assert state["receive"] == 1801
    write(path, json.dumps(dict(state, receive=1)))
    with running(folder) as (node, c):
        parts = exact(c, "getbalances")
        assert sum(parts["mine"].values()) == \
            50 * parts["lastprocessedblock"]["height"]
        assert json.loads(read(path)) == state
        assert node.kill(signal.SIGTERM)[0] == 0


def encrypted_wallets_are_locked(folder):
    """locked: balance yes, payments no; unlocked for a time"""
    with running(folder, height=2) as (node, c):
        seed = read(folder, "keys", "wallet.seed").strip()
        address = c.call("getnewaddress")
        assert "encrypted" in c.call("encryptwallet", PASSPHRASE)
        assert seed not in read(folder, "keys", "wallet.seed")
        c.fails(-15, "encrypted", "encryptwallet", PASSPHRASE)
        c.fails(-13, "walletpassphrase", "sendtoaddress", address, 1)
        assert c.call("getwalletinfo")["unlocked_until"] == 0
        assert c.call("getbalance") > 0
        c.call("getnewaddress")
        c.fails(-14, "incorrect", "walletpassphrase", "wrong", 60)
        c.fails(-8, "negative", "walletpassphrase", PASSPHRASE, -1)
        c.call("walletpassphrase", PASSPHRASE, 600)
        until = c.call("getwalletinfo")["unlocked_until"]
        assert abs(until - time.time() - 600) < WAIT_S
        c.call("sendtoaddress", address, 1)
        c.call("walletlock")
        c.fails(-13, "walletpassphrase", "sendtoaddress", address, 1)
        c.call("walletpassphrase", PASSPHRASE, 1)
        wait_until(lambda:
                   c.call("getwalletinfo")["unlocked_until"] == 0)
        c.fails(-13, "walletpassphrase", "sendtoaddress", address, 1)
        c.fails(-14, "incorrect", "walletpassphrasechange", "wrong", "new")
        c.call("walletpassphrasechange", PASSPHRASE, "new")
        c.fails(-14, "incorrect", "walletpassphrase", PASSPHRASE, 60)
        height = c.call("getblockcount")
        node.wait_height(height + 1)  # mining is paid all the same
        assert node.kill(signal.SIGTERM)[0] == 0
        for line in node.lines:
            assert PASSPHRASE not in line and seed not in line
    with running(folder) as (node, c):
        c.fails(-13, "walletpassphrase", "sendtoaddress", address, 1)
        c.call("walletpassphrase", "new", 60)
        c.call("sendtoaddress", address, 1)


def passphrase_files_serve_services(folder):
    """--wallet-passphrase-file makes, unlocks and refuses"""
    good = os.path.join(folder, "good")
    bad = os.path.join(folder, "bad")
    write(good, PASSPHRASE + "\n")
    write(bad, "wrong\n")
    datadir = os.path.join(folder, "d")
    option = "--wallet-passphrase-file"
    with running(datadir, option, good, height=1) as (_, c):
        assert c.call("getwalletinfo")["unlocked_until"] > 0
        c.call("sendtoaddress", c.call("getnewaddress"), 1)
    line = read(datadir, "keys", "wallet.seed")
    assert line.startswith("minerd-seed-1 scrypt ")
    expect(["--datadir", datadir, option, bad], 1, "passphrase")
    expect(["--datadir", datadir, option, folder + "/none"], 1, "cannot read")
    write(bad, "\n")
    expect(["--datadir", datadir, option, bad], 1, "empty")
    plain = os.path.join(folder, "plain")
    with running(plain):
        pass
    expect(["--datadir", plain, option, good], 1, "not encrypted",
           "wallet encrypt")
    code, out, err = wallet("encrypt", plain, option, good)
    assert (code, out, err) == (0, "", ""), err
    code, _, err = wallet("encrypt", plain, option, good)
    assert code == 1 and "already" in err
    with running(plain, option, good, height=1) as (_, c):
        c.call("sendtoaddress", c.call("getnewaddress"), 1)


def seeds_travel(folder):
    """export and restore give the same addresses and coins elsewhere"""
    one = os.path.join(folder, "one")
    two = os.path.join(folder, "two")
    good = os.path.join(folder, "good")
    write(good, PASSPHRASE)
    with running(one, height=2) as (node, c):
        addresses = [c.call("getnewaddress") for _ in range(3)]
        wait_confirmed(c, c.call("sendtoaddress", addresses[2], 7))
        code, out, err = wallet("export", one)
        assert code == 3 and out == "" and "another node" in err
        assert node.kill(signal.SIGTERM)[0] == 0
    code, seed, err = wallet("export", one)
    assert (code, err) == (0, ""), err
    assert seed.strip() == read(one, "keys", "wallet.seed").strip()
    # The same chain with the same seed, but nothing else of the wallet.
    shutil.copytree(one, two)
    os.remove(os.path.join(two, "keys", "wallet.json"))
    os.remove(os.path.join(two, "keys", "wallet.seed"))
    expect(["--datadir", two], 1, "wallet.seed is missing", "wallet restore")
    for bad in ("", "00", "x" * 64, seed.strip() + "0", "0" * 130):
        code, _, err = wallet("restore", two, stdin=bad)
        assert code == 1 and "hex digits" in err, (bad, err)
    code, out, err = wallet("restore", two, "--wallet-passphrase-file", good,
                            stdin=seed)
    assert (code, out, err) == (0, "", ""), err
    code, _, err = wallet("restore", two, stdin=seed)
    assert code == 1 and "there already" in err
    assert seed.strip() not in read(two, "keys", "wallet.seed")
    with running(two, "--wallet-passphrase-file", good) as (node, c):
        for a in addresses:
            assert c.call("getaddressinfo", a)["ismine"]
        parts = exact(c, "getbalances")
        assert sum(parts["mine"].values()) == \
            50 * parts["lastprocessedblock"]["height"]
        # 3 is the next that nobody was told of.
        fresh = c.call("getnewaddress")
        assert fresh not in addresses
        assert c.call("getaddressinfo", fresh)["hdkeypath"].endswith("/0/4")
        assert node.kill(signal.SIGTERM)[0] == 0
    code, again, err = wallet("export", two, "--wallet-passphrase-file", good)
    assert (code, again, err) == (0, seed, ""), err
    code, out, err = wallet("export", two)
    assert code == 1 and out == "" and "no terminal" in err, err
    # A new datadir: the wallet first, then the network.
    three = os.path.join(folder, "three")
    longest = "0123456789abcdef" * 8
    assert wallet("restore", three, stdin=longest) == (0, "", "")
    with running(three, height=1) as (_, c):
        assert c.call("getbalance") > 0
    assert wallet("export", three)[1].strip() == longest
    code, _, err = wallet("export", os.path.join(folder, "none"))
    assert code == 1 and "not a minerd datadir" in err
    code, _, err = minerd("wallet")
    assert code == 2 and "wallet export" in err


def many_payments_wait_together(folder):
    """change is spent before it is confirmed, and nothing twice"""
    with running(folder, height=1) as (node, c):
        address = c.call("getnewaddress")
        sent = []
        while len(sent) < 60:
            _, txid, error = c.ask("sendtoaddress", address, "0.5")
            if error:  # as many as the pool takes of one chain
                assert error["code"] == -6, error
                assert "next block" in error["message"], error
                node.wait_height(c.call("getblockcount") + 1)
            else:
                sent.append(txid)
        assert len(set(sent)) == 60
        wait_until(lambda: not unconfirmed(c))
        parts = exact(c, "getbalances")
        assert sum(parts["mine"].values()) == \
            50 * parts["lastprocessedblock"]["height"]
        mined = [txid for height in range(c.call("getblockcount") + 1)
                 for txid in c.call("getblock",
                                    c.call("getblockhash", height))["tx"]]
        assert len(set(mined)) == len(mined) and set(sent) <= set(mined)


if __name__ == "__main__":
    sys.exit(run_tests([
        coins_are_sent_and_counted,
        memos_are_published,
        mistakes_have_their_codes,
        fees_are_what_was_asked,
        restarts_change_nothing,
        coins_beyond_the_window_are_found,
        encrypted_wallets_are_locked,
        passphrase_files_serve_services,
        seeds_travel,
        many_payments_wait_together,
    ]))
