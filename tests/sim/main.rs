//! A seeded simulation of the whole daemon but for the operating system: shell, server, and clients of all
//! kinds on a machine where much goes wrong.
//!
//! Clients connect, send commands, garbage and halves of lines, read slowly or not at all, half-close,
//! reset, and leave in the middle of a line; the configuration is reloaded with other limits; clocks jump; operators ask,
//! watch and kick. The machine gives and takes parts of what it is asked for, down to one byte, says that it would block,
//! in storms, tells of readiness late, twice, for what is gone, or where there is none, runs out of descriptors, and
//! fails any call; how much of that there is changes with the weather, from none to much.
//!
//! # What is checked
//!
//! - The invariants of the shell after each step, and those of the server after every few.
//! - What each client has read is what it was given, byte by byte, in order, nothing twice and nothing left out. Who is told
//!   that nothing more comes has got all of it. Who got less was cut off for a reason that applies: see `parcel.rs`.
//! - Each end of a connection is logged once, with a cause that what happened to it allows: see `ends.rs`.
//! - Some of the clients, the bots, keep to the rules and check every line against a model of their own: see
//!   `heard.rs` and `ledger.rs`. A witness reads along for everybody, and nobody is told where the bots hide.
//! - What other threads do for the server, such as to check a password or to save a ban, takes them any time, comes in any
//!   order, fails, or is for somebody who has left: see `jobs.rs`.
//! - From time to time nothing more goes wrong, and everybody must have heard everything: each PING has its PONG, each
//!   message is where it has to be and nowhere else, once and in order, and all bots agree on who is in which channel.
//!
//! # What it finds
//!
//! Each of these was broken on purpose, and noticed within three worlds of 10,000 steps, or in one case sixteen: a byte lost or turned around where a
//! write was partial or a queue is not empty; two pieces of output swapped; new lines sent ahead of older ones that wait; output that is
//! not forgotten when it has been sent; the mark of a full socket lost, or its end, or the room for the rest overlooked in an
//! event that tells of input, too; a place on the ready list lost; an end of input overlooked that came with the last bytes; bytes of an
//! unfinished line changed; goodbye said before all was sent; a write after one that failed; `WouldBlock` taken for
//! an error; a listener's pause that does not end; and a wrong cause in the log.
//!
//! # Running it
//!
//! A step is one turn of the loop with all its events, after clients have done something or nothing; turns of the times of
//! rest are not counted. The same seed always gives the same run. A failure is run again at once with a history and with all
//! checks after each step, and says how to see it once more. `cargo test --test sim` takes 1,000,000 steps, with one thread for each
//! processor. With optimization and still with all assertions a step takes 40 µs of one processor, so that the first of these
//! takes half an hour to an hour on two; the other goes on for a night:
//!
//! ```text
//! CHATD_SIM_TOTAL=100000000 cargo test --profile fuzz --test sim -- --nocapture
//! CHATD_SIM_SECONDS=28800 cargo test --profile fuzz --test sim -- --nocapture
//! ```
//!
//! - `CHATD_SIM_TOTAL`: steps of all seeds together.
//! - `CHATD_SIM_STEPS`: steps of each seed, 10,000 if not given.
//! - `CHATD_SIM_SEED`: the first seed, 1 if not given. Without a total it is the only one.
//! - `CHATD_SIM_SECONDS`: how long to go on to further seeds, from one that nobody knows yet: the time.

mod admin;
mod bot;
mod client;
mod config;
mod ends;
mod heard;
mod history;
mod jobs;
mod ledger;
mod line;
mod noise;
mod parcel;
mod reading;
mod rest;
mod rng;
mod runs;
mod view;
mod weather;
#[path = "../common/witness.rs"]
#[allow(dead_code)]
mod witness;
mod world;

use std::time::{Duration, Instant, SystemTime};

use runs::Plan;

/// The number in an environment variable, if it is set.
fn option(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|error| panic!("{name}={value}: {error}")))
}

#[test]
fn whatever_happens_clients_get_what_is_theirs() {
    let steps = option("CHATD_SIM_STEPS").unwrap_or(10_000);
    let (total, only) = (option("CHATD_SIM_TOTAL"), option("CHATD_SIM_SEED"));
    let mut plan = Plan { first: only.unwrap_or(1), steps, total: total.unwrap_or(1_000_000), end: None };
    if let Some(seconds) = option("CHATD_SIM_SECONDS") {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("it is past 1970");
        plan.first = since_1970.as_nanos() as u64;
        plan.total = u64::MAX;
        plan.end = Some(Instant::now() + Duration::from_secs(seconds));
    } else if only.is_some() && total.is_none() {
        plan.total = steps;
    }
    ends::listen();
    plan.run();
}
