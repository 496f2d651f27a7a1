//! How long the longest turn of the loop is that one line of one client, or one event, can cause in a server with 10,000
//! users, 10,000 channels, and lists full of hostile masks: `cargo bench --bench turns`.
//!
//! The machine costs nothing here, so this is the server's own work. With a real kernel each send takes some 5 µs more; how
//! many there are in all turns stands in the table. It fails if a turn is longer than it may be. Give part of a command's name to see that one alone.

mod events;
mod machine;
mod town;
mod worst;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use chatd::server::COMMANDS;

use town::{Cost, Town};

/// What the longest turn may take.
const BOUND: Duration = Duration::from_millis(5);

/// Something to be measured.
pub(crate) struct Case {
    /// The command, or the event.
    pub(crate) name: &'static str,
    /// What makes it so bad.
    pub(crate) what: &'static str,
    /// Prepares it, unmeasured.
    pub(crate) prepare: fn(&mut Town),
    /// Begins it.
    pub(crate) begin: fn(&mut Town),
    /// How often; the least of the longest turns counts.
    pub(crate) rounds: usize,
}

fn main() -> ExitCode {
    let wanted = std::env::args().skip(1).find(|word| !word.starts_with('-')).unwrap_or_default();
    let wanted = wanted.to_lowercase();
    let all = || worst::CASES.iter().chain(events::CASES);
    for command in COMMANDS {
        assert!(all().any(|case| case.name == command.name), "{} is in no case", command.name);
    }
    let cases: Vec<&Case> = all().filter(|case| case.name.to_lowercase().contains(&wanted)).collect();
    if cases.is_empty() {
        eprintln!("no command or event has {wanted:?} in its name");
        return ExitCode::FAILURE;
    }
    let begun = Instant::now();
    let mut town = Town::new();
    println!("a server of {} users, set up in {:.1} s\n", town::USERS, begun.elapsed().as_secs_f64());
    let (head, rule) = ("deliveries at once", "-".repeat(110));
    println!(
        "{:<12}{:<36}{:>13}{:>8}{head:>20}{:>12}{:>9}\n{rule}",
        "", "", "longest, ms", "turns", "in all", "sends"
    );
    let mut over = 0;
    for case in cases {
        let cost = measure(&mut town, case);
        let Cost { longest, turns, most, deliveries, sends } = cost;
        let (ms, mark) = (longest.as_secs_f64() * 1e3, if longest > BOUND { "  <" } else { "" });
        println!(
            "{:<12}{:<36}{ms:>13.3}{turns:>8}{most:>20}{deliveries:>12}{sends:>9}{mark}",
            case.name, case.what
        );
        over += usize::from(longest > BOUND);
    }
    println!("\nsends cost nothing here: some 5 us more for each with a real kernel");
    if over == 0 {
        return ExitCode::SUCCESS;
    }
    eprintln!("{over} of them take a turn of more than {} ms", BOUND.as_millis());
    ExitCode::FAILURE
}

fn measure(town: &mut Town, case: &Case) -> Cost {
    let mut least: Option<Cost> = None;
    for _ in 0..case.rounds {
        (case.prepare)(town);
        town.run();
        (case.begin)(town);
        let cost = town.run();
        least = Some(least.filter(|it| it.longest < cost.longest).unwrap_or(cost));
    }
    least.unwrap_or_default()
}
