//! What chatd must reach. A target that is missed is shown and fails nothing: machines differ, and who changes chatd looks at it.

use crate::report::Measure;
use Beside::{BestPeer, Limit, Nothing, Scenario};
use Measure::{
    BusyP99, CpuIdle, CpuPerCycle, CpuPerDelivery, CpuPerRegistration, CutOff, KeptMemory, MemoryPerClient,
    P99, PeakMemory, SendsPerDelivery,
};

/// What a measure of chatd is held against.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Beside {
    Limit,
    BestPeer,
    /// Nothing: it is a value by itself.
    Nothing,
    /// The same measure of chatd in this scenario.
    Scenario(&'static str),
}

/// At most so much, or at least so much of what should be much.
pub(crate) struct Target {
    pub(crate) scenario: &'static str,
    pub(crate) measure: Measure,
    pub(crate) beside: Beside,
    pub(crate) bound: f64,
}

const fn target(scenario: &'static str, measure: Measure, beside: Beside, bound: f64) -> Target {
    Target { scenario, measure, beside, bound }
}

/// All targets. Memory is in bytes, times are in microseconds: what the table shows as MiB is not.
pub(crate) const TARGETS: &[Target] = &[
    target("fan-out 100, 1 talks, window 1, 64 B", CpuPerDelivery, Limit, 1.1),
    target("fan-out 100, 1 talks, window 1, 64 B", CpuPerDelivery, BestPeer, 1.0),
    target("fan-out 1,000, 10 talk, window 1, 64 B", CpuPerDelivery, Limit, 1.15),
    target("fan-out 1,000, 10 talk, window 1, 64 B", CpuPerDelivery, BestPeer, 0.9),
    target("fan-out 1,000, 10 talk, window 8, 64 B", CpuPerDelivery, Limit, 1.25),
    target("fan-out 1,000, 10 talk, window 8, 64 B", CpuPerDelivery, BestPeer, 0.4),
    target("fan-out 1,000, 10 talk, window 8, 400 B", CpuPerDelivery, Limit, 1.25),
    target("fan-out 1,000, 10 talk, window 8, 400 B", CpuPerDelivery, BestPeer, 0.4),
    target("mesh 200 x 10, window 1", CpuPerDelivery, Limit, 1.2),
    target("mesh 200 x 10, window 1", CpuPerDelivery, BestPeer, 0.7),
    target("mesh 200 x 10, window 8", CpuPerDelivery, Limit, 1.3),
    target("mesh 200 x 10, window 8", CpuPerDelivery, BestPeer, 0.35),
    target("direct, 50 pairs, window 1", CpuPerDelivery, Limit, 1.1),
    target("direct, 50 pairs, window 1", CpuPerDelivery, BestPeer, 1.0),
    target("direct, 50 pairs, window 32", CpuPerDelivery, Limit, 1.3),
    target("direct, 50 pairs, window 32", CpuPerDelivery, BestPeer, 0.35),
    target("rate, 100 members, a tenth of saturation", P99, Limit, 1.2),
    target("rate, 100 members, a tenth of saturation", P99, BestPeer, 0.7),
    target("idle, 9,000 in channels of 10", MemoryPerClient, Nothing, 1024.0),
    target("idle, 9,000 in channels of 10", MemoryPerClient, BestPeer, 0.6),
    target("idle, 9,000 in one channel", MemoryPerClient, Nothing, 1024.0),
    target("idle, 9,000 in one channel", MemoryPerClient, BestPeer, 0.6),
    target("idle, 9,000 in channels of 10", CpuIdle, Nothing, 0.1),
    target("idle, 9,000 in channels of 10", CpuIdle, BestPeer, 1.0),
    target("registrations, 1,000 clients", CpuPerRegistration, Limit, 2.0),
    target("registrations, 1,000 clients", CpuPerRegistration, BestPeer, 0.8),
    target("registrations, 9,000 clients", CpuPerRegistration, Limit, 2.0),
    target("registrations, 9,000 clients", CpuPerRegistration, BestPeer, 0.8),
    target("registrations, all descriptors", CpuPerRegistration, Limit, 2.0),
    target("registrations, all descriptors", CpuPerRegistration, BestPeer, 0.8),
    target("cycles, 8 at a time", CpuPerCycle, Limit, 1.3),
    target("cycles, 8 at a time", CpuPerCycle, BestPeer, 1.0),
    target("cycles, 400 at a time", CpuPerCycle, Limit, 1.3),
    target("cycles, 400 at a time", CpuPerCycle, BestPeer, 1.0),
    target(
        "fan-out 5,000, 1 talks, window 1, 64 B",
        CpuPerDelivery,
        Scenario("fan-out 10, 1 talks, window 1, 64 B"),
        1.2,
    ),
    target(
        "fan-out 5,000, 1 talks, window 8, 64 B",
        CpuPerDelivery,
        Scenario("fan-out 10, 1 talks, window 8, 64 B"),
        1.2,
    ),
    target(
        "fan-out 5,000, 10 talk, window 1, 64 B",
        CpuPerDelivery,
        Scenario("fan-out 10, 10 talk, window 1, 64 B"),
        1.2,
    ),
    target(
        "fan-out 5,000, 10 talk, window 8, 64 B",
        CpuPerDelivery,
        Scenario("fan-out 10, 10 talk, window 8, 64 B"),
        1.2,
    ),
    target(
        "fan-out 100 of 10,000, 10 talk, window 8, 64 B",
        CpuPerDelivery,
        Scenario("fan-out 100 of 1,000, 10 talk, window 8, 64 B"),
        1.2,
    ),
    target("registrations, 9,000 clients", CpuPerRegistration, Scenario("registrations, 1,000 clients"), 1.2),
    target(
        "registrations, all descriptors",
        CpuPerRegistration,
        Scenario("registrations, 1,000 clients"),
        1.2,
    ),
    target("storm, 5,000 join and quit", SendsPerDelivery, Nothing, 0.1),
    target("storm, 5,000 join and quit", KeptMemory, Nothing, 20.0),
    target("slow readers, 100 beside 900", P99, Scenario("slow readers, 0 beside 900"), 1.2),
    target("slow readers, 100 beside 900", BusyP99, Scenario("slow readers, 0 beside 900"), 1.2),
    target("slow readers, 100 beside 900", CutOff, Nothing, 100.0),
    target("slow readers, 100 beside 900", PeakMemory, Nothing, 134_217_728.0),
    target("flood of unknown commands, 1 client", P99, Nothing, 10_000.0),
    target("flood of unknown commands, 100 clients", P99, Nothing, 10_000.0),
    target("flood of garbage, 1 client", P99, Nothing, 10_000.0),
    target("flood of garbage, 100 clients", P99, Nothing, 10_000.0),
    target("flood of a line without end, 1 client", P99, Nothing, 10_000.0),
    target("flood of a line without end, 100 clients", P99, Nothing, 10_000.0),
    target("flood of tiny writes, 1 client", P99, Nothing, 10_000.0),
    target("flood of tiny writes, 100 clients", P99, Nothing, 10_000.0),
    target("flood of messages to the channel, 1 client", P99, Nothing, 10_000.0),
    target("flood of messages to the channel, 100 clients", P99, Nothing, 10_000.0),
];

/// Scenarios that targets speak of.
pub(crate) fn scenarios() -> impl Iterator<Item = &'static str> {
    let others = TARGETS.iter().filter_map(|target| match target.beside {
        Scenario(name) => Some(name),
        Limit | BestPeer | Nothing => None,
    });
    TARGETS.iter().map(|target| target.scenario).chain(others)
}
