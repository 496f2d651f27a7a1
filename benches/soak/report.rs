//! The table of rounds, and the comparison of the end with the beginning.

use crate::daemon::Sample;
use crate::machine::float;

/// What resident memory may be more at the end than at the beginning, in bytes: allocators keep some of what a burst took.
const MEMORY: f64 = 2.0 * 1024.0 * 1024.0;
/// How often as much processor time a turn may take at the end, and a delivery.
const CPU: f64 = 1.5;
/// How often as long turns may take, and so many microseconds more: the machine has other things to do, and 99 of 100 are known to a
/// quarter of a doubling.
const TIMES: f64 = 2.0;
const MORE_US: f64 = 100.0;
/// Rounds of which a third must be before times count. With fewer, whoever else has the processor for some seconds would decide.
const ROUNDS_FOR_TIMES: usize = 10;

/// A round, seen when it was over and all was quiet.
#[derive(Clone, Debug)]
pub(crate) struct Round {
    /// Resident memory in bytes.
    resident: f64,
    descriptors: f64,
    deliveries: f64,
    turns: f64,
    /// Microseconds of processor time, of a delivery and of a turn.
    cpu_delivery: f64,
    cpu_turn: f64,
    /// Microseconds that turns of the last minute took.
    p50: f64,
    p99: f64,
    longest: f64,
}

impl Round {
    pub(crate) fn between(before: &Sample, after: &Sample) -> Self {
        let grown = |name| float(after.stat(name).saturating_sub(before.stat(name)));
        let cpu = after.cpu.saturating_sub(before.cpu).as_secs_f64() * 1e6;
        let (deliveries, turns) = (grown("deliveries").max(1.0), grown("loop_turns").max(1.0));
        Self {
            resident: float(after.resident),
            descriptors: float(after.descriptors),
            deliveries,
            turns,
            cpu_delivery: cpu / deliveries,
            cpu_turn: cpu / turns,
            p50: float(after.stat("turn_p50_us")),
            p99: float(after.stat("turn_p99_us")),
            longest: float(after.stat("turn_max_us")),
        }
    }

    pub(crate) fn header() -> &'static str {
        "   time    guests  deliveries    turns   µs/delivery  µs/turn  turn p50/p99/max µs     KiB  descriptors"
    }

    pub(crate) fn row(&self, seconds: u64, guests: u64) -> String {
        format!(
            "{:>4}:{:02}  {guests:>8}  {:>10.0}  {:>7.0}  {:>12.2}  {:>7.1}  {:>21}  {:>6.0}  {:>11.0}",
            seconds / 60,
            seconds % 60,
            self.deliveries,
            self.turns,
            self.cpu_delivery,
            self.cpu_turn,
            format!("{:.0}/{:.0}/{:.0}", self.p50, self.p99, self.longest),
            self.resident / 1024.0,
            self.descriptors,
        )
    }
}

/// The value in the middle, or between the two that are there.
fn median(rounds: &[Round], value: impl Fn(&Round) -> f64) -> f64 {
    let mut values: Vec<f64> = rounds.iter().map(value).collect();
    values.sort_by(f64::total_cmp);
    let (below, above) = (values.len().saturating_sub(1) / 2, values.len() / 2);
    f64::midpoint(values[below], values[above])
}

/// Compares the last third of the rounds with the first, in words; and whether all that counts is within its margin.
pub(crate) fn verdict(rounds: &[Round]) -> (Vec<String>, bool) {
    let third = rounds.len().div_ceil(3);
    let (first, last) = (&rounds[..third], &rounds[rounds.len() - third..]);
    let mut lines =
        vec![format!("medians of the first {third} and the last {third} of {} rounds:", rounds.len())];
    let mut held = true;
    let times_count = third >= ROUNDS_FOR_TIMES;
    let mut compare =
        |what: &str, value: &dyn Fn(&Round) -> f64, most: &dyn Fn(f64) -> f64, unit: f64, counts: bool| {
            let (before, after) = (median(first, value), median(last, value));
            let ok = after <= most(before);
            held &= ok || !counts;
            let word = match (ok, counts) {
                (true, _) => "held",
                (false, true) => "FAILED",
                (false, false) => "missed, which counts in a longer run",
            };
            let most = most(before) / unit;
            lines.push(format!(
                "  {what:<30} {:>10.2} -> {:>10.2}, at most {most:>10.2}: {word}",
                before / unit,
                after / unit
            ));
        };
    compare("resident memory, KiB", &|round| round.resident, &|before| before + MEMORY, 1024.0, true);
    compare("descriptors", &|round| round.descriptors, &|before| before, 1.0, true);
    let slower = |before: f64| before * CPU;
    compare("processor time a delivery, µs", &|round| round.cpu_delivery, &slower, 1.0, times_count);
    compare("processor time a turn, µs", &|round| round.cpu_turn, &slower, 1.0, times_count);
    let longer = |before: f64| before * TIMES + MORE_US;
    compare("turns, median, µs", &|round| round.p50, &longer, 1.0, times_count);
    compare("turns, 99 of 100, µs", &|round| round.p99, &longer, 1.0, times_count);
    (lines, held)
}
