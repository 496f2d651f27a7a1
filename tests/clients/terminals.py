"""weechat and irssi on terminals, beside chatd on its own."""

import re

from place import Place
from report import Failed, wait


class Client:
    """What both clients have in common; the screen is of the same words that a person reads."""

    def __init__(self, screen, nick):
        self.screen = screen
        self.nick = nick

    def do(self, *lines):
        """Types lines."""
        for line in lines:
            self.screen.type(line)

    def go(self, command, bar):
        """Types the command that shows another window until the status bar has its name: it may be about to open."""
        def shown():
            self.screen.type(command)
            try:
                return self.screen.shows(bar, patience=2)
            except Failed:
                return None
        wait(f"{self.screen.name} shows {bar!r}", shown)

    def sees(self, *patterns):
        """Waits until the screen shows all of these."""
        for pattern in patterns:
            self.screen.shows(pattern)


class Irssi(Client):
    """irssi: `<@nick> text`, status lines with `-!-`."""

    def __init__(self, setting):
        words = [*setting.irssi_hint, "--home", str(setting.folder / "irssi"), "-n", "irs"]
        super().__init__(setting.tmux.start("irssi", words), "irs")
        # As installed, it waits five minutes before it connects again, and asks about what may be a paste.
        self.do("/set paste_verify_line_count 0", "/set server_reconnect_time 10s")

    def hears(self, nick, text):
        """A message in the window that is shown."""
        self.sees(rf"<[ @+]?{nick}> {re.escape(text)}")

    def window(self, name):
        """Shows the window of a channel, of a user, or of the server."""
        number, bar = ("1", r"\[1:") if name == "server" else (name, rf"\[\d+:127/{name}[\](]")
        self.go(f"/window goto {number}", bar)


class Weechat(Client):
    """weechat: `nick | text`, status lines with `--`."""

    def __init__(self, setting):
        folder = setting.folder / "weechat"
        options = {"irc.server_default.nicks": "wee", "irc.server_default.autoreconnect_delay": "2",
                   # Off as installed.
                   "typing.look.enabled_nicks": "on", "typing.look.enabled_self": "on",
                   "irc.look.typing_status_nicks": "on", "irc.look.typing_status_self": "on",
                   # It need not protect chatd, and a test has no time for 2 s between two lines.
                   "irc.server_default.anti_flood_prio_high": "0", "irc.server_default.anti_flood_prio_low": "0",
                   # Lines that it was slow to read are not a paste to ask about.
                   "weechat.look.paste_max_lines": "-1"}
        words = ["weechat", "--dir", str(folder)]
        for name, value in options.items():
            words += ["--run-command", f"/mute /set {name} {value}"]
        super().__init__(setting.tmux.start("weechat", words), "wee")
        self.screen.shows("Plugins loaded")
        server, connect = setting.weechat_hint
        self.do(server)
        self.sees("server added: chatd")
        self.do(connect)

    def hears(self, nick, text):
        """A message in the buffer that is shown."""
        self.sees(rf" [ @+]?{nick} *[|│] {re.escape(text)}")

    def window(self, name):
        """Shows the buffer of a channel, of a user, or of the server."""
        buffer, bar = ("server.chatd", r"1:server\[") if name == "server" else (f"chatd.{name}", rf"\d:{name}\b")
        self.go(f"/buffer irc.{buffer}", rf"\[irc/chatd\] {bar}")


class Terminals(Place):
    """chatd on a terminal, and both clients connected to it."""

    clients = "irssi and weechat"
    needs = Place.needs | {"weechat": "weechat-curses weechat-plugins", "irssi": "irssi"}

    def start(self):
        """Starts all three, by what chatd says at its start."""
        super().start()
        self.irssi_hint = self.chatd.shows(r"irssi -c \S+ -p \d+")[0].split()
        hint = self.chatd.shows(r"(/server add \S+ \S+/\d+ -notls), then (/connect \w+)")
        self.weechat_hint = [hint[1], hint[2]]
        self.irs = Irssi(self)
        self.wee = Weechat(self)

    def meet(self):
        """Both in #den, and shown there."""
        self.irs.do("/join #den")
        self.irs.sees(r"Irssi: #den: Total of 1 nicks", r"\[#den\]")
        self.wee.do("/join #den")
        self.irs.sees(r"-!- wee \[.*\] has joined #den")
        self.wee.sees(r"Channel #den: 2 nicks")
