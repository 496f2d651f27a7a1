//! The limit: not a server, but a loop that forwards lines as one would, and does nothing else. What it costs is what the
//! kernel's sockets cost, so it is what a real server is measured against.
//!
//! It knows NICK, USER, PING, JOIN (one channel at a time), PART, PRIVMSG and QUIT, checks nothing, and bounds nothing. Each turn:
//! one read per readable socket, each line appended once to its channel's batch, one send per member of a channel that has
//! a batch. A batch per channel is the short cut that a real server cannot take: its clients are in several.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use memchr::memchr;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

const LISTENER: Token = Token(usize::MAX);
/// A batch that has grown to this many bytes is sent before more is read.
const BATCH: usize = 1 << 20;

/// FNV-1a: the names are short, and nobody here chooses them to collide.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

type Names = HashMap<Box<[u8]>, u32, BuildHasherDefault<Fnv>>;

struct Client {
    stream: TcpStream,
    /// What only this client gets, and what its socket has refused.
    out: Vec<u8>,
    /// Ranges of the channel's batch that are not for this client.
    skip: Vec<(u32, u32)>,
    blocked: bool,
    /// In the list of those with something in `out`.
    dirty: bool,
    /// Its channel, and its place among the members.
    channel: Option<(u32, u32)>,
    /// The beginning of a line whose end has not come yet.
    rest: Vec<u8>,
    /// `:nick!user@host `, once it has a nick.
    prefix: Box<[u8]>,
}

#[derive(Default)]
struct Channel {
    members: Vec<u32>,
    /// What is sent to the members at the end of the turn.
    batch: Vec<u8>,
}

struct Limit {
    poll: Poll,
    listener: TcpListener,
    clients: Vec<Option<Client>>,
    free: Vec<u32>,
    nicks: Names,
    names: Names,
    channels: Vec<Channel>,
    dirty_channels: Vec<u32>,
    dirty: Vec<u32>,
    /// Who may have more to read than one buffer held.
    again: Vec<u32>,
    gone: Vec<u32>,
    /// Buffers for clients that are owed something: an idle one has none.
    spare: Vec<Vec<u8>>,
}

/// Serves until it is killed.
pub(crate) fn serve(address: SocketAddr) -> io::Result<()> {
    let poll = Poll::new()?;
    let mut listener = TcpListener::bind(address)?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut limit = Limit {
        poll,
        listener,
        clients: Vec::new(),
        free: Vec::new(),
        nicks: Names::default(),
        names: Names::default(),
        channels: Vec::new(),
        dirty_channels: Vec::new(),
        dirty: Vec::new(),
        again: Vec::new(),
        gone: Vec::new(),
        spare: Vec::new(),
    };
    let mut events = Events::with_capacity(1024);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let wait = (!limit.again.is_empty()).then_some(Duration::ZERO);
        match limit.poll.poll(&mut events, wait) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            result => result?,
        }
        for id in std::mem::take(&mut limit.again) {
            limit.read(id, false, &mut buffer);
        }
        for event in &events {
            if event.token() == LISTENER {
                limit.accept()?;
                continue;
            }
            let id = event.token().0 as u32;
            if let Some(client) = limit.clients[id as usize].as_mut().filter(|client| client.blocked) {
                client.write_out(&mut limit.spare);
            }
            if event.is_readable() {
                limit.read(id, event.is_read_closed(), &mut buffer);
            }
        }
        limit.flush();
    }
}

impl Limit {
    fn accept(&mut self) -> io::Result<()> {
        loop {
            let mut stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => continue,
                Err(error) => return Err(error),
            };
            stream.set_nodelay(true)?;
            let id = self.free.pop().unwrap_or(self.clients.len() as u32);
            let both = Interest::READABLE | Interest::WRITABLE;
            self.poll.registry().register(&mut stream, Token(id as usize), both)?;
            let (out, skip, rest) = (Vec::new(), Vec::new(), Vec::new());
            let (blocked, dirty, channel, prefix) = (false, false, None, Box::default());
            let client = Some(Client { stream, out, skip, blocked, dirty, channel, rest, prefix });
            match self.clients.get_mut(id as usize) {
                Some(slot) => *slot = client,
                None => self.clients.push(client),
            }
        }
    }

    /// One read, or more if the peer has closed; a read that does not fill the buffer has emptied the socket.
    fn read(&mut self, id: u32, closed: bool, buffer: &mut [u8]) {
        loop {
            let Some(client) = &mut self.clients[id as usize] else { return };
            let length = match client.stream.read(buffer) {
                Ok(0) => return self.leave(id),
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return self.leave(id),
            };
            self.lines(id, &buffer[..length]);
            if length == buffer.len() {
                return self.again.push(id);
            }
            if !closed {
                return;
            }
        }
    }

    fn lines(&mut self, id: u32, mut bytes: &[u8]) {
        while let Some(end) = memchr(b'\n', bytes) {
            let Some(client) = &mut self.clients[id as usize] else { return };
            if client.rest.is_empty() {
                self.line(id, &bytes[..=end]);
            } else {
                let mut line = std::mem::take(&mut client.rest);
                line.extend_from_slice(&bytes[..=end]);
                self.line(id, &line);
            }
            bytes = &bytes[end + 1..];
        }
        if let Some(client) = self.clients[id as usize].as_mut().filter(|_| !bytes.is_empty()) {
            // A line without an end is kept to the length that a server would keep.
            if client.rest.len() < 16 * 1024 {
                client.rest.extend_from_slice(bytes);
            }
        }
    }

    /// One line, which ends with CR LF.
    fn line(&mut self, id: u32, line: &[u8]) {
        let (command, rest) = line.split_at(memchr(b' ', line).map_or(line.len(), |at| at + 1));
        let word = &rest[..rest.iter().position(|byte| b" \r\n".contains(byte)).unwrap_or(rest.len())];
        match command {
            b"PRIVMSG " => self.message(id, word, line),
            b"PING " => self.tell(id, &[b":limit PONG limit ", rest]),
            b"NICK " => {
                self.nicks.insert(word.into(), id);
                let prefix = [b":", word, b"!user@127.0.0.1 "].concat();
                if let Some(client) = &mut self.clients[id as usize] {
                    client.prefix = prefix.into();
                }
            }
            b"USER " => self.tell(id, &[b":limit 001 you :Welcome\r\n"]),
            b"JOIN " => self.join(id, word),
            b"PART " => self.part(id, line),
            b"QUIT\r\n" | b"QUIT " => self.leave(id),
            _ => {}
        }
    }

    fn message(&mut self, id: u32, target: &[u8], line: &[u8]) {
        if target.first() == Some(&b'#') {
            return self.tell_channel(id, line, true);
        }
        let Some(&to) = self.nicks.get(target) else { return };
        let both = self.clients.get_disjoint_mut([id as usize, to as usize]);
        let Ok([Some(from), Some(receiver)]) = both else { return };
        if receiver.out.capacity() == 0 {
            receiver.out = self.spare.pop().unwrap_or_default();
        }
        receiver.out.extend_from_slice(&from.prefix);
        receiver.out.extend_from_slice(line);
        if !receiver.dirty {
            receiver.dirty = true;
            self.dirty.push(to);
        }
    }

    /// For one client, at the end of the turn, after what its channel gets.
    fn tell(&mut self, id: u32, parts: &[&[u8]]) {
        let Some(client) = &mut self.clients[id as usize] else { return };
        if client.out.capacity() == 0 {
            client.out = self.spare.pop().unwrap_or_default();
        }
        for part in parts {
            client.out.extend_from_slice(part);
        }
        if !client.dirty {
            client.dirty = true;
            self.dirty.push(id);
        }
    }

    /// A line from this client for all members of its channel, or for all others.
    fn tell_channel(&mut self, id: u32, line: &[u8], but_sender: bool) {
        let Some(client) = &mut self.clients[id as usize] else { return };
        let Some((number, _)) = client.channel else { return };
        let channel = &mut self.channels[number as usize];
        if channel.batch.is_empty() {
            self.dirty_channels.push(number);
        }
        let start = channel.batch.len() as u32;
        channel.batch.extend_from_slice(&client.prefix);
        channel.batch.extend_from_slice(line);
        let end = channel.batch.len() as u32;
        if but_sender {
            match client.skip.last_mut() {
                Some(last) if last.1 == start => last.1 = end,
                _ => client.skip.push((start, end)),
            }
        }
        if channel.batch.len() >= BATCH {
            self.flush();
        }
    }

    fn join(&mut self, id: u32, name: &[u8]) {
        let new = self.channels.len() as u32;
        let number = *self.names.entry(name.into()).or_insert(new);
        if number == new {
            self.channels.push(Channel::default());
        }
        let channel = &mut self.channels[number as usize];
        let Some(client) = self.clients[id as usize].as_mut().filter(|it| it.channel.is_none()) else {
            return;
        };
        client.channel = Some((number, channel.members.len() as u32));
        channel.members.push(id);
        // What was said before is not for the newcomer.
        if !channel.batch.is_empty() {
            client.skip.push((0, channel.batch.len() as u32));
        }
        self.tell_channel(id, &[b"JOIN ", name, b"\r\n"].concat(), false);
    }

    fn part(&mut self, id: u32, line: &[u8]) {
        self.tell_channel(id, line, false);
        let Some(client) = &mut self.clients[id as usize] else { return };
        let Some((number, _)) = client.channel else { return };
        // The flush will not find the client among the members, so what is due is copied.
        let mut due = Vec::new();
        for (start, end) in kept(&client.skip, self.channels[number as usize].batch.len()) {
            due.extend_from_slice(&self.channels[number as usize].batch[start..end]);
        }
        self.forget_member(id);
        self.tell(id, &[&due]);
    }

    fn forget_member(&mut self, id: u32) {
        let Some(client) = &mut self.clients[id as usize] else { return };
        client.skip = Vec::new();
        let Some((number, place)) = client.channel.take() else { return };
        let members = &mut self.channels[number as usize].members;
        members.swap_remove(place as usize);
        let moved = members.get(place as usize).and_then(|&other| self.clients[other as usize].as_mut());
        if let Some(moved) = moved {
            moved.channel = Some((number, place));
        }
    }

    fn leave(&mut self, id: u32) {
        let has_channel = self.clients[id as usize].as_ref().is_some_and(|client| client.channel.is_some());
        if has_channel {
            self.tell_channel(id, b"QUIT :gone\r\n", false);
            self.forget_member(id);
        }
        let Some(client) = self.clients[id as usize].take() else { return };
        // `:nick!`
        let nick = client.prefix.get(1..memchr(b'!', &client.prefix).unwrap_or(1)).unwrap_or_default();
        self.nicks.remove(nick);
        self.gone.push(id);
    }

    /// One send for each member of a channel with a batch, and one for each other client that is owed something.
    fn flush(&mut self) {
        for number in std::mem::take(&mut self.dirty_channels) {
            let channel = &mut self.channels[number as usize];
            for &id in &channel.members {
                if let Some(client) = &mut self.clients[id as usize] {
                    client.take_batch(&channel.batch, &mut self.spare);
                }
            }
            channel.batch.clear();
        }
        for id in std::mem::take(&mut self.dirty) {
            if let Some(client) = self.clients[id as usize].as_mut().filter(|client| client.dirty) {
                client.dirty = false;
                if !client.blocked {
                    client.write_out(&mut self.spare);
                }
            }
        }
        self.free.append(&mut self.gone);
    }
}

/// The ranges of a batch of this length that are not skipped.
fn kept(skip: &[(u32, u32)], length: usize) -> impl Iterator<Item = (usize, usize)> {
    let starts = std::iter::once(0).chain(skip.iter().map(|&(_, end)| end as usize));
    let ends = skip.iter().map(|&(start, _)| start as usize).chain(std::iter::once(length));
    starts.zip(ends).filter(|(start, end)| start < end)
}

impl Client {
    /// Sends what of the channel's batch is for this client, and after it what only this client gets.
    fn take_batch(&mut self, batch: &[u8], spare: &mut Vec<Vec<u8>>) {
        if self.blocked {
            self.out.extend(kept(&self.skip, batch.len()).flat_map(|(start, end)| &batch[start..end]));
        } else if self.skip.is_empty() && self.out.is_empty() {
            let sent = accepted(self.stream.write(batch));
            self.keep(&[IoSlice::new(batch)], sent, spare);
        } else {
            let own = std::mem::take(&mut self.out);
            let ranges = kept(&self.skip, batch.len()).map(|(start, end)| IoSlice::new(&batch[start..end]));
            let slices: Vec<_> = ranges.chain([IoSlice::new(&own)]).collect();
            let sent = match &slices[..] {
                [only] => accepted(self.stream.write(only)),
                // What is beyond the 1,024 slices that the kernel takes is kept, and written when it is writable.
                _ => accepted(self.stream.write_vectored(&slices)),
            };
            self.keep(&slices, sent, spare);
            give(spare, own);
        }
        self.skip.clear();
    }

    /// Keeps what the socket did not take.
    fn keep(&mut self, slices: &[IoSlice<'_>], mut sent: usize, spare: &mut Vec<Vec<u8>>) {
        for slice in slices {
            let taken = sent.min(slice.len());
            sent -= taken;
            if taken < slice.len() {
                if !self.blocked {
                    self.blocked = true;
                    self.out = spare.pop().unwrap_or_default();
                }
                self.out.extend_from_slice(&slice[taken..]);
            }
        }
    }

    /// Sends what only this client gets, or what its socket refused earlier.
    fn write_out(&mut self, spare: &mut Vec<Vec<u8>>) {
        if !self.out.is_empty() {
            let sent = accepted(self.stream.write(&self.out));
            self.blocked = sent < self.out.len();
            if self.blocked {
                self.out.drain(..sent);
            } else {
                give(spare, std::mem::take(&mut self.out));
            }
        }
    }
}

/// How many bytes a socket took. A broken one is found out about when it is read.
fn accepted(result: io::Result<usize>) -> usize {
    result.unwrap_or(0)
}

/// Keeps a buffer for the next who needs one, if it is one.
fn give(spare: &mut Vec<Vec<u8>>, mut buffer: Vec<u8>) {
    if (1..=64 * 1024).contains(&buffer.capacity()) && spare.len() < 4096 {
        buffer.clear();
        spare.push(buffer);
    }
}
