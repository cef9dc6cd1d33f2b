# SPDX-License-Identifier: MIT
"""A terminal for tests: a program on a pseudo-terminal, and the screen that
someone in front of it would see.

Of the control sequences it knows those that xterm's entry in terminfo makes
libedit use. Every wait is bounded.
"""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

from tap import MINERD, WAIT_S, environment

SEQUENCE = re.compile(r"\x1b\[([0-9;?]*)([@-~])|\x1b[()].|\x1b[=>78]")
KEPT_LINES = 5000


class Screen:
    """Lines of text, the last of which have a cursor."""

    def __init__(self, columns):
        self.columns = columns
        self.lines = [[]]
        self.row = 0
        self.column = 0
        self.pending = ""
        self.colours = 0  # sequences that set one

    def _put(self, c):
        if self.column >= self.columns:
            self._newline()
            self.column = 0
        line = self.lines[self.row]
        line.extend(" " * (self.column - len(line)))
        line[self.column:self.column + 1] = [c]
        self.column += 1

    def _newline(self):
        self.row += 1
        if self.row == len(self.lines):
            self.lines.append([])

    def _sequence(self, number, final):
        n = int(number.split(";")[0]) if number[:1].isdigit() else None
        line = self.lines[self.row]
        if final == "A":
            self.row = max(0, self.row - (n or 1))
        elif final == "B":
            self.row = min(len(self.lines) - 1, self.row + (n or 1))
        elif final == "C":
            self.column = min(self.columns - 1, self.column + (n or 1))
        elif final == "D":
            self.column = max(0, self.column - (n or 1))
        elif final == "G":
            self.column = (n or 1) - 1
        elif final == "K" and not n:
            del line[self.column:]
        elif final == "J" and not n:
            del line[self.column:]
            del self.lines[self.row + 1:]
        elif final == "P":
            del line[self.column:self.column + (n or 1)]
        elif final == "@":
            line[self.column:self.column] = " " * (n or 1)
        elif final == "m" and n:
            self.colours += 1

    def feed(self, text):
        text = self.pending + text
        self.pending = ""
        at = 0
        while at < len(text):
            c = text[at]
            if c == "\x1b":
                m = SEQUENCE.match(text, at)
                if not m:
                    if len(text) - at < 16:  # the rest is on its way
                        self.pending = text[at:]
                        return
                    at += 1
                    continue
                if m.group(2):
                    self._sequence(m.group(1), m.group(2))
                at = m.end()
                continue
            at += 1
            if c == "\r":
                self.column = 0
            elif c == "\n":
                self._newline()
            elif c == "\b":
                self.column = max(0, min(self.column, self.columns) - 1)
            elif c >= " ":
                self._put(c)
        if len(self.lines) > KEPT_LINES:
            drop = len(self.lines) - KEPT_LINES
            del self.lines[:drop]
            self.row -= drop

    def text(self):
        return "\n".join("".join(line).rstrip() for line in self.lines)


class Terminal:
    """minerd on a terminal of its own."""

    def __init__(self, *args, columns=100, env=None):
        self.master, slave = pty.openpty()
        self.screen = Screen(columns)
        self.resize(columns, tell=False)
        keep = {"TERM": "xterm", "NO_COLOR": None, "MINERD_VECTORS": None}
        self.process = subprocess.Popen(
            [MINERD, *args], stdin=slave, stdout=slave, stderr=slave,
            start_new_session=True, env=environment({**keep, **(env or {})}),
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(WAIT_S)
        os.close(self.master)

    def resize(self, columns, tell=True):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ,
                    struct.pack("HHHH", 24, columns, 0, 0))
        self.screen.columns = columns
        if tell:
            self.process.send_signal(signal.SIGWINCH)

    def read(self, seconds):
        """Takes what comes within @seconds; False at the end."""
        ready, _, _ = select.select([self.master], [], [], max(0, seconds))
        if not ready:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:  # nobody holds the other end any more
            return False
        self.screen.feed(data.decode("utf-8", "replace"))
        return len(data) > 0

    def text(self):
        return self.screen.text()

    def mark(self):
        """A place: what is on the screen below it is new."""
        return len(self.screen.lines)

    def below(self, mark):
        return "\n".join(self.text().split("\n")[max(0, mark - 2):])

    def wait(self, pattern, since=0, seconds=WAIT_S):
        """The match of what comes on the screen below @since."""
        end = time.monotonic() + seconds
        while not (m := re.search(pattern, self.below(since))):
            left = end - time.monotonic()
            assert left > 0, f"no {pattern!r} on:\n{self.below(since)[-3000:]}"
            if not self.read(min(left, 1)):
                m = re.search(pattern, self.below(since))
                assert m, f"the end, without {pattern!r}:\n{self.text()[-3000:]}"
                return m
        return m

    def type(self, text):
        data = text if isinstance(text, bytes) else text.encode()
        while data:
            data = data[os.write(self.master, data):]

    def say(self, line, pattern):
        """Types a line; waits for the answer."""
        mark = self.mark()
        self.type(line + "\r")
        return self.wait(pattern, mark)

    def end(self):
        """Waits for the end by itself; the exit status."""
        end = time.monotonic() + WAIT_S
        while self.read(1):
            assert time.monotonic() < end, f"no end:\n{self.text()}"
        return self.process.wait(WAIT_S)
