//! What chatd costs, beside what the kernel allows and what other servers cost: `cargo bench --bench load`.
//!
//! Each scenario is measured with all servers that are there, in turns, on plain TCP over loopback: the server on one
//! processor, this program, which polls without waiting, on another. Messages, JOIN lines, QUIT lines and PONGs are
//! counted; one that is lost, doubled, reordered or torn is a failure. `docs/performance.md` says what the scenarios are, and how to read the table.

mod arrive;
mod calls;
mod crossings;
mod histogram;
mod limit;
mod machine;
mod peers;
mod report;
mod scenarios;
mod servers;
mod settle;
mod stage;
mod swarm;
mod talk;
mod targets;
mod trouble;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use machine::Processors;
use report::{Outcome, Report, Values};
use scenarios::{Scenario, Stage};
use servers::{Kind, Server};

/// Descriptors of this process besides those of its clients.
const OTHER_DESCRIPTORS: u64 = 100;

/// Measures chatd beside the limit server and the peers that are installed.
#[derive(Debug, Parser)]
#[command(name = "cargo bench --bench load --")]
struct Options {
    /// Measure these servers only: limit, chatd, ngircd, ircd-hybrid, inspircd
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    /// Measure scenarios whose name contains this; may be given more than once
    #[arg(long, value_name = "TEXT")]
    scenario: Vec<String>,
    /// Seconds of each measurement
    #[arg(long, default_value_t = 2.0, value_parser = seconds)]
    seconds: f64,
    /// Measurements of each server in each scenario; the median counts
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..))]
    rounds: u8,
    /// A minute for all: few clients, short times, and no peers; what counts is that no line is lost
    #[arg(long)]
    short: bool,
    /// Count system calls, too, in rounds of their own with strace
    #[arg(long)]
    syscalls: bool,
    /// Show all measures in the table
    #[arg(long)]
    details: bool,
    /// Say what the scenarios are, and end
    #[arg(long)]
    list: bool,
    /// Where the JSON goes
    #[arg(long, value_name = "PATH", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/target/load.json"))]
    json: PathBuf,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.05..=600.0).contains(&seconds) { Ok(seconds) } else { Err("from 0.05 to 600".to_owned()) }
}

/// What holds for all scenarios.
struct Run {
    servers: Vec<Server>,
    descriptors: u64,
    time: Duration,
    rounds: usize,
    /// Deliveries a second of the limit server, where a scenario needs to know.
    saturation: f64,
    /// Whether system calls are counted, and where.
    syscalls: bool,
    processors: Option<Processors>,
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let result = if arguments.next().as_deref() == Some(servers::SERVE) {
        let address = arguments.next().and_then(|text| text.parse().ok());
        address.map_or_else(|| Err(io::Error::other("an address is missing")), limit::serve).map(|()| true)
    } else {
        measure(&Options::parse())
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Measures all that is asked for; says whether no line of chatd or the limit server was lost, and nothing that the short form
/// promises was left out.
fn measure(options: &Options) -> io::Result<bool> {
    let descriptors = machine::raise_descriptors();
    let mut scenarios = scenarios::all(descriptors, options.short);
    let full = scenarios::all(descriptors, false);
    for name in targets::scenarios() {
        assert!(full.iter().any(|scenario| scenario.name == name), "a target for no scenario: {name}");
    }
    if !options.scenario.is_empty() {
        let unknown = |text: &&String| scenarios.iter().all(|it| !it.name.contains(text.as_str()));
        if let Some(text) = options.scenario.iter().find(unknown) {
            let text = format!("no scenario has {text:?} in its name: --list says what there is");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        scenarios
            .retain(|scenario| options.scenario.iter().any(|text| scenario.name.contains(text.as_str())));
    }
    if options.list {
        for scenario in &scenarios {
            println!("{}", scenario.name);
        }
        return Ok(true);
    }
    let processors = Processors::find();
    let mut only = options.only.clone();
    if options.short && only.is_empty() {
        only = [Kind::Limit, Kind::Chatd].map(|kind| kind.name().to_owned()).to_vec();
    }
    let (servers, mut notes) = servers::find(&only, processors)?;
    if processors.is_none() {
        notes.push("one processor for all: servers and generator are in each other's way".to_owned());
    }
    let (seconds, rounds) =
        if options.short { (0.1, 1) } else { (options.seconds, usize::from(options.rounds)) };
    let time = Duration::from_secs_f64(seconds);
    let mut saturation = 0.0;
    if scenarios.iter().any(Scenario::needs_saturation) {
        saturation = scenarios::saturation(&servers::limit(processors)?, time)?;
        notes.push(format!("saturation, as a rate is a share of it, is {saturation:.0} deliveries a second"));
    }
    let syscalls = options.syscalls;
    let run = Run { servers, descriptors, time, rounds, saturation, syscalls, processors };
    let mut outcomes = Vec::new();
    for (index, scenario) in scenarios.iter().enumerate() {
        eprintln!("[{}/{}] {}", index + 1, scenarios.len(), scenario.name);
        outcomes.push(run.scenario(scenario));
    }
    let mut passed = true;
    for outcome in &outcomes {
        notes.extend(outcome.left_out.iter().map(|why| format!("{}: {why}", outcome.scenario)));
        // In the short form there are descriptors enough for all, or it shows nothing.
        passed &= !(options.short && outcome.values.is_empty());
        for (kind, why) in &outcome.failures {
            passed &= kind.is_peer();
            notes.push(format!("{}: {}: {why}", outcome.scenario, kind.name()));
        }
    }
    let (kernel, processor) = machine::describe();
    let (outcomes, notes, servers) = (&outcomes[..], &notes[..], &run.servers[..]);
    let report = Report { servers, outcomes, notes, kernel, processor, rounds, seconds };
    println!("Linux {}, {}; {rounds} rounds of {seconds} s", report.kernel, report.processor);
    for server in servers {
        println!("{} {}", server.kind.name(), server.version);
    }
    println!("\n{}", report.table(options.details));
    for note in notes {
        println!("- {note}");
    }
    let (targets, missed, unknown) = report.targets();
    if !targets.is_empty() {
        println!("\n{targets}");
    }
    println!("\n{missed} targets missed, {unknown} not judged, as what they need was not measured");
    if let Some(folder) = options.json.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(&options.json, serde_json::to_string_pretty(&report.json())? + "\n")?;
    println!(
        "\n{}",
        if passed {
            "every message, JOIN, QUIT and PONG that is counted came once"
        } else {
            "FAILED: see above"
        }
    );
    Ok(passed)
}

impl Run {
    fn scenario(&self, scenario: &Scenario) -> Outcome {
        let mut outcome =
            Outcome { scenario: scenario.name.clone(), shown: scenario.shown(), ..Outcome::default() };
        let clients = scenario.clients() as u64;
        if clients + OTHER_DESCRIPTORS > self.descriptors {
            let why = format!("left out: {clients} clients need more than {} descriptors", self.descriptors);
            outcome.left_out.push(why);
            return outcome;
        }
        let mut measured = Vec::new();
        for server in &self.servers {
            match scenario.unsuited(server.kind) {
                None => measured.push(server),
                Some(why) => outcome.left_out.push(format!("{}: left out, as it {why}", server.kind.name())),
            }
        }
        // All servers keep their clients between the rounds if that many fit, and else begin anew each time.
        let together = clients * measured.len() as u64 + OTHER_DESCRIPTORS <= self.descriptors;
        let mut stages: Vec<_> = measured.iter().map(|_| None).collect();
        for round in 0..self.rounds {
            for (server, kept) in measured.iter().zip(&mut stages) {
                if outcome.failures.iter().any(|(kind, _)| *kind == server.kind) {
                    continue;
                }
                let stage = match kept.take() {
                    Some(stage) => Ok(stage),
                    None => scenario.stage(server, self.saturation),
                };
                let last = round + 1 == self.rounds;
                let measured =
                    stage.and_then(|mut stage| Ok((self.measured(scenario, &mut stage, last)?, stage)));
                match measured {
                    Ok((values, stage)) => {
                        outcome.add(server.kind, values);
                        *kept = (together && scenario.repeats()).then_some(stage);
                    }
                    Err(error) => outcome.failures.push((server.kind, error.to_string())),
                }
            }
        }
        outcome
    }

    /// One measurement, and after the last one the count of system calls.
    fn measured(&self, scenario: &Scenario, stage: &mut Stage, last: bool) -> io::Result<Values> {
        let mut values = scenario.measure(stage, self.time)?;
        if self.syscalls && last {
            values.extend(scenarios::calls(stage, self.time, self.processors)?);
        }
        Ok(values)
    }
}
