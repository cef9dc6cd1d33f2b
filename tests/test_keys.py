#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The node's keys: who may read them, encrypted ones, and the prompt."""
import os
import re
import shutil
import signal
import subprocess
import sys
import termios

from tap import MINERD, WAIT_S, Node, environment, expect, minerd, run_tests
from terminal import minerd_on_terminal
from test_cli import FAST, mined

PASSPHRASE = "correct horse battery staple"
WRONG = "That is not the passphrase."
KEYS = ("signing.key", "node.key")


def slurp(*path):
    with open(os.path.join(*path), encoding="utf-8") as f:
        return f.read()


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def without_terminal(*args):
    """minerd in a session of its own, which has no terminal to ask on."""
    run = subprocess.run([MINERD, *args], stdin=subprocess.DEVNULL,
                         capture_output=True, text=True, env=environment(),
                         timeout=WAIT_S, check=False, start_new_session=True)
    return run.returncode, run.stdout, run.stderr


def encrypted(folder):
    """A datadir with a chain and encrypted keys, and the passphrase's file."""
    d = os.path.join(folder, "d")
    mined(d, 1)
    secret = write(os.path.join(folder, "secret"), PASSPHRASE + "\n")
    code, out, err = minerd("keys", "encrypt", "--datadir", d,
                            "--key-passphrase-file", secret)
    assert (code, err) == (0, "") and "are encrypted" in out, err
    return d, secret


def runs(datadir, *args):
    with Node("--datadir", datadir, *args, *FAST) as node:
        node.wait_height(1)
        code, err = node.kill(signal.SIGTERM)
        assert code == 0, err


def others_may_not_read(folder):
    """keys that others may read are refused with the chmod that mends it"""
    d = os.path.join(folder, "d")
    mined(d, 1)
    for name in (*KEYS, "wallet.seed"):
        path = os.path.join(d, "keys", name)
        for mode in (0o640, 0o604, 0o620, 0o601, 0o777):
            os.chmod(path, mode)
            expect(["--datadir", d, *FAST], 1, path, f"{mode:04o}",
                   f"chmod 600 {path}")
        if name != "node.key":
            command = "wallet" if name == "wallet.seed" else "keys"
            expect([command, "encrypt", "--datadir", d], 1, "chmod 600")
        os.chmod(path, 0o400)
    # What needs no secret does not ask for them.
    os.chmod(os.path.join(d, "keys", "node.key"), 0o644)
    assert minerd("verify", "--datadir", d)[0] == 0
    os.chmod(os.path.join(d, "keys", "node.key"), 0o600)
    runs(d)


def files_serve_services(folder):
    """encrypted keys open with the passphrase's file, and with no other"""
    d, secret = encrypted(folder)
    for name in KEYS:
        line = slurp(d, "keys", name)
        assert re.fullmatch(r"minerd-seed-1 scrypt [\x20-\x7e]+\n", line)
        assert os.stat(os.path.join(d, "keys", name)).st_mode & 0o77 == 0
    runs(d, "--key-passphrase-file", secret)
    wrong = write(os.path.join(folder, "wrong"), "something else\n")
    expect(["--datadir", d, "--key-passphrase-file", wrong], 1,
           "signing.key", "not encrypted with this passphrase")
    empty = write(os.path.join(folder, "empty"), "\n")
    expect(["--datadir", d, "--key-passphrase-file", empty], 1, empty,
           "empty")
    none = os.path.join(folder, "none")
    expect(["--datadir", d, "--key-passphrase-file", none], 1, none)
    code, _, err = without_terminal("--datadir", d, *FAST)
    assert code == 1 and "no terminal" in err, err
    assert "--key-passphrase-file" in err, err
    for name in KEYS:
        path = os.path.join(d, "keys", name)
        line = slurp(path)
        write(path, line[:60] + ("0" if line[60] != "0" else "1") + line[61:])
        expect(["--datadir", d, "--key-passphrase-file", secret], 1, name,
               "damaged", "backup")
        write(path, line)


def members_begin_encrypted(folder):
    """init encrypts new keys, and says the same with the passphrase again"""
    d = os.path.join(folder, "d")
    secret = write(os.path.join(folder, "secret"), PASSPHRASE + "\n")
    init = ["init", "--member", "anna", "--datadir", d]
    given = ["--key-passphrase-file", secret]
    code, out, err = minerd(*init, *given)
    assert code == 0 and slurp(d, "keys", "node.key").startswith("minerd-"), \
        err
    assert minerd(*init, *given)[:2] == (0, out)
    code, _, err = without_terminal(*init)
    assert code == 1 and "--key-passphrase-file" in err, err
    with minerd_on_terminal(*init) as t:
        t.expect("Passphrase of the keys: ")
        t.type(PASSPHRASE + "\n")
        assert t.end()[0] == 0


def the_prompt(folder):
    """the terminal is asked three times, and shows nothing of what is typed"""
    d, _ = encrypted(folder)
    args = ["--datadir", d, "--no-console", *FAST]
    if "--no-console" not in minerd("--help")[1]:
        args.remove("--no-console")
    with minerd_on_terminal(*args) as t:
        at = t.expect("Passphrase of the keys: ")
        t.type("wrong one\n")
        at = t.expect(WRONG, at)
        at = t.expect("Passphrase of the keys: ", at)
        t.type("\n")
        at = t.expect(WRONG, at)
        at = t.expect("Passphrase of the keys: ", at)
        t.type(PASSPHRASE + "\n")
        t.expect(" block ", at)
        t.process.send_signal(signal.SIGTERM)
        code, text = t.end()
        assert code == 0, text
        assert "wrong one" not in text and PASSPHRASE not in text, text
    with minerd_on_terminal(*args, columns=20) as t:
        at = 0
        for word in ("x" * 2000, "\x00\x1b[A\xff", "three"):
            at = t.expect("Passphrase of the keys: ", at)
            t.type(word + "\n")
        code, text = t.end()
        assert code == 1, text
        assert "wrong 3 times" in text and "backup" in text, text
        assert "three" not in text, text


def interrupted_prompts(folder):
    """an interrupted or closed prompt ends the start, and echo is on again"""
    d, _ = encrypted(folder)
    for key in ("\x03", "\x04"):
        with minerd_on_terminal("--datadir", d, *FAST) as t:
            t.expect("Passphrase of the keys: ")
            while termios.tcgetattr(t.master)[3] & termios.ECHO:
                assert t.read(0.1)
            t.type(key)
            t.process.wait(WAIT_S)
            assert termios.tcgetattr(t.master)[3] & termios.ECHO
            code, text = t.end()
            assert code == (-signal.SIGINT if key == "\x03" else 1), text
            if key == "\x04":
                assert "no passphrase was typed" in text, text


def there_and_back(folder):
    """keys are encrypted, decrypted, and mended where one run was cut"""
    d, secret = encrypted(folder)
    at = ["--datadir", d]
    given = [*at, "--key-passphrase-file", secret]
    expect(["keys", "encrypt", *given], 1, "encrypted already", "decrypt")
    kept = slurp(d, "keys", "signing.key")
    code, out, _ = minerd("keys", "decrypt", *given)
    assert code == 0 and "plain again" in out
    for name in KEYS:
        assert re.fullmatch("[0-9a-f]{64}\n", slurp(d, "keys", name))
    expect(["keys", "decrypt", *given], 1, "not encrypted")
    runs(d)
    write(os.path.join(d, "keys", "signing.key"), kept)
    assert minerd("keys", "encrypt", *given)[0] == 0
    assert slurp(d, "keys", "node.key").startswith("minerd-seed-1 ")
    runs(d, "--key-passphrase-file", secret)
    with Node(*given, *FAST) as node:
        node.wait_height(1)
        expect(["keys", "decrypt", *given], 3, "another node")
        node.kill(signal.SIGTERM)
    expect(["keys", "encrypt", "--datadir", os.path.join(folder, "no")], 1,
           "not a minerd datadir")
    expect(["keys"], 2, "unexpected argument 'keys'")


def new_passphrases_are_typed_twice(folder):
    """keys encrypt asks twice on a terminal, and refuses two that differ"""
    d = os.path.join(folder, "d")
    mined(d, 1)
    for again, status in (("other", 1), (PASSPHRASE, 0)):
        with minerd_on_terminal("keys", "encrypt", "--datadir", d) as t:
            t.expect("Passphrase of the keys: ")
            t.type(PASSPHRASE + "\n")
            t.expect("Again: ")
            t.type(again + "\n")
            code, text = t.end()
            assert code == status, text
            assert ("differ" in text) == (status == 1), text
    code, _, err = without_terminal("--datadir", d, *FAST)
    assert code == 1 and "no terminal" in err, err


def imports_make_them(folder):
    """a new datadir's keys are encrypted by an import, too"""
    d = os.path.join(folder, "d")
    mined(d, 1)
    secret = write(os.path.join(folder, "secret"), PASSPHRASE + "\n")
    path = os.path.join(folder, "chain")
    to = os.path.join(folder, "to")
    assert minerd("export", path, "--datadir", d)[0] == 0
    os.mkdir(to)
    shutil.copy(os.path.join(d, "network.json"), folder)
    code, _, err = minerd(
        "import", path, "--datadir", to, "--network",
        os.path.join(folder, "network.json"), "--key-passphrase-file", secret)
    assert code == 0, err
    assert slurp(to, "keys", "node.key").startswith("minerd-seed-1 ")


def main():
    return run_tests([
        others_may_not_read, files_serve_services, members_begin_encrypted,
        the_prompt, interrupted_prompts, there_and_back,
        new_passphrases_are_typed_twice, imports_make_them,
    ])


if __name__ == "__main__":
    sys.exit(main())
