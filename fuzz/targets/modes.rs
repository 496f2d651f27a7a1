//! Changes of a channel's modes. Each line of the input is a change that the founder of `#x` asks for; one that begins with
//! `!` is another member's.
//!
//! A member who follows the changes that are told must arrive at the modes that the server shows when it is asked.

#![no_main]

use std::collections::BTreeSet;

use chatd::proto::limits;
use chatd::proto::message::Message;
use chatd_fuzz::World;
use libfuzzer_sys::fuzz_target;

/// A member without capabilities, so that lines are bare, and without powers at first.
const WITNESS: usize = 1;

fuzz_target!(|data: &[u8]| {
    let mut world = World::new();
    let settings = settings(&world.take(WITNESS));
    let mut seen = shown(&mut world, WITNESS).expect("the witness is in the channel");
    for change in data.split(|&byte| byte == b'\n') {
        if !world.count() {
            break;
        }
        let (who, change) = change.strip_prefix(b"!").map_or((0, change), |change| (WITNESS, change));
        world.line(who, &[b"MODE #x ", change].concat());
        for line in world.take(WITNESS) {
            follow(&line, &settings, &mut seen);
        }
    }
    assert_eq!(shown(&mut world, WITNESS), Some(seen), "what was told is what is shown");
});

/// The letters of modes that are no lists and no ranks: the second to the fourth group of `CHANMODES`.
fn settings(lines: &[String]) -> String {
    let words = lines.iter().flat_map(|line| line.split(' '));
    let groups = words.filter_map(|word| word.strip_prefix("CHANMODES=")).next().expect("a line 005");
    groups.split(',').skip(1).collect()
}

/// The letters that MODE shows for `#x`.
fn shown(world: &mut World, who: usize) -> Option<BTreeSet<char>> {
    world.line(who, b"MODE #x");
    let lines = world.take(who);
    let message =
        lines.iter().filter_map(|line| Message::parse(line)).find(|message| message.command == "324")?;
    Some(message.get(2)?.chars().filter(|&letter| letter != '+').collect())
}

/// Applies a change that was told.
fn follow(line: &str, settings: &str, seen: &mut BTreeSet<char>) {
    let message = Message::parse(line).expect("a message");
    if message.command != "MODE" || message.get(0) != Some("#x") {
        return;
    }
    let (letters, parameters) = message.params()[1..].split_first().expect("a change");
    assert!(parameters.len() <= limits::MODES, "no more than MODES: {line}");
    let mut sign = None;
    for letter in letters.chars() {
        match letter {
            '+' | '-' => sign = Some(letter),
            letter if !settings.contains(letter) => {}
            letter => match sign.expect("a sign") {
                '+' => _ = seen.insert(letter),
                _ => assert!(seen.remove(&letter), "{letter} was not set: {line}"),
            },
        }
    }
}
