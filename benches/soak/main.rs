//! chatd for half an hour in mixed company: `cargo bench --bench soak`.
//!
//! The release binary runs on a port of its own, with two hundred residents who talk, in channels and to each other, and ask for
//! long lists; with guests who come and go in ten manners, good and bad; and with operators who reload, kick, ban and look. Each line
//! that a resident should hear is counted. All rounds are alike, so what the daemon costs at the end of a round is compared: the last
//! rounds with the first. `docs/performance.md` says what is in a round and what the margins are.

#[allow(dead_code, reason = "a part of the load tool")]
#[path = "../load/arrive.rs"]
mod arrive;
#[allow(dead_code, reason = "a part of the load tool")]
#[path = "../load/crossings.rs"]
mod crossings;
mod daemon;
mod guests;
#[allow(dead_code, reason = "a part of the load tool")]
#[path = "../load/machine.rs"]
mod machine;
mod operator;
mod report;
mod residents;
#[allow(dead_code, reason = "a part of the load tool")]
#[path = "../load/swarm.rs"]
mod swarm;

use std::io;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use nix::sys::signal::Signal;

use arrive::JoinedBy;
use daemon::{Daemon, Sample};
use guests::Guests;
use operator::Operator;
use report::Round;
use residents::{RESIDENTS, Residents, WHOLE};
use swarm::{Ear, PATIENCE, Swarm};

/// How long a round is: talk, during the first part of which guests come, and then rest, in which chatd gives back what it needed.
const TALK: Duration = Duration::from_secs(16);
const COMING: Duration = Duration::from_secs(11);
const REST: Duration = Duration::from_secs(4);
/// For how long this program may not come to its turn before it counts as stopped, which costs guests the time to register.
const STOPPED: Duration = Duration::from_secs(2);
/// Rounds in a minute.
const ROUNDS: u32 = 3;
/// Rounds that are not compared: pools and tables fill.
const WARM_UP: u32 = 1;

/// Runs chatd in mixed company and compares the end with the beginning.
#[derive(Debug, Parser)]
#[command(name = "cargo bench --bench soak --")]
struct Options {
    /// How long, in minutes
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(2..=1_440))]
    minutes: u32,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    match soak(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("soak: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Everybody who is connected.
struct Crowd {
    residents: Residents,
    guests: Guests,
}

impl Ear for Crowd {
    fn line(&mut self, to: usize, line: &[u8], _: u64) {
        if to < RESIDENTS {
            self.residents.line(to, line);
        } else {
            self.guests.line(to, line);
        }
    }

    fn closed(&mut self, who: usize) {
        if who < RESIDENTS {
            self.residents.fault.get_or_insert(format!("the connection of u{who} was closed"));
        } else {
            self.guests.closed(who);
        }
    }
}

/// A run.
struct Soak {
    daemon: Daemon,
    swarm: Swarm,
    crowd: Crowd,
    operator: Operator,
}

fn soak(options: &Options) -> io::Result<bool> {
    machine::raise_descriptors();
    let daemon = Daemon::start()?;
    let mut swarm = Swarm::new(daemon.address)?;
    let crowd = Crowd { residents: Residents::new(), guests: Guests::default() };
    arrive::register(&mut swarm, RESIDENTS, 64)?;
    // Who is in several channels joins those of one size after those of another: JOIN lines are counted for one of each client.
    for alike in crowd.residents.channels().chunk_by(|one, other| one.1.len() == other.1.len()) {
        arrive::join(&mut swarm, alike, JoinedBy::Some)?;
    }
    let mut soak = Soak { daemon, swarm, crowd, operator: Operator::new() };
    let outcome = soak.rounds(options.minutes * ROUNDS).and_then(|rounds| {
        soak.stop()?;
        Ok(rounds)
    });
    let rounds = outcome.map_err(|error| {
        let words = soak.daemon.last_words();
        io::Error::other(format!("FAILED: {error}\n{}\nchatd had said:\n{words}", soak.situation()))
    })?;
    let (lines, held) = report::verdict(&rounds[WARM_UP as usize..]);
    println!("\n{}", lines.join("\n"));
    println!("every line was counted: {} messages to residents", soak.crowd.residents.delivered);
    println!("{}", if held { "passed" } else { "FAILED: see above" });
    Ok(held)
}

impl Soak {
    fn rounds(&mut self, count: u32) -> io::Result<Vec<Round>> {
        println!("{}", Round::header());
        let begun = Instant::now();
        self.rest(REST)?;
        let mut before = self.sample(None)?;
        let at_rest = before.descriptors;
        let mut rounds = Vec::new();
        for _ in 0..count {
            self.round()?;
            self.rest(REST)?;
            let after = self.sample(Some(at_rest))?;
            let round = Round::between(&before, &after);
            println!("{}", round.row(begun.elapsed().as_secs(), self.crowd.guests.gone));
            rounds.push(round);
            before = after;
        }
        Ok(rounds)
    }

    /// One round: as much is said and done in each, however long it takes.
    fn round(&mut self) -> io::Result<()> {
        self.crowd.residents.begin();
        self.crowd.guests.begin();
        self.operator.begin();
        let begun = Instant::now();
        let (mut patience, mut turned) = (Patience::new(), Instant::now());
        loop {
            let passed =
                |all: Duration| begun.elapsed().min(all).as_micros() as u64 * WHOLE / all.as_micros() as u64;
            let share = passed(TALK);
            let before = (self.crowd.residents.delivered, self.crowd.guests.gone);
            self.crowd.residents.speak(&mut self.swarm, share);
            self.crowd.guests.go_on(&mut self.swarm, &mut self.crowd.residents, passed(COMING))?;
            self.operator.go_on(&self.daemon, &mut self.crowd.guests.kicks)?;
            self.swarm.turn(Duration::from_millis(1), &mut self.crowd)?;
            if turned.elapsed() > STOPPED {
                self.crowd.guests.excuse();
            }
            turned = Instant::now();
            self.check()?;
            if share < WHOLE || (self.crowd.residents.delivered, self.crowd.guests.gone) != before {
                patience = Patience::new();
            }
            let over = share == WHOLE && self.crowd.guests.is_over() && self.operator.is_over();
            if over && self.crowd.residents.missing().is_none() {
                return Ok(());
            }
            patience.wait()?;
        }
    }

    /// Listens for a while in which nothing should come; what was sent twice would.
    fn rest(&mut self, time: Duration) -> io::Result<()> {
        let end = Instant::now() + time;
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            self.swarm.turn(left, &mut self.crowd)?;
            self.check()?;
        }
        match self.crowd.residents.missing() {
            None => Ok(()),
            Some(what) => Err(io::Error::other(format!("more was heard than said: {what}"))),
        }
    }

    /// What the daemon costs when nobody is there but the residents, who have `at_rest` descriptors, if that is known.
    fn sample(&mut self, at_rest: Option<u64>) -> io::Result<Sample> {
        let mut patience = Patience::new();
        let mut sample = loop {
            let sample = self.daemon.sample()?;
            if sample.stat("connections_now") == RESIDENTS as u64 && sample.stat("send_queue_bytes") == 0 {
                break sample;
            }
            self.swarm.turn(Duration::from_millis(50), &mut self.crowd)?;
            self.check()?;
            patience.wait()?;
        };
        // The last admin connection may not be closed yet, nor one that lingers.
        let wait = Duration::from_millis(if at_rest.is_some() { 50 } else { 1_000 });
        loop {
            self.swarm.turn(wait, &mut self.crowd)?;
            self.check()?;
            sample.descriptors = self.daemon.descriptors()?;
            if at_rest.is_none_or(|most| sample.descriptors <= most) {
                return Ok(sample);
            }
            let text = format!("{} descriptors at rest, and {at_rest:?} at first", sample.descriptors);
            patience.wait().map_err(|_| io::Error::other(text))?;
        }
    }

    fn check(&mut self) -> io::Result<()> {
        let fault = self.crowd.residents.fault.take().or_else(|| self.crowd.guests.fault.take());
        if let Some(fault) = fault {
            return Err(io::Error::other(fault));
        }
        match self.daemon.exit()? {
            None => Ok(()),
            Some(status) => Err(io::Error::other(format!("chatd has ended: {status}"))),
        }
    }

    /// What is known when something has failed.
    fn situation(&self) -> String {
        let waits = [self.crowd.residents.missing(), self.crowd.guests.waits(), self.operator.waits()];
        let waits: Vec<_> =
            waits.into_iter().flatten().map(|what| format!("not done until then: {what}")).collect();
        waits.join("\n")
    }

    /// Ends it: everybody is told, and the process ends well.
    fn stop(&mut self) -> io::Result<()> {
        self.daemon.signal(Signal::SIGTERM)?;
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if let Some(status) = self.daemon.exit()? {
                let text = format!("chatd has ended: {status}");
                return if status.success() { Ok(()) } else { Err(io::Error::other(text)) };
            }
            self.swarm.turn(Duration::from_millis(10), &mut Farewell)?;
        }
        Err(io::Error::other("chatd does not end"))
    }
}

/// How long this program has waited for something, without the times in which it was itself stopped: a machine may sleep.
struct Patience {
    looked: Instant,
    waited: Duration,
}

impl Patience {
    fn new() -> Self {
        Self { looked: Instant::now(), waited: Duration::ZERO }
    }

    /// Has waited once more.
    fn wait(&mut self) -> io::Result<()> {
        self.waited += self.looked.elapsed().min(Duration::from_secs(1));
        self.looked = Instant::now();
        let lost = || io::Error::other("waited too long, and nothing happened");
        if self.waited < PATIENCE { Ok(()) } else { Err(lost()) }
    }
}

/// Who hears the last words, whatever they are.
struct Farewell;

impl Ear for Farewell {
    fn line(&mut self, _: usize, _: &[u8], _: u64) {}

    fn closed(&mut self, _: usize) {}
}
