# SPDX-License-Identifier: MIT
"""A child process on a terminal of its own, with what it shows and what is
typed; bounded, and ended by its own process id.
"""
import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time

from tap import MINERD, WAIT_S, environment


class Terminal:
    """@argv with a pseudo-terminal as its controlling one."""

    def __init__(self, argv, columns=80, rows=24, env=None, stdout=None):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, columns, 0, 0))
        self.shown = b""
        self.process = subprocess.Popen(
            argv, stdin=slave, stdout=stdout or slave, stderr=slave, env=env,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(WAIT_S)
        os.close(self.master)

    def read(self, seconds):
        """Takes what is shown within @seconds; False once it is closed."""
        ready, _, _ = select.select([self.master], [], [], seconds)
        if not ready:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        self.shown += data
        return len(data) > 0

    def expect(self, words, since=0):
        """Waits until @words are shown after byte @since; where they end."""
        end = time.monotonic() + WAIT_S
        while words.encode() not in self.shown[since:]:
            assert time.monotonic() < end, (words, self.shown)
            if not self.read(1):
                break
        at = self.shown.find(words.encode(), since)
        assert at >= 0, (words, self.shown)
        return at + len(words)

    def type(self, text):
        os.write(self.master, text.encode())

    def end(self):
        """Waits for the end by itself: (exit status, what was shown)."""
        end = time.monotonic() + WAIT_S
        while self.read(1):
            assert time.monotonic() < end, ("it does not end", self.shown)
        return self.process.wait(WAIT_S), self.shown.decode(errors="replace")


def minerd_on_terminal(*args, columns=80, env=None, stdout=None):
    return Terminal([MINERD, *args], columns, env=environment(env),
                    stdout=stdout)
