# SPDX-License-Identifier: MIT
"""What the tests of the whole program share: TAP, a scratch folder, and
minerd as a child process whose lines can be read while it runs.

Every wait is bounded; a child that outlives its test is ended by its own
process id.
"""
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

MINERD = os.environ.get("MINERD_BINARY", "build/minerd")
BUILD = os.path.dirname(os.path.abspath(MINERD))
WAIT_S = 180  # miners yield to everybody: on a busy machine they take long


class Skip(Exception):
    """Raised by a test that cannot run here; says why."""


def run_tests(tests):
    """Runs each function with a fresh folder; prints TAP; exit status."""
    failures = 0
    print(f"1..{len(tests)}")
    for i, test in enumerate(tests, 1):
        title = (test.__doc__ or test.__name__).strip().splitlines()[0]
        folder = tempfile.mkdtemp(prefix="minerd-test-")
        try:
            test(folder)
            print(f"ok {i} - {title}", flush=True)
        except Skip as why:
            print(f"ok {i} - {title} # SKIP {why}", flush=True)
        except Exception:  # noqa: the report is the point
            failures += 1
            print(f"not ok {i} - {title}")
            for line in traceback.format_exc().splitlines():
                print(f"# {line}")
            sys.stdout.flush()
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return 1 if failures else 0


def environment(extra=None):
    env = {k: v for k, v in os.environ.items()
           if not k.startswith("MINERD_")}
    # Tests run side by side: only those of RPC listen, on ports of their own.
    env["MINERD_RPC"] = "off"
    env.update(extra or {})
    return {k: v for k, v in env.items() if v is not None}


def minerd(*args, env=None, timeout=WAIT_S):
    """Runs minerd to its end: (exit status, stdout, stderr)."""
    run = subprocess.run([MINERD, *args], capture_output=True, text=True,
                         env=environment(env), timeout=timeout, check=False)
    return run.returncode, run.stdout, run.stderr


def expect(args, status, *words, env=None):
    """minerd ends with @status and says all of @words on stderr."""
    code, out, err = minerd(*args, env=env)
    assert code == status, f"exit {code}, not {status}: {err!r} {out!r}"
    for word in words:
        assert word in err, f"{word!r} is not in {err!r}"
    return out


class Node:
    """minerd, running; its JSON events are read line by line."""

    def __init__(self, *args, env=None):
        self.process = subprocess.Popen(
            [MINERD, "--log-format", "json", *args], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=environment(env))
        os.set_blocking(self.process.stdout.fileno(), False)
        self.pending = b""
        self.events = []
        self.lines = []
        self.blocks = {}
        self.height = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(WAIT_S)
        self.process.stdout.close()
        self.process.stderr.close()

    def _take(self, data):
        self.pending += data
        *whole, self.pending = self.pending.split(b"\n")
        for line in whole:
            event = json.loads(line)
            self.lines.append(line.decode())
            self.events.append(event)
            if event["event"] == "block":
                self.height = event["height"]
                self.blocks[self.height] = event["hash"]

    def read(self, seconds):
        """Takes what comes within @seconds; False at the end of output."""
        fd = self.process.stdout
        ready, _, _ = select.select([fd], [], [], max(0, seconds))
        if not ready:
            return True
        data = os.read(fd.fileno(), 65536)
        self._take(data)
        return len(data) > 0

    def wait_for(self, condition):
        """Reads until @condition(self); fails after WAIT_S or at the end."""
        end = time.monotonic() + WAIT_S
        while not condition(self):
            left = end - time.monotonic()
            assert left > 0, f"nothing in {WAIT_S} s: {self.lines[-5:]}"
            if not self.read(min(left, 1)):
                assert condition(self), (
                    f"the node ended: {self.process.stderr.read()!r}")

    def wait_event(self, name):
        self.wait_for(lambda n: any(e["event"] == name for e in n.events))
        return next(e for e in self.events if e["event"] == name)

    def wait_height(self, height):
        self.wait_for(lambda n: n.height >= height)

    def kill(self, number=signal.SIGKILL):
        """Signals, drains the output; (exit status, stderr)."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.end()

    def end(self):
        """Waits for the end by itself; (exit status, stderr)."""
        end = time.monotonic() + WAIT_S
        while self.read(1):
            assert time.monotonic() < end, "the node does not end"
        code = self.process.wait(WAIT_S)
        return code, self.process.stderr.read().decode()


def verify(datadir, *args):
    """minerd verify: (height, hash) of its last line."""
    code, out, err = minerd("verify", "--datadir", datadir, *args)
    assert code == 0, f"verify failed: {err!r}"
    word, height, word2, digest = out.splitlines()[-1].split()
    assert (word, word2) == ("height", "hash"), out
    return int(height), digest
