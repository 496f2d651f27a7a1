//! All that is measured, by name.

use std::io;
use std::time::Duration;

use crate::machine::Processors;
use crate::report::{Measure, Values};
use crate::servers::{Kind, Server};
use crate::settle::Place;
use crate::stage::{Crowd, TalkStage, Talking};
use crate::talk::Pace;
use crate::trouble::{Flood, TroubleStage};

/// The most clients that one address has ports for.
const PORTS: u64 = 27_000;
/// Descriptors that a server, or this program, needs besides those of clients.
const SPARE: u64 = 200;

/// The least time for which those who trouble others do so in full form: a p99 of PINGs needs some thousand of them.
const TROUBLE: Duration = Duration::from_secs(10);

/// What a scenario does.
#[derive(Clone, Copy, Debug)]
enum Work {
    Talk(Talking),
    /// Ten talk to a channel of so many, in all at this share of what the limit server can deliver one by one.
    Rate {
        members: usize,
        share: f64,
    },
    Idle {
        clients: usize,
        members: usize,
    },
    Registrations(usize),
    Cycles(usize),
    Storm(usize),
    Slow {
        members: usize,
        slow: usize,
    },
    Flood {
        members: usize,
        flooders: usize,
        flood: Flood,
    },
}

/// Something to measure.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    work: Work,
    /// The least time that it is measured for.
    least: Duration,
}

/// A server that is ready to be measured in a scenario.
pub(crate) enum Stage {
    Talk(Box<TalkStage>),
    Place(Box<Place>),
    Trouble(Box<TroubleStage>),
}

/// A number of up to six digits as people write it.
fn grouped(number: usize) -> String {
    if number < 1000 { number.to_string() } else { format!("{},{:03}", number / 1000, number % 1000) }
}

fn talking(name: String, crowd: Crowd, window: usize, length: usize, idle: usize) -> Scenario {
    Scenario {
        name,
        work: Work::Talk(Talking { crowd, pace: Pace::Window(window), length, idle }),
        least: Duration::ZERO,
    }
}

fn fan_out(members: usize, talkers: usize, window: usize, length: usize) -> Scenario {
    let talk = if talkers == 1 { "1 talks".to_owned() } else { format!("{talkers} talk") };
    let name = format!("fan-out {}, {talk}, window {window}, {length} B", grouped(members));
    talking(name, Crowd::Channels { channels: 1, members, talkers }, window, length, 0)
}

fn among(connections: usize, members: usize) -> Scenario {
    let name = format!("fan-out {members} of {}, 10 talk, window 8, 64 B", grouped(connections));
    let crowd = Crowd::Channels { channels: 1, members, talkers: 10 };
    talking(name, crowd, 8, 64, connections - members)
}

fn mesh(channels: usize, members: usize, window: usize) -> Scenario {
    let name = format!("mesh {} x {members}, window {window}", grouped(channels));
    talking(name, Crowd::Channels { channels, members, talkers: members }, window, 64, 0)
}

fn direct(pairs: usize, window: usize) -> Scenario {
    let people = if pairs == 1 { "1 pair".to_owned() } else { format!("{pairs} pairs") };
    talking(format!("direct, {people}, window {window}"), Crowd::Pairs(pairs), window, 64, 0)
}

fn flood(members: usize, flooders: usize, flood: Flood, least: Duration) -> Scenario {
    let who = if flooders == 1 { "1 client".to_owned() } else { format!("{flooders} clients") };
    let name = format!("flood of {}, {who}", flood.name());
    Scenario { name, work: Work::Flood { members, flooders, flood }, least }
}

/// All scenarios, for as many clients as descriptors allow; or a short form of each.
pub(crate) fn all(descriptors: u64, short: bool) -> Vec<Scenario> {
    let of = |full: usize, few: usize| if short { few } else { full };
    let mut all = Vec::new();
    for members in if short { vec![10, 100] } else { vec![10, 100, 1_000, 5_000] } {
        for (talkers, window) in [(1, 1), (1, 8), (10, 1), (10, 8)] {
            all.push(fan_out(members, talkers, window, 64));
        }
        if members == of(1_000, 100) {
            all.extend([1, 8].map(|window| fan_out(members, 10, window, 400)));
        }
    }
    all.extend([of(1_000, 200), of(10_000, 400)].map(|connections| among(connections, of(100, 50))));
    for (channels, members) in [(1, 10), (of(200, 20), 10), (of(2_000, 40), 9)] {
        all.extend([1, 8].map(|window| mesh(channels, members, window)));
    }
    for pairs in [1, 50] {
        all.extend([1, 32].map(|window| direct(pairs, window)));
    }
    let mut add = |name: String, work| all.push(Scenario { name, work, least: Duration::ZERO });
    for (share, name) in [(0.1, "a tenth"), (0.5, "half")] {
        let work = Work::Rate { members: 100, share };
        add(format!("rate, 100 members, {name} of saturation"), work);
    }
    let (few, many) = (of(1_000, 100), of(9_000, 300));
    for clients in [few, many] {
        add(format!("idle, {} in channels of 10", grouped(clients)), Work::Idle { clients, members: 10 });
    }
    add(format!("idle, {} in one channel", grouped(many)), Work::Idle { clients: many, members: many });
    for clients in [few, many] {
        add(format!("registrations, {} clients", grouped(clients)), Work::Registrations(clients));
    }
    if !short {
        let clients = usize::try_from(descriptors.saturating_sub(SPARE).min(PORTS)).unwrap_or(usize::MAX);
        add("registrations, all descriptors".to_owned(), Work::Registrations(clients));
    }
    for at_once in [8, of(400, 50)] {
        add(format!("cycles, {at_once} at a time"), Work::Cycles(at_once));
    }
    let storm = of(5_000, 200);
    add(format!("storm, {} join and quit", grouped(storm)), Work::Storm(storm));
    let least = if short { Duration::ZERO } else { TROUBLE };
    let (members, slow) = (of(900, 45), of(100, 10));
    for slow in [0, slow] {
        let name = format!("slow readers, {slow} beside {members}");
        all.push(Scenario { name, work: Work::Slow { members, slow }, least });
    }
    for kind in Flood::ALL {
        all.extend([1, of(100, 10)].map(|flooders| flood(100, flooders, kind, least)));
    }
    all
}

impl Scenario {
    /// What the table shows of it.
    pub(crate) fn shown(&self) -> &'static [Measure] {
        match self.work {
            Work::Talk(_) => &[Measure::CpuPerDelivery, Measure::CallsPerDelivery],
            Work::Rate { .. } => &[Measure::CpuPerDelivery, Measure::P50, Measure::P99, Measure::P999],
            Work::Idle { .. } => &[Measure::MemoryPerClient, Measure::CpuIdle],
            Work::Registrations(_) => &[Measure::CpuPerRegistration],
            Work::Cycles(_) => &[Measure::CpuPerCycle],
            Work::Storm(_) => &[
                Measure::CpuPerJoinLine,
                Measure::SendsPerDelivery,
                Measure::CpuPerQuit,
                Measure::KeptMemory,
            ],
            Work::Slow { .. } => &[Measure::P99, Measure::BusyP99, Measure::CutOff, Measure::PeakMemory],
            Work::Flood { .. } => &[Measure::P99, Measure::Most, Measure::FloodKibibytes],
        }
    }

    /// Connections that one server has in it.
    pub(crate) fn clients(&self) -> usize {
        match self.work {
            Work::Talk(talking) => talking.clients(),
            Work::Rate { members, .. } => members,
            Work::Idle { clients, .. } => clients + 1,
            Work::Registrations(clients) | Work::Cycles(clients) | Work::Storm(clients) => clients,
            Work::Slow { members, slow } => members + slow,
            Work::Flood { members, flooders, .. } => members + flooders,
        }
    }

    /// Why this server is left out, if it is.
    pub(crate) fn unsuited(&self, kind: Kind) -> Option<&'static str> {
        let together = match self.work {
            Work::Talk(Talking { crowd: Crowd::Channels { members, .. }, .. })
            | Work::Idle { members, .. }
            | Work::Storm(members) => members,
            Work::Flood { flood: Flood::Messages, .. } if kind == Kind::Limit => {
                return Some("bounds nothing, so that members wait without end");
            }
            _ => 0,
        };
        let minutes = together >= 5_000 && !kind.coalesces_joins();
        minutes.then_some("would take minutes to let so many join, with a send for each JOIN line")
    }

    /// Whether the rate depends on what the limit server can do.
    pub(crate) fn needs_saturation(&self) -> bool {
        matches!(self.work, Work::Rate { .. })
    }

    /// Whether what was set up can be measured more than once.
    pub(crate) fn repeats(&self) -> bool {
        matches!(self.work, Work::Talk(_) | Work::Rate { .. })
    }

    /// Starts the server and gets its clients into place. `saturation` is in deliveries a second.
    pub(crate) fn stage(&self, server: &Server, saturation: f64) -> io::Result<Stage> {
        let talk = |talking| Ok(Stage::Talk(Box::new(TalkStage::new(server, &talking)?)));
        match self.work {
            Work::Talk(talking) => talk(talking),
            Work::Rate { members, share } => {
                let others = u32::try_from(members - 1).unwrap_or(u32::MAX);
                let pace = Pace::Rate(share * saturation / f64::from(others));
                let crowd = Crowd::Channels { channels: 1, members, talkers: 10 };
                talk(Talking { crowd, pace, length: 64, idle: 0 })
            }
            Work::Slow { members, slow } => {
                Ok(Stage::Trouble(Box::new(TroubleStage::slow(server, members, slow)?)))
            }
            Work::Flood { members, flooders, flood } => {
                Ok(Stage::Trouble(Box::new(TroubleStage::flood(server, members, flooders, flood)?)))
            }
            _ => Ok(Stage::Place(Box::new(Place::new(server)?))),
        }
    }

    pub(crate) fn measure(&self, stage: &mut Stage, time: Duration) -> io::Result<Values> {
        let time = time.max(self.least);
        match (stage, self.work) {
            (Stage::Talk(stage), _) => stage.measure(time),
            (Stage::Place(place), Work::Idle { clients, members }) => place.idle(clients, members, time),
            (Stage::Place(place), Work::Registrations(clients)) => place.registrations(clients),
            (Stage::Place(place), Work::Cycles(at_once)) => place.cycles(at_once, time),
            (Stage::Place(place), Work::Storm(clients)) => place.storm(clients, time),
            (Stage::Trouble(stage), Work::Flood { flood, .. }) => stage.measure_flood(flood, time),
            (Stage::Trouble(stage), _) => stage.measure_slow(time),
            (Stage::Place(_), _) => Err(io::Error::other("a stage of another scenario")),
        }
    }
}

/// Deliveries a second that this server can make one by one: to a channel of 100 in which one talks and waits for all.
pub(crate) fn saturation(server: &Server, time: Duration) -> io::Result<f64> {
    let scenario = fan_out(100, 1, 1, 64);
    let mut stage = scenario.stage(server, 0.0)?;
    let values = scenario.measure(&mut stage, time)?;
    let found = values.into_iter().find(|(measure, _)| *measure == Measure::Deliveries);
    found.map(|(_, rate)| rate).ok_or_else(|| io::Error::other("nothing was delivered"))
}

/// System calls of the server for each delivery, where there are deliveries.
pub(crate) fn calls(stage: &mut Stage, time: Duration, processors: Option<Processors>) -> io::Result<Values> {
    match stage {
        Stage::Talk(stage) => stage.calls(time, processors),
        Stage::Place(_) | Stage::Trouble(_) => Ok(Vec::new()),
    }
}
