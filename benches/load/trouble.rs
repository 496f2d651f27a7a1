//! Company that misbehaves: members who do not read, and clients who send all they can.

use std::fs;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::arrive::{self, JoinedBy};
use crate::crossings::Farewells;
use crate::histogram::Histogram;
use crate::machine::{self, float};
use crate::peers;
use crate::report::{Measure, Values};
use crate::servers::{Running, Server};
use crate::stage::quantiles;
use crate::swarm::{Ear, Swarm};
use crate::talk::{Group, Pace, Sample, Talk};

/// Messages a second while latency is taken.
const CALM: f64 = 40.0;
/// Messages a second that fill the queues of those who do not read.
const BURST: f64 = 2_000.0;
/// Bytes of a text, so that queues fill.
const LONG: usize = 400;
/// What the sockets of slow readers hold, in bytes, as far as the system goes along.
const SLOW_SOCKET: usize = 4096;
/// Bytes that a flooder sends at a time.
const CHUNK: usize = 8 * 1024;
/// Flooders who send in a turn.
const TURNS: usize = 8;
/// Messages a second in the channel beside a flood.
const BESIDE_FLOOD: f64 = 100.0;

/// What a flood is of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Flood {
    Unknown,
    Garbage,
    Endless,
    Tiny,
    Messages,
}

impl Flood {
    pub(crate) const ALL: [Self; 5] =
        [Self::Unknown, Self::Garbage, Self::Endless, Self::Tiny, Self::Messages];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown commands",
            Self::Garbage => "garbage",
            Self::Endless => "a line without end",
            Self::Tiny => "tiny writes",
            Self::Messages => "messages to the channel",
        }
    }

    /// What is sent at a time.
    fn chunk(self) -> Vec<u8> {
        let line: &[u8] = match self {
            Self::Unknown => b"NONSENSE and more of it\r\n",
            Self::Messages => b"PRIVMSG #load0 :!noise, noise, and nothing but noise\r\n",
            Self::Endless => b"x",
            Self::Tiny => return b"NOO".to_vec(),
            Self::Garbage => {
                // xorshift64: any bytes will do, but the same ones each time.
                let mut state = 0x2545_f491_4f6c_dd1d_u64;
                let next = |_| {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    state as u8
                };
                return (0..CHUNK).map(next).collect();
            }
        };
        line.iter().copied().cycle().take(CHUNK / line.len() * line.len()).collect()
    }
}

/// A channel and those who trouble it.
pub(crate) struct TroubleStage {
    swarm: Swarm,
    talk: Talk,
    running: Running,
    members: usize,
    others: usize,
}

impl TroubleStage {
    /// A channel of well-behaved members, of whom ten talk, and after them so many others, in the channel or outside.
    fn new(server: &Server, members: usize, others: usize, inside: bool, length: usize) -> io::Result<Self> {
        let running = server.start()?;
        let mut swarm = Swarm::new(running.address)?;
        arrive::register(&mut swarm, members, server.kind.arrivals())?;
        if inside {
            swarm.come_from(peers::TROUBLE);
        }
        arrive::register(&mut swarm, others, server.kind.arrivals())?;
        let everybody = (0..if inside { members + others } else { members }).collect();
        let name = "#load0".to_owned();
        arrive::join(&mut swarm, &[(name.clone(), everybody)], JoinedBy::Some)?;
        let group = Group {
            target: name,
            talkers: (0..members.min(10)).collect(),
            receivers: (0..members).collect(),
        };
        let mut talk = Talk::new(members + others, &[group], Pace::Rate(CALM), length);
        talk.farewells = Some(Farewells::new(members, members + others));
        Ok(Self { swarm, talk, running, members, others })
    }

    /// Members of whom some do not read.
    pub(crate) fn slow(server: &Server, members: usize, slow: usize) -> io::Result<Self> {
        let mut stage = Self::new(server, members, slow, true, LONG)?;
        for who in members..members + slow {
            stage.swarm.deafen(who, SLOW_SOCKET)?;
        }
        Ok(stage)
    }

    /// Members beside whom some flood.
    pub(crate) fn flood(server: &Server, members: usize, flooders: usize, flood: Flood) -> io::Result<Self> {
        let mut stage = Self::new(server, members, flooders, flood == Flood::Messages, 64)?;
        stage.talk.ping_from(members - 1);
        Ok(stage)
    }

    fn talk(&mut self, rate: f64, time: Duration) -> io::Result<Sample> {
        self.talk.pace = Pace::Rate(rate);
        // Half of the slow read a byte a second, the others never anything.
        let slow = self.members + self.others / 2..self.members + self.others;
        let mut next = Instant::now();
        self.talk.measure(&mut self.swarm, self.running.pid(), time, |swarm| {
            if Instant::now() >= next {
                next += Duration::from_secs(1);
                for who in slow.clone() {
                    swarm.sip(who);
                }
            }
            Ok(())
        })
    }

    fn descriptors(&self) -> io::Result<usize> {
        Ok(fs::read_dir(format!("/proc/{}/fd", self.running.pid()))?.count())
    }

    /// The latency of those who read while others do not: with few messages, and with so many that the queues of the others fill
    /// and they are cut off; and what becomes of these.
    pub(crate) fn measure_slow(&mut self, time: Duration) -> io::Result<Values> {
        let before = self.descriptors()?;
        // Some 0.5 MB for each: half of what the queues may hold.
        let mut busy = self.talk(BURST, Duration::from_millis(500))?.latency;
        let calm = self.talk(CALM, time)?;
        // And some 1.5 MB more, which is too much.
        busy.merge(&self.talk(BURST, Duration::from_millis(1_500))?.latency);
        let cut = before.saturating_sub(self.descriptors()?);
        self.talk.farewells(&mut self.swarm, cut)?;
        let memory = machine::memory(self.running.pid())?;
        let mut values: Values = quantiles(&calm.latency).collect();
        values.extend(busy.quantile(0.99).map(|time| (Measure::BusyP99, time.as_secs_f64() * 1e6)));
        values.push((Measure::CutOff, float(cut as u64)));
        values.push((Measure::PeakMemory, float(memory.peak)));
        values.push((Measure::MemoryAfter, float(memory.resident)));
        Ok(values)
    }

    /// How long a member's PING takes beside a flood. Those who flood are on a thread of their own that gives way, so that nobody
    /// but the server is late.
    pub(crate) fn measure_flood(&mut self, flood: Flood, time: Duration) -> io::Result<Values> {
        self.talk.pace = Pace::Rate(BESIDE_FLOOD);
        self.talk.wait = Duration::from_millis(1);
        let mut flooders = self.swarm.split_off(self.members)?;
        let (over, begun) = (AtomicBool::new(false), Instant::now());
        let (sample, bytes) = thread::scope(|scope| {
            let flooding = scope.spawn(|| pour(&mut flooders, flood, &over));
            let sample = self.talk.measure(&mut self.swarm, self.running.pid(), time, |_| Ok(()));
            over.store(true, Ordering::Relaxed);
            (sample, flooding.join().unwrap_or_else(|_| Err(io::Error::other("the flood has dried up"))))
        });
        let (sample, bytes) = (sample?, bytes?);
        let elapsed = begun.elapsed().as_secs_f64();
        let pings: Histogram = self.talk.take_pings();
        let mut values: Values = quantiles(&pings).collect();
        let load = sample.usage.cpu.as_secs_f64() / sample.elapsed.as_secs_f64() * 100.0;
        values.push((Measure::Load, load));
        values.push((Measure::FloodKibibytes, float(bytes) / 1024.0 / elapsed));
        let cut = (0..flooders.len()).filter(|&who| !flooders.is_open(who)).count();
        values.push((Measure::CutOff, float(cut as u64)));
        values.push((Measure::PeakMemory, float(machine::memory(self.running.pid())?.peak)));
        Ok(values)
    }
}

/// Hears nothing.
struct Deaf;

impl Ear for Deaf {
    fn line(&mut self, _to: usize, _line: &[u8], _now: u64) {}

    fn closed(&mut self, _who: usize) {}
}

/// Sends all that the sockets take until it is over, and reads whatever comes. Returns how many bytes.
fn pour(flooders: &mut Swarm, flood: Flood, over: &AtomicBool) -> io::Result<u64> {
    // Of this thread alone, on Linux.
    let _ = rustix::process::setpriority_process(None, 19);
    let chunk = flood.chunk();
    // Tiny writes are what they are by being many.
    let writes = if flood == Flood::Tiny { 16 } else { 1 };
    let (mut next, mut bytes) = (0, 0);
    while !over.load(Ordering::Relaxed) {
        let before = bytes;
        for _ in 0..TURNS.min(flooders.len()) {
            let who = next;
            next = (next + 1) % flooders.len();
            for _ in 0..writes {
                if flooders.is_open(who) && !flooders.is_full(who) {
                    flooders.send(who, &chunk);
                    bytes += chunk.len() as u64;
                }
            }
        }
        let wait = if bytes == before { Duration::from_millis(1) } else { Duration::ZERO };
        flooders.turn(wait, &mut Deaf)?;
    }
    Ok(bytes)
}
