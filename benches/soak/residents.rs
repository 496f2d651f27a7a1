//! Those who stay for the whole run and behave well. Each line that one of them should hear is counted: a message comes once,
//! whole and in order, and everybody sees each guest come, change its name, speak and go.

use memchr::memchr;

use crate::arrive::nick;
use crate::swarm::{Swarm, command};

/// All of a round.
pub(crate) const WHOLE: u64 = 1 << 20;
/// How many there are.
pub(crate) const RESIDENTS: usize = 200;
/// The channel with all of them and without guests, which is asked for.
const STILL: &str = "#still";
/// Channels that guests come to, with a hundred members and with twenty.
pub(crate) const BIG: usize = 0;
pub(crate) const MIDDLE: std::ops::Range<usize> = 1..6;
/// Those who ask, and how often in a round.
const ASKERS: std::ops::Range<usize> = 190..200;
const QUESTIONS: u64 = 12;

/// A channel, or one person who is written to.
struct Group {
    target: String,
    talkers: Vec<usize>,
    hears: Vec<usize>,
    /// Messages of each talker in a round.
    messages: u64,
}

struct Talker {
    who: usize,
    group: usize,
    /// The number of its next message.
    next: u64,
}

/// What guests do that residents see.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Sight {
    Comes,
    Renames,
    Speaks,
    Goes,
}

/// How often each was seen, or should be.
type Sights = [u64; 4];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Question {
    Who,
    Names,
    List,
}

struct Asker {
    asked: u64,
    /// What it has asked, and how much of the answer has come.
    waits: Option<(Question, usize)>,
}

pub(crate) struct Residents {
    groups: Vec<Group>,
    /// Channels of `groups` come first.
    channels: usize,
    talkers: Vec<Talker>,
    /// The number that each resident expects next of each talker.
    expected: Vec<u64>,
    /// What residents have seen of guests.
    seen: Vec<Sights>,
    /// What they should have seen, by channel.
    shown: Vec<Sights>,
    askers: Vec<Asker>,
    /// Messages that should arrive, and those that have.
    pub(crate) due: u64,
    pub(crate) delivered: u64,
    /// Guests of whom it was seen that they were cut off as they did not read.
    pub(crate) cut: Vec<usize>,
    pub(crate) fault: Option<String>,
    scratch: Vec<u8>,
    round: u64,
}

fn groups() -> (Vec<Group>, usize) {
    let channel = |name: String, members: std::ops::Range<usize>, talkers: usize, messages: u64| {
        let hears: Vec<usize> = members.collect();
        Group { target: name, talkers: hears[..talkers].to_vec(), hears, messages }
    };
    let mut groups = vec![channel("#big".to_owned(), 0..100, 5, 80)];
    groups.extend((0..5).map(|n| channel(format!("#middle{n}"), 100 + 20 * n..120 + 20 * n, 2, 200)));
    groups.extend((0..25).map(|n| channel(format!("#small{n}"), 4 * n..4 * n + 4, 1, 400)));
    let channels = groups.len();
    let pair = |n: usize| {
        let (talker, hears) = (100 + 2 * n, 101 + 2 * n);
        Group { target: nick(hears), talkers: vec![talker], hears: vec![hears], messages: 400 }
    };
    groups.extend((0..50).map(pair));
    (groups, channels)
}

impl Residents {
    pub(crate) fn new() -> Self {
        let (groups, channels) = groups();
        let mut talkers = Vec::new();
        for (number, group) in groups.iter().enumerate() {
            talkers.extend(group.talkers.iter().map(|&who| Talker { who, group: number, next: 0 }));
        }
        Self {
            expected: vec![0; talkers.len() * RESIDENTS],
            seen: vec![Sights::default(); RESIDENTS],
            shown: vec![Sights::default(); channels],
            askers: ASKERS.map(|_| Asker { asked: QUESTIONS, waits: None }).collect(),
            groups,
            channels,
            talkers,
            due: 0,
            delivered: 0,
            cut: Vec::new(),
            fault: None,
            scratch: Vec::new(),
            round: 0,
        }
    }

    /// The channels, and who is in them.
    pub(crate) fn channels(&self) -> Vec<(String, Vec<usize>)> {
        let talking = self.groups[..self.channels].iter().map(|it| (it.target.clone(), it.hears.clone()));
        talking.chain([(STILL.to_owned(), (0..RESIDENTS).collect())]).collect()
    }

    /// The name of a channel.
    pub(crate) fn channel(&self, number: usize) -> &str {
        &self.groups[number].target
    }

    /// Begins a round: what was said before does not count for it.
    pub(crate) fn begin(&mut self) {
        self.round += 1;
        for talker in &mut self.talkers {
            talker.next = 0;
        }
        self.expected.fill(0);
        for asker in &mut self.askers {
            asker.asked = 0;
        }
    }

    /// Says and asks what is due when this share of the round has passed, of [`WHOLE`].
    pub(crate) fn speak(&mut self, swarm: &mut Swarm, share: u64) {
        let mut out = Vec::new();
        for (number, talker) in self.talkers.iter_mut().enumerate() {
            let group = &self.groups[talker.group];
            let messages = group.messages * share / WHOLE;
            if talker.next >= messages {
                continue;
            }
            let others = group.hears.iter().filter(|&&hears| hears != talker.who).count() as u64;
            out.clear();
            while talker.next < messages {
                out.extend_from_slice(format!("PRIVMSG {} :", group.target).as_bytes());
                compose(&mut out, self.round, number, talker.next);
                out.extend_from_slice(b"\r\n");
                talker.next += 1;
                self.due += others;
            }
            swarm.send(talker.who, &out);
        }
        let questions = QUESTIONS * share / WHOLE;
        for (asker, who) in self.askers.iter_mut().zip(ASKERS) {
            if asker.waits.is_none() && asker.asked < questions {
                let (question, line) = match asker.asked % 3 {
                    0 => (Question::Who, format!("WHO {STILL}\r\n")),
                    1 => (Question::Names, format!("NAMES {STILL}\r\n")),
                    _ => (Question::List, "LIST\r\n".to_owned()),
                };
                asker.waits = Some((question, 0));
                asker.asked += 1;
                swarm.send(who, line.as_bytes());
            }
        }
    }

    /// A guest was seen in this channel by all who are in it, or is about to be.
    pub(crate) fn show(&mut self, channel: usize, sight: Sight) {
        self.shown[channel][sight as usize] += 1;
    }

    /// What some have not heard yet; none when all is there.
    pub(crate) fn missing(&self) -> Option<String> {
        if self.delivered < self.due {
            return Some(format!("{} messages", self.due - self.delivered));
        }
        let busy = |asker: &Asker| asker.waits.is_some() || asker.asked < QUESTIONS;
        if let Some(place) = self.askers.iter().position(busy) {
            return Some(format!("the answer to u{}: {:?}", ASKERS.start + place, self.askers[place].waits));
        }
        let due = self.sights();
        let who = (0..RESIDENTS).find(|&who| self.seen[who] != due[who])?;
        Some(format!("u{who} saw of guests {:?} and should {:?}", self.seen[who], due[who]))
    }

    /// What each should have seen of guests.
    fn sights(&self) -> Vec<Sights> {
        let mut due = vec![Sights::default(); RESIDENTS];
        for (group, shown) in self.groups.iter().zip(&self.shown) {
            for &who in &group.hears {
                for (due, shown) in due[who].iter_mut().zip(shown) {
                    *due += shown;
                }
            }
        }
        due
    }

    /// A line to a resident.
    pub(crate) fn line(&mut self, to: usize, line: &[u8]) {
        let (word, rest) = command(line);
        let wrong = match word {
            b"PRIVMSG" => self.message(to, line, rest).err(),
            b"JOIN" => self.see(to, Sight::Comes),
            b"NICK" => self.see(to, Sight::Renames),
            b"PART" => self.see(to, Sight::Goes),
            b"QUIT" => {
                if to == 0 && rest.ends_with(b"Send queue exceeded") {
                    self.cut.extend(crate::guests::number_of(line));
                }
                self.see(to, Sight::Goes)
            }
            // The channel's name in RPL_LISTSTART has no meaning.
            b"321" | b"PONG" => None,
            _ => self.answer(to, word, rest).err(),
        };
        if let Some(wrong) = wrong {
            let text = String::from_utf8_lossy(line).into_owned();
            self.fault.get_or_insert(format!("u{to} got a line that is {wrong}: {text}"));
        }
    }

    fn see(&mut self, who: usize, sight: Sight) -> Option<&'static str> {
        self.seen[who][sight as usize] += 1;
        None
    }

    fn message(&mut self, to: usize, line: &[u8], rest: &[u8]) -> Result<(), &'static str> {
        let colon = memchr(b':', rest).ok_or("torn")?;
        let (target, text) = (rest[..colon].trim_ascii_end(), &rest[colon + 1..]);
        if text.first() == Some(&b'!') {
            self.see(to, Sight::Speaks);
            return if text == crate::guests::SAYS { Ok(()) } else { Err("torn") };
        }
        let number = |from: usize, to: usize| {
            let digits = text.get(from..to)?.iter();
            digits.into_iter().try_fold(0_u64, |sum, digit| {
                digit.is_ascii_digit().then(|| sum * 10 + u64::from(digit - b'0'))
            })
        };
        let (Some(round), Some(talker), Some(message)) = (number(0, 4), number(5, 8), number(9, 15)) else {
            return Err("torn");
        };
        let speaker = talker as usize;
        let talker = self.talkers.get(speaker).ok_or("torn")?;
        let group = &self.groups[talker.group];
        let from = format!(":{}!", nick(talker.who));
        if target != group.target.as_bytes() || !group.hears.contains(&to) || talker.who == to {
            return Err("for somebody else");
        }
        if !line.starts_with(from.as_bytes()) {
            return Err("of somebody else");
        }
        self.scratch.clear();
        compose(&mut self.scratch, round, speaker, message);
        if self.scratch != text {
            return Err("torn");
        }
        let expected = &mut self.expected[speaker * RESIDENTS + to];
        if round != self.round || message != *expected {
            let late = round < self.round || message < *expected;
            return Err(if late { "doubled or late" } else { "early: one before it is lost or late" });
        }
        *expected += 1;
        self.delivered += 1;
        Ok(())
    }

    /// A numeric, which must be part of the answer that this one waits for.
    fn answer(&mut self, to: usize, word: &[u8], rest: &[u8]) -> Result<(), &'static str> {
        let asker = to.checked_sub(ASKERS.start).and_then(|place| self.askers.get_mut(place));
        let asker = asker.ok_or("not expected")?;
        let Some((question, count)) = &mut asker.waits else { return Err("not expected") };
        let all = match (*question, word) {
            (Question::Who, b"352") | (Question::List, b"322") => {
                *count += 1;
                return Ok(());
            }
            (Question::Names, b"353") => {
                let names = memchr(b':', rest).map_or(&[][..], |at| &rest[at + 1..]);
                *count += names.split(|byte| *byte == b' ').filter(|name| !name.is_empty()).count();
                return Ok(());
            }
            (Question::Who, b"315") | (Question::Names, b"366") => RESIDENTS,
            (Question::List, b"323") => self.channels + 1,
            _ => return Err("not expected"),
        };
        let whole = *count == all;
        asker.waits = None;
        if whole { Ok(()) } else { Err("the end of an answer in which something is missing or doubled") }
    }
}

/// The text of a message: round, talker, number, and a filling that depends on them.
fn compose(out: &mut Vec<u8>, round: u64, talker: usize, number: u64) {
    out.extend_from_slice(format!("{round:04}:{talker:03}:{number:06}:").as_bytes());
    let (length, letter) = ((number * 37 + talker as u64 * 11) % 360, (number + round) % 26);
    out.resize(out.len() + length as usize, b'a' + letter as u8);
}
