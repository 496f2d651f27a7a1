"""Programs on terminals of their own: tmux on a private socket, typed into and read as a person would."""

import os
import re
import shlex
import signal
import subprocess

from report import Failed, wait

PATIENCE = 30.0


class Tmux:
    """A tmux server that nothing else uses; it ends with everything in it."""

    def __init__(self, folder, environment):
        self.environment = environment | {"TERM": "screen-256color"}
        self.folder = folder
        self.socket = folder / "tmux"
        self.screens = []
        self.config = folder / "tmux.conf"
        # What has ended stays on its screen.
        self.config.write_text("set-option -g remain-on-exit on\n", encoding="utf-8")

    def __call__(self, *words, check=True):
        done = subprocess.run(
            ["tmux", "-u", "-f", str(self.config), "-S", str(self.socket), *words],
            env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            encoding="utf-8", errors="replace", timeout=60, check=False)
        if check and done.returncode != 0:
            raise Failed(f"tmux {words[0]}: {done.stdout}")
        return done.stdout

    def start(self, name, command, columns=200, lines=50):
        """Starts a program on a new screen."""
        # Below a shell, as tmux lets none of its own children stay stopped; and now and then it fails to notice the end
        # of one, so that it is the shell that keeps the exit status. It does so at once, or not at all.
        status = self.folder / f"{name}.status"
        shell = f"{shlex.join(command)}; echo $? >'{status}.new'; mv '{status}.new' '{status}'"
        self("new-session", "-d", "-s", name, "-x", str(columns), "-y", str(lines), "--", "sh", "-c", shell)
        screen = Screen(self, name, status)
        self.screens.append(screen)
        return screen

    def end(self):
        """Ends all programs and the server, and waits until they have."""
        self("kill-server", check=False)
        for screen in self.screens:
            try:
                wait("its end", lambda: not exists(screen.pid), 10)
            except Failed:
                screen.kill()


def exists(group):
    """Whether there is still a process in this group: a program may outlive its shell."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


class Screen:
    """The screen of one program."""

    def __init__(self, tmux, name, status):
        self.tmux = tmux
        self.name = name
        self._status = status
        self.pid = int(self._ask("#{pane_pid}"))

    def _ask(self, what):
        return self.tmux("display-message", "-p", "-t", f"{self.name}:", what).strip()

    def text(self):
        """What is on it, without the spaces at the ends of lines; long lines are joined again."""
        return self.tmux("capture-pane", "-p", "-J", "-t", f"{self.name}:")

    def type(self, line):
        """Types a line and Enter."""
        self.write(line)
        self.key("Enter")

    def write(self, text):
        """Types a text, without Enter."""
        self.tmux("send-keys", "-t", f"{self.name}:", "-l", "--", text)

    def key(self, key):
        """Presses a key, by tmux's name for it."""
        self.tmux("send-keys", "-t", f"{self.name}:", key)

    def shows(self, pattern, patience=PATIENCE):
        """Waits until the screen shows what matches the pattern, and returns the match."""
        expression = re.compile(pattern, re.MULTILINE)
        return wait(f"{self.name} shows {pattern!r}", lambda: expression.search(self.text()), patience)

    def frame(self):
        """The screen as it is printed with a failure: its lines that have words, each after a bar."""
        return "\n".join(f"    | {line.rstrip()}" for line in self.text().splitlines() if re.search(r"\w", line))

    def kill(self):
        """Ends the program, and those that it started, at once."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def status(self, patience=PATIENCE):
        """Waits for the program to end, and returns its exit status."""
        wait(f"{self.name} ends", self._status.exists, patience)
        return int(self._status.read_text(encoding="utf-8"))
