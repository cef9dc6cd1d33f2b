# SPDX-License-Identifier: MIT
"""BIP340 signatures, BIP32 and BIP86 keys, in plain Python and in plain
sight: an opinion of its own on what the node's libraries say. Slow, and not
safe against those who measure time: for tests only.
"""
import functools
import hashlib
import hmac

P = 2 ** 256 - 2 ** 32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
     0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8)
HARDENED = 2 ** 31


def tagged_hash(tag, data):
    prefix = hashlib.sha256(tag.encode()).digest()
    return hashlib.sha256(prefix + prefix + data).digest()


def add(a, b):
    """The sum of two points; None is the point at infinity."""
    if a is None or b is None:
        return a or b
    if a[0] == b[0]:
        if (a[1] + b[1]) % P == 0:
            return None
        slope = 3 * a[0] * a[0] * pow(2 * a[1], -1, P) % P
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P) % P
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


POWERS = [G]  # 2^i times G
while len(POWERS) < 256:
    POWERS.append(add(POWERS[-1], POWERS[-1]))


@functools.lru_cache(maxsize=1024)
def multiply(n):
    """n times G."""
    out = None
    for i, power in enumerate(POWERS):
        if n >> i & 1:
            out = add(out, power)
    return out


def as_bytes(x):
    return x.to_bytes(32, "big")


def even(secret):
    """The secret of the two with this x whose point has an even y."""
    return secret if multiply(secret)[1] % 2 == 0 else N - secret


def public(secret):
    """The x-only public key of an integer."""
    return as_bytes(multiply(secret)[0])


def sign(secret, message, aux=bytes(32)):
    """BIP340: 64 bytes over 32."""
    d = even(secret)
    key = public(d)
    masked = as_bytes(d ^ int.from_bytes(tagged_hash("BIP0340/aux", aux),
                                         "big"))
    k = int.from_bytes(tagged_hash("BIP0340/nonce", masked + key + message),
                       "big") % N
    k = even(k)
    r = public(k)
    e = int.from_bytes(tagged_hash("BIP0340/challenge", r + key + message),
                       "big") % N
    return r + as_bytes((k + e * d) % N)


def derive(secret, code, index):
    """BIP32: the private child @index: (secret, chain code)."""
    if index >= HARDENED:
        head = b"\0" + as_bytes(secret)
    else:
        x, y = multiply(secret)
        head = bytes([2 + y % 2]) + as_bytes(x)
    out = hmac.new(code, head + index.to_bytes(4, "big"),
                   hashlib.sha512).digest()
    return (int.from_bytes(out[:32], "big") + secret) % N, out[32:]


def bip86(seed, change=0, index=0):
    """The secret of the output key m/86'/0'/0'/change/index."""
    out = hmac.new(b"Bitcoin seed", seed, hashlib.sha512).digest()
    secret, code = int.from_bytes(out[:32], "big"), out[32:]
    for step in (86 + HARDENED, HARDENED, HARDENED, change, index):
        secret, code = derive(secret, code, step)
    secret = even(secret)
    tweak = tagged_hash("TapTweak", public(secret))
    return (secret + int.from_bytes(tweak, "big")) % N
