"""The unit whose sockets systemd holds."""

import contextlib
import json
import socket
import threading

from machine import PORT, person
from report import expect, wait
from service import BUSY, UNIT, Operator

EXAMPLE = "/usr/share/doc/chatd/examples/chatd.service.d/socket-activated.conf"
DROP_IN = "/etc/systemd/system/chatd.service.d/socket-activated.conf"
EXPOSURE = 2
SOCKETS = ("chatd.socket", "chatd-admin.socket", "chatd-monitor.socket")
RESTARTS = 3
CONNECTS = 60


class Activated(Operator):
    """chatd.socket, and the drop-in that comes as an example."""

    def served(self):
        """chatd.socket"""
        yield "chatd.socket listens before chatd runs, and the first client starts it"
        self.systemctl("stop", "chatd")
        self.run("install", "-D", "-m", "644", EXAMPLE, DROP_IN)
        self.configure(f'{BUSY}[server]\nmotd = "Mine."\n[[listen]]\nsocket = "chat"\n')
        self.systemctl("daemon-reload")
        self.systemctl("enable", "--now", *SOCKETS)
        self.systemctl("is-active", "chatd", status=3)
        anna = person("anna")
        self.systemctl("is-active", "chatd")
        yield f"systemd-analyze security is at most {EXPOSURE / 10}, and verify finds nothing wrong"
        self.at_most(EXPOSURE)
        said = self.run("systemd-analyze", "verify", "--man=no", UNIT, *SOCKETS)
        expect("chatd" not in said, said)
        yield "a member of the group lists and kicks, and others are refused"
        listed = [json.loads(line)["nick"] for line in self.ctl("list", "--json", user="olga").splitlines()]
        expect(listed == ["anna"], listed)
        self.ctl("kick", "anna", "go", user="olga")
        anna.expect("^ERROR .*go")
        anna.close()
        said = self.ctl("stats", user="bert", status=3)
        expect("members of the group chatd may" in said, said)
        yield "a member of chatd-monitor lists, through the socket of that unit"
        self.ctl("list", user="mona")
        self.ctl("--socket", "/run/chatd/monitor.sock", "stats", user="mona")
        yield "a reload works, and fails with an error"
        self.configure(f'{BUSY}[server]\nmotd = "Fifth."\n[[listen]]\nsocket = "chat"\n')
        self.systemctl("reload", "chatd")
        self.says_motd("Fifth")
        self.configure(f'{BUSY}[server]\nmotd = "Sixth."\n[[listen]]\nsocket = "chat"\nmode = 7\n')
        self.systemctl("reload", "chatd", status=1)
        self.says_motd("Fifth")
        self.configure(f'{BUSY}[server]\nmotd = "Mine."\n[[listen]]\nsocket = "chat"\n')
        self.logs("^quit .*read")

    def restarted(self):
        """chatd.socket and restarts"""
        yield f"of {CONNECTS} connects or more during {RESTARTS} restarts none is refused, and those that are not cut off are answered"
        answers, over = [], threading.Event()

        def connect():
            while not over.is_set() or len(answers) < CONNECTS:
                answers.append(answer())

        crowd = threading.Thread(target=connect)
        crowd.start()
        pids = {self.pid()}
        try:
            for _ in range(RESTARTS):
                wait("somebody connects", lambda seen=len(answers): len(answers) > seen)
                self.systemctl("restart", "chatd")
                pids.add(self.pid())
        finally:
            over.set()
            crowd.join()
        failures = [failure for failure in answers if failure not in ("answered", "cut off")]
        expect(not failures, failures)
        expect(answers.count("cut off") <= RESTARTS and len(pids) == RESTARTS + 1, f"{answers}, processes {pids}")
        yield "systemctl stop stops sockets and daemon, and nobody listens any more"
        self.systemctl("disable", *SOCKETS)
        self.systemctl("stop", *SOCKETS, UNIT)
        with contextlib.suppress(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", PORT), timeout=5).close()
            expect(False, "somebody listens")
        yield "without the drop-in it binds its own sockets again"
        self.run("rm", "-r", "/etc/systemd/system/chatd.service.d")
        self.configure(f'{BUSY}[server]\nmotd = "Mine."\n')
        self.systemctl("daemon-reload")
        self.systemctl("start", "chatd")
        self.says_motd("Mine")


def answer():
    """What comes of a connection: the answer is waited for, also while nobody is there to give it."""
    try:
        with socket.create_connection(("127.0.0.1", PORT), timeout=30) as connection:
            connection.sendall(b"NICK somebody\r\nUSER somebody 0 * :somebody\r\n")
            return "answered" if connection.recv(512) else "cut off"
    except (ConnectionResetError, BrokenPipeError):
        return "cut off"
    except OSError as error:
        return str(error)
