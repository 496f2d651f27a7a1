"""A chat client of a few lines, for tests that are about something else than clients."""

import re
import socket

from report import Failed

PATIENCE = 30.0


class Client:
    """A user with these capabilities; what comes up to `end`, by default the message of the day, has been read.

    It comes from `source`, and says the lines of `first` in place of registering.
    """

    def __init__(self, port, nick, capabilities="", end=r" (376|422) ", source="127.0.0.1", first=()):
        self.nick = nick
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE, source_address=(source, 0))
        self.lines = self.socket.makefile("r", encoding="utf-8", newline="\r\n")
        if first:
            self.send("\r\n".join(first))
            self.expect(end)
            return
        if capabilities:
            self.send(f"CAP REQ :{capabilities}")
            self.expect(r" CAP \* ACK ")
        self.send(f"NICK {nick}\r\nUSER {nick} 0 * :{nick}")
        if capabilities:
            self.send("CAP END")
        self.expect(end)

    def send(self, line):
        """Sends a line."""
        self.socket.sendall(f"{line}\r\n".encode())

    def expect(self, pattern):
        """Reads up to a line that matches the pattern, and returns that line."""
        before = []
        try:
            for line in self.lines:
                if re.search(pattern, line):
                    return line.rstrip("\r\n")
                before.append(line)
        except TimeoutError:
            before.append(f"(nothing more within {PATIENCE:.0f} s)")
        except ConnectionError as error:
            before.append(f"({error})")
        raise Failed(f"{self.nick} was not sent {pattern!r}, but:\n{''.join(before)}")

    def quit(self, reason):
        """Quits, and waits for the end of the connection."""
        self.send(f"QUIT :{reason}")
        self.expect("^ERROR ")
        self.close()

    def close(self):
        """Drops the connection."""
        self.lines.close()
        self.socket.close()
