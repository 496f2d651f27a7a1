//! Getting clients registered, and into their channels, with every JOIN line counted.

use std::io;
use std::time::Duration;

use crate::crossings::Crossings;
use crate::swarm::{Deadline, Ear, Swarm, command};

/// Clients that send their JOIN at a time, where it is not the joins that are measured.
const JOINS: usize = 512;

/// How many join at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum JoinedBy {
    /// A few hundred.
    Some,
    /// All there are.
    All,
}

/// What has been heard on the way in.
#[derive(Default)]
struct Arrivals<'a> {
    welcomed: Vec<usize>,
    answered: usize,
    joins: Option<Crossings<'a>>,
    fault: Option<String>,
}

impl Ear for Arrivals<'_> {
    fn line(&mut self, to: usize, line: &[u8], _: u64) {
        match command(line).0 {
            b"001" => self.welcomed.push(to),
            b"PONG" => self.answered += 1,
            b"JOIN" => {
                let joins = self.joins.as_mut().map_or(Err("not expected"), |joins| joins.line(to, line));
                if let Err(wrong) = joins {
                    let text = String::from_utf8_lossy(line).into_owned();
                    self.fault.get_or_insert(format!("client {to} got a line that is {wrong}: {text}"));
                }
            }
            // ERR_NOMOTD is no error.
            b"422" => {}
            [b'4' | b'5', _, _] | b"ERROR" => {
                let text = String::from_utf8_lossy(line).into_owned();
                self.fault.get_or_insert(format!("client {to} was told: {text}"));
            }
            _ => {}
        }
    }

    fn closed(&mut self, who: usize) {
        self.fault.get_or_insert(format!("the connection of client {who} was closed"));
    }
}

impl Arrivals<'_> {
    fn check(&self, deadline: &Deadline) -> io::Result<()> {
        match &self.fault {
            Some(fault) => Err(io::Error::other(fault.clone())),
            None => deadline.check(),
        }
    }
}

/// The nick of a client.
pub(crate) fn nick(who: usize) -> String {
    format!("u{who}")
}

/// Connects and registers so many more clients, `at_once` of them at a time. Each is done when the server has
/// answered a PING after the welcome.
pub(crate) fn register(swarm: &mut Swarm, count: usize, at_once: usize) -> io::Result<()> {
    let mut heard = Arrivals::default();
    let mut deadline = Deadline::new("registrations");
    let mut begun = 0;
    while heard.answered < count {
        while begun < count && begun - heard.answered < at_once {
            let who = swarm.connect()?;
            swarm.send(who, format!("NICK {}\r\nUSER load 0 * :load\r\n", nick(who)).as_bytes());
            begun += 1;
        }
        let before = heard.answered;
        swarm.turn(Duration::ZERO, &mut heard)?;
        for who in std::mem::take(&mut heard.welcomed) {
            swarm.send(who, b"PING :welcome\r\n");
        }
        if heard.answered > before {
            deadline.moved();
        }
        heard.check(&deadline)?;
    }
    Ok(())
}

/// Lets clients join their channels, and waits until every member has been told of each that came with or after it.
///
/// # Errors
/// When a client is refused, or JOIN lines are lost or doubled.
pub(crate) fn join(swarm: &mut Swarm, channels: &[(String, Vec<usize>)], by: JoinedBy) -> io::Result<()> {
    let mut waiting = channels.iter().flat_map(|(name, members)| members.iter().map(move |who| (name, *who)));
    let count: usize = channels.iter().map(|(_, members)| members.len()).sum();
    let mut heard = Arrivals { joins: Some(Crossings::new(swarm.len(), channels)), ..Arrivals::default() };
    let lines = |heard: &Arrivals| heard.joins.as_ref().map_or(0, |joins| joins.lines);
    let expected = heard.joins.as_ref().map_or(0, |joins| joins.expected);
    let mut deadline = Deadline::new("JOIN lines");
    let mut begun = 0;
    while heard.answered < count || lines(&heard) < expected {
        while by == JoinedBy::All || begun - heard.answered < JOINS {
            let Some((name, who)) = waiting.next() else { break };
            swarm.send(who, format!("JOIN {name}\r\nPING :joined\r\n").as_bytes());
            begun += 1;
        }
        let before = (lines(&heard), heard.answered);
        swarm.turn(Duration::ZERO, &mut heard)?;
        if (lines(&heard), heard.answered) != before {
            deadline.moved();
        }
        heard.check(&deadline)?;
    }
    // What is more than expected would come now.
    swarm.turn(Duration::from_millis(20), &mut heard)?;
    heard.check(&deadline)?;
    heard.joins.as_ref().map_or(Ok(()), Crossings::check)
}
