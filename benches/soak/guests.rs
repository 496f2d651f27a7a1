//! Those who come and go, well-behaved or not: each lives through one short life, of which every step must come true.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::Shutdown;
use std::time::Duration;

use socket2::SockRef;

use crate::residents::{BIG, MIDDLE, RESIDENTS, Residents, Sight, WHOLE};
use crate::swarm::{Swarm, command};

/// What a visitor says.
pub(crate) const SAYS: &[u8] = b"!hello, and good-bye";
/// Lines of somebody who floods: more than the flood limit lets through at once.
const FLOOD: usize = 700;
/// How often somebody who does not read asks for the message of the day, of some 4 KB.
const ASKS: usize = 300;
/// What the socket of somebody who does not read holds, in bytes, as far as the system goes along.
const DEAF_SOCKET: usize = 4096;

/// What a guest is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Manner {
    /// Joins, takes another nick, says something, parts and quits.
    Visits,
    /// Joins, and its machine resets the connection.
    Resets,
    /// Joins, and closes without a word.
    Drops,
    /// Joins, and closes the half of the connection that it sends on.
    HalfCloses,
    /// Joins, asks for much and reads nothing.
    IsDeaf,
    /// Connects and says nothing.
    IsSilent,
    /// Closes, or resets, as soon as it is connected.
    IsHasty,
    /// Sends bytes without sense.
    SendsGarbage,
    /// Sends more lines than it may.
    Floods,
    /// Joins, and is kicked by an operator.
    IsKicked,
}

/// How many of each come in a round.
const EACH: [(Manner, usize); 10] = [
    (Manner::Visits, 1_500),
    (Manner::Resets, 200),
    (Manner::Drops, 200),
    (Manner::HalfCloses, 20),
    (Manner::IsDeaf, 5),
    (Manner::IsSilent, 20),
    (Manner::IsHasty, 400),
    (Manner::SendsGarbage, 100),
    (Manner::Floods, 3),
    (Manner::IsKicked, 20),
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Registers,
    Joins,
    Renames,
    Parts,
    /// Waits for the end, of which the server knows why.
    Ends,
}

#[derive(Debug)]
struct Guest {
    manner: Manner,
    nick: String,
    channel: usize,
    step: Step,
    /// Could not register in time, as this program was stopped.
    excused: bool,
    /// PONGs that were answered.
    pongs: usize,
}

/// What a guest has heard that it waits for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Heard {
    Welcome,
    Join,
    Nick,
    Part,
    Pong,
    Closed,
}

#[derive(Default)]
pub(crate) struct Guests {
    present: BTreeMap<usize, Guest>,
    free: Vec<usize>,
    heard: VecDeque<(usize, Heard)>,
    /// Those who are to come in this round, in order.
    plan: VecDeque<Manner>,
    planned: usize,
    /// Serial number of the next one.
    serial: u64,
    /// How many have come and gone.
    pub(crate) gone: u64,
    pub(crate) fault: Option<String>,
    /// Whom the operator is to kick.
    pub(crate) kicks: VecDeque<String>,
    noise: u64,
}

/// The number of the guest whom a line is from.
pub(crate) fn number_of(line: &[u8]) -> Option<usize> {
    let nick = line.strip_prefix(b":g")?.split(|byte| *byte == b'x').next()?;
    std::str::from_utf8(nick).ok()?.parse().ok()
}

impl Guests {
    /// Begins a round: everybody who comes in it, evenly mixed.
    pub(crate) fn begin(&mut self) {
        let mut plan: Vec<(f64, Manner)> = Vec::new();
        for (manner, count) in EACH {
            let place =
                |n: usize| (crate::machine::float(n as u64) + 0.5) / crate::machine::float(count as u64);
            plan.extend((0..count).map(|n| (place(n), manner)));
        }
        plan.sort_by(|a, b| a.0.total_cmp(&b.0));
        self.planned = plan.len();
        self.plan = plan.into_iter().map(|(_, manner)| manner).collect();
    }

    /// Whether all have come and gone.
    pub(crate) fn is_over(&self) -> bool {
        self.plan.is_empty() && self.present.is_empty()
    }

    /// Who is still here, for a report.
    pub(crate) fn waits(&self) -> Option<String> {
        let (who, guest) = self.present.first_key_value()?;
        Some(format!("{} guests are here, such as {who}: {guest:?}", self.present.len()))
    }

    /// This program was stopped for a while: who had not registered may have been dismissed for it.
    pub(crate) fn excuse(&mut self) {
        for guest in self.present.values_mut().filter(|guest| guest.step == Step::Registers) {
            guest.excused = true;
        }
    }

    /// Lets come who is due when this share of the round has passed, and everybody go on.
    pub(crate) fn go_on(
        &mut self,
        swarm: &mut Swarm,
        residents: &mut Residents,
        share: u64,
    ) -> io::Result<()> {
        let due = (self.planned as u64 * share / WHOLE) as usize;
        while self.planned - self.plan.len() < due
            && let Some(manner) = self.plan.pop_front()
        {
            self.come(swarm, manner)?;
        }
        for who in std::mem::take(&mut residents.cut) {
            if self.present.get(&who).is_some_and(|guest| guest.manner == Manner::IsDeaf) {
                self.go(swarm, residents, who, Some(Sight::Goes));
            } else {
                self.fault.get_or_insert(format!("guest {who} was cut off, and reads"));
            }
        }
        while let Some((who, heard)) = self.heard.pop_front() {
            self.step(swarm, residents, who, heard)?;
        }
        Ok(())
    }

    fn come(&mut self, swarm: &mut Swarm, manner: Manner) -> io::Result<()> {
        let who = match self.free.pop() {
            Some(who) => {
                swarm.clients[who].deaf = false;
                swarm.connect_as(who)?;
                who
            }
            None => swarm.connect()?,
        };
        self.serial += 1;
        let channel = match manner {
            Manner::Visits | Manner::Resets | Manner::Drops => {
                MIDDLE.start + (self.serial % MIDDLE.len() as u64) as usize
            }
            _ => BIG,
        };
        let nick = format!("g{who}x{}", self.serial % 100_000);
        let step = match manner {
            Manner::IsSilent | Manner::SendsGarbage => Step::Ends,
            _ => Step::Registers,
        };
        match manner {
            Manner::IsHasty => {
                if self.serial.is_multiple_of(2) {
                    swarm.send(who, b"NICK hasty\r\n");
                }
                end(swarm, who, self.serial.is_multiple_of(3))?;
                self.free.push(who);
                self.gone += 1;
                return Ok(());
            }
            Manner::IsSilent => {}
            Manner::SendsGarbage => {
                let noise = self.noise();
                swarm.send(who, &noise);
                swarm.send(who, b"\r\nQUIT\r\n");
            }
            _ => swarm.send(who, format!("NICK {nick}\r\nUSER guest 0 * :guest\r\n").as_bytes()),
        }
        self.present.insert(who, Guest { manner, nick, channel, step, excused: false, pongs: 0 });
        Ok(())
    }

    /// Bytes of all kinds; xorshift64, so that each run has the same ones.
    fn noise(&mut self) -> Vec<u8> {
        let state = &mut self.noise;
        *state = (*state).max(0x2545_f491_4f6c_dd1d);
        let next = |_| {
            *state ^= *state << 13;
            *state ^= *state >> 7;
            *state ^= *state << 17;
            *state as u8
        };
        (0..8_192).map(next).collect()
    }

    fn step(
        &mut self,
        swarm: &mut Swarm,
        residents: &mut Residents,
        who: usize,
        heard: Heard,
    ) -> io::Result<()> {
        let Some(guest) = self.present.get_mut(&who) else { return Ok(()) };
        let channel = residents.channel(guest.channel).to_owned();
        match (guest.manner, guest.step, heard) {
            (Manner::Floods, Step::Registers, Heard::Welcome) => {
                guest.step = Step::Ends;
                swarm.send(who, &b"PING :flood\r\n".repeat(FLOOD));
                swarm.send(who, b"QUIT\r\n");
            }
            (Manner::Floods, Step::Ends, Heard::Pong) => guest.pongs += 1,
            (_, Step::Registers, Heard::Welcome) => {
                guest.step = Step::Joins;
                swarm.send(who, format!("JOIN {channel}\r\n").as_bytes());
            }
            (Manner::Visits, Step::Joins, Heard::Join) => {
                guest.step = Step::Renames;
                let says = String::from_utf8_lossy(SAYS);
                let nick = format!("{}y", guest.nick);
                swarm.send(who, format!("PRIVMSG {channel} :{says}\r\nNICK {nick}\r\n").as_bytes());
                residents.show(guest.channel, Sight::Comes);
                residents.show(guest.channel, Sight::Speaks);
                residents.show(guest.channel, Sight::Renames);
            }
            (_, Step::Renames, Heard::Nick) => {
                guest.step = Step::Parts;
                guest.nick.push('y');
                swarm.send(who, format!("PART {channel} :bye\r\n").as_bytes());
            }
            (_, Step::Parts, Heard::Part) => {
                guest.step = Step::Ends;
                residents.show(guest.channel, Sight::Goes);
                swarm.send(who, b"QUIT\r\n");
            }
            (manner, Step::Joins, Heard::Join) => {
                guest.step = Step::Ends;
                residents.show(guest.channel, Sight::Comes);
                match manner {
                    Manner::Resets | Manner::Drops => {
                        end(swarm, who, manner == Manner::Resets)?;
                        self.go(swarm, residents, who, Some(Sight::Goes));
                    }
                    Manner::HalfCloses => {
                        if let Some(stream) = &swarm.clients[who].stream {
                            stream.shutdown(Shutdown::Write)?;
                        }
                    }
                    Manner::IsDeaf => {
                        swarm.deafen(who, DEAF_SOCKET)?;
                        swarm.send(who, &b"MOTD\r\n".repeat(ASKS));
                    }
                    _ => self.kicks.push_back(guest.nick.clone()),
                }
            }
            (manner, Step::Ends, Heard::Closed) => {
                let sight = matches!(manner, Manner::HalfCloses | Manner::IsKicked).then_some(Sight::Goes);
                if manner == Manner::Floods && guest.pongs != FLOOD {
                    let text = format!("guest {who} has {} answers to {FLOOD} PINGs", guest.pongs);
                    self.fault.get_or_insert(text);
                }
                self.go(swarm, residents, who, sight);
            }
            (_, Step::Registers, Heard::Closed) if guest.excused => self.go(swarm, residents, who, None),
            (manner, step, heard) => {
                let text = format!("guest {who}, who {manner:?}, heard {heard:?} at the step {step:?}");
                self.fault.get_or_insert(text);
            }
        }
        Ok(())
    }

    /// A guest has left; of its leaving its channel may have been told.
    fn go(&mut self, swarm: &mut Swarm, residents: &mut Residents, who: usize, sight: Option<Sight>) {
        let Some(guest) = self.present.remove(&who) else { return };
        if let Some(sight) = sight {
            residents.show(guest.channel, sight);
        }
        swarm.clients[who].stream = None;
        // What it has heard beside is of no interest, and its place is somebody else's next.
        self.heard.retain(|(whose, _)| *whose != who);
        self.free.push(who);
        self.gone += 1;
    }

    /// A line to a guest.
    pub(crate) fn line(&mut self, to: usize, line: &[u8]) {
        let Some(guest) = self.present.get(&to) else { return };
        let own = |line: &[u8]| {
            let rest = line.strip_prefix(b":").and_then(|rest| rest.strip_prefix(guest.nick.as_bytes()));
            rest.is_some_and(|rest| rest.first() == Some(&b'!'))
        };
        let heard = match command(line).0 {
            b"001" => Heard::Welcome,
            b"PONG" => Heard::Pong,
            b"JOIN" if own(line) => Heard::Join,
            b"NICK" if own(line) => Heard::Nick,
            b"PART" if own(line) => Heard::Part,
            _ => return,
        };
        self.heard.push_back((to, heard));
    }

    /// The end of a guest's connection.
    pub(crate) fn closed(&mut self, who: usize) {
        if who >= RESIDENTS && self.present.contains_key(&who) {
            self.heard.push_back((who, Heard::Closed));
        }
    }
}

/// Ends a connection from the client's side.
fn end(swarm: &mut Swarm, who: usize, reset: bool) -> io::Result<()> {
    if let Some(stream) = swarm.clients[who].stream.take()
        && reset
    {
        SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
    }
    Ok(())
}
