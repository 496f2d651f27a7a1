//! Messages that are counted: each receiver must get each message of each talker once, whole and in order.

use std::io;
use std::time::{Duration, Instant};

use memchr::memchr;

use crate::crossings::Farewells;
use crate::histogram::Histogram;
use crate::machine::{self, Usage};
use crate::swarm::{Deadline, Ear, Swarm, command};

/// Of no group: what such a client hears does not count.
const NOBODY: u32 = u32::MAX;
/// Digits of a talker's number in a text.
const TALKER: usize = 5;
/// Digits of a message's number in a text.
const NUMBER: usize = 10;
/// Nanoseconds between the times at which two PINGs of who watches the server are due.
const PING: u64 = 5_000_000;
/// Messages that may be on their way at a time when talkers do not wait for anybody; a power of two.
const OPEN_WINDOW: usize = 1 << 12;

/// A channel, or a pair of people.
pub(crate) struct Group {
    /// Where its talkers send their messages: a channel or a nick.
    pub(crate) target: String,
    pub(crate) talkers: Vec<usize>,
    /// Who gets them; a talker does not get its own.
    pub(crate) receivers: Vec<usize>,
}

/// When the next message is sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pace {
    /// Each talker keeps so many on their way, until everybody has them.
    Window(usize),
    /// So many a second of all talkers together, whatever comes back; latency counts from when each was due.
    Rate(f64),
}

/// A message on its way.
#[derive(Clone, Copy, Default)]
struct Flight {
    sent: u64,
    left: u32,
}

struct Talker {
    who: usize,
    group: u32,
    /// Its place among the talkers of its group.
    place: u32,
    receivers: u32,
    /// The number of its next message.
    next: u64,
    flights: Vec<Flight>,
    /// Messages that it may send now.
    open: usize,
    /// `PRIVMSG #channel :00001 `
    head: Vec<u8>,
}

#[derive(Clone, Copy)]
struct Seat {
    group: u32,
    /// Where the numbers begin that this client expects of the talkers of its group.
    base: u32,
}

/// The talk of all groups, and the count of it.
pub(crate) struct Talk {
    pub(crate) pace: Pace,
    talkers: Vec<Talker>,
    seats: Vec<Seat>,
    expected: Vec<u64>,
    /// Bytes of a text.
    length: usize,
    /// Talkers who may send something.
    ready: Vec<u32>,
    going: bool,
    /// Lines that have arrived so far.
    pub(crate) delivered: u64,
    due: u64,
    latency: Option<Histogram>,
    fault: Option<String>,
    scratch: Vec<u8>,
    /// Messages sent at a rate.
    sent: u64,
    pings: Option<Pings>,
    /// How long to wait for lines at a time: not at all, so that waking up takes no time, or a little where others need the processor.
    pub(crate) wait: Duration,
    /// What members are told of those who leave, if there may be such: of those who trouble them.
    pub(crate) farewells: Option<Farewells>,
}

/// One member's PINGs, which leave at fixed times whatever comes back, with a number in each. Their time counts from when each was due.
struct Pings {
    who: usize,
    /// When number 0 was due.
    begun: u64,
    sent: u64,
    answered: u64,
    times: Histogram,
}

impl Pings {
    /// When this one is due.
    fn due(&self, number: u64) -> u64 {
        self.begun + number * PING
    }

    /// Takes the time of the answer that ends with this, if it is that of the oldest that waits for one.
    fn answer(&mut self, rest: &[u8], now: u64) -> Option<&'static str> {
        let digits = rest.rsplit(|byte| b" :".contains(byte)).next();
        if number(digits) != Some(self.answered) || self.answered >= self.sent {
            return Some("not the answer to the next PING");
        }
        self.times.add(now.saturating_sub(self.due(self.answered)));
        self.answered += 1;
        None
    }
}

/// What was seen in a time.
pub(crate) struct Sample {
    pub(crate) deliveries: u64,
    pub(crate) elapsed: Duration,
    pub(crate) usage: Usage,
    /// Packets with data that were sent by the server.
    pub(crate) packets: u64,
    pub(crate) latency: Histogram,
}

/// Counters at one moment.
struct Mark {
    at: Instant,
    delivered: u64,
    usage: Usage,
    packets: u64,
    sends: u64,
}

impl Talk {
    pub(crate) fn new(clients: usize, groups: &[Group], pace: Pace, length: usize) -> Self {
        let mut talk = Self {
            pace,
            talkers: Vec::new(),
            seats: vec![Seat { group: NOBODY, base: 0 }; clients],
            expected: Vec::new(),
            length,
            ready: Vec::new(),
            going: false,
            delivered: 0,
            due: 0,
            latency: None,
            fault: None,
            scratch: Vec::new(),
            sent: 0,
            pings: None,
            wait: Duration::ZERO,
            farewells: None,
        };
        let window = match pace {
            Pace::Window(window) => window,
            Pace::Rate(_) => OPEN_WINDOW,
        };
        for (number, group) in groups.iter().enumerate() {
            for &who in &group.receivers {
                talk.seats[who] = Seat { group: number as u32, base: talk.expected.len() as u32 };
                talk.expected.resize(talk.expected.len() + group.talkers.len(), 0);
            }
            for (place, &who) in group.talkers.iter().enumerate() {
                let others = group.receivers.iter().filter(|&&receiver| receiver != who).count();
                let head = format!("PRIVMSG {} :{:0TALKER$} ", group.target, talk.talkers.len()).into_bytes();
                talk.talkers.push(Talker {
                    who,
                    group: number as u32,
                    place: place as u32,
                    receivers: others as u32,
                    next: 0,
                    flights: vec![Flight::default(); window],
                    open: 0,
                    head,
                });
            }
        }
        talk
    }

    /// Lets a member send PINGs while others talk, and takes the time of each. To be measured once.
    pub(crate) fn ping_from(&mut self, who: usize) {
        self.pings = Some(Pings { who, begun: 0, sent: 0, answered: 0, times: Histogram::default() });
    }

    /// The times that answers took, of all but the PINGs before the count began.
    pub(crate) fn take_pings(&mut self) -> Histogram {
        self.pings.as_mut().map(|pings| std::mem::take(&mut pings.times)).unwrap_or_default()
    }

    /// Lets everybody talk, first for a fifth of the time without counting, then for all of it; then waits until all is
    /// delivered. `beside` is called once in each turn.
    ///
    /// # Errors
    /// When a line is lost, doubled, reordered or torn, or one comes that nobody expects.
    pub(crate) fn measure(
        &mut self,
        swarm: &mut Swarm,
        pid: u32,
        time: Duration,
        mut beside: impl FnMut(&mut Swarm) -> io::Result<()>,
    ) -> io::Result<Sample> {
        self.going = true;
        let begun = Instant::now();
        let mut schedule = (swarm.now(), self.sent);
        if let Some(pings) = &mut self.pings {
            pings.begun = schedule.0;
        }
        if let Pace::Window(window) = self.pace {
            self.ready = (0..self.talkers.len() as u32).collect();
            for talker in &mut self.talkers {
                talker.open = window;
            }
        }
        let mut mark = None;
        let mut deadline = Deadline::new("messages");
        let end = loop {
            let before = self.delivered;
            self.speak(swarm, &mut schedule);
            swarm.turn(self.wait, self)?;
            beside(swarm)?;
            if self.delivered > before {
                deadline.moved();
            }
            self.check(&deadline)?;
            let elapsed = begun.elapsed();
            if mark.is_none() && elapsed >= time / 5 {
                mark = Some(self.mark(swarm, pid)?);
                self.latency = Some(Histogram::default());
                self.take_pings();
            } else if elapsed >= time + time / 5 {
                break self.mark(swarm, pid)?;
            }
        };
        self.going = false;
        self.drain(swarm)?;
        // What was late is in it, however late.
        let latency = self.latency.take().unwrap_or_default();
        let Some(start) = mark else { return Err(io::Error::other("too short a time to measure")) };
        Ok(Sample {
            deliveries: end.delivered - start.delivered,
            elapsed: end.at - start.at,
            usage: end.usage.since(start.usage),
            packets: (end.packets - start.packets).saturating_sub(end.sends - start.sends),
            latency,
        })
    }

    /// Waits until each member has been told once of so many who have left.
    ///
    /// # Errors
    /// When one is told of somebody twice, or not within the patience of a run.
    pub(crate) fn farewells(&mut self, swarm: &mut Swarm, gone: usize) -> io::Result<()> {
        let deadline = Deadline::new("QUIT lines");
        while self.farewells.as_ref().is_some_and(|farewells| !farewells.all_told(gone)) {
            swarm.turn(Duration::from_millis(5), self)?;
            self.check(&deadline)?;
        }
        Ok(())
    }

    /// Waits for what is on its way.
    fn drain(&mut self, swarm: &mut Swarm) -> io::Result<()> {
        let mut deadline = Deadline::new("the last messages");
        let answered = |talk: &Self| talk.pings.as_ref().map_or(0, |pings| pings.answered);
        let sent = self.pings.as_ref().map_or(0, |pings| pings.sent);
        while self.delivered < self.due || answered(self) < sent {
            let before = (self.delivered, answered(self));
            swarm.turn(self.wait, self)?;
            if (self.delivered, answered(self)) != before {
                deadline.moved();
            }
            self.check(&deadline)?;
        }
        // What was sent twice would come now.
        swarm.turn(Duration::from_millis(5), self)?;
        self.check(&deadline)
    }

    fn mark(&self, swarm: &Swarm, pid: u32) -> io::Result<Mark> {
        Ok(Mark {
            at: Instant::now(),
            delivered: self.delivered,
            usage: machine::usage(pid)?,
            packets: machine::data_packets()?,
            sends: swarm.sends,
        })
    }

    fn check(&self, deadline: &Deadline) -> io::Result<()> {
        let missing =
            |error| io::Error::other(format!("{error}; {} lines are missing", self.due - self.delivered));
        match &self.fault {
            Some(fault) => Err(io::Error::other(fault.clone())),
            None => deadline.check().map_err(missing),
        }
    }

    /// Sends what may be sent now. `schedule` is when talk at a rate began, and how many messages had been sent then.
    fn speak(&mut self, swarm: &mut Swarm, schedule: &mut (u64, u64)) {
        let now = swarm.now();
        while let Some(pings) = self.pings.as_mut().filter(|pings| now >= pings.due(pings.sent)) {
            swarm.send(pings.who, format!("PING :{}\r\n", pings.sent).as_bytes());
            pings.sent += 1;
        }
        if let Pace::Rate(rate) = self.pace {
            let (begun, before) = *schedule;
            loop {
                let due = Duration::from_secs_f64(machine::float(self.sent - before) / rate);
                let due = begun + u64::try_from(due.as_nanos()).unwrap_or(u64::MAX);
                let number = (self.sent % self.talkers.len() as u64) as usize;
                let talker = &self.talkers[number];
                let oldest = talker.flights[talker.next as usize % OPEN_WINDOW];
                if due > now || oldest.left > 0 {
                    return;
                }
                self.sent += 1;
                self.scratch.clear();
                self.compose(number, due);
                swarm.send(self.talkers[number].who, &self.scratch);
            }
        }
        while let Some(number) = self.ready.pop() {
            let number = number as usize;
            self.scratch.clear();
            for _ in 0..std::mem::take(&mut self.talkers[number].open) {
                self.compose(number, now);
            }
            swarm.send(self.talkers[number].who, &self.scratch);
        }
    }

    /// Adds the next message of this talker to what is sent.
    fn compose(&mut self, number: usize, sent: u64) {
        let talker = &mut self.talkers[number];
        let place = talker.next as usize % talker.flights.len();
        talker.flights[place] = Flight { sent, left: talker.receivers };
        self.due += u64::from(talker.receivers);
        let out = &mut self.scratch;
        out.extend_from_slice(&talker.head);
        let start = out.len();
        out.resize(start + self.length - TALKER - 1, b'.');
        let mut rest = talker.next;
        for digit in out[start..start + NUMBER].iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        out[start + NUMBER] = b' ';
        out.extend_from_slice(b"\r\n");
        talker.next += 1;
    }

    /// Counts a text; says what is wrong with it.
    fn count(&mut self, to: usize, text: &[u8], now: u64) -> Result<(), &'static str> {
        let number = number(text.get(..TALKER)).ok_or("torn")? as usize;
        let message = number_of(text).ok_or("torn")?;
        let talker = self.talkers.get_mut(number).ok_or("torn")?;
        let seat = self.seats[to];
        if seat.group != talker.group || talker.who == to {
            return Err("for somebody else");
        }
        if text.len() != self.length || text.last() != Some(&b'.') {
            return Err("torn");
        }
        let expected = &mut self.expected[(seat.base + talker.place) as usize];
        if message != *expected {
            return Err(if message < *expected {
                "doubled or late"
            } else {
                "early: one before it is lost or late"
            });
        }
        *expected += 1;
        let place = message as usize % talker.flights.len();
        let flight = &mut talker.flights[place];
        flight.left = flight.left.checked_sub(1).ok_or("one too many")?;
        self.delivered += 1;
        if let Some(latency) = &mut self.latency {
            latency.add(now.saturating_sub(flight.sent));
        }
        if flight.left == 0 && self.going && matches!(self.pace, Pace::Window(_)) {
            if talker.open == 0 {
                self.ready.push(number as u32);
            }
            talker.open += 1;
        }
        Ok(())
    }
}

/// The number that these digits are.
fn number(digits: Option<&[u8]>) -> Option<u64> {
    digits?
        .iter()
        .try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + u64::from(digit - b'0')))
}

/// The message's number in a text.
fn number_of(text: &[u8]) -> Option<u64> {
    number(text.get(TALKER + 1..TALKER + 1 + NUMBER))
}

impl Ear for Talk {
    fn line(&mut self, to: usize, line: &[u8], now: u64) {
        if self.seats[to].group == NOBODY {
            return;
        }
        let (command, rest) = command(line);
        let wrong = match command {
            b"PRIVMSG" => {
                let text = memchr(b':', rest).map_or(&[][..], |at| &rest[at + 1..]);
                match text.first() {
                    // The noise of a flood.
                    Some(b'!') => return,
                    _ => self.count(to, text, now).err(),
                }
            }
            b"PONG" => {
                let pings = self.pings.as_mut().filter(|pings| pings.who == to);
                pings.map_or(Some("not expected"), |pings| pings.answer(rest, now))
            }
            b"NOTICE" | b"MODE" => None,
            b"QUIT" => match &mut self.farewells {
                Some(farewells) => farewells.line(to, line).err(),
                None => Some("not expected"),
            },
            _ => Some("not expected"),
        };
        if let Some(wrong) = wrong {
            let text = String::from_utf8_lossy(line).into_owned();
            self.fault.get_or_insert(format!("client {to} got a line that is {wrong}: {text}"));
        }
    }

    fn closed(&mut self, who: usize) {
        if self.seats[who].group != NOBODY {
            self.fault.get_or_insert(format!("the connection of client {who} was closed"));
        }
    }
}
