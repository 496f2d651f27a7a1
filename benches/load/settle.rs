//! Clients that come, stay and go: registrations, idle clients, a storm of joins, and whole lives in a row.

use std::io;
use std::time::{Duration, Instant};

use crate::arrive::{self, JoinedBy, nick};
use crate::crossings::Farewells;
use crate::machine::{self, Usage, float};
use crate::report::{Measure, Values};
use crate::servers::{Running, Server};
use crate::swarm::{Deadline, Ear, Swarm, command};

/// How long memory that was needed has time to go back to the system.
const LEISURE: Duration = Duration::from_secs(6);
/// Registrations of which the cost is taken: the last ones, with all others there.
const LAST: usize = 1_000;
/// Members who stay when all others quit, and must be told of each of them once.
const STAY: usize = 10;

/// A server and its clients.
pub(crate) struct Place {
    swarm: Swarm,
    running: Running,
    arrivals: usize,
}

/// Counts those who are gone, and what those are told who stay. Of a silent crowd nothing is heard.
#[derive(Default)]
struct Gone {
    closed: usize,
    stay: usize,
    quits: Farewells,
    fault: Option<String>,
}

impl Ear for Gone {
    fn line(&mut self, to: usize, line: &[u8], _: u64) {
        if command(line).0 != b"QUIT" {
            return;
        }
        if let Err(wrong) = self.quits.line(to, line) {
            let text = String::from_utf8_lossy(line).into_owned();
            self.fault.get_or_insert(format!("client {to} got a line that is {wrong}: {text}"));
        }
    }

    fn closed(&mut self, who: usize) {
        self.closed += 1;
        if who < self.stay {
            self.fault.get_or_insert(format!("the connection of client {who} was closed"));
        }
    }
}

impl Gone {
    fn check(&self) -> io::Result<()> {
        self.fault.as_ref().map_or(Ok(()), |fault| Err(io::Error::other(fault.clone())))
    }
}

impl Place {
    pub(crate) fn new(server: &Server) -> io::Result<Self> {
        let running = server.start()?;
        let swarm = Swarm::new(running.address)?;
        Ok(Self { swarm, running, arrivals: server.kind.arrivals() })
    }

    fn usage(&self) -> io::Result<Usage> {
        machine::usage(self.running.pid())
    }

    fn resident(&self) -> io::Result<f64> {
        Ok(float(machine::memory(self.running.pid())?.resident))
    }

    /// Listens for a while.
    fn rest(&mut self, time: Duration) -> io::Result<()> {
        let (end, mut gone) = (Instant::now() + time, Gone::default());
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            self.swarm.turn(left, &mut gone)?;
        }
        let closed = gone.closed;
        if closed == 0 { Ok(()) } else { Err(io::Error::other(format!("{closed} clients were cut off"))) }
    }

    /// What the last of so many registrations cost.
    pub(crate) fn registrations(&mut self, clients: usize) -> io::Result<Values> {
        let last = clients.min(LAST);
        arrive::register(&mut self.swarm, clients - last, self.arrivals)?;
        let (begun, before) = (Instant::now(), self.usage()?);
        arrive::register(&mut self.swarm, last, self.arrivals)?;
        let (elapsed, used) = (begun.elapsed(), self.usage()?.since(before));
        let count = float(last as u64);
        Ok(vec![
            (Measure::CpuPerRegistration, used.cpu.as_secs_f64() * 1e6 / count),
            (Measure::Registrations, count / elapsed.as_secs_f64()),
        ])
    }

    /// What clients cost that are in a channel of so many and say nothing.
    pub(crate) fn idle(&mut self, clients: usize, members: usize, time: Duration) -> io::Result<Values> {
        // The first client pays for what all share.
        arrive::register(&mut self.swarm, 1, 1)?;
        let baseline = self.resident()?;
        arrive::register(&mut self.swarm, clients, self.arrivals)?;
        let everybody: Vec<usize> = (1..=clients).collect();
        let channels = everybody.chunks(members).enumerate();
        let channels: Vec<_> =
            channels.map(|(number, who)| (format!("#load{number}"), who.to_vec())).collect();
        arrive::join(&mut self.swarm, &channels, JoinedBy::Some)?;
        // Timers that registrations have started run out in this time, and what the joins took is given back.
        self.rest(time)?;
        let before = self.usage()?;
        let watched = 4 * time;
        self.rest(watched)?;
        let used = self.usage()?.since(before);
        Ok(vec![
            (Measure::MemoryPerClient, (self.resident()? - baseline) / float(clients as u64)),
            (Measure::CpuIdle, used.cpu.as_secs_f64() * 1e3 / watched.as_secs_f64()),
            (Measure::PeakMemory, float(machine::memory(self.running.pid())?.peak)),
        ])
    }

    /// All join one channel at once, and then all but a few quit at once.
    pub(crate) fn storm(&mut self, clients: usize, time: Duration) -> io::Result<Values> {
        let empty = self.resident()?;
        arrive::register(&mut self.swarm, clients, self.arrivals)?;
        let everybody: Vec<usize> = (0..clients).collect();
        let lines = float(clients as u64) * float(clients as u64 + 1) / 2.0;
        let (before, packets, sends) = (self.usage()?, machine::data_packets()?, self.swarm.sends);
        arrive::join(&mut self.swarm, &[("#load".to_owned(), everybody)], JoinedBy::All)?;
        let joined = self.usage()?;
        let sent = (machine::data_packets()? - packets).saturating_sub(self.swarm.sends - sends);
        let quits = Farewells::new(STAY, clients);
        let mut gone = Gone { stay: STAY, quits, ..Gone::default() };
        let mut deadline = Deadline::new("connections to be closed, and QUIT lines");
        for who in STAY..clients {
            self.swarm.send(who, b"QUIT :bye\r\n");
        }
        while gone.closed < clients - STAY || !gone.quits.all_told(clients - STAY) {
            let before = (gone.closed, gone.quits.lines());
            self.swarm.turn(Duration::ZERO, &mut gone)?;
            if (gone.closed, gone.quits.lines()) != before {
                deadline.moved();
            }
            gone.check()?;
            deadline.check()?;
        }
        let quit = self.usage()?.since(joined);
        // What was sent twice would come now.
        self.swarm.turn(Duration::from_millis(20), &mut gone)?;
        gone.check()?;
        // What can go back to the system at leisure does so in this time.
        self.rest(time.max(LEISURE))?;
        let memory = machine::memory(self.running.pid())?;
        let kept = (float(memory.resident) - empty).max(0.0) / (float(memory.peak) - empty).max(1.0);
        Ok(vec![
            (Measure::KeptMemory, kept * 100.0),
            (Measure::CpuPerJoinLine, joined.since(before).cpu.as_secs_f64() * 1e6 / lines),
            (Measure::SendsPerDelivery, float(sent) / lines),
            (Measure::CpuPerQuit, quit.cpu.as_secs_f64() * 1e6 / float((clients - STAY) as u64)),
            (Measure::PeakMemory, float(memory.peak)),
            (Measure::MemoryAfter, float(memory.resident)),
        ])
    }

    /// So many at a time connect, register, join a channel of their own, part, quit, and begin anew.
    pub(crate) fn cycles(&mut self, at_once: usize, time: Duration) -> io::Result<Values> {
        let mut lives = Lives::default();
        while self.swarm.len() < at_once {
            let who = self.swarm.connect()?;
            lives.closed(who);
        }
        (lives.done, lives.running) = (0, at_once);
        let begun = Instant::now();
        let (mut mark, mut deadline) = (None, Deadline::new("a cycle"));
        let mut end = None;
        while lives.running > 0 {
            let before = lives.done;
            for (who, step) in std::mem::take(&mut lives.steps) {
                self.step(who, step, end.is_none(), &mut lives)?;
            }
            self.swarm.turn(Duration::ZERO, &mut lives)?;
            if lives.done > before {
                deadline.moved();
            }
            deadline.check()?;
            let now = (begun.elapsed(), lives.done);
            if mark.is_none() && now.0 >= time / 5 {
                mark = Some((now, self.usage()?));
            } else if end.is_none() && now.0 >= time + time / 5 {
                end = Some((now, self.usage()?));
            }
        }
        let (Some((start, before)), Some((end, after))) = (mark, end) else {
            return Err(io::Error::other("too short a time to measure cycles"));
        };
        let cycles = float((end.1 - start.1).max(1));
        Ok(vec![
            (Measure::CpuPerCycle, after.since(before).cpu.as_secs_f64() * 1e6 / cycles),
            (Measure::Cycles, cycles / end.0.saturating_sub(start.0).as_secs_f64()),
        ])
    }

    fn step(&mut self, who: usize, step: Step, again: bool, lives: &mut Lives) -> io::Result<()> {
        match step {
            Step::Begin if !again => lives.running -= 1,
            Step::Begin => {
                if !self.swarm.is_open(who) {
                    self.swarm.connect_as(who)?;
                }
                self.swarm.send(who, format!("NICK {}\r\nUSER load 0 * :load\r\n", nick(who)).as_bytes());
            }
            Step::Join => self.swarm.send(who, format!("JOIN #load{who}\r\n").as_bytes()),
            Step::Part => self.swarm.send(who, format!("PART #load{who}\r\n").as_bytes()),
            Step::Quit => self.swarm.send(who, b"QUIT\r\n"),
        }
        Ok(())
    }
}

/// What comes next for a client.
enum Step {
    Begin,
    Join,
    Part,
    Quit,
}

/// Lives of clients, each of which goes on when the last step was answered.
#[derive(Default)]
struct Lives {
    steps: Vec<(usize, Step)>,
    done: u64,
    /// Clients that have not stopped.
    running: usize,
}

impl Ear for Lives {
    fn line(&mut self, to: usize, line: &[u8], _: u64) {
        let step = match command(line).0 {
            b"001" => Step::Join,
            b"JOIN" => Step::Part,
            b"PART" => Step::Quit,
            _ => return,
        };
        self.steps.push((to, step));
    }

    fn closed(&mut self, who: usize) {
        self.done += 1;
        self.steps.push((who, Step::Begin));
    }
}
