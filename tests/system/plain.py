"""--daemonize, on a machine where systemd is not the first process."""

import json
import re

from machine import person
from report import expect, wait

CONFIG = "/etc/chatd/chatd.toml"
PIDFILE = "/run/chatd/chatd.pid"
SCRIPT = "/etc/init.d/chatd"
SYSLOG = "/var/log/syslog"
DAEMON = f'[daemon]\npid_file = "{PIDFILE}"\nuser = "chatd"\n'


class Plain:
    """chatd, rsyslogd, and nobody who looks after them."""

    def __init__(self, machine, package):
        self.machine = machine
        self.run = machine.run
        self.package = package

    def alive(self, pid):
        """Whether a process is there."""
        return self.machine.succeeds("test", "-e", f"/proc/{pid}")

    def installed(self):
        """apt-get install"""
        yield "the package is installed, and starts nothing"
        place = f"/tmp/{self.package.name}"
        self.machine.write(place, self.package.read_bytes())
        self.run("apt-get", "install", "--yes", "--no-install-recommends", place)
        seen = self.run("stat", "--format=%U:%G %a", CONFIG).strip()
        expect(seen == "root:chatd 640", seen)
        expect(not self.machine.succeeds("pgrep", "-x", "chatd"), "it runs")
        yield "rsyslogd listens on /dev/log"
        self.run("rsyslogd", "-i", "/run/rsyslogd.pid")
        wait("/dev/log", lambda: self.machine.succeeds("test", "-S", "/dev/log"))

    def daemonized(self):
        """chatd --daemonize"""
        yield "it returns when it listens, and says where"
        self.machine.write(CONFIG, DAEMON)
        self.run("install", "-d", "-o", "chatd", "-g", "chatd", "/run/chatd")
        # As root may be a member of others' groups.
        said = self.run("setpriv", "--groups=0,4,42", "chatd", "--daemonize")
        expect("listens on 127.0.0.1:6667" in said, said)
        client = person("anna")
        yield "the pid file names the process, which has left its terminal and its parent"
        pid = self.machine.read(PIDFILE).strip()
        expect(self.run("pgrep", "-x", "chatd").split() == [pid], "another process")
        expect(self.run("ps", "-o", "ppid=,tty=", "-p", pid).split() == ["1", "?"], self.run("ps", "-ef"))
        yield "it is user chatd for good, with no groups that root had"
        status = self.machine.read(f"/proc/{pid}/status")
        user, group = (self.run("id", kind, "chatd").strip() for kind in ("--user", "--group"))
        for name, wanted in (("Uid", [user] * 4), ("Gid", [group] * 4), ("Groups", [group]), ("CapEff", ["0" * 16]), ("CapPrm", ["0" * 16])):
            seen = re.search(rf"^{name}:(.*)$", status, re.MULTILINE)[1].split()
            expect(seen == wanted, f"{name}: {seen}, not {wanted}")
        yield "a member of the group may use chatctl, others are told how to become one"
        self.run("useradd", "--create-home", "--groups", "chatd", "olga")
        self.run("useradd", "--create-home", "bert")
        expect(json.loads(self.run("chatctl", "stats", "--json", user="olga"))["users"] == 1, "not one user")
        said = self.run("chatctl", "stats", user="bert", status=3)
        expect("members of the group chatd may" in said, said)
        yield "/var/log/syslog has the life of a client"
        client.quit("into the file")
        wait("the records", lambda: re.search(rf" chatd\[{pid}\]: quit .*into the file", self.machine.read(SYSLOG)))
        yield "a second one is refused with status 1, and the first goes on"
        said = self.run("chatd", "--daemonize", status=1)
        expect(f"chatd is already running, pid {pid} (pid file {PIDFILE})" in said, said)
        person("bert").quit("still there")
        yield "an error in the configuration is printed, with a status of its own"
        self.machine.write(CONFIG, f"{DAEMON}colour = 7\n")
        said = self.run("chatd", "--daemonize", status=78)
        expect("chatd.toml:4:1: error: unknown key `colour`" in said, said)
        self.machine.write(CONFIG, DAEMON)
        yield "TERM stops it, and it leaves nothing behind"
        self.run("kill", pid)
        wait("its end", lambda: not self.alive(pid))
        expect(self.run("ls", "-A", "/run/chatd").split() in ([], ["admin.sock.lock"]), self.run("ls", "-lA", "/run/chatd"))

    def scripted(self):
        """The script for init"""
        self.run("install", "-m", "755", "/usr/share/doc/chatd/examples/sysv/chatd", SCRIPT)
        yield "start, status"
        self.run(SCRIPT, "status", status=3)
        self.run("rm", "-r", "/run/chatd")
        self.run(SCRIPT, "start")
        pid = self.machine.read(PIDFILE).strip()
        expect(f"process {pid}" in self.run(SCRIPT, "status"), "no status")
        person("anna").quit("seen")
        yield "a second start changes nothing"
        expect("already running" in self.run(SCRIPT, "start"), "started twice")
        expect(self.machine.read(PIDFILE).strip() == pid, "another process")
        yield "reload; with an error it fails, and so does a restart, and the old one goes on"
        self.machine.write(CONFIG, f'{DAEMON}[server]\nmotd = "Second."\n')
        self.run(SCRIPT, "reload")
        person("bert", end=" 372 .*Second").quit("read")
        self.machine.write(CONFIG, f"{DAEMON}colour = 7\n")
        expect("unknown key `colour`" in self.run(SCRIPT, "reload", status=1), "no reason")
        self.run(SCRIPT, "restart", status=78)
        person("carla", end=" 372 .*Second").quit("read")
        self.machine.write(CONFIG, DAEMON)
        yield "restart makes it another process"
        self.run(SCRIPT, "restart")
        expect(self.machine.read(PIDFILE).strip() != pid, "the same process")
        yield "stop waits for its end; a second stop is no error"
        pid = self.machine.read(PIDFILE).strip()
        self.run(SCRIPT, "stop")
        expect(not self.alive(pid), "it still runs")
        self.run(SCRIPT, "stop")
        yield "one that was killed is not running, whatever its pid file says, and starts again"
        self.run(SCRIPT, "start")
        pid = self.machine.read(PIDFILE).strip()
        self.run("kill", "-KILL", pid)
        wait("its end", lambda: not self.alive(pid))
        self.run(SCRIPT, "status", status=3)
        self.run(SCRIPT, "start")
        self.run(SCRIPT, "stop")
        yield "removed and purged, it leaves its user"
        self.run("rm", SCRIPT)
        self.run("apt-get", "purge", "--yes", "chatd")
        expect(not self.machine.succeeds("test", "-e", "/var/lib/chatd"), "state is left")
        self.run("getent", "passwd", "chatd")
