//! One table for people, and JSON for programs.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::servers::{Kind, Server};
use crate::targets::{Beside, TARGETS, Target};

/// What can be measured of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Measure {
    CpuPerDelivery,
    CpuPerRegistration,
    CpuPerCycle,
    CpuPerJoinLine,
    CpuPerQuit,
    CpuIdle,
    MemoryPerClient,
    Load,
    UserShare,
    Deliveries,
    Registrations,
    Cycles,
    FloodKibibytes,
    SendsPerDelivery,
    CallsPerDelivery,
    P50,
    P99,
    P999,
    Most,
    BusyP99,
    CutOff,
    PeakMemory,
    MemoryAfter,
    KeptMemory,
}

/// Measured values of one server in one scenario and round.
pub(crate) type Values = Vec<(Measure, f64)>;

impl Measure {
    /// What it is, with its unit.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::CpuPerDelivery => "CPU us/delivery",
            Self::CpuPerRegistration => "CPU us/registration",
            Self::CpuPerCycle => "CPU us/cycle",
            Self::CpuPerJoinLine => "CPU us/JOIN line",
            Self::CpuPerQuit => "CPU us/QUIT",
            Self::CpuIdle => "CPU ms/s",
            Self::MemoryPerClient => "bytes/client",
            Self::Load => "CPU %",
            Self::UserShare => "user %",
            Self::Deliveries => "deliveries/s",
            Self::Registrations => "registrations/s",
            Self::Cycles => "cycles/s",
            Self::FloodKibibytes => "flood KiB/s",
            Self::SendsPerDelivery => "sends/line",
            Self::CallsPerDelivery => "calls/delivery",
            Self::P50 => "p50 us",
            Self::P99 => "p99 us",
            Self::P999 => "p99.9 us",
            Self::Most => "most us",
            Self::BusyP99 => "p99 us, filling",
            Self::CutOff => "cut off",
            Self::PeakMemory => "peak MiB",
            Self::MemoryAfter => "MiB after",
            Self::KeptMemory => "kept %",
        }
    }

    /// As it is shown: bytes as MiB, where the label says so.
    fn shown(self, value: f64) -> f64 {
        match self {
            Self::PeakMemory | Self::MemoryAfter => value / f64::from(1 << 20),
            _ => value,
        }
    }

    fn more_is_better(self) -> bool {
        matches!(
            self,
            Self::Deliveries | Self::Registrations | Self::Cycles | Self::CutOff | Self::FloodKibibytes
        )
    }
}

/// What came of one scenario.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) scenario: String,
    /// What the table shows of it; the JSON has all.
    pub(crate) shown: &'static [Measure],
    /// Values of each round.
    pub(crate) values: BTreeMap<(Measure, &'static str), Vec<f64>>,
    /// What was not measured on purpose.
    pub(crate) left_out: Vec<String>,
    /// Servers that failed, and how.
    pub(crate) failures: Vec<(Kind, String)>,
}

impl Outcome {
    pub(crate) fn add(&mut self, kind: Kind, values: Values) {
        for (measure, value) in values {
            self.values.entry((measure, kind.name())).or_default().push(value);
        }
    }

    /// The median of all rounds. Of two, the lower: disturbances only ever add.
    pub(crate) fn median(&self, measure: Measure, kind: Kind) -> Option<f64> {
        let mut values = self.values.get(&(measure, kind.name()))?.clone();
        values.sort_by(f64::total_cmp);
        values.get((values.len() - 1) / 2).copied()
    }

    /// The best of the peers.
    fn best_peer(&self, measure: Measure) -> Option<f64> {
        let peers = Kind::ALL.into_iter().filter(|kind| kind.is_peer());
        let values = peers.filter_map(|kind| self.median(measure, kind));
        let better = |a: f64, b: f64| if (a < b) == measure.more_is_better() { b } else { a };
        values.reduce(better)
    }
}

/// All of a run.
pub(crate) struct Report<'a> {
    pub(crate) servers: &'a [Server],
    pub(crate) outcomes: &'a [Outcome],
    pub(crate) notes: &'a [String],
    pub(crate) kernel: String,
    pub(crate) processor: String,
    pub(crate) rounds: usize,
    pub(crate) seconds: f64,
}

/// A number with three digits that count.
fn figure(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(value) if value >= 99.95 => {
            let digits = format!("{value:.0}");
            let groups: Vec<&str> =
                digits.as_bytes().rchunks(3).rev().filter_map(|it| str::from_utf8(it).ok()).collect();
            groups.join(",")
        }
        Some(value) if value >= 9.995 => format!("{value:.1}"),
        Some(value) => format!("{value:.2}"),
    }
}

fn ratio(of: Option<f64>, to: Option<f64>) -> Option<f64> {
    let (of, to) = (of?, to?);
    (to > 0.0).then_some(of / to)
}

impl Report<'_> {
    fn columns(&self) -> Vec<Kind> {
        self.servers.iter().map(|server| server.kind).collect()
    }

    /// The table, in Markdown.
    pub(crate) fn table(&self, details: bool) -> String {
        let columns = self.columns();
        let mut rows = vec![vec!["scenario".to_owned(), "measure".to_owned()]];
        rows[0].extend(columns.iter().map(|kind| kind.name().to_owned()));
        rows[0].extend(["chatd / limit", "chatd / best peer"].map(str::to_owned));
        for outcome in self.outcomes {
            let mut measures: Vec<Measure> = outcome.values.keys().map(|(measure, _)| *measure).collect();
            measures.dedup();
            if !details {
                measures.retain(|measure| outcome.shown.contains(measure));
            }
            for measure in measures {
                rows.push(row(outcome, measure, &columns));
            }
        }
        render(&rows, 2)
    }

    /// What is to be reached of what was measured, and whether it was, in Markdown; and how many targets were missed, and not judged.
    pub(crate) fn targets(&self) -> (String, usize, usize) {
        let head = ["scenario", "measure", "beside", "chatd", "target", ""];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        let (mut missed, mut unknown) = (0, 0);
        for target in TARGETS {
            let Some(reached) = self.reached(target) else {
                unknown += 1;
                continue;
            };
            let (measure, most) = (target.measure, target.bound);
            let least = measure.more_is_better() && matches!(target.beside, Beside::Nothing);
            let met = if least { reached >= most } else { reached <= most };
            missed += usize::from(!met);
            let (beside, value) = match target.beside {
                Beside::Limit => ("limit", false),
                Beside::BestPeer => ("best peer", false),
                Beside::Nothing => ("", true),
                Beside::Scenario(name) => (name, false),
            };
            let shown = |number| figure(Some(if value { measure.shown(number) } else { number }));
            rows.push(vec![
                target.scenario.to_owned(),
                measure.label().to_owned(),
                beside.to_owned(),
                shown(reached),
                format!("{} {}", if least { "at least" } else { "at most" }, shown(most)),
                if met { "met" } else { "MISSED" }.to_owned(),
            ]);
        }
        (if rows.len() > 1 { render(&rows, 3) } else { String::new() }, missed, unknown)
    }

    /// What chatd has reached of a target: a value or a ratio; none if what it takes was not measured.
    fn reached(&self, target: &Target) -> Option<f64> {
        let of = |name: &str| self.outcomes.iter().find(|outcome| outcome.scenario == name);
        let (outcome, measure) = (of(target.scenario)?, target.measure);
        let chatd = outcome.median(measure, Kind::Chatd);
        match target.beside {
            Beside::Limit => ratio(chatd, outcome.median(measure, Kind::Limit)),
            Beside::BestPeer => ratio(chatd, outcome.best_peer(measure)),
            Beside::Nothing => chatd,
            Beside::Scenario(name) => ratio(chatd, of(name)?.median(measure, Kind::Chatd)),
        }
    }

    /// Everything, for programs.
    pub(crate) fn json(&self) -> Value {
        let mut scenarios = Vec::new();
        for outcome in self.outcomes {
            let mut measures = Map::new();
            for ((measure, server), rounds) in &outcome.values {
                let entry = measures.entry(measure.label()).or_insert_with(|| json!({}));
                let kind = Kind::ALL.into_iter().find(|kind| kind.name() == *server);
                let median = kind.and_then(|kind| outcome.median(*measure, kind));
                entry[*server] = json!({ "median": median, "rounds": rounds });
            }
            let failures: Map<_, _> =
                outcome.failures.iter().map(|(kind, why)| (kind.name().to_owned(), json!(why))).collect();
            scenarios.push(json!({ "name": outcome.scenario, "measures": measures, "failures": failures }));
        }
        let versions: Map<_, _> =
            self.servers.iter().map(|it| (it.kind.name().to_owned(), json!(it.version))).collect();
        json!({
            "kernel": self.kernel, "processor": self.processor, "rounds": self.rounds, "seconds": self.seconds,
            "servers": versions, "notes": self.notes, "scenarios": scenarios,
        })
    }
}

fn row(outcome: &Outcome, measure: Measure, columns: &[Kind]) -> Vec<String> {
    let mut row = vec![outcome.scenario.clone(), measure.label().to_owned()];
    for kind in columns {
        row.push(figure(outcome.median(measure, *kind).map(|value| measure.shown(value))));
    }
    let chatd = outcome.median(measure, Kind::Chatd);
    let to_limit = ratio(chatd, outcome.median(measure, Kind::Limit));
    let to_peer = ratio(chatd, outcome.best_peer(measure));
    row.extend([to_limit, to_peer].map(figure));
    row
}

/// A table in Markdown, of which so many columns are names and the others figures.
fn render(rows: &[Vec<String>], names: usize) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..rows[0].len()).map(width).collect();
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        for (column, cell) in row.iter().enumerate() {
            let width = widths[column];
            // Names to the left, figures to the right.
            let cell =
                if column < names { format!("| {cell:<width$} ") } else { format!("| {cell:>width$} ") };
            text.push_str(&cell);
        }
        text += "|\n";
        if index == 0 {
            for (column, width) in widths.iter().enumerate() {
                let mark = if column < names { "-" } else { ":" };
                text.extend(["|", &"-".repeat(width + 1), mark]);
            }
            text += "|\n";
        }
    }
    text
}
