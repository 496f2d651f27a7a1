//! A server with its clients in place, ready to be measured again and again.

use std::io;
use std::time::Duration;

use crate::arrive::{self, JoinedBy};
use crate::calls::Tracer;
use crate::histogram::Histogram;
use crate::machine::{self, Processors};
use crate::report::{Measure, Values};
use crate::servers::{Running, Server};
use crate::swarm::Swarm;
use crate::talk::{Group, Pace, Sample, Talk};

/// Who talks to whom.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Crowd {
    /// So many channels with so many members, of whom so many talk.
    Channels { channels: usize, members: usize, talkers: usize },
    /// Pairs of whom one talks to the other.
    Pairs(usize),
}

/// Messages between clients.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Talking {
    pub(crate) crowd: Crowd,
    pub(crate) pace: Pace,
    /// Bytes of a text.
    pub(crate) length: usize,
    /// Others who are connected and silent.
    pub(crate) idle: usize,
}

impl Talking {
    /// Connections that it takes.
    pub(crate) fn clients(&self) -> usize {
        self.idle + self.crowd.clients()
    }
}

impl Crowd {
    fn clients(self) -> usize {
        match self {
            Self::Channels { channels, members, .. } => channels * members,
            Self::Pairs(pairs) => 2 * pairs,
        }
    }

    /// The groups, and the channels that must be joined.
    pub(crate) fn groups(self) -> (Vec<Group>, Vec<(String, Vec<usize>)>) {
        match self {
            Self::Channels { channels, members, talkers } => {
                let member = |channel| (channel * members..(channel + 1) * members).collect::<Vec<_>>();
                let group = |channel| {
                    let receivers = member(channel);
                    let target = format!("#load{channel}");
                    Group { target, talkers: receivers[..talkers].to_vec(), receivers }
                };
                let joined = (0..channels).map(|channel| (format!("#load{channel}"), member(channel)));
                ((0..channels).map(group).collect(), joined.collect())
            }
            Self::Pairs(pairs) => {
                let pair = |pair| {
                    let (talker, receiver) = (2 * pair, 2 * pair + 1);
                    let target = arrive::nick(receiver);
                    Group { target, talkers: vec![talker], receivers: vec![receiver] }
                };
                ((0..pairs).map(pair).collect(), Vec::new())
            }
        }
    }
}

/// A server whose clients talk.
pub(crate) struct TalkStage {
    swarm: Swarm,
    talk: Talk,
    running: Running,
}

impl TalkStage {
    pub(crate) fn new(server: &Server, talking: &Talking) -> io::Result<Self> {
        let running = server.start()?;
        let mut swarm = Swarm::new(running.address)?;
        arrive::register(&mut swarm, talking.clients(), server.kind.arrivals())?;
        let (groups, channels) = talking.crowd.groups();
        arrive::join(&mut swarm, &channels, JoinedBy::Some)?;
        let talk = Talk::new(talking.clients(), &groups, talking.pace, talking.length);
        Ok(Self { swarm, talk, running })
    }

    pub(crate) fn measure(&mut self, time: Duration) -> io::Result<Values> {
        let sample = self.talk.measure(&mut self.swarm, self.running.pid(), time, |_| Ok(()))?;
        let mut values = of_sample(&sample);
        values.push((Measure::PeakMemory, machine::float(machine::memory(self.running.pid())?.peak)));
        Ok(values)
    }
}

impl TalkStage {
    /// System calls for each delivery.
    pub(crate) fn calls(&mut self, time: Duration, processors: Option<Processors>) -> io::Result<Values> {
        let before = self.talk.delivered;
        let tracer = Tracer::attach(self.running.pid(), processors)?;
        self.talk.measure(&mut self.swarm, self.running.pid(), time, |_| Ok(()))?;
        let calls = machine::float(tracer.finish()?);
        Ok(vec![(Measure::CallsPerDelivery, calls / machine::float((self.talk.delivered - before).max(1)))])
    }
}

/// The latencies that are told.
pub(crate) fn quantiles(times: &Histogram) -> impl Iterator<Item = (Measure, f64)> {
    let shares = [(Measure::P50, 0.5), (Measure::P99, 0.99), (Measure::P999, 0.999), (Measure::Most, 1.0)];
    shares
        .into_iter()
        .filter_map(|(measure, share)| Some((measure, times.quantile(share)?.as_secs_f64() * 1e6)))
}

/// What there is to say of deliveries.
pub(crate) fn of_sample(sample: &Sample) -> Values {
    let deliveries = machine::float(sample.deliveries.max(1));
    let mut values = vec![
        (Measure::CpuPerDelivery, sample.usage.cpu.as_secs_f64() * 1e6 / deliveries),
        (Measure::Deliveries, deliveries / sample.elapsed.as_secs_f64()),
        (Measure::SendsPerDelivery, machine::float(sample.packets) / deliveries),
        (Measure::Load, sample.usage.cpu.as_secs_f64() / sample.elapsed.as_secs_f64() * 100.0),
    ];
    values.extend(quantiles(&sample.latency));
    values.extend(sample.usage.user_share().map(|share| (Measure::UserShare, share * 100.0)));
    values
}
