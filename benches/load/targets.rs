//! What chatd must reach. A target that is missed is shown and fails nothing: machines differ, and who changes chatd looks at it.

use crate::report::Measure;

/// At most so much: of the limit's value, of the best peer's, or in all.
pub(crate) struct Target {
    scenario: &'static str,
    measure: Measure,
    pub(crate) to_limit: Option<f64>,
    pub(crate) to_peer: Option<f64>,
    pub(crate) value: Option<f64>,
}

const fn ratios(scenario: &'static str, measure: Measure, to_limit: f64, to_peer: f64) -> Target {
    Target { scenario, measure, to_limit: Some(to_limit), to_peer: Some(to_peer), value: None }
}

const fn value(scenario: &'static str, measure: Measure, value: f64, to_peer: f64) -> Target {
    Target { scenario, measure, to_limit: None, to_peer: Some(to_peer), value: Some(value) }
}

const TARGETS: &[Target] = &[
    ratios("fan-out 100, 1 talks, window 1, 64 B", Measure::CpuPerDelivery, 1.10, 1.0),
    ratios("fan-out 1,000, 10 talk, window 1, 64 B", Measure::CpuPerDelivery, 1.15, 0.9),
    ratios("fan-out 1,000, 10 talk, window 8, 64 B", Measure::CpuPerDelivery, 1.25, 0.4),
    ratios("fan-out 1,000, 10 talk, window 8, 400 B", Measure::CpuPerDelivery, 1.25, 0.4),
    ratios("mesh 200 x 10, window 1", Measure::CpuPerDelivery, 1.2, 0.7),
    ratios("mesh 200 x 10, window 8", Measure::CpuPerDelivery, 1.3, 0.35),
    ratios("direct, 50 pairs, window 1", Measure::CpuPerDelivery, 1.1, 1.0),
    ratios("direct, 50 pairs, window 32", Measure::CpuPerDelivery, 1.3, 0.35),
    ratios("rate, 100 members, a tenth of saturation", Measure::P99, 1.2, 0.7),
    value("idle, 9,000 in channels of 10", Measure::MemoryPerClient, 1024.0, 0.6),
    value("idle, 9,000 in one channel", Measure::MemoryPerClient, 1024.0, 0.6),
    value("idle, 9,000 in channels of 10", Measure::CpuIdle, 0.1, 1.0),
    ratios("registrations, 1,000 clients", Measure::CpuPerRegistration, 2.0, 0.8),
    ratios("registrations, 9,000 clients", Measure::CpuPerRegistration, 2.0, 0.8),
    ratios("registrations, all descriptors", Measure::CpuPerRegistration, 2.0, 0.8),
    ratios("cycles, 8 at a time", Measure::CpuPerCycle, 1.3, 1.0),
    ratios("cycles, 400 at a time", Measure::CpuPerCycle, 1.3, 1.0),
];

/// The target for this measure of a scenario, if there is one.
pub(crate) fn of(scenario: &str, measure: Measure) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.scenario == scenario && target.measure == measure)
}

/// Scenarios that targets speak of.
pub(crate) fn scenarios() -> impl Iterator<Item = &'static str> {
    TARGETS.iter().map(|target| target.scenario)
}
