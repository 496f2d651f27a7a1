//! Who was told of whom: of each two members of a channel exactly one sees the other come.

use std::io;

use crate::arrive::nick;
use crate::swarm::{command, sender};

/// A set of small numbers.
#[derive(Clone, Debug, Default)]
struct Set(Vec<u64>);

impl Set {
    fn has(&self, number: usize) -> bool {
        self.0.get(number / 64).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    /// Adds a number; says whether it is new.
    fn add(&mut self, number: usize) -> bool {
        let (word, bit) = (number / 64, 1 << (number % 64));
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        let new = self.0[word] & bit == 0;
        self.0[word] |= bit;
        new
    }

    fn len(&self) -> u64 {
        self.0.iter().map(|word| u64::from(word.count_ones())).sum()
    }
}

/// The number of the client that a line is from, and has its nick from [`nick`].
fn origin(line: &[u8]) -> Option<usize> {
    str::from_utf8(sender(line).strip_prefix(b"u")?).ok()?.parse().ok()
}

/// The JOIN lines of some channels, of which each client is in one at most.
pub(crate) struct Crossings<'a> {
    channels: &'a [(String, Vec<usize>)],
    /// Of each client: its channel and its place there.
    seats: Vec<Option<(u32, u32)>>,
    /// Of each client: the places of whom it was told.
    seen: Vec<Set>,
    /// Lines so far.
    pub(crate) lines: u64,
    pub(crate) expected: u64,
}

impl<'a> Crossings<'a> {
    pub(crate) fn new(clients: usize, channels: &'a [(String, Vec<usize>)]) -> Self {
        let mut seats = vec![None; clients];
        let mut expected = 0;
        for (number, (_, members)) in channels.iter().enumerate() {
            for (place, &who) in members.iter().enumerate() {
                assert!(seats[who].is_none(), "a client is in one channel");
                seats[who] = Some((number as u32, place as u32));
                expected += place as u64 + 1;
            }
        }
        Self { channels, seats, seen: vec![Set::default(); clients], lines: 0, expected }
    }

    /// Takes a JOIN line; says what is wrong with it.
    pub(crate) fn line(&mut self, to: usize, line: &[u8]) -> Result<(), &'static str> {
        let joined = origin(line).ok_or("of an unknown client")?;
        let (Some(Some(own)), Some(Some(seat))) = (self.seats.get(to), self.seats.get(joined)) else {
            return Err("of a client in no channel");
        };
        let words = command(line).1;
        let name = words.strip_prefix(b":").unwrap_or(words);
        if own.0 != seat.0 || self.channels[own.0 as usize].0.as_bytes() != name {
            return Err("of another channel");
        }
        if to != joined && !self.seen[to].has(own.1 as usize) {
            return Err("before its own");
        }
        if !self.seen[to].add(seat.1 as usize) {
            return Err("doubled");
        }
        self.lines += 1;
        Ok(())
    }

    /// Whether each has seen itself come, and of each two one has seen the other.
    pub(crate) fn check(&self) -> io::Result<()> {
        for (name, members) in self.channels {
            for (place, &who) in members.iter().enumerate() {
                let seen = &self.seen[who];
                let lost = |&other: &usize| seen.has(other) == self.seen[members[other]].has(place);
                let other = (0..place).find(lost).or((!seen.has(place)).then_some(place));
                if let Some(other) = other {
                    let (one, other) = (nick(who), nick(members[other]));
                    let text =
                        format!("JOIN lines in {name}: of {one} and {other} not exactly one saw the other");
                    return Err(io::Error::other(text));
                }
            }
        }
        Ok(())
    }
}

/// QUIT lines as those get them who stay: each of each who goes once.
#[derive(Default)]
pub(crate) struct Farewells {
    /// Of each client who stays: of whom it was told.
    seen: Vec<Set>,
    /// The first one who goes: all before it stay.
    first: usize,
    clients: usize,
}

impl Farewells {
    /// Of so many clients the first so many stay.
    pub(crate) fn new(stay: usize, clients: usize) -> Self {
        Self { seen: vec![Set::default(); stay], first: stay, clients }
    }

    /// Takes a QUIT line; says what is wrong with it. Those who go may be told of others, or be gone before.
    pub(crate) fn line(&mut self, to: usize, line: &[u8]) -> Result<(), &'static str> {
        let Some(seen) = self.seen.get_mut(to) else { return Ok(()) };
        let gone = origin(line).filter(|gone| (self.first..self.clients).contains(gone));
        let gone = gone.ok_or("of nobody who goes")?;
        if seen.add(gone - self.first) { Ok(()) } else { Err("doubled") }
    }

    /// Whether each who stays was told of so many, or more.
    pub(crate) fn all_told(&self, gone: usize) -> bool {
        self.seen.iter().all(|seen| seen.len() >= gone as u64)
    }

    /// Lines so far.
    pub(crate) fn lines(&self) -> u64 {
        self.seen.iter().map(Set::len).sum()
    }
}
