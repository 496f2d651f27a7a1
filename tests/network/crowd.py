"""Clients who talk in a channel and to each other, ask for long lists, and check that each line comes once, whole and in order."""

import errno
import selectors
import socket
import time

from report import Failed

PATIENCE = 90.0
ROOM = "#room"


def text(talker, number):
    """A message: who, which, and a filling that depends on both."""
    return f"{talker:02}:{number:05}:" + chr(97 + number % 26) * ((number * 37 + talker * 11) % 340)


class Client:
    """One client on a socket that does not block."""

    def __init__(self, crowd, number):
        self.crowd, self.number = crowd, number
        self.nick = f"c{number}"
        self.socket = socket.socket()
        if crowd.buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, crowd.buffer)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        if self.socket.connect_ex(crowd.address) not in (0, errno.EINPROGRESS):
            raise Failed(f"{self.nick} cannot connect")
        self.out, self.rest = bytearray(), b""
        self.expected = {}
        self.heard, self.open = {}, True
        self.joined, self.parted = [], []

    def send(self, line):
        """Sends a line, as soon as the socket takes it."""
        self.out += f"{line}\r\n".encode()

    def write(self):
        """Sends what the socket takes, in pieces as large as the crowd's."""
        try:
            for _ in range(256):
                if not self.out:
                    break
                sent = self.socket.send(self.out[:self.crowd.piece])
                del self.out[:sent]
        except BlockingIOError:
            pass

    def read(self):
        """Reads what is there, in pieces as large as the crowd's; a few, so that others have their turn."""
        try:
            for _ in range(256):
                data = self.socket.recv(self.crowd.piece)
                if not data:
                    self.open = False
                    break
                self.rest += data
        except BlockingIOError:
            pass
        *lines, self.rest = self.rest.split(b"\n")
        for line in lines:
            if not line.endswith(b"\r"):
                raise Failed(f"{self.nick} got a line without its end: {line}")
            self.line(line[:-1].decode())
        if not self.open and self.rest:
            raise Failed(f"{self.nick} got a part of a line at the end: {self.rest}")

    def line(self, line):
        """Takes a line: a message must be the next one of its talker, all else is counted by its command."""
        words = line.split(" ", 3)
        if words[0] == "PING":
            self.send(f"PONG {words[1]}")
        elif words[1:2] == ["PRIVMSG"]:
            talker = int(words[3][1:3])
            number = self.expected.get((words[2], talker), 0)
            if line != f":c{talker}!~c{talker}@{self.crowd.host} PRIVMSG {words[2]} :{text(talker, number)}":
                raise Failed(f"{self.nick} expects message {number} of c{talker} and got: {line}")
            self.expected[words[2], talker] = number + 1
        else:
            word = words[0] if words[0] == "ERROR" else words[1]
            if word in ("JOIN", "QUIT"):
                # Who, and where.
                whom = (words[0][1:].split("!")[0], words[2].removeprefix(":") if word == "JOIN" else "")
                seen = self.joined if word == "JOIN" else self.parted
                if whom in seen:
                    raise Failed(f"{self.nick} got a line twice: {line}")
                seen.append(whom)
            count = len(words[3].split(":", 1)[1].split()) if word == "353" else 1
            self.heard[word] = self.heard.get(word, 0) + count


class Crowd:
    """All clients: of the members of a channel some talk, and each writes to its neighbour."""

    def __init__(self, address, host, members=40, talkers=8, messages=100, channels=6, buffer=0, piece=65536):
        # `host` is what the server sees of the clients; `buffer` is SO_RCVBUF, `piece` the most that is read or sent at once.
        self.address, self.host = address, host
        self.talkers, self.messages, self.channels = talkers, messages, channels
        self.buffer, self.piece = buffer, piece
        self.selector = selectors.DefaultSelector()
        self.clients = []
        for number in range(members):
            client = Client(self, number)
            self.clients.append(client)
            self.selector.register(client.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, client)

    def close(self):
        """Closes all connections."""
        for client in self.clients:
            client.socket.close()
        self.selector.close()

    def until(self, what, condition):
        """Reads and writes until the condition holds for every client."""
        end = time.monotonic() + PATIENCE
        while True:
            late = [client for client in self.clients if not condition(client)]
            if not late:
                return
            if time.monotonic() > end:
                first = late[0]
                raise Failed(f"{what}: {len(late)} clients still wait after {PATIENCE:.0f} s; {first.nick} has "
                             f"{first.heard}, {first.expected}, {len(first.out)} bytes to send, {first.rest!r}")
            self.turn()

    def turn(self):
        """One look at all sockets."""
        for client in self.clients:
            wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.out else 0)
            if client.open:
                self.selector.modify(client.socket, wanted, client)
        for key, events in self.selector.select(0.2):
            client = key.data
            if events & selectors.EVENT_WRITE:
                client.write()
            if events & selectors.EVENT_READ:
                client.read()
                if not client.open:
                    self.selector.unregister(client.socket)

    def arrive(self):
        """Registers all, and lets them join the room and channels of their own."""
        for client in self.clients:
            client.send(f"NICK {client.nick}\r\nUSER {client.nick} 0 * :{client.nick}")
        self.until("registration", lambda client: client.heard.get("001"))
        for client in self.clients:
            for name in (ROOM, *(f"#own{client.number}x{n}" for n in range(self.channels))):
                client.send(f"JOIN {name}")
        ends = 1 + self.channels
        self.until("joins", lambda client: client.heard.get("366") == ends)
        members = len(self.clients)
        # Who came first has seen all others come.
        self.until("JOIN lines", lambda it: it.heard["JOIN"] >= ends)
        total = members * (members + 1) // 2 + members * self.channels
        self.until("all JOIN lines", lambda _: sum(it.heard["JOIN"] for it in self.clients) == total)
        # Of each two exactly one saw the other come, and all who came after it in the same order.
        room = {it.nick: [nick for nick, name in it.joined if name == ROOM] for it in self.clients}
        order = max(room.values(), key=len)
        for client in self.clients:
            if room[client.nick] != order[order.index(client.nick):]:
                raise Failed(f"{client.nick} saw {room[client.nick]} come, and all came in this order: {order}")
            own = {name for nick, name in client.joined if name != ROOM and nick == client.nick}
            if len(own) != self.channels:
                raise Failed(f"{client.nick} was not told of each of its own channels: {client.joined}")

    def talk(self):
        """Everybody who talks says all it has to say, as fast as the network takes it."""
        members = len(self.clients)
        for client in self.clients:
            after = (client.number + 1) % members
            for number in range(self.messages):
                if client.number < self.talkers:
                    client.send(f"PRIVMSG {ROOM} :{text(client.number, number)}")
                client.send(f"PRIVMSG c{after} :{text(client.number, number)}")

        def has_all(client):
            before = (client.number - 1) % members
            due = {(ROOM, talker): self.messages for talker in range(self.talkers) if talker != client.number}
            return client.expected == due | {(client.nick, before): self.messages}

        self.until("messages", has_all)

    def ask(self):
        """Each asks for long lists, all at the same time, and gets all of them."""
        members = len(self.clients)
        for client in self.clients:
            client.heard.clear()
            client.send(f"LIST\r\nWHO {ROOM}\r\nNAMES {ROOM}")
        due = {"321": 1, "322": 1 + members * self.channels, "323": 1, "352": members, "315": 1, "353": members, "366": 1}
        answered = lambda client: all(client.heard.get(word) for word in ("323", "315", "366"))
        self.until("answers", answered)
        for client in self.clients:
            if client.heard != due:
                raise Failed(f"{client.nick} got {client.heard}, not {due}")

    def leave(self):
        """All quit; each gets its last line, and nothing that it did not expect."""
        for client in self.clients:
            client.heard.clear()
            client.expected.clear()
            client.send("QUIT")
        self.until("the end", lambda client: not client.open)
        for client in self.clients:
            if client.heard.get("ERROR") != 1 or set(client.heard) - {"ERROR", "QUIT"} or client.expected:
                raise Failed(f"{client.nick} got at the end: {client.heard}, {client.expected}")
