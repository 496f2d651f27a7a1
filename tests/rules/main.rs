//! Who may do what, and who sees what: random commands on the bare server, each held against a model of the rules.
//!
//! A handful of users join, speak, kick, invite, knock, set every mode there is, watch each other, become operators, come
//! and go, with any capabilities. For each command the model (`truth.rs`) says beforehand what comes of it: the numeric
//! that refuses it, or what changes and exactly who is told. Every line that anybody gets must have been foreseen, and
//! everything foreseen must come: so nobody ever sees a message, a membership, a channel or a topic that the rules hide
//! from them, in whichever form.
//!
//! Beside the model, and without knowing it, `wire.rs` and a witness for each user (`tests/common/witness.rs`) read every
//! line: messages are for those who were told that they are in the channel, forms for those who negotiated them, nobody
//! is sent the address of a user who hides it, and each event has one id for all.
//!
//! The same seed always gives the same run. `cargo test --test rules` begins with seed 1; `CHATD_RULES_SEED` runs one seed,
//! `CHATD_RULES_SECONDS` goes on to further ones, from the time on.

mod asked;
#[path = "../common/bare.rs"]
#[allow(dead_code)]
mod bare;
mod commands;
mod messages;
mod modes;
mod opers;
mod people;
mod rename;
#[path = "../sim/rng.rs"]
#[allow(dead_code)]
mod rng;
mod truth;
mod wire;
#[path = "../common/witness.rs"]
mod witness;
mod world;

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

use world::World;

/// Commands of each seed.
const STEPS: u32 = 3_000;
/// Seeds of a run that is not told how long to take: the same on every machine.
const SEEDS: u64 = 8;

fn option(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|error| panic!("{name}={value}: {error}")))
}

fn run(seed: u64, seen: &mut BTreeMap<String, u32>) {
    let mut world = World::new(seed);
    for step in 0..STEPS {
        let outcome = world.step();
        if let Err(fault) = world.fault.take().map_or(outcome, Err) {
            panic!(
                "{fault}\n  {}\nagain: CHATD_RULES_SEED={seed} cargo test --test rules (step {step})",
                world.history()
            );
        }
    }
    for (word, count) in world.seen {
        *seen.entry(word).or_default() += count;
    }
}

#[test]
fn nobody_may_or_sees_more_than_the_rules_say() {
    if let Some(seed) = option("CHATD_RULES_SEED") {
        return run(seed, &mut BTreeMap::new());
    }
    let mut seen = BTreeMap::new();
    let seconds = option("CHATD_RULES_SECONDS");
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("it is past 1970");
    let mut seed = seconds.map_or(1, |_| since_1970.as_nanos() as u64);
    let end = Instant::now() + Duration::from_secs(seconds.unwrap_or(0));
    let mut done = 0;
    while done < SEEDS || Instant::now() < end {
        run(seed, &mut seen);
        seed = seed.wrapping_add(1);
        done += 1;
    }
    // Runs in which little happens show little.
    for word in [
        "314", "319", "338", "353", "367", "381", "396", "404", "406", "435", "441", "447", "464", "470",
        "471", "473", "474", "475", "478", "480", "481", "482", "489", "710", "718", "730", "731", "AWAY",
        "CHGHOST", "FAIL", "INVITE", "KICK", "KILL", "QUIT", "RENAME", "SETNAME", "TAGMSG", "WALLOPS",
    ] {
        assert!(seen.contains_key(word), "{word} was never heard: {seen:?}");
    }
    // What operators do past the rules, as the others are told of it.
    for what in ["INVITE", "JOIN", "KICK", "MODE", "NOTICE", "PRIVMSG", "TOPIC"] {
        let used = format!("uses override: {what}");
        assert!(seen.contains_key(&used), "{used} was never heard: {seen:?}");
    }
    for used in ["uses RENAME", "uses SAMODE"] {
        assert!(seen.contains_key(used), "{used} was never heard: {seen:?}");
    }
}

#[test]
fn a_witness_notices_what_is_not_for_its_client() {
    let before = [
        ":irc.test CAP * ACK :batch labeled-response message-tags",
        ":irc.test 001 me :Welcome",
        ":me!~u@h JOIN #in",
        "@msgid=1 :you!~u@h PRIVMSG @#in :to those with a prefix",
    ];
    let bad = [
        "@time=now :you!~u@h PRIVMSG me :no server-time",
        "@batch=b1 :irc.test 366 me #in :no such batch",
        ":irc.test BATCH -b1",
        ":you!~u@h AWAY :no away-notify",
        ":you!~u@h JOIN #in * :no extended-join",
        ":you!~u@h JOIN #out",
        ":you!~u@h PRIVMSG #out :not inside",
        ":you!~u@h PRIVMSG other :somebody else",
        ":me!~u@h PRIVMSG #in :no echo-message",
        ":you!~u@h INVITE other #in",
        ":you!~u@h MODE #out +s",
        ":you!~u@h KICK #out other :not inside",
        ":irc.test 401 other nobody :No such nick",
        ":me!~u@h JOIN #in",
    ];
    for line in bad {
        let mut witness = witness::Witness::default();
        for line in before {
            witness.hear(line).unwrap_or_else(|fault| panic!("{fault}"));
        }
        assert!(witness.hear(line).is_err(), "{line}");
    }
    let mut witness = witness::Witness::default();
    let left = before.into_iter().chain([":you!~u@h KICK #in me :out"]);
    assert!(left.map(|line| witness.hear(line)).all(|it| it.is_ok()) && !witness.is_in("#in"));
}
