"""Bots in processes of their own: a line of JSON tells one what to do, and it prints one for what it understood.

To a bot: `["method", argument, ...]`, a method of its library, or `["ask", what, argument, ...]`, which is answered by
`{"event": "answer", "value": ...}`. From it: `{"event": name, ...}` for each event of its library.
"""

import json
import pathlib
import queue
import re
import subprocess
import threading
import time

from daemon import target
from place import Place
from report import Failed, refuse

PATIENCE = 30.0
SHOWN = 25
HERE = pathlib.Path(__file__).resolve().parent


class Bot:
    """A bot, and its events in their order."""

    def __init__(self, place, name, command, environment=None):
        self.name = name
        # A file and no pipe, so that nothing waits for somebody to read it.
        self.errors = open(place.folder / f"{name}.stderr", "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            command, cwd=place.folder, env=place.daemon.environment() | (environment or {}),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, encoding="utf-8")
        self.events = queue.Queue()
        self.answers = queue.Queue()
        self.seen = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            event = json.loads(line)
            (self.answers if event["event"] == "answer" else self.events).put(event)
        self.events.put(None)
        self.answers.put(None)

    def do(self, method, *arguments):
        """Tells it to call a method of its library."""
        self.process.stdin.write(json.dumps([method, *arguments]) + "\n")
        self.process.stdin.flush()

    def gets(self, event, /, **fields):
        """Waits for the event with these fields, past all others, and returns it.

        A value that is a pattern is searched for, one that is a function decides; of one that is a map only these
        keys must be there; anything else must be equal.
        """
        end = time.monotonic() + PATIENCE
        while True:
            try:
                found = self.events.get(timeout=max(end - time.monotonic(), 0))
            except queue.Empty:
                found = None
            if found is None:
                raise Failed(f"{self.name} had no {event} with {fields}")
            self.seen.append(found)
            if found["event"] == event and matches(fields, found):
                return found

    def ask(self, *question):
        """What it keeps for itself, after the events that `gets` returned and perhaps others."""
        self.do("ask", *question)
        try:
            answer = self.answers.get(timeout=PATIENCE)
        except queue.Empty:
            answer = None
        if answer is None:
            raise Failed(f"{self.name} has no answer to {question}")
        return answer["value"]

    def told(self):
        """Its last events and its errors."""
        events = [json.dumps(event, ensure_ascii=False) for event in self.seen[-SHOWN:]]
        self.errors.seek(0)
        return "\n".join(f"    | {line}" for line in [*events, *self.errors.read().splitlines()[-SHOWN:]])

    def end(self):
        """Ends it."""
        self.process.kill()
        self.process.wait()
        self.errors.close()


def matches(expected, found):
    """Whether what was found is as expected, in the way that `Bot.gets` says."""
    if isinstance(expected, re.Pattern):
        return isinstance(found, str) and expected.search(found) is not None
    if callable(expected):
        return expected(found)
    if isinstance(expected, dict):
        return isinstance(found, dict) and all(
            key in found and matches(value, found[key]) for key, value in expected.items())
    if isinstance(expected, (list, tuple)):
        return isinstance(found, list) and len(expected) == len(found) and all(map(matches, expected, found))
    return expected == found


class Bots(Place):
    """chatd on a terminal, and a user who types lines; each test brings its bot."""

    clients = "a peer"
    needs = Place.needs | {"node": "nodejs"}

    @classmethod
    def prepare(cls):
        """The libraries must be installed."""
        cls.libraries = target() / "clients"
        if not all((cls.libraries / name / "pinned").exists() for name in ("python", "node")):
            refuse("The libraries of the bots are not installed: tests/clients/install")

    def __init__(self, binaries, folder):
        super().__init__(binaries, folder)
        self.bots = []

    def start(self):
        """Starts chatd and the peer."""
        super().start()
        self.pat = self.peer("pat", "message-tags server-time")

    def python(self, name, script, *words):
        """Starts a bot on a Python library."""
        python = str(self.libraries / "python/bin/python")
        return self._bot(Bot(self, name, [python, str(HERE / "bots" / script), *words]))

    def node(self, name, script, *words):
        """Starts a bot on a library of node."""
        modules = {"NODE_PATH": str(self.libraries / "node/node_modules")}
        return self._bot(Bot(self, name, ["node", str(HERE / "bots" / script), *words], modules))

    def _bot(self, bot):
        self.bots.append(bot)
        return bot

    def report(self):
        """Prints the bots' last events, too."""
        super().report()
        for bot in self.bots:
            print(f"{bot.name}:\n{bot.told()}", flush=True)

    def end(self):
        """Ends everything."""
        for bot in self.bots:
            bot.end()
        super().end()
