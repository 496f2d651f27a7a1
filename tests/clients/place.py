"""chatd on a terminal, in a folder of its own: what all tests of clients begin with."""

import irc
from daemon import Daemon
from terminal import Tmux

NAME = "chat.example"


class Place:
    """chatd on a terminal. `clients`, a word or two, are what starts with it."""

    clients = "nobody else"
    needs = {"tmux": "tmux"}

    @classmethod
    def prepare(cls):
        """Ends the program if something that such a place needs is missing, beside Debian packages."""

    def __init__(self, binaries, folder):
        self.folder = folder
        self.daemon = Daemon(binaries, folder)
        self.tmux = Tmux(folder, self.daemon.environment())
        self.motd = folder / "motd.txt"
        self.chatd = None
        self.port = None
        self.peers = []

    def start(self):
        """Starts chatd, and whoever else is in this place."""
        self.write_motd("Mind the gap.")
        self.configure()
        self.chatd = self.tmux.start("chatd", self.daemon.command())
        self.port = self.daemon.wait_ready()

    def configure(self, more=""):
        """Writes the configuration that all tests begin with."""
        self.daemon.configure(f'[server]\nname = "{NAME}"\nmotd_file = "{self.motd}"\n{more}\n', port=self.port or 0)

    def write_motd(self, text):
        """Writes the message of the day."""
        self.motd.write_text(text + "\n", encoding="utf-8")

    def peer(self, nick, *options, **more):
        """A user who types lines of the protocol."""
        peer = irc.Client(self.port, nick, *options, **more)
        self.peers.append(peer)
        return peer

    def report(self):
        """Prints what a failure leaves to be seen: all screens."""
        for screen in self.tmux.screens:
            print(f"{screen.name}:\n{screen.frame()}", flush=True)

    def end(self):
        """Ends everything."""
        for peer in self.peers:
            peer.close()
        if self.chatd:
            # A terminal that goes away only makes it read its configuration again.
            self.chatd.kill()
        self.tmux.end()
