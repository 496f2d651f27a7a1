"""A bot on the library `irc`: `pybot.py PORT NICK`. ../bots.py has the lines that it reads and prints."""

import json
import queue
import sys
import threading

import irc.bot
import irc.client

CAPABILITIES = ("account-tag", "away-notify", "batch", "chghost", "echo-message", "invite-notify", "labeled-response",
                "message-tags", "server-time", "setname")


def tell(**fields):
    """Prints an event."""
    print(json.dumps(fields), flush=True)


class Bot(irc.bot.SingleServerIRCBot):
    """It keeps channels, members and modes as the library does, and comes back after a second or two."""

    def __init__(self, port, nick):
        super().__init__([("127.0.0.1", port)], nick, "A bot of patience",
                         recon=irc.bot.ExponentialBackoff(min_interval=1, max_interval=2))
        # After the library's own handlers, which keep the channels.
        self.reactor.add_global_handler("all_events", self.tell_of, 10)

    def tell_of(self, _connection, event):
        """Prints what the library made of a line."""
        if event.type != "all_raw_messages":
            tags = {tag["key"]: tag["value"] for tag in event.tags or []}
            tell(event=event.type, source=event.source and irc.client.NickMask(event.source).nick,
                 host=event.source and irc.client.NickMask(event.source).host,
                 target=event.target, arguments=event.arguments, tags=tags)

    def on_welcome(self, connection, _event):
        """Asks for those that are offered: what is not is refused with all others."""
        connection.cap("LS", "302")

    def on_cap(self, connection, event):
        """Requests what it can use."""
        if event.arguments[0] == "LS":
            offered = event.arguments[-1].split()
            connection.cap("REQ", *[name for name in CAPABILITIES if name in offered])

    def on_nicknameinuse(self, connection, event):
        """Takes another nick."""
        connection.nick(event.arguments[0] + "_")

    def answer(self, what, *words):
        """What the library keeps."""
        if what == "channel":
            kept = self.channels.get(words[0])
            return kept and {
                "users": sorted(kept.users()), "ops": sorted(kept.opers()), "halfops": sorted(kept.halfops()),
                "voiced": sorted(kept.voiced()), "modes": kept.modes}
        if what == "features":
            return vars(self.connection.features)
        return {"nick": self.connection.get_nickname(), "server": self.connection.get_server_name()}

    def do(self, method, *words):
        """Does what a line says."""
        if method == "ask":
            tell(event="answer", value=self.answer(*words))
        else:
            getattr(self.connection, method)(*words)


def main():
    """Connects, and does what it is told until standard input ends."""
    bot = Bot(int(sys.argv[1]), sys.argv[2])
    lines = queue.Queue()
    threading.Thread(target=lambda: [lines.put(line) for line in sys.stdin], daemon=True).start()
    bot._connect()
    while True:
        bot.reactor.process_once(0.02)
        while not lines.empty():
            bot.do(*json.loads(lines.get()))


if __name__ == "__main__":
    main()
