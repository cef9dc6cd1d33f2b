#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Transactions by RPC and REST: made and signed in Python, offered, seen in
the pool, mined and proved; and what is wrong with others."""
import http.client
import json
import os
import sys

import spender
from tap import Skip, run_tests
from test_rpc import NO_HASH, cli, running

VECTORS = os.environ.get("MINERD_VECTORS", "")
DECODE = "TX decode failed. Make sure the tx has at least one input."


def start(folder, blocks, *args):
    """running(), with @blocks coins of its miner."""
    return running(folder, *args, height=blocks)


def coins_of(c, folder):
    key = spender.wallet_key(folder)
    return spender.coinbase_coins(c, key), key


def hold(c, tx):
    """Sends @tx, which then stays in the pool until release()."""
    assert c.call("excludetransaction", tx.txid) is True
    assert c.call("sendrawtransaction", tx.hex) == tx.txid
    return tx


def release(c, *txs):
    for tx in txs:
        assert c.call("unpintransaction", tx.txid) is True


def wait_mined(node, c, txid, index=0):
    """The block that made the unspent output @index of @txid."""
    def is_mined(_):
        out = c.call("gettxout", txid, index, False)
        return out and out["confirmations"] > 0
    node.wait_for(is_mined)
    height = c.call("getblockcount") + 1 - \
        c.call("gettxout", txid, index, False)["confirmations"]
    for h in range(max(1, height - 1), c.call("getblockcount") + 1):
        block = c.call("getblock", c.call("getblockhash", h))
        if txid in block["tx"]:
            return block
    raise AssertionError(f"{txid} is in no block")


def the_signer_is_right(_):
    """our own signatures are those of BIP340's vectors"""
    path = os.path.join(VECTORS, "bip340-test-vectors.csv")
    if not os.path.exists(path):
        raise Skip("MINERD_VECTORS has no bip340-test-vectors.csv")
    assert spender.check_vectors(path) >= 4


def sent_seen_mined_and_proved(folder):
    """one transaction from the first offer to a proof that it is mined"""
    with start(folder, 2) as (node, c):
        coins, key = coins_of(c, folder)
        other = spender.Key.number(1)
        tx = spender.spend(coins[:1], [other, key])
        (trial,) = c.call("testmempoolaccept", [tx.hex])
        assert trial["allowed"] and trial["txid"] == tx.txid
        assert trial["wtxid"] == tx.wtxid and trial["vsize"] == tx.vsize
        assert spender.units(trial["fees"]["base"]) == tx.fee
        assert spender.units(trial["fees"]["effective-feerate"]) == 2000
        assert c.call("getrawmempool") == []
        hold(c, tx)
        assert c.call("sendrawtransaction", tx.hex) == tx.txid
        (trial,) = c.call("testmempoolaccept", [tx.hex])
        assert not trial["allowed"]
        assert trial["reject-reason"] == "txn-already-in-mempool"
        assert c.call("getrawmempool") == [tx.txid]
        assert c.call("getrawtransaction", tx.txid) == tx.hex
        seen = c.call("getrawtransaction", tx.txid, 2)
        assert seen["hex"] == tx.hex and "blockhash" not in seen
        assert spender.units(seen["fee"]) == tx.fee
        decoded = c.call("decoderawtransaction", tx.hex)
        assert {k: seen[k] for k in decoded} == decoded
        assert decoded["vsize"] == tx.vsize and decoded["hash"] == tx.wtxid
        # Spent in the pool, though not on disk; made in the pool.
        spent = (coins[0].txid, coins[0].index)
        assert c.call("gettxout", *spent) is None
        assert c.call("gettxout", *spent, False)["coinbase"] is True
        made = c.call("gettxout", tx.txid, 0)
        assert made["confirmations"] == 0 and not made["coinbase"]
        assert made["scriptPubKey"]["hex"] == other.script.hex()
        assert c.call("gettxout", tx.txid, 0, False) is None
        assert c.call("gettxout", tx.txid, 2) is None
        release(c, tx)
        block = wait_mined(node, c, tx.txid)
        assert c.call("gettxout", *spent, False) is None
        assert c.call("getrawmempool") == []
        mined = c.call("getrawtransaction", tx.txid, 1, block["hash"])
        assert mined["in_active_chain"] and mined["hex"] == tx.hex
        assert mined["blockhash"] == block["hash"]
        assert mined["blocktime"] == mined["time"] == block["time"]
        c.fails(-27, "already in block chain", "sendrawtransaction", tx.hex)
        (trial,) = c.call("testmempoolaccept", [tx.hex])
        assert trial["reject-reason"] == "txn-already-known"
        proof = c.call("gettxoutproof", [tx.txid])
        assert proof == c.call("gettxoutproof", [tx.txid], block["hash"])
        assert c.call("verifytxoutproof", proof) == [tx.txid]
        both = c.call("gettxoutproof", block["tx"][::-1], block["hash"])
        assert c.call("verifytxoutproof", both) == block["tx"]


def proofs_good_and_bad(folder):
    """proofs: refusals by code, and none that says what is not so"""
    with start(folder, 2) as (_, c):
        block1, block2 = (c.call("getblock", c.call("getblockhash", h))
                          for h in (1, 2))
        one, two = block1["tx"][0], block2["tx"][0]
        proof = c.call("gettxoutproof", [one])
        c.fails(-8, "cannot be empty", "gettxoutproof", [])
        c.fails(-8, "duplicated txid: " + one, "gettxoutproof", [one, one])
        c.fails(-8, "64", "gettxoutproof", ["00"])
        c.fails(-3, "string", "gettxoutproof", [7])
        c.fails(-3, "array", "gettxoutproof", one)
        c.fails(-5, "Transaction not yet in block", "gettxoutproof",
                [NO_HASH])
        c.fails(-5, "Block not found", "gettxoutproof", [one], NO_HASH)
        for txids in ([one, two], [NO_HASH]):
            c.fails(-5, "Not all transactions found", "gettxoutproof", txids,
                    block1["hash"])
        c.fails(-8, "hexadecimal", "verifytxoutproof", "xy")
        c.fails(-8, "hexadecimal", "verifytxoutproof", proof + "0")
        for cut in (0, 2, 160, 168, len(proof) - 2):
            c.fails(-22, "malformed", "verifytxoutproof", proof[:cut])
        # Another transaction; a header that nobody mined.
        assert c.call("verifytxoutproof", proof.replace(
            bytes.fromhex(one)[::-1].hex() + "01",
            bytes.fromhex(two)[::-1].hex() + "01")) == []
        c.fails(-5, "Block not found in chain", "verifytxoutproof",
                "01" + proof[2:])


def the_pool_as_a_family(folder):
    """chains of unconfirmed transactions: entries, both ways, in order"""
    keys = [spender.Key.number(i) for i in range(3)]
    with start(folder, 2) as (node, c):
        coins, _ = coins_of(c, folder)
        a = hold(c, spender.spend(coins[:1], keys[:2]))
        b = spender.spend([a.coin(0, keys[0])], keys[2:], fee=500)
        d = spender.spend([a.coin(1, keys[1]), b.coin(0, keys[2])], keys[:1])
        for tx in (b, d):
            assert c.call("sendrawtransaction", tx.hex) == tx.txid
        assert c.call("getrawmempool") == [a.txid, b.txid, d.txid]
        entry = c.call("getmempoolentry", b.txid)
        assert entry["depends"] == [a.txid] and entry["spentby"] == [d.txid]
        assert entry["wtxid"] == b.wtxid and entry["vsize"] == b.vsize
        assert entry["weight"] == c.call("decoderawtransaction",
                                         b.hex)["weight"]
        assert (entry["ancestorcount"], entry["descendantcount"]) == (2, 2)
        fees = {k: spender.units(v) for k, v in entry["fees"].items()}
        assert fees == {"base": 500, "modified": 500,
                        "ancestor": 500 + a.fee, "descendant": 500 + d.fee}
        every = c.call("getrawmempool", True)
        assert list(every) == [a.txid, b.txid, d.txid]
        assert every[b.txid] == entry and every[a.txid]["excluded"]
        assert every[d.txid]["depends"] == [a.txid, b.txid]
        numbered = c.call("getrawmempool", False, True)
        assert numbered["txids"] == list(every)
        assert numbered["mempool_sequence"] > 3
        assert sorted(c.call("getmempoolancestors", d.txid)) == \
            sorted([a.txid, b.txid])
        assert c.call("getmempooldescendants", b.txid, True) == \
            {d.txid: every[d.txid]}
        assert c.call("getmempoolancestors", a.txid) == []
        info = c.call("getmempoolinfo")
        assert info["size"] == c.call("getmininginfo")["pooledtx"] == 3
        assert info["bytes"] == a.vsize + b.vsize + d.vsize
        assert spender.units(info["total_fee"]) == a.fee + 500 + d.fee
        assert info["usage"] < info["maxmempool"] == 64 << 20
        for name in ("entry", "ancestors", "descendants"):
            c.fails(-5, "Transaction not in mempool", "getmempool" + name,
                    NO_HASH)
        c.fails(-8, "Verbose results cannot", "getrawmempool", True, True)
        c.call("prioritisetransaction", b.txid, 0, 1234)
        c.call("prioritisetransaction", b.txid, None, -34)
        fees = c.call("getmempoolentry", b.txid)["fees"]
        assert spender.units(fees["modified"]) == 1700
        c.fails(-8, "dummy", "prioritisetransaction", b.txid, 1, 5)
        c.fails(-1, "fee_delta", "prioritisetransaction", b.txid)
        c.fails(-8, "out of range", "prioritisetransaction", b.txid, 0,
                21 * 10 ** 14)
        c.call("pintransaction", d.txid)
        assert c.call("getmempoolentry", d.txid)["pinned"]
        release(c, a)
        block = wait_mined(node, c, d.txid)
        assert d.txid in block["tx"] and c.call("getrawmempool") == []


def wrong_transactions_are_told_why(folder):
    """offers that fail: Core's codes and words, and the node goes on"""
    key2 = spender.Key.number(2)
    with start(folder, 3) as (node, c):
        coins, key = coins_of(c, folder)
        good = spender.spend(coins[:1], [key])

        def spoilt(words, code=-26, coins_=None, fee=None, **fields):
            tx = spender.spend(coins_ or coins[:1], [key2], fee)
            for name, value in fields.items():
                setattr(tx, name, value)
            if "witness" not in fields:
                tx.sign()
            c.fails(code, words, "sendrawtransaction", tx.hex)
            (trial,) = c.call("testmempoolaccept", [tx.hex])
            assert not trial["allowed"], trial
            if code == -26:
                assert words in trial["reject-reason"], trial
            return trial["reject-reason"]

        for text in ("", "00", "zz", good.hex[:-2], good.hex + "00",
                     "0" + good.hex, "02000000000000000000", "ff" * 2000):
            c.fails(-22, DECODE, "sendrawtransaction", text)
            c.fails(-22, DECODE, "decoderawtransaction", text)
            c.fails(-22, DECODE, "testmempoolaccept", [text])
        c.fails(-22, "witness", "decoderawtransaction", good.hex, False)
        missing = spender.Coin(NO_HASH[:-2] + "11", 0, 10 ** 6, key)
        assert spoilt("bad-txns-inputs-missingorspent", -25,
                      [missing]) == "missing-inputs"
        assert spoilt("Fee exceeds maximum", -25,
                      fee=10 ** 8) == "max-fee-exceeded"
        spoilt("min relay fee not met", fee=1)
        spoilt("Invalid Schnorr signature", witness=[[b"\1" * 64]])
        spoilt("Invalid Schnorr signature size", witness=[[bytes(63)]])
        spoilt("Invalid Schnorr signature hash type",
               witness=[[bytes(64) + b"\1"]])
        spoilt("bad-witness-nonstandard", witness=[[bytes(64)] * 2])
        spoilt("version", version=1)
        spoilt("non-final", lock_time=1)
        spoilt("non-BIP68-final", sequence=5)
        spoilt("scriptpubkey", outputs=[(b"\0\x14" + bytes(20), 10 ** 6)])
        spoilt("dust", outputs=[(key2.script, 329), (
            key2.script, coins[0].amount - 1000)])
        spoilt("multi-op-return", outputs=[
            (key2.script, coins[0].amount - 1000),
            (spender.op_return(b"a"), 0), (spender.op_return(b"b"), 0)])
        spoilt("bad-txns-in-belowout",
               outputs=[(key2.script, coins[0].amount + 1)])
        spoilt("bad-txns-vout-toolarge",
               outputs=[(key2.script, 21 * 10 ** 14 + 1)])
        spoilt("bad-txns-inputs-duplicate", coins_=coins[:1] * 2)
        c.fails(-3, "string", "sendrawtransaction", 5)
        c.fails(-3, "Invalid amount", "sendrawtransaction", good.hex, "x")
        c.fails(-3, "out of range", "sendrawtransaction", good.hex, -1)
        c.fails(-8, "Fee rates larger", "sendrawtransaction", good.hex, 1)
        c.fails(-8, "between 1 and 25", "testmempoolaccept", [])
        c.fails(-8, "between 1 and 25", "testmempoolaccept",
                [good.hex] * 26)
        c.fails(-3, "string", "testmempoolaccept", [3])
        # The largest body that HTTP takes, all of it hex.
        c.fails(-22, DECODE, "sendrawtransaction", "02" * (2 * 10 ** 6))
        # A conflict with what waits; any fee when there is no limit.
        hold(c, good)
        spoilt("txn-mempool-conflict")
        dear = spender.spend(coins[1:2], [key2], fee=10 ** 8)
        assert c.call("sendrawtransaction", dear.hex, 0) == dear.txid
        memo = spender.spend(coins[2:3], [key2])
        memo.outputs.append((spender.op_return(b"m" * 80), 0))
        assert c.call("sendrawtransaction", memo.sign().hex) == memo.txid
        wait_mined(node, c, memo.txid)
        assert c.call("getrawmempool") == [good.txid]


def other_methods(folder):
    """addresses, fee estimates, log levels, outputs, and their mistakes"""
    with start(folder, 1) as (node, c):
        block1 = c.call("getblock", c.call("getblockhash", 1), 2)
        pays = block1["tx"][0]["vout"][0]["scriptPubKey"]
        got = c.call("validateaddress", pays["address"])
        assert got["isvalid"] and got["scriptPubKey"] == pays["hex"]
        assert got["witness_version"] == 1
        assert got["witness_program"] == pays["hex"][4:]
        for text in ("", "x", pays["address"][:-1] + "!",
                     "bc1p" + "q" * 58, pays["address"] * 20):
            got = c.call("validateaddress", text)
            assert got["isvalid"] is False and got["error"], text
        fee = c.call("estimatesmartfee", 6, "economical")
        assert fee == {"feerate": 0.00001, "blocks": 6}
        c.fails(-8, "conf_target", "estimatesmartfee", 0)
        c.fails(-8, "conf_target", "estimatesmartfee", 1009)
        c.fails(-8, "estimate_mode", "estimatesmartfee", 1, "fast")
        levels = {"error": True, "warn": True, "info": True, "debug": False}
        assert c.call("logging") == levels
        assert c.call("logging", ["debug"]) == dict(levels, debug=True)
        assert c.call("logging", [], ["debug"]) == levels
        c.fails(-8, "unknown logging category net", "logging", ["net"])
        c.fails(-8, "errors are always", "logging", [], ["error"])
        c.fails(-8, "unknown", "logging", [3])
        txid = block1["tx"][0]["txid"]
        out = c.call("gettxout", txid, 0)
        assert out["coinbase"] and out["confirmations"] >= 1
        assert out["value"] == block1["tx"][0]["vout"][0]["value"]
        assert len(out["bestblock"]) == 64
        assert c.call("gettxout", txid, 1) is None  # the commitment
        assert c.call("gettxout", NO_HASH, 4294967295) is None
        c.fails(-1, "out of range", "gettxout", txid, -1)
        c.fails(-1, "out of range", "gettxout", txid, 2 ** 32)
        c.fails(-8, "txid must be of length 64", "gettxout", "00", 0)
        c.fails(-3, "bool", "gettxout", txid, 0, 1)
        c.fails(-5, "No such mempool transaction", "getrawtransaction",
                NO_HASH)
        c.fails(-5, "Block hash not found", "getrawtransaction", txid, 0,
                NO_HASH)
        c.fails(-5, "No such transaction found in the provided block",
                "getrawtransaction", NO_HASH, 0, block1["hash"])
        for name in ("pin", "exclude", "unpin"):
            c.fails(-8, "txid", name + "transaction", "xx")
        node.wait_height(node.height + 1)


def notes_have_a_limit(folder):
    """pins and exclusions of what is not there yet: remembered, up to 1024"""
    with start(folder, 0) as (_, c):
        calls = [{"method": "pintransaction", "id": i,
                  "params": [f"{i:064x}"]} for i in range(512)]
        calls += [dict(x, method="excludetransaction",
                       params=[f"{x['id'] + 512:064x}"]) for x in calls]
        for part in (calls[:600], calls[600:]):
            status, text, _ = c.send(json.dumps(part))
            assert status == 200
            assert all(r["result"] is True for r in json.loads(text))
        c.fails(-1, "1024", "pintransaction", f"{5000:064x}")
        assert c.call("unpintransaction", f"{0:064x}") is True
        assert c.call("pintransaction", f"{5000:064x}") is True


def rest_like_bitcoin_core(folder):
    """/rest/: what RPC says, in three formats, without credentials"""
    with start(folder, 3, "--rest", "on") as (_, c):
        coins, key = coins_of(c, folder)
        tx = hold(c, spender.spend(coins[:1], [key]))

        def get(path, want=200):
            status, text, headers = c.send(None, "GET", "/rest/" + path,
                                           headers={})
            assert status == want, (path, status, text)
            kind = "json" if path.split("?")[0].endswith("json") else "plain"
            assert want != 200 or kind in headers["Content-Type"]
            return json.loads(text) if want == 200 and kind == "json" \
                else text.rstrip("\n")

        def binary(path):
            h = http.client.HTTPConnection(c.host, c.port, timeout=60)
            h.request("GET", "/rest/" + path)
            reply = h.getresponse()
            assert reply.headers["Content-Type"] == \
                "application/octet-stream"
            data = reply.read()
            h.close()
            return data

        hash1 = c.call("getblockhash", 1)
        plain = c.call("getblock", hash1, 0)
        assert get(f"block/{hash1}.hex") == plain
        assert binary(f"block/{hash1}.bin").hex() == plain
        full = get(f"block/{hash1}.json")
        want = c.call("getblock", hash1, 2)
        assert full["tx"] == want["tx"] and full["hash"] == hash1
        assert get(f"block/notxdetails/{hash1}.json")["tx"] == \
            [t["txid"] for t in want["tx"]]
        two = get(f"headers/{hash1}.json?count=2")
        assert [h["height"] for h in two] == [1, 2]
        assert get(f"headers/2/{hash1}.json")[1]["hash"] == two[1]["hash"]
        assert get(f"headers/{hash1}.hex?count=1") == plain[:160]
        assert get(f"headers/1/{hash1}.hex") == plain[:160]
        assert len(binary(f"headers/{hash1}.bin?count=3")) == 240
        assert get(f"headers/{NO_HASH}.json") == []
        assert get("blockhashbyheight/1.hex") == hash1
        assert get("blockhashbyheight/1.json") == {"blockhash": hash1}
        assert binary("blockhashbyheight/1.bin")[::-1].hex() == hash1
        assert get("chaininfo.json")["chain"] == "solo"
        assert get(f"tx/{tx.txid}.hex") == tx.hex
        assert get(f"tx/{tx.txid}.json")["txid"] == tx.txid
        assert get("mempool/info.json")["size"] == 1
        assert get("mempool/contents.json") == c.call("getrawmempool", True)
        assert get("mempool/contents.json?verbose=false"
                   "&mempool_sequence=true")["txids"] == [tx.txid]
        at = f"{coins[0].txid}-0/{coins[1].txid}-0/{tx.txid}-0"
        disk = get(f"getutxos/{at}.json")
        assert disk["bitmap"] == "110" and len(disk["utxos"]) == 2
        assert disk["utxos"][0]["height"] == 1
        pool = get(f"getutxos/checkmempool/{at}.json")
        assert pool["bitmap"] == "011"
        assert pool["utxos"][1]["height"] == 0x7FFFFFFF
        data = binary(f"getutxos/checkmempool/{at}.bin")
        assert data[36:39] == b"\1\6\2"  # one byte of bits, two coins
        assert data[39:47] == b"\0\0\0\0\2\0\0\0"
        assert data.endswith(key.script)
        text = get(f"getutxos/checkmempool/{at}.hex")
        assert bytes.fromhex(text)[36:] == data[36:]
        formats = "output format not found (available: .bin, .hex, .json)"
        for path, status, words in (
                (f"block/{hash1}", 404, formats),
                (f"block/{hash1}.txt", 400, "Invalid hash: " + hash1),
                (f"block/{NO_HASH}.json", 404, NO_HASH + " not found"),
                ("block/xy.hex", 400, "Invalid hash: xy"),
                ("block/" + "x" * 5000, 400, "too long"),
                ("headers/1/2/3.hex", 400, "Invalid URI format"),
                (f"headers/{hash1}.hex?count=0", 400, "(1-2000): 0"),
                (f"headers/{hash1}.hex?count=x", 400, "(1-2000): x"),
                (f"headers/2001/{hash1}.hex", 400, "(1-2000): 2001"),
                (f"tx/{NO_HASH}.hex", 404, "not found"),
                ("blockhashbyheight/-1.hex", 400, "Invalid height: -1"),
                ("blockhashbyheight/99999999.hex", 404, "out of range"),
                ("blockhashbyheight/1", 404, formats),
                ("chaininfo.hex", 404, "(available: json)"),
                ("mempool/x.json", 400, "<info|contents>.json"),
                ("mempool/info.bin", 404, "(available: json)"),
                ("mempool/contents.json?verbose=1", 400, '"verbose"'),
                ("mempool/contents.json?mempool_sequence=true", 400, "hint"),
                ("getutxos.json", 400, "empty request"),
                ("getutxos/checkmempool.json", 400, "empty request"),
                ("getutxos/abc-0.json", 400, "Parse error"),
                (f"getutxos/{NO_HASH}.json", 400, "Parse error"),
                (f"getutxos/{NO_HASH}-x.json", 400, "Parse error"),
                ("getutxos/" + f"{NO_HASH}-0/" * 15 + f"{NO_HASH}-0.json",
                 400, "max outpoints exceeded"),
                ("", 404, ""), ("nothing.json", 404, "")):
            assert words in get(path, status), (path, get(path, status))
        assert c.send("{}", "POST", "/rest/chaininfo.json")[0] == 405
    with running(folder) as (_, c):
        assert c.send(None, "GET", "/rest/chaininfo.json")[0] == 404


def found_by_an_index(folder):
    """--txindex on: any transaction by its id, also of blocks before it"""
    with start(folder, 2) as (_, c):
        txid = c.call("getblock", c.call("getblockhash", 1))["tx"][0]
        c.fails(-5, "--txindex on", "getrawtransaction", txid)
        assert c.call("getindexinfo") == {}
    with start(folder, 3, "--txindex", "on") as (_, c):
        for height in (1, 3):
            blockhash = c.call("getblockhash", height)
            txid = c.call("getblock", blockhash)["tx"][0]
            tx = c.call("getrawtransaction", txid, 1)
            assert tx["txid"] == txid and tx["blockhash"] == blockhash
            assert c.call("verifytxoutproof",
                          c.call("gettxoutproof", [txid])) == [txid]
        info = c.call("getindexinfo", "txindex")["txindex"]
        assert info["synced"] and info["best_block_height"] >= 3
        assert c.call("getindexinfo", "another") == {}
        c.fails(-5, "No such mempool or blockchain transaction.",
                "getrawtransaction", NO_HASH)


def the_command_line_client(folder):
    """minerd-cli: typed arguments, by position and by name"""
    with start(folder, 1) as (_, c):
        hash1 = c.call("getblockhash", 1)
        txid = c.call("getblock", hash1)["tx"][0]
        assert cli(folder, "--named", "getblockhash", "height=1") == \
            (0, hash1 + "\n", "")
        code, out, _ = cli(folder, "-named", "getblock", "verbosity=0",
                           "blockhash=" + hash1)
        assert (code, out) == (0, c.call("getblock", hash1, 0) + "\n")
        code, out, _ = cli(folder, "gettxoutproof", json.dumps([txid]))
        assert (code, out) == (0, c.call("gettxoutproof", [txid]) + "\n")
        assert cli(folder, "gettxout", NO_HASH, "0", "false") == (0, "", "")
        code, _, err = cli(folder, "--named", "getblockhash", "1")
        assert code == 1 and "No '=' in named argument '1'" in err, err
        code, _, err = cli(folder, "--named", "getblockhash", "depth=1")
        assert code == 8 and "Unknown named parameter depth" in err, err
        code, _, err = cli(folder, "--named", "getblockhash", "height=")
        assert code == 1 and "Error parsing JSON: " in err, err
        # Help shows what is no string without quotes; that is JSON.
        typed = 0
        for line in c.call("help").splitlines():
            words = line.replace("( ", "").rstrip(" )").split()
            if not words or line.startswith("=="):
                continue
            method, *params = words
            for i, name in enumerate(params):
                if '"' in name:
                    continue
                typed += 1
                for args in (["--named", method, name + "=x"],
                             [method] + ["1"] * i + ["x"]):
                    code, _, err = cli(folder, *args)
                    assert code == 1, (args, err)
                    assert "Error parsing JSON: x" in err, (args, err)
        assert typed > 20
        code, _, err = cli(folder, "sendrawtransaction", "00", "0")
        assert code == 22 and DECODE in err, err


if __name__ == "__main__":
    sys.exit(run_tests([
        the_signer_is_right,
        sent_seen_mined_and_proved,
        proofs_good_and_bad,
        the_pool_as_a_family,
        wrong_transactions_are_told_why,
        other_methods,
        notes_have_a_limit,
        rest_like_bitcoin_core,
        found_by_an_index,
        the_command_line_client,
    ]))
