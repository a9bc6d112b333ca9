# SPDX-License-Identifier: MIT
"""The completions complete: bash and zsh at a terminal, as a user types; fish by its own `complete`."""
import os
import pty
import re
import select
import signal
import tarfile
import time

from release_lab import HERE, VERSION, TestCase, made, run

DEADLINE = 20.0
ROOT = f"usher-{VERSION}/share"
FILES = {"bash": "bash-completion/completions/usher", "zsh": "zsh/site-functions/_usher",
         "fish": "fish/vendor_completions.d/usher.fish"}


class Terminal:
    """An interactive shell on a terminal."""

    def __init__(self, *command, environment):
        self.shown = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe(command[0], list(command), environment)

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)

    def send(self, text):
        os.write(self.fd, text.encode())

    def wait_for(self, pattern):
        """Reads until the pattern is shown; what was shown up to its end is then forgotten."""
        end = time.monotonic() + DEADLINE
        while (match := re.search(pattern, self.shown)) is None:
            left = end - time.monotonic()
            assert left > 0, f"not shown within {DEADLINE} s: {pattern!r}; shown: {self.shown!r}"
            if select.select([self.fd], [], [], left)[0]:
                self.shown += os.read(self.fd, 4096).decode("utf-8", "replace")
        self.shown = self.shown[match.end():]
        return match

    def complete(self, line):
        """The line after TAB. The shell is asked for it by a key that prints it."""
        self.send(line + "\t")
        self.send("\x1b~")      # a key of ours: see the set-up of each shell
        completed = self.wait_for(r"<<(.*?)>>")[1]
        self.send("\x15")
        return completed


class Completions(TestCase):
    def installed(self, shell):
        folder = self.folder()
        with tarfile.open(made(".tar.gz", HERE)) as tar:
            tar.extractall(folder)
        return os.path.join(folder, ROOT, FILES[shell])

    def terminal(self, *command):
        home = self.folder()
        terminal = Terminal(*command, environment={
            "PATH": os.environ["PATH"], "HOME": home, "TERM": "dumb", "LC_ALL": "C",
            "HISTFILE": "/dev/null", "INPUTRC": "/dev/null", "ZDOTDIR": home})
        self.addCleanup(terminal.close)
        return terminal

    def check(self, complete):
        for line, want in (
                ("usher --forw", "usher --forward"),
                ("usher --log-format j", "usher --log-format json"),
                ("usher --forward=gr", "usher --forward=group"),
                ("usher -f ma", "usher -f main"),
                ("usher --linger-signal WIN", "usher --linger-signal WINCH"),
                ("usher --linger-signal STK", "usher --linger-signal STKFLT"),
                ("usher --stop-signal KI", "usher --stop-signal KI"),       # it cannot be one
                ("usher --stop-signal ST", "usher --stop-signal STKFLT"),
                ("usher --heal-signal ST", "usher --heal-signal STKFLT"),   # nor does STOP end a program
                ("usher --heal-signal KI", "usher --heal-signal KILL"),
                ("usher --linger-signal KI", "usher --linger-signal KILL"),
                ("usher --rewrite WIN", "usher --rewrite WINCH:"),
                ("usher --rewrite=WIN", "usher --rewrite=WINCH:"),
                ("usher --rewrite CHL", "usher --rewrite CHL"),             # it cannot arrive
                ("usher -r TERM:QU", "usher -r TERM:QUIT"),
                ("usher -r TSTP:STO", "usher -r TSTP:STOP"),
                ("usher --escalate 10s:QU", "usher --escalate 10s:QUIT"),
                ("usher --escalate 10s:KI", "usher --escalate 10s:KI"),     # that is what the grace is for
                ("usher -r TERM:QUIT --gra", "usher -r TERM:QUIT --grace"),
                ("usher --wait-for tcp://db:5432 --gra", "usher --wait-for tcp://db:5432 --grace"),
                ("usher probe rea", "usher probe ready:"),
                ("usher probe ready:", "usher probe ready:"),               # no file's name, no blank
                ("usher probe live:", "usher probe live:"),
                ("usher --wait-for rea", "usher --wait-for rea"),           # they are probe's and wait's
                ("usher --heal liv", "usher --heal liv"),
                ("usher statu", "usher status"),
                ("usher install --hel", "usher install --help"),
                ("usher --wait-for tc", "usher --wait-for tcp://"),
                ("usher --heal fi", "usher --heal file:"),
                ("usher probe redi", "usher probe redis://"),
                ("usher probe --json-f", "usher probe --json-field"),
                ("usher status --js", "usher status --json"),
                ("usher probe --allow", "usher probe --allow-remote"),
                ("usher probe -t 1s gr", "usher probe -t 1s grpc://"),
                ("usher probe ready: li", "usher probe ready: live:"),
                ("usher wait fi", "usher wait file:"),
                ("usher wait --inter", "usher wait --interval"),
                ("usher wait --allow", "usher wait --allow"),       # is probe's alone
                ("usher -- bzcmp-of-u", "usher -- bzcmp-of-usher"),
                ("usher -v bzcmp-of-u", "usher -v bzcmp-of-usher"),
                ("usher -t 5s bzcmp-of-u", "usher -t 5s bzcmp-of-usher")):
            with self.subTest(line):
                completed = complete(line)
                # A shell may add what begins the next word; behind a colon nothing.
                self.assertEqual(completed if want.endswith(":") else completed.rstrip(" ="), want)

    def program(self):
        """A folder with a program of a name that no other has."""
        folder = self.folder()
        path = os.path.join(folder, "bzcmp-of-usher")
        with open(path, "w", encoding="ascii") as file:
            file.write("#!/bin/sh\n")
        os.chmod(path, 0o755)
        return folder

    def test_bash(self):
        self.need("bash")
        terminal = self.terminal("bash", "--norc", "--noprofile", "-i")
        folder = self.program()     # where the name of its only file would complete everything
        terminal.send(f"PATH=$PATH:{folder}; cd {folder}; . {self.installed('bash')}\n"
                      "bind 'set enable-bracketed-paste off'; bind 'set completion-query-items 0'\n"
                      "tell() { printf '<''<%s>''>' \"$READLINE_LINE\"; }\n"
                      "bind -x '\"\\e~\": tell'; echo set''up\n")
        terminal.wait_for("setup")
        self.check(terminal.complete)

    def test_zsh(self):
        self.need("zsh")
        terminal = self.terminal("zsh", "-f", "-i")
        folder = self.program()
        terminal.send(f"PATH=$PATH:{folder}; cd {folder}; fpath=({os.path.dirname(self.installed('zsh'))} $fpath)\n"
                      "autoload -Uz compinit; compinit -u -D; unsetopt list_beep\n"
                      "tell() { print -rn -- '<''<'$BUFFER'>''>' >/dev/tty }\n"
                      "zle -N tell; bindkey '\\e~' tell; bindkey '^U' kill-whole-line; echo set''up\n")
        terminal.wait_for("setup")
        self.check(terminal.complete)

    def test_fish(self):
        self.need("fish")
        file, path = self.installed("fish"), os.environ["PATH"] + ":" + self.program()

        def complete(line):
            out = run("fish", "--no-config", "-c", f"source {file}; complete -C '{line}'",
                      env={"PATH": path, "HOME": self.folder(), "TERM": "dumb", "LC_ALL": "C"})
            found = [x.split("\t")[0] for x in out.splitlines()]
            if len(found) != 1:
                return line if not found else f"{line}: {found}"
            return line.rpartition(" ")[0] + " " + found[0]
        self.check(complete)
