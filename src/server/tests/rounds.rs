//! What all are told, where it takes several turns.

use super::*;
use crate::proto::limits::ROUNDS;

/// So many that a round takes several turns.
const MANY: u32 = 2 * SLICE_ITEMS as u32;

/// Has all rounds made, and collects what one has heard.
fn finish(bench: &mut Bench, slot: u32) -> Vec<String> {
    let mut heard = bench.got(slot);
    while bench.server.is_going_round() {
        bench.input(Input::Tick);
        heard.extend(bench.got(slot));
    }
    heard
}

#[test]
fn announcements_beyond_what_waits_are_dropped_and_no_turn_tells_all_to_everybody() {
    let mut bench = Bench::new(|_| {});
    crowd(&mut bench, MANY);
    let before = bench.out.encoded();
    for number in 0..2 * ROUNDS {
        assert_eq!(bench.server.may_announce(), number < ROUNDS);
        bench.input(Input::Announce { text: &format!("number {number}") });
    }
    assert!(bench.out.encoded() - before <= SLICE_ITEMS as u64);
    let heard = finish(&mut bench, 0);
    assert!(bench.server.may_announce());
    let expected: Vec<_> = (0..ROUNDS).map(|n| format!(":chat.localhost NOTICE n0 :number {n}")).collect();
    assert_eq!(heard, expected);
}

#[test]
fn changes_that_nobody_has_heard_of_become_one_with_those_that_follow() {
    let mut bench = Bench::new(|_| {});
    crowd(&mut bench, MANY);
    for _ in 0..ROUNDS {
        bench.input(Input::Announce { text: "wait" });
    }
    for number in 1..100 {
        let mut config = (**bench.server.config()).clone();
        config.limits.topic_length = 300 + number;
        if number == 50 {
            config.limits.away_length += 1;
        }
        bench.input(Input::Reload(Rc::new(config)));
    }
    assert_eq!(bench.server.rounds.len(), ROUNDS + 1);
    for _ in 0..2 {
        bench.input(Input::Shutdown { reason: "bye" });
    }
    assert_eq!(bench.server.rounds.len(), ROUNDS + 2);
    let heard = finish(&mut bench, 0);
    let changes: Vec<_> = heard.iter().filter(|line| line.contains(" 005 ")).collect();
    assert!(changes.len() == 1 && heard.len() == ROUNDS + 3, "{heard:?}");
    assert!(changes[0].contains("TOPICLEN=399") && changes[0].contains("AWAYLEN="), "{changes:?}");
    assert!(heard.last().unwrap().starts_with("ERROR "), "{heard:?}");
}
