# SPDX-License-Identifier: MIT
"""Spends a node's coins from outside: finds the key of its datadir and the
coins by RPC, builds transactions and signs them (schnorr.py).

Amounts are integers of the smallest unit. A client is whatever has
call(method, *params).
"""
import hashlib
import os
import struct
from decimal import Decimal

import schnorr

COIN = 10 ** 8
VERSION = 2
FINAL = 0xFFFFFFFF


def units(value):
    """An amount of RPC, which json made a float, int or Decimal of."""
    return int((Decimal(str(value)) * COIN).to_integral_value())


def sha256d(data):
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def compact(n):
    if n < 0xFD:
        return bytes([n])
    return b"\xfd" + struct.pack("<H", n) if n <= 0xFFFF else \
        b"\xfe" + struct.pack("<I", n)


def counted(data):
    return compact(len(data)) + data


def p2tr(key):
    """The script that pays to an output key."""
    return b"\x51\x20" + key


def op_return(data):
    push = bytes([len(data)]) if len(data) < 76 else bytes([76, len(data)])
    return b"\x6a" + push + data


class Key:
    """The secret of a Taproot output."""

    def __init__(self, secret):
        self.secret = secret
        self.script = p2tr(schnorr.public(secret))

    @classmethod
    def number(cls, n):
        """Keys that belong to nobody else's wallet."""
        return cls(int.from_bytes(hashlib.sha256(
            b"spender" + struct.pack("<I", n)).digest(), "big"))


def wallet_key(datadir, change=0, index=0):
    """A key of the wallet in @datadir; number 0 is paid by the miner."""
    with open(os.path.join(datadir, "keys", "wallet.seed"),
              encoding="ascii") as f:
        seed = bytes.fromhex(f.read().strip())
    return Key(schnorr.bip86(seed, change, index))


class Coin:
    def __init__(self, txid, index, amount, key):
        self.txid = txid
        self.index = index
        self.amount = amount
        self.key = key

    def outpoint(self):
        return bytes.fromhex(self.txid)[::-1] + struct.pack("<I", self.index)


class Transaction:
    """Unsigned until sign(); fields may be spoilt before and after."""

    def __init__(self, coins, outputs):
        self.coins = coins  # spent, in order
        self.outputs = outputs  # (script, amount)
        self.version = VERSION
        self.lock_time = 0
        self.sequence = FINAL
        self.witness = [[] for _ in coins]

    def _outputs(self):
        return b"".join(struct.pack("<q", amount) + counted(script)
                        for script, amount in self.outputs)

    def sighash(self, index):
        """BIP341, SIGHASH_DEFAULT, key path."""
        def digest(parts):
            return hashlib.sha256(b"".join(parts)).digest()
        return schnorr.tagged_hash("TapSighash", b"".join((
            b"\0\0", struct.pack("<iI", self.version, self.lock_time),
            digest(c.outpoint() for c in self.coins),
            digest(struct.pack("<q", c.amount) for c in self.coins),
            digest(counted(c.key.script) for c in self.coins),
            digest(struct.pack("<I", self.sequence) for _ in self.coins),
            hashlib.sha256(self._outputs()).digest(),
            b"\0", struct.pack("<I", index))))

    def sign(self):
        self.witness = [[schnorr.sign(c.key.secret, self.sighash(i))]
                        for i, c in enumerate(self.coins)]
        return self

    def _body(self):
        inputs = b"".join(c.outpoint() + b"\0" +
                          struct.pack("<I", self.sequence)
                          for c in self.coins)
        return compact(len(self.coins)) + inputs + \
            compact(len(self.outputs)) + self._outputs()

    def stripped(self):
        return struct.pack("<i", self.version) + self._body() + \
            struct.pack("<I", self.lock_time)

    def raw(self):
        stacks = b"".join(compact(len(stack)) + b"".join(map(counted, stack))
                          for stack in self.witness)
        return struct.pack("<i", self.version) + b"\0\1" + self._body() + \
            stacks + struct.pack("<I", self.lock_time)

    @property
    def hex(self):
        return self.raw().hex()

    @property
    def txid(self):
        return sha256d(self.stripped())[::-1].hex()

    @property
    def wtxid(self):
        return sha256d(self.raw())[::-1].hex()

    @property
    def vsize(self):
        return (3 * len(self.stripped()) + len(self.raw()) + 3) // 4

    @property
    def fee(self):
        return sum(c.amount for c in self.coins) - \
            sum(amount for _, amount in self.outputs)

    def coin(self, index, key):
        """Output @index as a coin to spend."""
        return Coin(self.txid, index, self.outputs[index][1], key)


def spend(coins, keys, fee=None):
    """Signs @coins over to @keys in equal parts; the fee (default two units
    a virtual byte) is what is left."""
    tx = Transaction(coins, [(k.script, 0) for k in keys])
    tx.witness = [[bytes(64)] for _ in coins]
    if fee is None:
        fee = 2 * tx.vsize
    total = sum(c.amount for c in coins) - fee
    tx.outputs = [(script, total // len(keys)) for script, _ in tx.outputs]
    return tx.sign()


def coinbase_coins(client, key, first=1, last=None):
    """The unspent coins of @key that blocks @first..@last (default the tip)
    paid their miner, mature in the next block, oldest first."""
    out = []
    if last is None:
        last = client.call("getblockcount")
    for height in range(first, last + 1):
        block = client.call("getblock", client.call("getblockhash", height),
                            2)
        tx = block["tx"][0]
        for o in tx["vout"]:
            if o["scriptPubKey"]["hex"] != key.script.hex():
                continue
            if client.call("gettxout", tx["txid"], o["n"]) is None:
                continue
            out.append(Coin(tx["txid"], o["n"], units(o["value"]), key))
    return out


def check_vectors(path):
    """Whether sign() gives the signatures of BIP340's test-vectors.csv; the
    number of them."""
    count = 0
    with open(path, encoding="utf-8") as f:
        for line in f.read().splitlines()[1:]:
            _, secret, _, aux, message, signature = line.split(",")[:6]
            if not secret or len(message) != 64:
                continue
            got = schnorr.sign(int(secret, 16), bytes.fromhex(message),
                               bytes.fromhex(aux))
            assert got.hex() == signature.lower(), line
            count += 1
    return count
