#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One table of options, src/node/config_table.c: --help prints it, and the man
pages and the completions say the same.

  tests/test_options.py           compares them
  tests/test_options.py --write   makes the list in docs/minerd.conf.5 and
                                  packaging/completion/* anew
"""
import os
import re
import subprocess
import sys

from tap import BUILD, environment, minerd, run_tests

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MINERD_1 = os.path.join(SOURCE, "docs", "minerd.1")
CLI_1 = os.path.join(SOURCE, "docs", "minerd-cli.1")
CONF_5 = os.path.join(SOURCE, "docs", "minerd.conf.5")
COMPLETION = os.path.join(SOURCE, "packaging", "completion")
AGAIN = "run tests/test_options.py --write"

# Two-word subcommands, by the first word.
PAIRS = ("network", "wallet", "keys")


def slurp(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


class Option:
    def __init__(self, name, arg, text):
        self.name, self.arg = name, arg
        words = " ".join(text.split())
        default = re.search(r" \[([^]]*)\]$", words)
        self.default = default[1] if default else ""
        self.text = words[:default.start()] if default else words


def parse_options(text):
    """The options that a help text lists, in its order."""
    part = re.split(r"^options[^\n]*:\n", text, maxsplit=1, flags=re.M)[1]
    part = part.split("\nexit status")[0]
    out = []
    for entry in re.split(r"^  (?=--)", part, flags=re.M)[1:]:
        m = re.match(r"--([a-z-]+)(?: ([A-Z][^\s]*))?\s+", entry)
        out.append(Option(m[1], m[2] or "", entry[m.end():]))
    assert out, text
    return out


def help_of(*words):
    code, out, err = minerd(*words, "--help")
    assert (code, err) == (0, ""), err
    return out


def cli_help():
    return subprocess.run([os.path.join(BUILD, "minerd-cli"), "--help"],
                          capture_output=True, text=True, check=True,
                          env=environment(), timeout=60).stdout


def subcommands():
    """Their words, in the order of --help."""
    words = re.findall(r"^       minerd ([a-z]+(?: [a-z]+)?) +\[options\]",
                       help_of(), re.M)
    assert "verify" in words and "network new" in words, words
    return words


def options_of(command):
    """The options of a subcommand: its own, or a node's."""
    own = command.split()[0] not in ("verify", "wallet", "keys")
    return parse_options(help_of(*command.split()) if own else help_of())


# ---- what is made ----

def escape(text):
    return text.replace("\\", "\\e").replace("'", "\\(aq")


def conf_list():
    """The part of minerd.conf(5) that lists the keys."""
    out = []
    for o in parse_options(help_of()):
        if not o.arg or o.name in ("conf", "datadir"):
            continue
        out.append(f".It Cm {o.name} Ns = Ns Ar {o.arg}")
        text = o.text[0].upper() + o.text[1:]
        out.append(escape(text) + ("" if text.endswith(".") else "."))
        if o.default:
            out += ["Default:", f".Li {o.default} ."]
    return "\n".join(out) + "\n"


BEGIN = '.\\" The list: made by tests/test_options.py --write\n'
END = '.\\" The list ends.\n'


def conf_page():
    page = slurp(CONF_5)
    before, rest = page.split(BEGIN)
    return before + BEGIN + conf_list() + END + rest.split(END)[1]


def words_of(name):
    """The words among the values that minerd allows for a node's option, which
    it says when it refuses one."""
    err = minerd(f"--{name}=?", "--print-config", "--datadir",
                 "/nonexistent/x")[2]
    allowed = err.strip().partition("it may be ")[2]
    return " ".join(word for word in re.split(r",? or |, ", allowed)
                    if re.fullmatch("[a-z][a-z0-9]*", word))


def values_case(options):
    """The cases of a shell's `case` for the values of @options."""
    by_line = {}
    node = {o.name for o in parse_options(help_of())}
    for o in options:
        if o.arg == "DIR":
            action = "compgen -d"
        elif o.arg in ("FILE", "FILE..."):
            action = "compgen -f"
        elif o.arg:
            words = words_of(o.name) if o.name in node else ""
            action = f"compgen -W '{words}'" if words else ":"
        else:
            continue
        names = by_line.setdefault(action, [])
        if o.name not in names:
            names.append(o.name)
    out = []
    for action, names in sorted(by_line.items()):
        pattern = " | ".join("--" + n for n in sorted(names))
        lines = wrap(pattern, "\t")
        out.append(f"{lines})")
        if action != ":":
            out.append(f'\t\tCOMPREPLY=($({action} -- "$cur"))')
        out.append("\t\treturn ;;")
    return "\n".join(out)


def wrap(text, indent, width=72):
    """Breaks a long line with backslashes."""
    lines, line = [], indent
    for word in text.split(" "):
        if len(line.expandtabs(8)) + len(word) + 1 > width and line.strip():
            lines.append(line + " \\")
            line = indent + "  "
        line += (" " if line.strip() else "") + word
    return "\n".join(lines + [line])


def list_of(options):
    return wrap("options='" + " ".join("--" + o.name for o in options) + "'",
                "\t\t").replace(" \\\n", "\n")


def completion_minerd():
    node = parse_options(help_of())
    commands = subcommands()
    every = list(node)
    for command in commands:
        every += options_of(command)
    firsts = sorted({c.split()[0] for c in commands} | {"help"})
    out = ["# SPDX-License-Identifier: MIT",
           "# Completion of minerd(1) for bash: made of --help by",
           "# tests/test_options.py --write.", "_minerd()", "{",
           "\tlocal cur=${COMP_WORDS[COMP_CWORD]}",
           "\tlocal prev=${COMP_WORDS[COMP_CWORD - 1]}",
           "\tlocal command=${COMP_WORDS[1]} options", "",
           "\tcase $prev in", values_case(every), "\tesac",
           "\tcase $command in"]
    for first in PAIRS:
        seconds = " ".join(c.split()[1] for c in commands
                           if c.startswith(first + " "))
        out += [f"\t{first})", "\t\tif ((COMP_CWORD == 2)); then",
                f'\t\t\tCOMPREPLY=($(compgen -W \'{seconds}\' -- "$cur"))',
                "\t\t\treturn", "\t\tfi",
                "\t\tcommand+=\" ${COMP_WORDS[2]}\" ;;"]
    out += ["\thelp)",
            wrap("COMPREPLY=($(compgen -W '" + " ".join(firsts) +
                 '\' -- "$cur"))', "\t\t").replace(" \\\n", "\n"),
            "\t\treturn ;;", "\tesac", "\tcase $command in"]
    for command in commands:
        own = [o for o in options_of(command)]
        if [o.name for o in own] == [o.name for o in node]:
            continue
        out += [f"\t'{command}')",
                list_of(own + [Option("help", "", "x")]) + " ;;"]
    out += ["\t*)", list_of(node), "\t\t;;", "\tesac",
            "\tif ((COMP_CWORD == 1)); then",
            wrap("options+=' " + " ".join(firsts) + "'", "\t\t").replace(
                " \\\n", "\n"),
            "\tfi",
            '\tCOMPREPLY=($(compgen -W "$options" -- "$cur"))',
            "\t# Files that are no options' values: import, export, backup.",
            "\tif [[ $cur != -* && $command == @(import|export|backup|network*)"
            " ]]; then",
            '\t\tCOMPREPLY+=($(compgen -f -- "$cur"))', "\tfi", "}",
            "complete -o filenames -F _minerd minerd", ""]
    return "\n".join(out)


def completion_cli():
    options = parse_options(cli_help())
    return "\n".join([
        "# SPDX-License-Identifier: MIT",
        "# Completion of minerd-cli(1) for bash: made of --help by",
        "# tests/test_options.py --write. Methods are asked of the node.",
        "_minerd_cli()", "{",
        "\tlocal cur=${COMP_WORDS[COMP_CWORD]}",
        "\tlocal prev=${COMP_WORDS[COMP_CWORD - 1]}",
        "\tlocal options i datadir=()", "",
        "\tcase $prev in", values_case(options), "\tesac",
        list_of(options).replace("\t\t", "\t", 1),
        "\tif [[ $cur == -* ]]; then",
        '\t\tCOMPREPLY=($(compgen -W "$options" -- "$cur"))',
        "\t\treturn", "\tfi",
        "\tfor ((i = 1; i + 1 < COMP_CWORD; i++)); do",
        "\t\tif [[ ${COMP_WORDS[i]} == --datadir ]]; then",
        '\t\t\tdatadir=(--datadir "${COMP_WORDS[i + 1]}")',
        "\t\tfi", "\tdone",
        '\toptions=$("${COMP_WORDS[0]}" "${datadir[@]}" help 2>/dev/null |',
        "\t\tsed -n 's/^\\([a-z][a-z0-9]*\\).*/\\1/p')",
        '\tCOMPREPLY=($(compgen -W "$options" -- "$cur"))', "}",
        "complete -F _minerd_cli minerd-cli", ""])


MADE = (
    (CONF_5, conf_page),
    (os.path.join(COMPLETION, "minerd"), completion_minerd),
    (os.path.join(COMPLETION, "minerd-cli"), completion_cli),
)


def write():
    for path, make in MADE:
        text = make()
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        print(path)
    return 0


# ---- the tests ----

def items(page):
    """The options of a man page's list: {name: argument}."""
    out = {}
    for line in re.findall(r"^\.It Fl (.*)$", page, re.M):
        m = re.fullmatch(r"(?:h , )?-([a-z-]+)(?: Ar (\S+))?", line)
        assert m, line
        assert m[1] not in out, f"{m[1]} stands twice"
        out[m[1]] = m[2] or ""
    return out


def pages_list_the_options(_):
    """minerd(1) has the options of --help, with the same arguments"""
    page = slurp(MINERD_1).split(".Sh OPTIONS")[1].split(".Sh ")[0]
    want = {o.name: o.arg for o in parse_options(help_of())}
    have = items(page)
    assert have == want, (
        "docs/minerd.1, OPTIONS:", sorted(want.items() ^ have.items()))


def defaults_are_the_same(_):
    """minerd(1) names the default of every option that has one"""
    page = slurp(MINERD_1).split(".Sh OPTIONS")[1].split(".Sh ")[0]
    for o in parse_options(help_of()):
        if not o.default or o.default in ("0", "off", "on"):
            continue
        entry = re.search(rf"^\.It Fl -{o.name}\b.*?(?=^\.It|^\.El)", page,
                          re.M | re.S)
        assert entry and o.default in entry[0], (o.name, o.default)


def subcommands_are_told(_):
    """minerd(1) has each subcommand and each of their own options"""
    page = slurp(MINERD_1)
    node = {o.name for o in parse_options(help_of())}
    for command in subcommands():
        first = command.split()[0]
        assert re.search(rf"^\.Cm {first}\b", page, re.M), command
        for o in options_of(command):
            assert o.name in node or re.search(
                rf"\.(?:Op )?Fl -{o.name}\b", page), (command, o.name)


def the_client_is_told(_):
    """minerd-cli(1) has the options of its --help"""
    want = {o.name: o.arg for o in parse_options(cli_help())}
    # mdoc's first dash is implied; that page shows long options with one.
    have = items(slurp(CLI_1))
    assert have == want, sorted(want.items() ^ have.items())


def made_files_are_current(_):
    """minerd.conf(5) and the completions are what --help makes of them"""
    for path, make in MADE:
        assert slurp(path) == make(), f"{path} is not current: {AGAIN}"


def keys_are_those_of_the_file(_):
    """minerd.conf(5) has each key of --print-config, but where the file is"""
    config = minerd("--print-config", "--datadir", "/nonexistent/x")[1]
    want = set(re.findall(r"^([a-z-]+)=", config, re.M)) - {"conf", "datadir"}
    have = set(re.findall(r"^\.It Cm ([a-z-]+) Ns = Ns Ar", slurp(CONF_5),
                          re.M))
    assert have == want, have ^ want


def complete(name, *words):
    """What bash would offer for the last of @words."""
    script = ('source "$1"; shift; f=$1; shift; COMP_WORDS=("$@"); '
              'COMP_CWORD=$(($# - 1)); $f; printf "%s\\n" "${COMPREPLY[@]}"')
    run = subprocess.run(
        ["bash", "-c", script, "bash", os.path.join(COMPLETION, name),
         "_" + name.replace("-", "_"), *words], capture_output=True,
        text=True, env=environment(), timeout=60, check=False)
    assert run.stderr == "", run.stderr
    return run.stdout.split()


def completions_complete(folder):
    """bash offers commands, options and values from them"""
    assert complete("minerd", "minerd", "--thr") == ["--threads"]
    first = complete("minerd", "minerd", "")
    assert {"verify", "backup", "network", "--mode"} <= set(first), first
    assert complete("minerd", "minerd", "net") == ["network"]
    assert complete("minerd", "minerd", "network", "") == ["assemble", "new"]
    assert complete("minerd", "minerd", "wallet", "en") == ["encrypt"]
    assert complete("minerd", "minerd", "--mode", "l") == ["light"]
    assert complete("minerd", "minerd", "backup", "--with") == [
        "--with-keys"]
    assert "--mode" not in complete("minerd", "minerd", "init", "--")
    assert complete("minerd", "minerd", "--threads", "") == ["auto"]
    assert complete("minerd", "minerd", "--spacing", "") == []
    assert "shani" in complete("minerd", "minerd", "--pow-backend", "")
    assert complete("minerd", "minerd", "verify", "--netw") == ["--network"]
    os.mkdir(os.path.join(folder, "data"))
    here = os.path.join(folder, "da")
    assert complete("minerd", "minerd", "--datadir", here) == [here + "ta"]
    assert complete("minerd", "minerd", "import", here) == [here + "ta"]
    for word in ("$(reboot)", "'", '"', "\\", "*"):
        complete("minerd", "minerd", word)
        complete("minerd", "minerd", "--mode", word)
    assert complete("minerd-cli", "minerd-cli", "--na") == ["--named"]
    assert complete("minerd-cli", os.path.join(BUILD, "minerd-cli"),
                    "--datadir", folder, "get") == []


def main():
    if sys.argv[1:] == ["--write"]:
        return write()
    return run_tests([
        pages_list_the_options, defaults_are_the_same, subcommands_are_told,
        the_client_is_told, made_files_are_current,
        keys_are_those_of_the_file, completions_complete,
    ])


if __name__ == "__main__":
    sys.exit(main())
