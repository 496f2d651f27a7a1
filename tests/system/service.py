"""The unit, as an operator of a machine with systemd meets it."""

import json
import pathlib
import re
import signal
import subprocess
import tempfile

import recipes
from machine import person
from report import Failed, expect, wait

CONFIG = "/etc/chatd/chatd.toml"
STATE = "/var/lib/chatd"
SYSLOG = "/var/log/syslog"
UNIT = "chatd.service"
# So that a test need not wait as long as a machine may.
IMPATIENT = "/etc/systemd/system/chatd.service.d/impatient.conf"
# What the shipped unit may be exposed to, times ten, as `systemd-analyze security` counts.
EXPOSURE = 11
# All of the clients here have one address.
BUSY = "[throttle]\nconnections = 0\n[limits]\nconnections_per_address = 1000\n"


class Operator:
    """What all tests do on a machine with systemd."""

    def __init__(self, machine):
        self.machine = machine
        self.run = machine.run

    def systemctl(self, *words, status=0):
        """systemctl. Nobody but a test starts anything so often that systemd stops it."""
        if words[0] in ("start", "restart", "enable"):
            self.run("systemctl", "reset-failed")
        return self.run("systemctl", "--no-pager", *words, status=status)

    def shown(self, name):
        """A property of the unit."""
        return self.systemctl("show", "--value", f"--property={name}", UNIT).strip()

    def status(self):
        """What an operator is shown of the unit."""
        return self.systemctl("status", "--lines=0", UNIT)

    def pid(self):
        """The process of the unit."""
        return int(self.shown("MainPID"))

    def signal(self, number):
        """Sends the process a signal."""
        self.run("kill", f"-{int(number)}", str(self.pid()))

    def configure(self, text):
        """Writes the configuration."""
        self.machine.write(CONFIG, text)

    def ctl(self, *words, **options):
        """chatctl."""
        return self.run("chatctl", *words, **options)

    def journal(self, *words):
        """Messages of chatd in the journal."""
        said = self.run("journalctl", "--quiet", "--identifier=chatd", "--output=json", *words)
        return [json.loads(line)["MESSAGE"] for line in said.splitlines()]

    def logs(self, pattern, *words):
        """Waits for a message in the journal."""
        found = lambda: next((line for line in self.journal(*words) if re.search(pattern, line)), None)
        try:
            return wait(f"the journal has {pattern!r}", found)
        except Failed as failure:
            raise Failed("\n".join([f"{failure}; it has:", *self.journal()[-40:]])) from None

    def syslog(self, process):
        """Messages of a process of chatd in the file of rsyslog."""
        mark = f" chatd[{process}]: "
        return [line.split(mark, 1)[1] for line in self.machine.read(SYSLOG).splitlines() if mark in line]

    def comes_back(self, before):
        """Waits until another process serves."""
        wait("another process", lambda: self.pid() not in (0, before) and self.shown("ActiveState") == "active")
        person("again").quit("seen")

    def at_most(self, exposure):
        """The unit is exposed to so much at most, times ten, as systemd counts."""
        said = self.run("systemd-analyze", "security", "--no-pager", f"--threshold={exposure}", UNIT, status=None)
        score = re.search(r"exposure level for chatd.service: (\S+)", said)
        expect(score and float(score[1]) * 10 <= exposure, "\n".join(line for line in said.splitlines() if re.match("✗|→", line)))

    def says_motd(self, text, nick="motd"):
        """A new user is shown this message of the day."""
        person(nick, end=f" 372 .*{text}").quit("read")


class Service(Operator):
    """The unit that binds its own sockets."""

    def __init__(self, machine, package, version):
        super().__init__(machine)
        self.package = package
        self.version = version

    def install(self, package, *options):
        """apt-get install."""
        place = f"/tmp/{package.name}"
        self.machine.write(place, package.read_bytes())
        said = self.run("apt-get", "install", "--yes", "--no-install-recommends", *options, place)
        complaint = re.search(r"^(warning|error|dpkg: (warning|error)|Failed|Unknown|.*not found).*", said, re.MULTILINE | re.IGNORECASE)
        expect(not complaint, said)
        return said

    def installed(self):
        """apt-get install"""
        yield f"the machine has systemd {self.version}"
        expect(f"systemd {self.version} " in self.run("systemctl", "--version"), self.run("systemctl", "--version"))
        yield "the package is installed without a complaint"
        self.install(self.package)
        yield "its user and its groups are there, and only its group can read the configuration"
        expect(self.run("getent", "passwd", "chatd").strip().endswith(":/nonexistent:/usr/sbin/nologin"), "no user chatd")
        self.run("getent", "group", "chatd", "chatd-monitor")
        for path, rights in ((CONFIG, "root:chatd 640"), (STATE, "chatd:chatd 700")):
            seen = self.run("stat", "--format=%U:%G %a", path).strip()
            expect(seen == rights, f"{path}: {seen}")
        yield "systemctl start chatd: it runs, and will after a boot"
        self.systemctl("start", "chatd")
        expect(self.shown("ActiveState") == "active", self.systemctl("status", "chatd", status=None))
        expect(self.systemctl("is-enabled", "chatd").strip() == "enabled", "not enabled")
        yield "a user with no rights runs it, with no groups but its own"
        status = self.machine.read(f"/proc/{self.pid()}/status")
        number = self.run("id", "--user", "chatd").strip()
        expect(re.search(rf"^Uid:(\s+{number}){{4}}$", status, re.MULTILINE), status)
        expect(re.search(r"^CapEff:\s+0+$", status, re.MULTILINE), status)
        groups = re.search(r"^Groups:(.*)$", status, re.MULTILINE)[1].split()
        expect(groups in ([], [self.run("id", "--group", "chatd").strip()]), status)
        yield "systemd-analyze finds nothing wrong with the units"
        for unit in self.run("sh", "-c", "ls /usr/lib/systemd/system/chatd*").split():
            said = self.run("systemd-analyze", "verify", "--man=no", unit)
            expect("chatd" not in said, said)
        yield f"systemd-analyze security is at most {EXPOSURE / 10}"
        self.at_most(EXPOSURE)

    def served(self):
        """A client, and three kinds of operators"""
        self.run("useradd", "--create-home", "--groups", "chatd", "olga")
        self.run("useradd", "--create-home", "bert")
        self.configure(BUSY)
        self.systemctl("reload", "chatd")
        yield "a client connects and talks"
        anna = person("anna")
        anna.send("JOIN #den")
        anna.expect(" 366 ")
        for user in (None, "olga"):
            who = user or "root"
            yield f"{who} lists, looks at the counters, and kicks"
            listed = [json.loads(line) for line in self.ctl("list", "--json", user=user).splitlines()]
            expect([item["nick"] for item in listed] == ["anna"], listed)
            expect(json.loads(self.ctl("stats", "--json", user=user))["users"] == 1, "not one user")
            guest = person("guest")
            self.ctl("kick", "guest", "enough", user=user)
            guest.expect("^ERROR .*enough")
            guest.close()
            self.logs(rf"^admin .*method=kick nick=guest reason=enough result=done")
        yield "others are refused, and told how to become one of them"
        said = self.ctl("kick", "anna", user="bert", status=3)
        expect("members of the group chatd may" in said and "usermod -aG chatd" in said, said)
        anna.send("PING :still")
        anna.expect("PONG .*still")
        anna.quit("enough for now")

    def reloaded(self):
        """systemctl reload"""
        yield "a reload returns when the new configuration is in force"
        self.configure(f'{BUSY}[server]\nmotd = "The second one."\n')
        before = self.pid()
        self.systemctl("reload", "chatd")
        self.says_motd("The second one")
        yield "a reload of a file with an error fails, with the reason in the journal"
        self.configure(f'{BUSY}[server]\nmotd = "The third one."\nnetwrk = "Den"\n')
        said = self.systemctl("reload", "chatd", status=1)
        expect("Job for chatd.service failed" in said or "failed" in said, said)
        told = self.run("journalctl", "--quiet", "--unit=chatd", "--output=cat", "--no-pager")
        expect(re.search(r"chatd\.toml:\d+:1: error: unknown key `netwrk`", told), told)
        yield "the old one is in force, and nobody was disconnected"
        self.says_motd("The second one")
        expect((self.pid(), self.shown("ActiveState")) == (before, "active"), self.systemctl("status", "chatd", status=None))
        yield "a restart with it is refused by the check before it, and mends with the file"
        self.systemctl("restart", "chatd", status=1)
        self.configure(f'{BUSY}[server]\nmotd = "The fourth one."\n')
        self.systemctl("start", "chatd")
        self.says_motd("The fourth one")

    def life(self, nick):
        """The life of a client; returns its records, those of the journal and those of rsyslog."""
        client = person(nick)
        client.send("JOIN #den\r\nPRIVMSG #den :nobody writes this down")
        client.expect(" 366 ")
        client.quit(f'{nick} has "seen" it \x02all\x02')
        # Each process counts anew.
        process = self.pid()
        number = re.search(r"client=(\d+)", self.logs(rf"^register .*{nick}!"))[1]
        its = lambda lines: [line for line in lines if re.search(rf" client={number} ", line)]
        self.logs(rf"^quit client={number} .*{nick}")
        return its(self.journal(f"_PID={process}")), lambda: its(self.syslog(process))

    def filed(self):
        """The log"""
        yield "journalctl -t chatd and /var/log/syslog show the same life of a client"
        journal, syslog = self.life("carla")
        expect([line.split()[0] for line in journal] == ["connect", "register", "quit"], journal)
        wait("the same in both", lambda: syslog() == journal)
        expect("writes this down" not in self.machine.read(SYSLOG), "what users say is in the log")
        yield "the same once more, with [log] target = \"syslog\""
        self.configure(f'{BUSY}[log]\ntarget = "syslog"\n')
        self.systemctl("restart", "chatd")
        journal, syslog = self.life("dieter")
        expect([line.split()[0] for line in journal] == ["connect", "register", "quit"], journal)
        wait("the same in both", lambda: syslog() == journal)
        yield "while rsyslog is stopped, chat goes on and the journal has all of it"
        self.systemctl("stop", "syslog.socket", "rsyslog.service")
        journal, _ = self.life("emma")
        expect(len(journal) == 3, journal)
        yield "when it is there again, both have the same"
        self.systemctl("start", "syslog.socket", "rsyslog.service")
        journal, syslog = self.life("franz")
        wait("the same in both", lambda: syslog() == journal)
        yield "likewise after a restart of it"
        self.systemctl("restart", "rsyslog")
        journal, syslog = self.life("greta")
        wait("the same in both", lambda: syslog() == journal)

    def recognized(self):
        """fail2ban and logcheck"""
        yield from recipes.steps(self, BUSY)

    def survived(self):
        """Watchdog and sudden ends"""
        yield "after kill -9 it comes back, with what it had to keep"
        self.ctl("ban", "add", "*@203.0.113.7", "kept")
        before = self.pid()
        self.signal(signal.SIGKILL)
        self.comes_back(before)
        expect("203.0.113.7" in self.ctl("ban", "list"), self.ctl("ban", "list"))
        yield "a process that does not go on is ended by the watchdog, and comes back"
        expect(self.shown("WatchdogUSec") not in ("0", "infinity", ""), self.shown("WatchdogUSec"))
        self.machine.write(IMPATIENT, "[Service]\nWatchdogSec=3\n")
        self.systemctl("daemon-reload")
        self.systemctl("restart", "chatd")
        before = self.pid()
        self.signal(signal.SIGSTOP)
        self.comes_back(before)
        told = self.run("journalctl", "--quiet", "--unit=chatd", "--output=cat", "--no-pager")
        expect("Watchdog timeout" in told, told)
        yield "one that goes on is left alone by it"
        before = self.pid()
        self.run("sleep", "7")
        expect(self.pid() == before, "ended although it was well")
        self.run("rm", IMPATIENT)
        self.systemctl("daemon-reload")
        self.systemctl("restart", "chatd")
        yield "its status says how many are there, and no nicks"
        client = person("helga")
        wait("the status", lambda: re.search(r"^ *Status: .*\b1 user", self.status(), re.MULTILINE))
        expect("helga" not in self.shown("StatusText"), self.shown("StatusText"))
        client.quit("done")

    def newer(self, folder):
        """A package with the next version, and with a change in its sample of the configuration."""
        name = self.package.name.replace("-1_", "-2_")
        for words in (["dpkg-deb", "--raw-extract", str(self.package), str(folder / "files")],
                      ["sed", "-i", r"s/^\(Version: .*\)-1$/\1-2/", str(folder / "files/DEBIAN/control")],
                      ["sed", "-i", "1s/^/# A newer one.\\n/", str(folder / "files" / CONFIG[1:])],
                      ["dpkg-deb", "--root-owner-group", "-Znone", "--build", str(folder / "files"), str(folder / name)]):
            subprocess.run(words, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        return folder / name

    def upgraded(self):
        """An upgrade"""
        with tempfile.TemporaryDirectory() as name:
            newer = self.newer(pathlib.Path(name))
            yield "an upgrade restarts it and keeps the changed configuration, its owner and its mode"
            self.configure(f'{BUSY}[server]\nmotd = "Mine."\n')
            before = self.pid()
            self.install(newer, "--option=Dpkg::Options::=--force-confold")
            self.comes_back(before)
            self.says_motd("Mine")
            seen = self.run("stat", "--format=%U:%G %a", CONFIG).strip()
            expect(seen == "root:chatd 640", seen)
            expect("# A newer one." in self.machine.read(f"{CONFIG}.dpkg-dist"), "the new sample is not beside it")
            yield "what the operator has disabled and stopped stays so"
            self.systemctl("disable", "--now", "chatd")
            self.install(newer, "--reinstall", "--option=Dpkg::Options::=--force-confold")
            self.systemctl("is-enabled", "chatd", status=1)
            self.systemctl("is-active", "chatd", status=3)
            self.systemctl("enable", "--now", "chatd")

    def removed(self):
        """Removal"""
        yield "remove stops it and leaves configuration, state and user"
        self.systemctl("enable", "--now", "chatd")
        before = self.pid()
        self.run("apt-get", "remove", "--yes", "chatd")
        expect(not self.machine.succeeds("test", "-e", f"/proc/{before}"), "it still runs")
        for path in (CONFIG, f"{STATE}/state.json"):
            self.run("test", "-f", path)
        self.run("getent", "passwd", "chatd")
        expect(not self.machine.succeeds("test", "-e", "/usr/bin/chatd"), "the program is left")
        yield "installed again, all is as it was"
        self.install(self.package, "--allow-downgrades", "--option=Dpkg::Options::=--force-confold")
        self.says_motd("Mine")
        expect("203.0.113.7" in self.ctl("ban", "list"), self.ctl("ban", "list"))
        yield "purge takes configuration and state, and leaves the user"
        self.run("apt-get", "purge", "--yes", "chatd")
        left = self.run("sh", "-c", "find / -xdev \\( -path /proc -o -path /tmp -o -path /home \\) -prune -o "
                                    "-name '*chatd*' -print | grep -v /var/log/ || true").split()
        expect(not left, left)
        self.run("getent", "passwd", "chatd")
        expect("chatd" not in self.systemctl("list-units", "--all"), self.systemctl("list-units", "--all"))
