#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The program as its users meet it: flags, files, signals and mistakes."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys

from tap import (BUILD, MINERD, WAIT_S, Node, Skip, environment, expect,
                 minerd, run_tests, verify)

FAST = ["--pow-backend", "scalar", "--threads", "1", "--spacing", "1"]


def mined(datadir, height=2):
    """A datadir with a chain of at least @height blocks; its height."""
    with Node("--datadir", datadir, *FAST) as node:
        node.wait_height(height)
        code, err = node.kill(signal.SIGTERM)
        assert code == 0, err
        return node.height


def snapshot(folder):
    out = {}
    for where, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(where, name)
            with open(path, "rb") as f:
                out[path] = f.read()
    return out


def help_lists_every_option(_):
    """--help and -h list every option, --version the version"""
    code, out, _ = minerd("--help")
    assert code == 0
    config = minerd("--print-config", "--datadir", "/nonexistent/x")[1]
    names = re.findall(r"^([a-z-]+)=", config, re.M)
    assert len(names) >= 10
    for name in names + ["print-config", "print-topology", "version"]:
        assert f"--{name}" in out, name
    assert minerd("-h")[1] == out
    assert re.fullmatch(r"minerd \d+\.\d+\.\d+\n", minerd("--version")[1])


def mistakes_in_flags(_):
    """unknown flags, backends and values end with 2 and the nearest match"""
    expect(["--thread", "2"], 2, "thread", "did you mean 'threads'")
    expect(["--datdir=/x"], 2, "datdir", "did you mean 'datadir'")
    expect(["--qqqqqqqqqq"], 2, "qqqqqqqqqq", "--help")
    expect(["--threads", "0"], 2, "threads", "'0'", "1 to 1024")
    expect(["--threads", "-1"], 2, "threads", "1 to 1024")
    expect(["--threads", "2x"], 2, "threads")
    expect(["--threads", "1025"], 2, "threads")
    expect(["--threads"], 2, "--threads needs a value")
    expect(["--pow-backend", "sse9"], 2, "sse9", "avx512")
    expect(["--cpu-affinity", "3-1"], 2, "cpu-affinity")
    expect(["--cpu-affinity", "0x0"], 2, "cpu-affinity")
    expect(["--spacing", "0"], 2, "spacing")
    expect(["--db-map", "12Q"], 2, "db-map")
    expect(["--log-format", "xml"], 2, "log-format", "text or json")
    expect(["--version=3"], 2, "takes no value")
    expect(["mine"], 2, "unexpected argument 'mine'")
    expect(["--", "x"], 2, "unexpected argument '--'")


def sources_have_their_order(folder):
    """flags beat environment, environment the file, the file defaults"""
    conf = os.path.join(folder, "minerd.conf")
    with open(conf, "w", encoding="utf-8") as f:
        f.write("# comment\nthreads=3\nlog-level=debug\nspacing=7\n")
    env = {"MINERD_THREADS": "4", "MINERD_LOG_LEVEL": "warn"}
    code, out, err = minerd("--print-config", "--datadir", folder,
                            "--threads", "5", env=env)
    assert code == 0, err
    for origin, line in (("flag", "threads=5"),
                         ("environment", "log-level=warn"),
                         ("file", "spacing=7"),
                         ("default", "pow-backend=auto")):
        assert f"# {origin}\n{line}\n" in out, (line, out)
    again = os.path.join(folder, "again.conf")
    with open(again, "w", encoding="utf-8") as f:
        f.write("\n".join(l for l in out.splitlines()
                          if not l.startswith(("datadir=", "conf="))))
    code, second, err = minerd("--print-config", "--conf", again,
                               "--datadir", folder)
    assert code == 0, err
    assert "threads=5" in second


def mistakes_in_the_file(folder):
    """unknown keys, sections and bad values in file and environment"""
    conf = os.path.join(folder, "minerd.conf")
    args = ["--datadir", folder, "--print-config"]
    for text, *words in (("thread=3\n", "did you mean 'threads'"),
                         ("threads=0\n", "threads", "file"),
                         ("[main]\nthreads=1\n", "section [main]"),
                         ("threads\n", "line 1"),
                         ("datadir=/x\n", "--datadir"),
                         ("help=1\n", "help")):
        with open(conf, "w", encoding="utf-8") as f:
            f.write(text)
        expect(args, 2, *words)
    os.unlink(conf)
    expect(args + ["--conf", conf], 2, conf, "No such file")
    expect(args, 2, "did you mean 'threads'", env={"MINERD_THREDS": "1"})
    expect(args, 2, "threads", "environment", env={"MINERD_THREADS": "x"})


def topology_is_shown(_):
    """--print-topology shows each worker's CPU; a bad affinity is refused"""
    code, out, err = minerd("--print-topology", "--threads", "2")
    assert code == 0, err
    assert len(re.findall(r"^worker \d+ -> CPU \d+", out, re.M)) == 2, out
    assert "service threads" in out
    expect(["--print-topology", "--cpu-affinity", "1023"], 1, "cpu-affinity")


def foreign_datadirs(folder):
    """foreign, unreadable and impossible datadirs are refused untouched"""
    foreign = os.path.join(folder, "foreign")
    os.mkdir(foreign)
    with open(os.path.join(foreign, "thesis.txt"), "w",
              encoding="utf-8") as f:
        f.write("do not touch")
    before = snapshot(foreign)
    expect(["--datadir", foreign], 1, foreign, "not a minerd datadir",
           "--datadir")
    expect(["verify", "--datadir", foreign], 1, foreign,
           "not a minerd datadir")
    assert snapshot(foreign) == before
    plain = os.path.join(foreign, "thesis.txt")
    expect(["--datadir", plain], 1, plain)
    expect(["--datadir", os.path.join(plain, "x")], 1, "cannot create")
    expect(["--datadir", os.path.join(folder, "a", "b")], 1, "cannot create")
    expect(["verify", "--datadir", os.path.join(folder, "none")], 1,
           "not a minerd datadir")


def unreadable_datadir(folder):
    """a datadir without permission is refused with the reason"""
    if os.geteuid() == 0:
        raise Skip("root may read everything")
    os.chmod(folder, 0)
    expect(["--datadir", folder], 1, folder, "Permission denied")


def a_second_node(folder):
    """a second node on one datadir ends with 3; the first goes on"""
    d = os.path.join(folder, "d")
    with Node("--datadir", d, *FAST) as node:
        node.wait_height(1)
        expect(["--datadir", d, *FAST], 3, "another node", d,
               str(node.process.pid))
        node.wait_height(node.height + 1)
        verify(d)  # runs beside a node
        code, err = node.kill(signal.SIGINT)
        assert code == 0, err


def events_and_stop(folder):
    """one line a block after its commit; SIGINT and SIGTERM stop cleanly"""
    d = os.path.join(folder, "d")
    height = 0
    for number in (signal.SIGINT, signal.SIGTERM):
        with Node("--datadir", d, *FAST) as node:
            node.wait_height(height + 2)
            code, err = node.kill(number)
            assert code == 0 and err == "", (code, err)
            assert node.events[-1]["event"] == "stop"
            assert list(node.blocks) == list(
                range(height + 1, node.height + 1)), node.blocks
            for line in node.lines:
                if '"block"' in line:
                    assert re.fullmatch(
                        r'\{"event":"block","height":\d+,'
                        r'"hash":"[0-9a-f]{64}","time_ms":\d{13}\}',
                        line), line
            assert verify(d) == (node.height, node.blocks[node.height])
            height = node.height


def rates_are_told(folder):
    """a hash-rate line comes, with 10 s, 60 s and 15 min"""
    with Node("--datadir", os.path.join(folder, "d"), *FAST) as node:
        rate = node.wait_event("hashrate")
        assert rate["threads"] == 1, rate
        for window in ("10s", "60s", "15m"):
            assert rate["hps_" + window] > 0, rate


def text_lines(folder):
    """text lines carry time, height and hash; output may be closed early"""
    d = os.path.join(folder, "d")
    p = subprocess.Popen([MINERD, "--datadir", d, *FAST], env=environment(),
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        for _ in range(50):
            line = p.stdout.readline().decode()
            if " block 1 " in line:
                break
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ block 1 "
                            r"[0-9a-f]{64}\n", line), line
        p.stdout.close()
        assert p.wait(WAIT_S) == 0
    finally:
        if p.poll() is None:
            p.kill()
            p.wait()
        p.stderr.close()
    assert verify(d)[0] >= 1


def too_many_threads(folder):
    """more threads than CPUs: a warning, and it goes on"""
    d = os.path.join(folder, "d")
    with Node("--datadir", d, "--pow-backend", "scalar", "--spacing", "1",
              "--threads", str(os.cpu_count() + 2)) as node:
        told = node.wait_event("oversubscribed")
        assert told["level"] == "warn"
        node.wait_height(1)


def backends_out_of_tree(folder):
    """a shared object mines when it is right and is refused when not"""
    d = os.path.join(folder, "d")
    tests = os.path.join(BUILD, "tests", "backends")
    with Node("--datadir", d, "--pow-backend",
              os.path.join(tests, "backend_example.so"), *FAST[2:]) as node:
        assert "example" in node.wait_event("mining")["message"]
        node.wait_height(1)
    expect(["--datadir", d, "--pow-backend",
            os.path.join(tests, "backend_wrong.so")], 1, "wrong")
    expect(["--datadir", d, "--pow-backend", "./no/such.so"], 1,
           "./no/such.so")
    expect(["--datadir", d, "--pow-backend", MINERD], 1, MINERD)


def broken_network_files(folder):
    """a network file that is not right is refused by key; nothing is lost"""
    d = os.path.join(folder, "d")
    height = mined(d)
    path = os.path.join(d, "network.json")
    with open(path, encoding="utf-8") as f:
        good = f.read()
    cases = [
        (lambda o: o.pop("delta_ms"), "delta_ms"),
        (lambda o: o.update(colour="red"), "colour"),
        (lambda o: o.update(f="0"), "f"),
        (lambda o: o.update(f=1), "f"),
        (lambda o: o.update(spacing_s=0), "spacing_s"),
        (lambda o: o.update(spacing_s=1.0), "spacing_s"),
        (lambda o: o.update(genesis_time_ms=2**53), "genesis_time_ms"),
        (lambda o: o.update(pow_limit="00" * 32), "pow_limit"),
        (lambda o: o.update(pow_limit="7F" + "ff" * 31), "pow_limit"),
        (lambda o: o.update(genesis_bits="20ffffff"), "genesis_bits"),
        (lambda o: o.update(members=[]), "member"),
        (lambda o: o["members"].append(o["members"][0]), "member"),
        (lambda o: o["members"][0].update(signing_key="ff" * 32),
         "signing_key"),
        (lambda o: o["members"][0].pop("node_id"), "members[0].node_id"),
        (lambda o: o["subsidy"].update(initial=-1), "subsidy.initial"),
        (lambda o: o.update(outputs=[{"address": "x", "amount": 1}]),
         "outputs[0].address"),
        (lambda o: o.update(name="caf\u00e9"), "name"),
    ]
    broken = os.path.join(folder, "broken.json")
    for change, key in cases:
        o = json.loads(good)
        change(o)
        with open(broken, "w", encoding="utf-8") as f:
            json.dump(o, f)
        expect(["--datadir", d, "--network", broken], 1, broken, key)
    for text in ("", "{", "[]", good[:-20], good * 2,
                 good.replace('"f": 0', '"f": 0, "f": 0')):
        with open(broken, "w", encoding="utf-8") as f:
            f.write(text)
        expect(["--datadir", d, "--network", broken], 1, broken)
    expect(["--datadir", d, "--network", broken + "x"], 1, broken + "x")
    # The same chain however it is indented; another chain by one value.
    with open(broken, "w", encoding="utf-8") as f:
        json.dump(json.loads(good), f)
    assert verify(d, "--network", broken)[0] == height
    o = json.loads(good)
    o["coinbase_maturity"] += 1
    with open(broken, "w", encoding="utf-8") as f:
        json.dump(o, f)
    expect(["--datadir", d, "--network", broken], 1, "another network")
    assert verify(d)[0] == height


def lost_files(folder):
    """a lost key or network file is asked for, never made anew"""
    d = os.path.join(folder, "d")
    height = mined(d)
    for name in ("keys/signing.key", "keys/wallet.seed", "network.json"):
        path = os.path.join(d, name)
        os.rename(path, path + ".away")
        expect(["--datadir", d, *FAST], 1, name, "restore")
        assert not os.path.exists(path)
        os.rename(path + ".away", path)
    path = os.path.join(d, "keys/signing.key")
    assert os.stat(path).st_mode & 0o777 == 0o600
    with open(path, encoding="utf-8") as f:
        good = f.read()
    for text in ("00" * 32 + "\n", "zz\n", "", good * 3, "11" * 32 + "\n"):
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        expect(["--datadir", d, *FAST], 1, "signing.key", "restore")
    with open(path, "w", encoding="utf-8") as f:
        f.write(good)
    assert verify(d)[0] == height


def damaged_stores(folder):
    """a damaged store is named and refused, by node and verify alike"""
    d = os.path.join(folder, "d")
    mined(d)
    data = os.path.join(d, "chain", "data.mdb")
    with open(data, "rb") as f:
        good = f.read()
    # The last page may be a free one: a file without it is sound. Three pages
    # hold no tree of seven tables.
    for bad in (b"", b"x" * 65536, good[:8192], good[:12288],
                b"\0" * 8192 + good[8192:]):
        with open(data, "wb") as f:
            f.write(bad)
        if bad:
            expect(["--datadir", d, *FAST], 1, "chain")
        expect(["verify", "--datadir", d], 1, "chain")
    with open(data, "wb") as f:
        f.write(good)
    verify(d)
    # A bit of each stored block: only verify reads them.
    mark = bytes.fromhex("6a24aa21a9ed")
    with open(data, "wb") as f:
        f.write(good.replace(mark, b"\x6b" + mark[1:]))
    expect(["verify", "--datadir", d], 1, "height")


def full_disks(folder):
    """a full disk or map: said, exit 1, nothing lost, goes on afterwards"""
    d = os.path.join(folder, "d")
    height = mined(d)
    shim = os.path.join(BUILD, "tests", "libfault_preload.so")
    if not os.path.exists(shim):
        raise Skip("the fault shim was not built")
    with Node("--datadir", d, *FAST, env={
            "LD_PRELOAD": shim, "MINERD_FAULT": "fail-ENOSPC:9"}) as node:
        code, err = node.end()
        assert code == 1, (code, err)
        assert "full" in err and d in err, err
        printed = max(height, node.height)
    reached, _ = verify(d)
    assert reached >= printed
    assert mined(d, reached + 1) > reached


def stepped_clock(folder):
    """a clock set forwards is followed; set back, the node begins anew"""
    shim = os.path.join(BUILD, "tests", "libclock_shim.so")
    if not os.path.exists(shim):
        raise Skip("the clock shim was not built")
    clock = os.path.join(folder, "clock")

    def set_clock(ms):
        with open(clock + ".new", "w", encoding="ascii") as f:
            f.write(str(ms))
        os.replace(clock + ".new", clock)

    set_clock(0)
    d = os.path.join(folder, "d")
    with Node("--datadir", d, *FAST, env={
            "LD_PRELOAD": shim, "TEST_CLOCK_FILE": clock}) as node:
        node.wait_height(1)
        for shift in 6000, 3000:
            set_clock(shift)
            node.wait_event("clock_step")
            node.events.clear()
            node.wait_height(node.height + 1)
        code, err = node.kill(signal.SIGTERM)
        assert code == 0, err
        height = node.height
    assert verify(d)[0] >= height


def main():
    if not shutil.which(MINERD) and not os.path.exists(MINERD):
        print(f"Bail out! {MINERD} is not built")
        return 1
    return run_tests([
        help_lists_every_option, mistakes_in_flags, sources_have_their_order,
        mistakes_in_the_file, topology_is_shown, foreign_datadirs,
        unreadable_datadir, a_second_node, events_and_stop, rates_are_told,
        text_lines, too_many_threads, backends_out_of_tree,
        stepped_clock, broken_network_files, lost_files, damaged_stores, full_disks,
    ])


if __name__ == "__main__":
    sys.exit(main())
