"""chatctl at a terminal: top, a configuration that is to be confirmed, and a shutdown that is watched."""

import shlex
import signal
import subprocess

from place import Place
from report import expect, wait

PROMPT = "ready>"
# What turns the direction of writing around, and letters that take two columns.
HOSTILE = "#\u202e日本語"


class Shell(Place):
    """chatd on a terminal, and a shell on another."""

    clients = "a shell"

    def start(self):
        """Starts both."""
        super().start()
        self.shell = self.tmux.start("shell", ["env", f"PS1={PROMPT} ", "sh", "-i"], columns=80, lines=24)
        self.shell.shows(PROMPT)
        # What chatctl is called with in the words of a shell.
        self.ctl = f"{shlex.quote(str(self.daemon.chatctl))} --socket {shlex.quote(str(self.daemon.socket))}"

    def about(self, what):
        """What tmux knows of the shell's screen."""
        return self.tmux("display-message", "-p", "-t", "shell:", what).strip()

    def resize(self, columns, lines):
        """Makes the screen larger or smaller."""
        self.tmux("resize-window", "-t", "shell:", "-x", str(columns), "-y", str(lines))

    def begin_top(self, mark, *options):
        """Starts top below a line that is to be seen again after it, and waits for its first frame; returns its process id."""
        settings, pid = self.folder / "before", self.folder / "pid"
        pid.unlink(missing_ok=True)
        self.shell.type("clear; echo cleared")
        self.shell.shows("^cleared")
        self.shell.type(f"stty -a >{settings}; echo {mark}")
        self.shell.shows(f"^{mark}")
        words = " ".join(("top", *options))
        self.shell.type(f"sh -c 'echo $$ >{pid}; exec {self.ctl} {words}'; s=$?; stty -a >{self.folder}/after; echo left-$s-{mark}")
        self.shell.shows(r"busiest clients")
        expect(self.about("#{alternate_on} #{cursor_flag}") == "1 0", "a screen of its own, without a cursor")
        expect(mark not in self.shell.text(), "what was there is out of sight")
        return int(pid.read_text(encoding="utf-8"))

    def left_as_it_was(self, mark):
        """Waits until top has ended, and looks at what it has left."""
        self.shell.shows(f"^left-[0-9]+-{mark}")
        self.shell.shows(f"^{mark}")
        expect(self.about("#{alternate_on} #{cursor_flag}") == "0 1", "the screen from before, with a cursor")
        before, after = ((self.folder / name).read_text(encoding="utf-8") for name in ("before", "after"))
        expect(before == after, f"settings of the terminal:\n{before}\nand after:\n{after}")


def whole(shell, columns, lines):
    """Looks whether the screen is full: each line is as wide as it, or has no more to say."""
    def full():
        drawn = shell.text().splitlines()
        boxes = [line for line in drawn if line.startswith("│")]
        return len(drawn) == lines and len(boxes) >= lines // 2 and all(line[-1] == "│" for line in boxes)
    wait(f"a screen of {columns}x{lines}", full)


def top(place):
    """chatctl top, and the terminal after it"""
    shell = place.shell
    yield "it shows a channel and a client, whatever they are called, in columns"
    ann, bob = place.peer("ann"), place.peer("bob")
    for peer in (ann, bob):
        peer.send(f"JOIN {HOSTILE}\r\nJOIN #rust")
        peer.expect(r" 366 .* #rust ")
    for _ in range(20):
        bob.send("PRIVMSG #rust :hello")
    bob.send(f"PRIVMSG {HOSTILE} :hello")
    place.begin_top("one", "--interval", "0.2")
    shell.shows(r"│#rust +2 +\d+\.\d *│")
    shell.shows(r"│bob +\d+\.\d +\d+ B *│")
    shell.shows(r"│#\\u\{202e\}日… +2 +\d+\.\d│ │")
    yield "a client is chosen, asked about, and disconnected with a reason"
    bob.send("PING x")
    # The busiest is the first, and whoever came with others.
    shell.shows(r"│bob .*\n.*│ann ")
    shell.key("Down")
    shell.key("k")
    shell.shows(r"bob \(127\.0\.0\.1\)")
    shell.write("Enough for today")
    shell.shows(r"Reason: Enough for today_")
    shell.key("Enter")
    shell.shows(r"disconnected bob")
    bob.expect(r"ERROR .*Enough for today")
    ann.expect(r":bob!.* QUIT :.*Enough for today")
    yield "a terminal that is made smaller and larger is drawn anew"
    place.resize(50, 12)
    shell.shows(r"is too small")
    place.resize(200, 60)
    shell.shows(r"busiest channels")
    shell.shows(r"│ann +127\.0\.0\.1 ")
    whole(shell, 200, 60)
    place.resize(80, 24)
    shell.shows(r"│ann +\d+\.\d")
    whole(shell, 80, 24)
    yield "a daemon that is gone is waited for"
    place.daemon.signal(signal.SIGTERM)
    shell.shows(r"no answer for \d+s, trying again")
    expect("ann" in shell.text(), "what was known is still there")
    place.chatd.status()
    place.chatd = place.tmux.start("again", place.daemon.command())
    place.daemon.wait_ready()
    shell.shows(r"up [0-9]s(.*\n)+ connections 0 ")
    yield "a server that takes no new clients is called so"
    place.daemon.ctl("drain")
    shell.shows("^ chatd .* DRAINING ")
    place.daemon.ctl("drain", "--undo")
    yield "q ends it, and the terminal is as it was"
    shell.key("q")
    place.left_as_it_was("one")
    expect("left-0-one" in shell.text(), shell.frame())
    for number in (signal.SIGTERM, signal.SIGHUP):
        yield f"so it is after {number.name}"
        mark = number.name.lower()
        pid = place.begin_top(mark)
        subprocess.run(["kill", f"-{int(number)}", str(pid)], check=True)
        place.left_as_it_was(mark)
        expect(f"left-{128 + number}-{mark}" in shell.text(), shell.frame())
    yield "so it is after Ctrl-C"
    place.begin_top("control")
    shell.key("C-c")
    place.left_as_it_was("control")
    yield "so it is where the daemon has gone meanwhile"
    place.begin_top("gone")
    place.daemon.signal(signal.SIGKILL)
    shell.shows(r"no answer for \d+s, trying again")
    shell.key("q")
    place.left_as_it_was("gone")
    expect("left-0-gone" in shell.text(), shell.frame())
    place.chatd = place.tmux.start("third", place.daemon.command())
    # It has left its socket behind.
    place.chatd.shows("listens on")
    place.daemon.wait_ready()
    yield "Ctrl-Z gives the terminal back, and fg takes it again"
    shell.type("clear")
    shell.type(f"echo stays; {place.ctl} version")
    shell.shows(r"^stays")
    shell.type(f"{place.ctl} top")
    shell.shows(r"busiest channels")
    shell.key("C-z")
    shell.shows(r"^stays")
    expect(place.about("#{alternate_on} #{cursor_flag}") == "0 1", "the shell has its screen")
    shell.type("fg")
    shell.shows(r"busiest channels")
    shell.key("q")
    shell.shows(r"^stays")


def keeping(place):
    """Configurations that are to be confirmed, at a terminal"""
    shell, daemon = place.shell, place.daemon

    def network():
        """The network that a new user is welcomed to."""
        peer = place.peer("guest")
        peer.send("VERSION")
        line = peer.expect(r" 005 .*NETWORK=")
        peer.quit("bye")
        return line.split("NETWORK=")[1].split()[0]

    def write(name):
        """A configuration with this network."""
        motd = f'motd_file = "{place.motd}"'
        daemon.configure(f'[server]\nname = "chat.example"\nnetwork = "{name}"\n{motd}\n', port=place.port)

    yield "Enter keeps what was applied"
    write("Kept")
    shell.type(f"{place.ctl} config diff")
    shell.shows(r'\+ "Kept"')
    shell.type(f"{place.ctl} config apply --confirm-within 10m; echo status-$?")
    shell.shows(r"Press Enter to keep it \(9m \d+s left\)")
    shell.key("Enter")
    shell.shows(r"confirmed, with 9m \d+s left")
    shell.shows(r"^status-0")
    expect(network() == "Kept", "it is in force")
    yield "what nobody keeps is taken back, and chatctl says so"
    write("Mistaken")
    shell.type("clear")
    shell.type(f"{place.ctl} config apply --confirm-within 5s; echo status-$?")
    shell.shows(r"Press Enter to keep it \([45]s left\)")
    expect(network() == "Mistaken", "it is in force")
    shell.shows(r"not confirmed in time: the configuration before is in force again")
    shell.shows(r"^status-1")
    expect(network() == "Kept", "it is what was confirmed last")
    expect("went back" in daemon.ctl("config", "status"), "it is told")
    expect('"Mistaken"' in daemon.ctl("config", "diff"), "the file is as it was")
    yield "a shutdown is watched while a client takes its last lines, or does not"
    deaf = place.peer("deaf")
    shell.type("clear")
    shell.type(f"{place.ctl} shutdown; echo status-$?")
    shell.shows(r"chatd stops; 1 connection is told")
    shell.shows(r"chatd stops: \d connections? (is|are) left \([1-9] s\)|chatd has stopped")
    deaf.close()
    shell.shows(r"chatd has stopped")
    shell.shows(r"^status-0")
