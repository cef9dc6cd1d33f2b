#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A chain of ours against npm's bitcoinjs-lib (tests/interop), which knows
nothing of us but the address prefix.

All tests share one node: its first forty blocks take most of the time.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

from tap import BUILD, WAIT_S, run_tests
from test_rpc import running, slurp

LIBRARIES = os.path.join(BUILD, "interop")
SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                      "interop", "interop.js")
BLOCKS = 40
COIN = 10 ** 8
FEE = 5000
MINED_WITHIN = 30  # blocks
SEQUENCES = (0xffffffff, 0xfffffffe, 0x80000000)
THEIR_SEED = "5e" * 32


def missing():
    """Why this cannot run here; None if it can."""
    for program in ("npm", "node"):
        if not shutil.which(program):
            return f"{program} is missing"
    if not os.path.exists(os.path.join(LIBRARIES, "installed.json")):
        return (f"bitcoinjs-lib is not in {LIBRARIES}: ./dev test installs "
                "it; npm.log there tells why not")
    return None


class Interop:
    """The tests, and the node and the libraries that they share."""

    def __init__(self, datadir, node, client):
        self.node = node
        self.client = client
        self.seed = slurp(datadir, "keys", "wallet.seed").strip()
        network = json.loads(slurp(datadir, "network.json"))
        self.prefix = network["address_prefix"]

    def js(self, command, **request):
        """What tests/interop/interop.js answers."""
        run = subprocess.run(
            ["node", SCRIPT, command], text=True, capture_output=True,
            input=json.dumps({"prefix": self.prefix, **request}),
            env=dict(os.environ, NODE_PATH=os.path.join(
                LIBRARIES, "node_modules")),
            timeout=WAIT_S, check=False)
        assert run.returncode == 0, run.stderr
        return json.loads(run.stdout)

    def chain(self):
        """All blocks so far, checked by the library."""
        count = self.client.call("getblockcount")
        ids = [self.client.call("getblockhash", i) for i in range(count + 1)]
        chain = self.js("check", blocks=[
            self.client.call("getblock", i, 0) for i in ids])
        assert [b["id"] for b in chain["blocks"]] == ids
        return chain

    def addresses_are_the_same(self, _):
        """the coinbase pays the first BIP86 address of the seed"""
        self.node.wait_height(1)
        address = self.js("addresses", seed=self.seed)[0]
        assert address.startswith(self.prefix + "1p"), address
        for tx in self.chain()["transactions"].values():
            if tx["coinbase"] and tx["height"] > 0:
                assert tx["outputs"][0]["address"] == address, tx

    def mined(self, txids, sent_at):
        """Waits until all of @txids, sent at height @sent_at, have blocks."""
        left = set(txids)
        for height in range(sent_at + 1, sent_at + 1 + MINED_WITHIN):
            self.node.wait_height(height)
            block = self.client.call("getblock", self.node.blocks[height])
            left -= set(block["tx"])
            if not left:
                return
        assert False, f"in no block up to {height}: {left}"

    def send(self, txs):
        """Sends what the library signed, and waits until it is mined; what
        the mempool has shown meanwhile."""
        sent_at = self.node.height
        txids = [tx["txid"] for tx in txs]
        seen = set()
        for tx in txs:
            txid = self.client.call("sendrawtransaction", tx["hex"])
            assert txid == tx["txid"], (txid, tx)
            seen |= set(self.client.call("getrawmempool"))
        self.mined(txids, sent_at)
        return seen & set(txids)

    def their_spends_are_mined(self, _):
        """coinbases spent by the library, one to five inputs, are mined"""
        self.node.wait_height(16)
        home = self.js("addresses", seed=self.seed)[0]
        there = self.js("addresses", seed=THEIR_SEED)[-1]
        coins = [c for c in self.chain()["coins"] if 1 <= c["height"] <= 15]
        assert len(coins) == 15, coins
        txs = []
        for n in range(1, 6):
            pay = [{"address": there, "value": n * COIN}]
            if n % 2:
                pay.append({"memo": f"{n} inputs", "value": 0})
            txs.append(self.js(
                "spend", seed=self.seed, coins=coins[:n], pay=pay,
                change=home, fee=FEE, sequence=SEQUENCES[n % 3]))
            del coins[:n]
        assert self.send(txs), "none was in the mempool"
        chain = self.chain()
        for n, tx in enumerate(txs, 1):
            mined = chain["transactions"][tx["txid"]]
            assert mined["inputs"] == n, mined
            assert mined["outputs"][0] == {
                "address": there, "value": n * COIN}, mined

    def pay(self, address, amount, memo=None):
        """The txid of a payment by our wallet."""
        named = {"memo": memo} if memo else {}
        return self.client.call("sendtoaddress", address=address,
                                amount=amount, **named)

    def our_spends_verify(self, _):
        """five payments of our wallet verify, and their payee spends them"""
        assert self.client.call("getnewaddress") in self.js(
            "addresses", seed=self.seed)
        there = self.js("addresses", seed=THEIR_SEED)
        # The last is more than any one coin.
        payments = list(zip(there, (0.5, 1.25, 3, 7.00000001, 400),
                            (None, "rent", None, "thanks, \u00c5sa", None)))
        sent_at = self.node.height
        txids = [self.pay(*p) for p in payments[:4]]
        self.mined(txids, sent_at)
        sent_at = self.node.height
        txids.append(self.pay(*payments[4]))
        self.mined(txids[4:], sent_at)
        chain = self.chain()  # verifies their signatures
        for txid, (address, amount, memo) in zip(txids, payments):
            outputs = chain["transactions"][txid]["outputs"]
            assert {"address": address,
                    "value": round(amount * COIN)} in outputs, outputs
            memos = [o["memo"] for o in outputs if "memo" in o]
            assert memos == ([memo] if memo else []), outputs
        assert chain["transactions"][txids[4]]["inputs"] > 1
        coins = [c for c in chain["coins"] if c["txid"] in txids
                 and c["address"] in there[:5]]
        assert len(coins) == 5, coins
        self.send([self.js(
            "spend", seed=THEIR_SEED, coins=coins, pay=[], fee=FEE,
            change=self.js("addresses", seed=self.seed)[0],
            sequence=SEQUENCES[0])])

    def blocks_are_right(self, _):
        """blocks 1 to 40: ids, merkle roots, commitments, proofs of work"""
        self.node.wait_height(BLOCKS)
        chain = self.chain()
        assert len(chain["blocks"]) > BLOCKS
        for height, digest in self.node.blocks.items():
            if height <= BLOCKS:
                assert chain["blocks"][height]["id"] == digest, height
        assert any(b["count"] > 2 for b in chain["blocks"][:BLOCKS + 1])


def main():
    why = missing()
    if why:
        print(f"1..0 # SKIP {why}")
        return 0
    with tempfile.TemporaryDirectory(prefix="minerd-test-") as datadir:
        with running(datadir) as (node, client):
            tests = Interop(datadir, node, client)
            return run_tests([
                tests.addresses_are_the_same,
                tests.their_spends_are_mined,
                tests.our_spends_verify,
                tests.blocks_are_right,
            ])


if __name__ == "__main__":
    sys.exit(main())
