//! A seeded simulation of the whole daemon but for the operating system: shell, server, and clients of all
//! kinds on a machine where much goes wrong.
//!
//! Clients connect, send commands, garbage and halves of lines, read slowly or not at all, half-close,
//! reset, and leave in the middle of a line; events come late, merged, twice, or for what is gone; calls
//! fail; descriptors run out; the configuration is reloaded with other limits; clocks jump; operators ask
//! and kick. After each step the invariants of shell and server are checked. Some of the clients, the bots,
//! keep to the rules and check every line they get against a model of their own: see `heard.rs` and
//! `ledger.rs`. What other threads do for the server, such as to check a password or to save a ban, takes them any time,
//! comes in any order, fails, or is for somebody who has left: see `jobs.rs`. A witness reads along for everybody, and
//! nobody is told where the bots hide. From time to time nothing more goes wrong, and everybody must have heard everything:
//! each PING has its PONG, each message is where it has to be and nowhere else, once and in order, and
//! all bots agree on who is in which channel.
//!
//! The same seed always gives the same run; a failure says which it was. `cargo test --test sim` begins with seed 1
//! and takes some seconds. Environment variables:
//!
//! - `CHATD_SIM_SEED`: the only seed to run.
//! - `CHATD_SIM_STEPS`: steps of each seed, 3,000 if not given.
//! - `CHATD_SIM_SECONDS`: how long to go on to further seeds, from one that nobody knows yet: the time. For a night:
//!   `CHATD_SIM_SECONDS=30000 cargo test --release --test sim`.

mod admin;
mod bot;
mod client;
mod config;
mod heard;
mod jobs;
mod ledger;
mod line;
mod noise;
mod rest;
mod rng;
mod view;
#[path = "../common/witness.rs"]
#[allow(dead_code)]
mod witness;
mod world;

use std::time::{Duration, Instant, SystemTime};

use world::{Totals, World};

/// Steps between two times of rest.
const EPOCH: u64 = 400;

/// The number in an environment variable, if it is set.
fn option(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|error| panic!("{name}={value}: {error}")))
}

/// Says how to get the same failure again, should there be one.
struct Report {
    seed: u64,
    steps: u64,
}

impl Drop for Report {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self { seed, steps } = self;
            eprintln!("again: CHATD_SIM_SEED={seed} CHATD_SIM_STEPS={steps} cargo test --test sim");
        }
    }
}

/// A world and what becomes of it.
fn run(seed: u64, steps: u64) -> Totals {
    let _report = Report { seed, steps };
    let mut world = World::new(seed);
    let mut outcome = Ok(());
    while outcome.is_ok() && world.step < steps {
        outcome = world.advance();
        if outcome.is_ok() && world.step.is_multiple_of(EPOCH) {
            outcome = world.settle();
        }
    }
    let outcome = outcome.and_then(|()| world.settle()).and_then(|()| world.shut_down());
    if let Err(fault) = outcome {
        panic!("seed {seed}, step {}: {fault}\n  {}", world.step, world.history());
    }
    world.totals
}

#[test]
fn whatever_happens_clients_get_what_is_theirs() {
    let steps = option("CHATD_SIM_STEPS").unwrap_or(3_000);
    if let Some(seed) = option("CHATD_SIM_SEED") {
        println!("seed {seed}: {:?}", run(seed, steps));
        return;
    }
    let seconds = option("CHATD_SIM_SECONDS");
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("it is past 1970");
    let mut seed = seconds.map_or(1, |_| since_1970.as_nanos() as u64);
    let end = Instant::now() + Duration::from_secs(seconds.unwrap_or(5));
    loop {
        let totals = run(seed, steps);
        let all_seen = totals.deliveries > 0 && totals.barriers > 0 && totals.answers > 0 && totals.jobs > 0;
        assert!(all_seen || steps < 3_000, "seed {seed} tests too little: {totals:?}");
        seed = seed.wrapping_add(1);
        if Instant::now() >= end {
            break;
        }
    }
}
