"""The filter for fail2ban and the rules for logcheck, held against what a running chatd has logged."""

import collections
import re
import subprocess
import tempfile

from daemon import ROOT
from machine import person
from report import expect

FILTER = ROOT / "packaging/fail2ban/filter.d/chatd.conf"
RULES = ROOT / "packaging/logcheck/chatd"
# Where somebody who guesses comes from, and where somebody comes from too often.
GUESSER, HURRIED = "127.0.0.66", "127.0.0.77"
# The password of the operator is "example".
SETTINGS = f"""
[users]
default_modes = "x"
[cloak]
key = "a-key-of-tests-as-long-as-a-key-must-be"
[limits]
connections_per_address = 1000
[[class]]
name = "friends"
networks = ["127.0.0.1", "{GUESSER}"]
exempt = ["throttle"]
[[oper_class]]
name = "helper"
privileges = ["kill"]
[[oper]]
name = "alice"
password = "$argon2id$v=19$m=19456,t=2,p=1$wiBG8uzp3uBhBramwLIOyw$mqPXzEs2h999yZRRs4KCLq4UEcEdbRQfnYd5kcV7zfM"
class = "helper"
[[webirc]]
name = "webchat"
password = "gateway-password"
networks = ["192.0.2.7"]
[throttle]
connections = 3
"""


def found(lines):
    """How often fail2ban finds each address."""
    with tempfile.NamedTemporaryFile("w", suffix=".log", encoding="utf-8") as log:
        log.write("".join(f"{line}\n" for line in lines))
        log.flush()
        done = subprocess.run(["fail2ban-regex", "--usedns=no", "--out=ip", log.name, str(FILTER)], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", check=False)
    return collections.Counter(done.stdout.split())


def reported(lines):
    """What is left when logcheck has left out what its rules match."""
    rules = [line for line in RULES.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    done = subprocess.run(["grep", "--text", "--extended-regexp", "--invert-match", "\n".join(rules)], input="\n".join(lines),
                          stdout=subprocess.PIPE, encoding="utf-8", check=False)
    expect(done.returncode < 2, "grep does not understand the rules")
    return done.stdout.splitlines()


def guess(*lines, end, source=GUESSER):
    """Says these lines from an address, and is answered with `end`."""
    client = person("", source=source, first=lines, end=end)
    client.close()


def steps(service, configuration):
    """Steps of a test: `service` is on a machine on which clients have come and gone. `configuration` is its configuration afterwards."""
    yield "an ordinary day is nothing to fail2ban, and nothing to logcheck but what operators did"
    day = [line for line in service.machine.read("/var/log/syslog").splitlines() if re.search(r" chatd\[\d+\]: ", line)]
    expect(len(day) > 20, day)
    expect(not found(day), day)
    left = [line.split("]: ", 1)[1] for line in reported(day)]
    ordinary = [line for line in left if re.match("(connect|register|nick|quit) ", line)]
    expect(not ordinary, ordinary)
    expect(any(" method=kick " in line for line in left), left)

    yield "who guesses passwords, and who comes too often, is found, and nobody else"
    service.configure(SETTINGS)
    service.systemctl("restart", "chatd")
    honest = person("honest")
    for number in range(2):
        guess("WEBIRC guessed x host.example 198.51.100.7", end="^ERROR ")
        guess(f"NICK guesser{number}", "USER x 0 * :x", "OPER alice guessed", end=" 464 ")
    service.configure('[server]\npassword = "the right one"\n' + SETTINGS)
    service.systemctl("reload", "chatd")
    for number in range(3):
        guess("PASS :the wrong one", f"NICK guesser{number}", "USER x 0 * :x", end="^ERROR ")
    for _ in range(5):
        guess("PING :x", end="(PONG|^ERROR )", source=HURRIED)
    honest.send("QUIT :connect client=1 address=127.0.0.99:1 quit client=1 user=* cause=password x")
    honest.expect("^ERROR ")
    service.logs("^quit .*honest")
    service.logs("^refused reason=throttle")
    for name, lines in (("/var/log/syslog", service.machine.read("/var/log/syslog").splitlines()),
                        ("the journal", service.run("journalctl", "--identifier=chatd", "--no-pager").splitlines())):
        counts = found(lines)
        expect(counts.pop(GUESSER, 0) == 7, f"{name}: {counts} in\n" + "\n".join(lines[-60:]))
        expect(counts.pop(HURRIED, 0) >= 1 and not counts, f"{name}: {counts} in\n" + "\n".join(lines[-60:]))

    yield "who guesses an operator's password is found by that record alone, long after the connection, although a cloak hides the address"
    guesses = [line for line in lines if re.search(r"]: oper refused ", line)]
    expect(len(guesses) == 2 and not any(f"@{GUESSER}" in line for line in guesses), guesses)
    expect(found(guesses) == {GUESSER: 2}, guesses)

    yield "logcheck reports them"
    lines = service.machine.read("/var/log/syslog").splitlines()
    left = [line.split("]: ", 1)[1] for line in reported(lines) if " chatd[" in line]
    for pattern in ("^gateway refused ", "^oper refused ", "^quit .*cause=password ", "^refused reason=throttle "):
        expect(any(re.search(pattern, line) for line in left), left)
    service.configure(configuration)
    service.systemctl("restart", "chatd")
