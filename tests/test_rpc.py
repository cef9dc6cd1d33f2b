#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""JSON-RPC over HTTP, as clients good and bad meet it."""
import base64
import contextlib
import hashlib
import hmac
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

from tap import BUILD, WAIT_S, Node, environment, expect, run_tests

FAST = ["--pow-backend", "scalar", "--threads", "1", "--spacing", "1",
        "--rpc", "127.0.0.1:0"]
NO_HASH = "00" * 32


def slurp(*path):
    with open(os.path.join(*path), encoding="utf-8") as f:
        return f.read()


class Client:
    """What a test knows of a running node: its address and credentials."""

    def __init__(self, datadir, secret=None):
        self.host, port = slurp(datadir, "rpc.addr").rsplit(":", 1)
        self.port = int(port)
        secret = secret or slurp(datadir, ".cookie")
        self.headers = {"Authorization": "Basic " + base64.b64encode(
            secret.encode()).decode()}

    def send(self, body, method="POST", path="/", headers=None):
        """(status, body, headers) of one request."""
        c = http.client.HTTPConnection(self.host, self.port, timeout=WAIT_S)
        try:
            c.request(method, path, body,
                      self.headers if headers is None else headers)
            reply = c.getresponse()
            return reply.status, reply.read().decode(), reply.headers
        finally:
            c.close()

    def ask(self, method, *params, **named):
        """(HTTP status, result, error) of a JSON-RPC 1.0 call."""
        status, text, _ = self.send(json.dumps(
            {"id": 7, "method": method, "params": named or list(params)}))
        reply = json.loads(text)
        assert sorted(reply) == ["error", "id", "result"], text
        assert reply["id"] == 7
        return status, reply["result"], reply["error"]

    def call(self, method, *params, **named):
        """The result of a call that must succeed."""
        status, result, error = self.ask(method, *params, **named)
        assert status == 200 and error is None, (method, params, error)
        return result

    def fails(self, code, words, method, *params, status=500, **named):
        got, result, error = self.ask(method, *params, **named)
        assert result is None
        assert (got, error["code"]) == (status, code), (got, error)
        assert words in error["message"], error

    def dial(self):
        return socket.create_connection((self.host, self.port), WAIT_S)


@contextlib.contextmanager
def running(folder, *args, height=0):
    """(node, client) of a node that listens and has @height blocks."""
    with Node("--datadir", folder, *FAST, *args) as node:
        node.wait_event("rpc")
        node.wait_height(height)
        yield node, Client(folder)


def answers_like_bitcoin_core(folder):
    """every method: names, shapes, and agreement with each other"""
    with running(folder, height=3) as (node, c):
        count = c.call("getblockcount")
        assert count >= 3
        block1 = c.call("getblockhash", 1)
        assert block1 == node.blocks[1]
        assert c.call("getblockhash", height=1) == block1
        header = c.call("getblockheader", block1)
        assert header["hash"] == block1 and header["height"] == 1
        assert header["previousblockhash"] == c.call("getblockhash", 0)
        assert header["nextblockhash"] == c.call("getblockhash", 2)
        assert header["confirmations"] >= count
        raw = c.call("getblockheader", block1, False)
        digest = hashlib.sha256(hashlib.sha256(
            bytes.fromhex(raw)).digest()).digest()
        assert digest[::-1].hex() == block1
        block = c.call("getblock", block1)
        plain = c.call("getblock", block1, 0)
        assert plain.startswith(raw) and len(plain) == 2 * block["size"]
        assert block["weight"] == 3 * block["strippedsize"] + block["size"]
        assert {k: block[k] for k in header if k != "confirmations"} == \
            {k: header[k] for k in header if k != "confirmations"}
        full = c.call("getblock", block1, 2)
        assert [t["txid"] for t in full["tx"]] == block["tx"]
        assert block["tx"][0] == block["merkleroot"]
        coinbase = full["tx"][0]
        assert "coinbase" in coinbase["vin"][0]
        pays = coinbase["vout"][0]["scriptPubKey"]
        assert pays["type"] == "witness_v1_taproot"
        assert pays["address"] in node.wait_event("mining")["message"]
        assert plain.endswith(coinbase["hex"])
        info = c.call("getblockchaininfo")
        assert info["chain"] == "solo"
        assert info["blocks"] == info["headers"] >= count
        assert info["bestblockhash"] == c.call("getblockhash", info["blocks"])
        best = c.call("getblockheader", info["bestblockhash"])
        for key in ("bits", "target", "difficulty", "time", "mediantime",
                    "chainwork"):
            assert info[key] == best[key], key
        assert int(best["chainwork"], 16) > int(header["chainwork"], 16) > 0
        assert info["size_on_disk"] > 0 and not info["pruned"]
        (tip,) = c.call("getchaintips")
        assert tip["status"] == "active" and tip["branchlen"] == 0
        mining = c.call("getmininginfo")
        assert mining["next"]["height"] == mining["blocks"] + 1
        assert mining["threads"] == 1
        assert c.call("getnetworkhashps", 10) > 0
        assert c.call("getnetworkhashps", 10, 0) == 0
        assert c.call("getdifficulty") > 0
        assert 0 <= c.call("uptime") < 3600
        assert "== Blockchain ==\n" in c.call("help")
        assert c.call("help", "getblock").startswith('getblock "blockhash"')
        assert len(c.call("getbestblockhash")) == 64


def amounts_are_exact(folder):
    """amounts come with eight decimals, as text in the reply"""
    with running(folder, height=1) as (_, c):
        block1 = c.call("getblockhash", 1)
        _, text, _ = c.send(json.dumps(
            {"method": "getblock", "params": [block1, 2], "id": 1}))
        assert re.search(r'"value":[1-9]\d*\.\d{8},', text), text


def mistakes_have_their_codes(folder):
    """wrong methods, types, ranges and counts: Core's codes and statuses"""
    with running(folder) as (_, c):
        c.fails(-32601, "Method not found", "getblok", status=404)
        c.fails(-3, "not of expected type number", "getblockhash", "1")
        c.fails(-3, "not of expected type string", "getblock", 1)
        c.fails(-3, "Position 2 (verbose)", "getblockheader", NO_HASH, 1)
        c.fails(-8, "out of range", "getblockhash", -1)
        c.fails(-8, "out of range", "getblockhash", 10 ** 9)
        c.fails(-1, "out of range", "getblockhash", 2 ** 40)
        c.fails(-1, "out of range", "getblockhash", 1.5)
        c.fails(-1, "getblockhash height", "getblockhash")
        c.fails(-1, "getblockcount", "getblockcount", 1)
        c.fails(-5, "Block not found", "getblock", NO_HASH)
        c.fails(-8, "must be of length 64 (not 3", "getblock", "abc")
        c.fails(-8, "must be hexadecimal", "getblockheader", "z" * 64)
        c.fails(-8, "Unknown named parameter", "getblockhash", heigth=1)
        c.fails(-8, "Invalid nblocks", "getnetworkhashps", 0)
        c.fails(-8, "does not exist", "getnetworkhashps", 1, 10 ** 6)
        for body, status, code in (("{", 500, -32700), ("", 500, -32700),
                                   ("3", 500, -32700), ("{}", 400, -32600),
                                   ("[" * 5000, 500, -32700),
                                   ("\udcff", 500, -32700)):
            got, text, _ = c.send(body.encode("utf-8", "surrogateescape"))
            assert got == status, (body, got)
            assert json.loads(text)["error"]["code"] == code, text


def batches_and_versions(folder):
    """batches keep their order; 2.0 answers 200 and keeps notifications"""
    with running(folder) as (_, c):
        calls = [{"method": "getblockhash", "params": [0], "id": i}
                 for i in range(1000)]
        status, text, _ = c.send(json.dumps(calls))
        assert status == 200
        assert [r["id"] for r in json.loads(text)] == list(range(1000))
        status, text, _ = c.send(json.dumps(calls + calls[:1]))
        assert status == 400 and json.loads(text)["error"]["code"] == -32600
        v2 = {"jsonrpc": "2.0", "method": "nope", "id": "x"}
        status, text, _ = c.send(json.dumps(v2))
        reply = json.loads(text)
        assert status == 200 and "result" not in reply
        assert reply["jsonrpc"] == "2.0" and reply["id"] == "x"
        status, text, _ = c.send('{"jsonrpc":"2.0","method":"uptime"}')
        assert (status, text) == (204, "")


def only_who_has_credentials(folder):
    """no, wrong and right credentials; the cookie is private and goes"""
    digest = hmac.new(b"5a17", b"secret", hashlib.sha256).hexdigest()
    with running(folder, "--rpcauth", f"alice:5a17${digest}") as (node, c):
        for headers in ({}, {"Authorization": "Basic eDp5"},
                        {"Authorization": "Bearer x"}):
            status, text, got = c.send("{}", headers=headers)
            assert (status, text) == (401, "")
            assert got["WWW-Authenticate"] == 'Basic realm="jsonrpc"'
        assert Client(folder, "alice:secret").call("uptime") >= 0
        assert Client(folder, "alice:Secret").send("{}")[0] == 401
        assert Client(folder, "bob:secret").send("{}")[0] == 401
        assert c.send(None, method="GET")[0] == 405
        assert c.send("{}", path="/x")[0] == 404
        cookie = os.path.join(folder, ".cookie")
        assert os.stat(cookie).st_mode & 0o777 == 0o600
        assert node.kill(signal.SIGTERM)[0] == 0
        assert not os.path.exists(cookie)
        assert not os.path.exists(os.path.join(folder, "rpc.addr"))
    expect(["--datadir", folder, "--rpcauth", "alice"], 2, "rpcauth")
    expect(["--datadir", folder, "--rpc", "localhost"], 2, "rpc", "numeric")


def the_committee_and_its_certificates(folder):
    """a network of one: no peers, and every block is certified by itself"""
    with running(folder, height=2) as (_, c):
        who = c.call("getcommittee")
        assert (who["n"], who["f"], who["quorum"], who["rounds"]) == \
            (1, 0, 1, 1)
        (member,) = who["members"]
        assert member["self"] and member["connected"] and member["heard"]
        assert member["mode"] == "ACTIVE" and member["agrees"]
        assert who["genesis"] == c.call("getblockhash", 0)
        info = c.call("getconsensusinfo")
        assert info["mode"] == "ACTIVE" and info["beats"]["heard"] == [0]
        assert info["final"]["height"] >= 2
        assert info["late_minute_ms"] <= info["late_ms"]
        before = info["tick"]
        end = time.monotonic() + WAIT_S
        while c.call("getconsensusinfo")["tick"] <= before:
            assert time.monotonic() < end
        while not (rounds := c.call("getconsensusinfo")["rounds"]):
            assert time.monotonic() < end
        assert rounds[0]["sender"] == 0 and rounds[0]["extracted"] == 1
        assert rounds[0]["settles"] == rounds[0]["tick"] + 1
        assert rounds[0]["values"][0]["signers"] == [0]
        cert = c.call("getcertificate", 1)
        assert cert == c.call("getcertificate", cert["hash"])
        assert cert["hash"] == c.call("getblockhash", 1)
        assert cert["height"] == 1 and cert["signers"] == [0]
        (signed,) = cert["signatures"]
        assert signed["name"] == member["name"]
        raw = bytes.fromhex(cert["hex"])
        assert raw[12:44][::-1].hex() == cert["hash"]
        assert raw[52:].hex() == signed["signature"]
        assert cli(folder, "getcertificate", "1") == \
            cli(folder, "getcertificate", cert["hash"])
        c.fails(-5, "genesis needs none", "getcertificate", 0)
        c.fails(-5, "Block not found", "getcertificate", NO_HASH)
        c.fails(-8, "negative", "getcertificate", -1)
        c.fails(-8, "after current tip", "getcertificate", 10 ** 6)
        c.fails(-8, "must be of length 64", "getcertificate", "abc")
        c.fails(-1, "out of range", "getcertificate", 1.5)
        c.fails(-3, "hash_or_height", "getcertificate", True)
        assert c.call("getpeerinfo") == c.call("listbanned") == []
        assert c.call("getconnectioncount") == 0
        assert not c.call("getnetworkinfo")["networkactive"]
        c.fails(-31, "disabled", "addnode", "x", "add")


def until(what):
    """The first true value of what(), which comes soon."""
    end = time.monotonic() + WAIT_S
    while not (value := what()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return value


def two_nodes_see_each_other(folder):
    """peers on both sides; added, closed, banned and forgiven"""
    home = os.path.join(folder, "home")
    other = os.path.join(folder, "other")
    with running(home, "--listen", "127.0.0.1:0") as (_, c):
        net = c.call("getnetworkinfo")
        assert net["networkactive"] and net["connections"] == 0
        where = net["nodeid"] + "@" + net["listen"]
        with running(other, "--network", os.path.join(home, "network.json"),
                     "--full", "--connect", where, height=1) as (_, d):
            (up,) = until(lambda: d.call("getpeerinfo"))
            (down,) = until(lambda: c.call("getpeerinfo"))
            assert up["nodeid"] == net["nodeid"] and not up["inbound"]
            assert up["addr"] == net["listen"] and up["member"] == "solo"
            assert down["inbound"] and down["member"] is None
            assert (up["mode"], down["mode"]) == ("miner", "full")
            (member,) = d.call("getcommittee")["members"]
            assert member["connected"] and not member["self"]
            # It comes back, because it is to.
            c.call("disconnectnode", nodeid=down["id"])
            until(lambda: [p for p in c.call("getpeerinfo")
                           if p["addr"] != down["addr"]])
            c.call("setban", down["nodeid"], "add")
            (ban,) = until(lambda: c.call("listbanned"))
            assert ban["nodeid"] == down["nodeid"] and ban["manual"]
            until(lambda: c.call("getconnectioncount") == 0)
            c.call("clearbanned")
            until(lambda: d.call("getconnectioncount") == 1)
            d.fails(-8, "'solo'", "setban", "127.0.0.1", "add")
            d.fails(-8, "this node", "addnode",
                    down["nodeid"] + "@h:1", "add")


def mining_obeys_its_operator(folder):
    """pause, resume; blocks held back and broadcast"""
    home = os.path.join(folder, "home")
    other = os.path.join(folder, "other")

    def mining():
        return c.call("getmininginfo")

    with running(home, "--listen", "127.0.0.1:0", height=1) as (_, c):
        assert not mining()["paused"] and not mining()["holding"]
        c.call("pausemining")
        assert mining()["paused"]
        until(lambda: mining()["hashespersec"] == 0)
        height = c.call("getblockcount")
        c.call("pausemining")
        c.fails(-5, "no block waits", "broadcastblock")
        assert c.call("getblockcount") == height
        c.call("holdblocks", True)
        c.call("resumemining")
        until(lambda: mining()["blockheld"])
        assert mining()["holding"] and not mining()["paused"]
        height = c.call("getblockcount")
        assert cli(home, "broadcastblock")[0] == 0
        until(lambda: c.call("getblockcount") == height + 1)
        until(lambda: mining()["blockheld"])
        assert cli(home, "holdblocks", "false") == (0, "", "")
        until(lambda: c.call("getblockcount") >= height + 3)
        assert not mining()["holding"]
        net = c.call("getnetworkinfo")
        where = net["nodeid"] + "@" + net["listen"]
        with running(other, "--network", os.path.join(home, "network.json"),
                     "--full", "--connect", where) as (_, d):
            for method in ("pausemining", "resumemining", "broadcastblock"):
                d.fails(-1, "does not mine", method)
            d.fails(-1, "does not mine", "holdblocks", True)
            until(lambda: d.call("getpeerinfo"))
            d.call("requestaccess", net["listen"])
            until(lambda: d.call("getpeerinfo")[0]["chainaccess"] ==
                  "granted")


def abuse_leaves_the_node_alone(folder):
    """large bodies, slow and vanishing clients, 1,000 connections at once"""
    with running(folder, height=1) as (node, c):
        files = len(os.listdir(f"/proc/{node.process.pid}/fd"))
        limit = 4 << 20
        pad = json.dumps({"method": "uptime", "id": 1})
        assert c.send(pad.ljust(limit))[0] == 200
        assert c.send(None, headers=dict(c.headers, **{
            "Content-Length": str(limit + 1)}))[0] == 413
        head = "POST / HTTP/1.1\r\nHost: x\r\nAuthorization: " + \
            c.headers["Authorization"] + "\r\nContent-Length: 100\r\n\r\n{"
        slow = c.dial()
        slow.sendall(head.encode())
        for _ in range(50):
            with c.dial() as gone:
                gone.sendall(head.encode())
            with c.dial() as gone:
                gone.sendall(head.replace("100", "2").encode() + b"}")
        many = []
        for _ in range(1000):
            try:
                many.append(c.dial())
            except OSError:
                break  # this process' own limit
        assert len(many) > 256, len(many)
        before = node.height
        node.wait_height(before + 2)
        for s in many + [slow]:
            s.close()
        end = time.monotonic() + WAIT_S
        while True:  # the closed ones are noticed one after the other
            try:
                assert c.call("getblockcount") > before
                break
            except (OSError, http.client.HTTPException):
                assert time.monotonic() < end
        # what was opened is closed again
        while len(os.listdir(f"/proc/{node.process.pid}/fd")) > files + 2:
            assert time.monotonic() < end
            c.call("uptime")
        assert node.kill(signal.SIGTERM)[0] == 0


def stops_on_request(folder):
    """stop answers, then the node ends with 0; an address in use is said"""
    with running(folder) as (node, c):
        other = os.path.join(folder, "other")
        taken = f"{c.host}:{c.port}"
        expect(["--datadir", other, "--threads", "1", "--rpc", taken], 1,
               taken, "in use", "--rpc")
        assert c.call("stop") == "minerd stopping"
        code, err = node.end()
        assert (code, err) == (0, ""), (code, err)


def cli(datadir, *args):
    """minerd-cli: (exit status, stdout, stderr)."""
    run = subprocess.run(
        [os.path.join(BUILD, "minerd-cli"), "--datadir", datadir, *args],
        capture_output=True, text=True, env=environment(), timeout=WAIT_S,
        check=False)
    return run.returncode, run.stdout, run.stderr


def the_command_line_client(folder):
    """minerd-cli: results, errors, exit codes, and no node"""
    assert cli(folder)[0] == 2
    assert cli(folder, "--frob", "help")[0] == 2
    assert cli(folder, "--version")[1].startswith("minerd-cli ")
    code, out, err = cli(folder, "getblockcount")
    assert (code, out) == (1, "") and "no node answers" in err, err
    with running(folder, height=1) as (node, c):
        block1 = c.call("getblockhash", 1)
        assert cli(folder, "getblockhash", "1") == (0, block1 + "\n", "")
        assert int(cli(folder, "getblockcount")[1]) >= 1
        code, out, err = cli(folder, "getblock", block1, "2")
        assert (code, err) == (0, ""), err
        assert json.loads(out)["hash"] == block1
        assert out.startswith('{\n  "hash": "' + block1 + '",\n  "conf')
        assert re.search(r'\n {10}"value": [1-9]\d*\.\d{8},\n', out), out
        assert '"warnings": [\n  ]\n}\n' in cli(
            folder, "getblockchaininfo")[1]
        assert cli(folder, "help", "stop")[1].startswith("stop\n\nStops")
        code, out, err = cli(folder, "getblock", NO_HASH)
        assert (code, out) == (5, ""), (code, out)
        assert err == "error code: -5\nerror message:\nBlock not found\n"
        assert cli(folder, "nope")[0] == 32601 % 256
        code, _, err = cli(folder, "getblockhash", "x")
        assert code == 1 and "Error parsing JSON: x" in err, err
        cookie = slurp(folder, ".cookie")
        with open(os.path.join(folder, ".cookie"), "w",
                  encoding="utf-8") as f:
            f.write("__cookie__:wrong")
        code, _, err = cli(folder, "uptime")
        assert code == 1 and "refuses the cookie" in err, err
        with open(os.path.join(folder, ".cookie"), "w",
                  encoding="utf-8") as f:
            f.write(cookie)
        node.kill()
    # A crash left the address behind.
    code, _, err = cli(folder, "uptime")
    assert code == 1 and "could not connect" in err, err
    with running(folder) as (node, _):
        assert cli(folder, "stop") == (0, "minerd stopping\n", "")
        assert node.end()[0] == 0


def nobody_asked_for_an_address(folder):
    """the default address in use is told, and mining goes on without RPC"""
    with socket.socket() as taken:
        with contextlib.suppress(OSError):  # another has it: as good
            taken.bind(("127.0.0.1", 9445))
            taken.listen()
        with Node("--datadir", os.path.join(folder, "d"), *FAST[:-2],
                  env={"MINERD_RPC": None}) as node:
            assert "127.0.0.1:9445" in node.wait_event("rpc_off")["message"]
            node.wait_height(1)
            code, err = node.kill(signal.SIGTERM)
            assert (code, err) == (0, ""), (code, err)


if __name__ == "__main__":
    sys.exit(run_tests([
        answers_like_bitcoin_core,
        amounts_are_exact,
        mistakes_have_their_codes,
        batches_and_versions,
        only_who_has_credentials,
        the_committee_and_its_certificates,
        two_nodes_see_each_other,
        mining_obeys_its_operator,
        abuse_leaves_the_node_alone,
        stops_on_request,
        nobody_asked_for_an_address,
        the_command_line_client,
    ]))
