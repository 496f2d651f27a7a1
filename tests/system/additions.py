"""What operators add to the unit: secrets, files elsewhere, and a socket for those who only look."""

import re

from machine import person
from report import expect, wait
from service import BUSY, EXPOSURE, UNIT, Operator

# A drop-in of the operator's own, and what only root can read of what it names.
DROP_IN = "/etc/systemd/system/chatd.service.d/credentials.conf"
SECRET, HASH = "/root/secrets/password", "/root/secrets/alice"
LOADED = f"[Service]\nLoadCredential=password:{SECRET}\nLoadCredential=alice:{HASH}\n"
# The password is "example".
ALICE = "$argon2id$v=19$m=19456,t=2,p=1$wiBG8uzp3uBhBramwLIOyw$mqPXzEs2h999yZRRs4KCLq4UEcEdbRQfnYd5kcV7zfM"
OPERATOR = '[[oper_class]]\nname = "helper"\nprivileges = ["kill"]\n[[oper]]\nname = "alice"\nclass = "helper"\n'
GUARDED = f'{BUSY}[server]\nmotd = "%s"\npassword_file = "credential:password"\n{OPERATOR}password_file = "credential:alice"\n'
OUTSIDE = "/srv/chat/motd.txt"
SOCKET = "chatd-monitor.socket"
MONITOR = "/run/chatd/monitor.sock"


def enters(words, nick, end=r" 376 "):
    """A user who says these lines first."""
    return person(nick, first=(*words, f"NICK {nick}", f"USER {nick} 0 * :{nick}"), end=end)


class Additions(Operator):
    """Drop-ins, files and sockets."""

    def unit_said(self):
        """All that the journal has of the unit since it was last asked."""
        return self.run("journalctl", "--quiet", "--unit=chatd", "--output=cat", "--no-pager", "--cursor-file=/run/asked")

    def credentials(self):
        """Credentials"""
        yield "without LoadCredential= a configuration that names a credential is refused, and told what the unit needs"
        for path, secret in ((SECRET, "sesame\n"), (HASH, f"{ALICE}\n")):
            self.machine.write(path, secret)
            self.run("chmod", "600", path)
        self.configure(GUARDED % "Guarded.")
        self.unit_said()
        self.systemctl("reload", "chatd", status=1)
        self.systemctl("restart", "chatd", status=1)
        told = self.unit_said()
        expect(told.count("the unit needs LoadCredential=password:") >= 2, told)
        yield "with it chatd starts, and nobody but root can read the secrets"
        self.machine.write(DROP_IN, LOADED)
        self.systemctl("daemon-reload")
        self.systemctl("start", "chatd")
        expect(not self.machine.succeeds("cat", SECRET, user="chatd"), "the file can be read")
        yield "the password of the server holds, and that of an operator"
        enters(["PASS :open"], "ali", end="^ERROR ").close()
        alice = enters(["PASS :sesame"], "ali")
        alice.send("OPER alice example")
        alice.expect(" 381 ")
        yield "a reload reads them again"
        self.configure(GUARDED % "Guarded still.")
        self.systemctl("reload", "chatd")
        enters(["PASS :open"], "kasim", end="^ERROR ").close()
        enters(["PASS :sesame"], "kasim", end=" 372 .*Guarded still").quit("seen")
        alice.quit("seen")
        self.run("rm", DROP_IN)
        self.configure(BUSY)
        self.systemctl("daemon-reload")
        self.systemctl("restart", "chatd")

    def sandbox(self):
        """The sandbox that chatd makes for itself"""
        yield "it is on, and the log says so"
        said = self.logs("^sandbox landlock=.* seccomp=on", f"_PID={self.pid()}")
        # systemd's own filters are in force, too.
        expect(re.search(r"^Seccomp:\s+2$", self.machine.read(f"/proc/{self.pid()}/status"), re.MULTILINE), "no seccomp")
        yield "a reload in it reads a file that an editor has replaced"
        text = f'{BUSY}[server]\nmotd_file = "motd.txt"\n'
        self.configure(text)
        for words in ("First words.", "Second words."):
            self.machine.write("/etc/chatd/new.txt", f"{words}\n")
            self.run("mv", "/etc/chatd/new.txt", "/etc/chatd/motd.txt")
            self.systemctl("reload", "chatd")
            self.says_motd(words)
        yield "one that would read a file elsewhere fails where Landlock is, with what to do; a restart is that"
        self.machine.write(OUTSIDE, "Words from elsewhere.\n")
        self.configure(f'{BUSY}[server]\nmotd_file = "{OUTSIDE}"\n')
        self.unit_said()
        bounded = "landlock=off" not in said
        self.systemctl("reload", "chatd", status=1 if bounded else 0)
        if bounded:
            told = self.unit_said()
            expect("outside its sandbox: restart chatd" in told, told)
            self.says_motd("Second words")
            self.systemctl("restart", "chatd")
        self.says_motd("Words from elsewhere")
        self.run("rm", "-r", "/etc/chatd/motd.txt", OUTSIDE)
        self.configure(BUSY)
        self.systemctl("restart", "chatd")

    def monitored(self):
        """chatd-monitor.socket, with a chatd that binds its other sockets"""
        self.run("useradd", "--create-home", "--groups", "chatd-monitor", "mona")
        yield "a socket that chatd were to make for its group is refused, as systemd hides that group, and the unit that makes one is named"
        self.configure(f'{BUSY}[monitor]\nsocket = "{MONITOR}"\ngroup = "chatd-monitor"\n')
        self.unit_said()
        self.systemctl("restart", "chatd", status=1)
        told = self.unit_said()
        expect("a socket unit may, such as chatd-monitor.socket" in told, told)
        self.configure(BUSY)
        yield "enabled, it is there when chatd has been restarted, for its group"
        self.systemctl("enable", SOCKET)
        self.systemctl("restart", "chatd")
        self.belongs()
        yield f"systemd-analyze security is at most {EXPOSURE / 10}, and verify finds nothing wrong"
        self.at_most(EXPOSURE)
        said = self.run("systemd-analyze", "verify", "--man=no", UNIT, SOCKET)
        expect("chatd" not in said, said)
        yield from self.looked()
        yield "it is there after a restart, after kill -9, and after stop and start"
        for end in (("systemctl", "restart", "chatd"), ("systemctl", "kill", "--signal=KILL", "chatd"), ("systemctl", "stop", "chatd")):
            before = self.pid()
            self.run("systemctl", "reset-failed")
            self.run(*end)
            if end[1] == "stop":
                yield "while chatd is stopped, looking does not start it"
                said = self.ctl("--socket", MONITOR, "stats", user="mona", status=3)
                expect("chatd does not run" in said, said)
                self.systemctl("is-active", "chatd", status=3)
                self.systemctl("start", "chatd")
            self.comes_back(before)
            wait("somebody may look", lambda: self.machine.succeeds("chatctl", "stats", user="mona"))
            self.belongs()
        yield "likewise at boot, when systemd-tmpfiles makes the folder and it is the first that is in it"
        self.systemctl("stop", "chatd")
        self.run("rm", "-r", "/run/chatd")
        self.run("systemd-tmpfiles", "--create", "chatd.conf")
        self.systemctl("start", "chatd")
        self.belongs()
        yield "disabled, it is gone"
        self.systemctl("disable", "--now", SOCKET)
        self.systemctl("restart", "chatd")
        expect(not self.machine.succeeds("test", "-e", MONITOR), "it is left")

    def belongs(self):
        """The sockets have the owners and modes that they are to have."""
        for path, rights in ((MONITOR, "chatd:chatd-monitor 660"), ("/run/chatd/admin.sock", "chatd:chatd 660"),
                             ("/run/chatd", "chatd:chatd 755")):
            seen = self.run("stat", "--format=%U:%G %a", path).strip()
            expect(seen == rights, f"{path}: {seen}")

    def looked(self):
        """Steps: what a member of chatd-monitor may do, and what others may."""
        yield "a member of its group lists and looks at the counters, and cannot kick; the log names the socket"
        anna = person("anna")
        expect("anna" in self.ctl("list", user="mona"), "not listed")
        self.ctl("stats", user="mona")
        said = self.ctl("kick", "anna", user="mona", status=3)
        expect("members of the group chatd may" in said, said)
        said = self.ctl("--socket", MONITOR, "kick", "anna", user="mona", status=1)
        expect("the monitor socket is for looking only; the admin socket is /run/chatd/admin.sock" in said, said)
        self.logs("^admin .*socket=monitor method=kick .*error=")
        anna.send("PING :still")
        anna.expect("PONG .*still")
        anna.quit("looked at")
        yield "others are refused by both sockets, and told how to become one of those who may"
        for words, group in ((["stats"], "chatd"), (["--socket", MONITOR, "stats"], "chatd-monitor")):
            said = self.ctl(*words, user="bert", status=3)
            expect(f"members of the group {group} may" in said and f"usermod -aG {group} " in said, said)
