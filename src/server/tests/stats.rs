//! STATS of what is long.

use super::*;

/// A server with so many bans, and an operator who may read of them.
fn banned(count: usize) -> (Bench, ClientId) {
    let mut bench = Bench::with_operator(Privileges::BAN);
    let operator = bench.operator(0);
    for number in 0..count {
        let ban = Ban {
            kind: BanKind::User,
            mask: format!("user{number}@example.org"),
            reason: "r".to_owned(),
            by: "a!b@c".to_owned(),
            set_unix_ms: 0,
            expires_unix_ms: None,
        };
        bench.server.set_ban(ban).unwrap();
    }
    bench.pass(60_000);
    bench.out.clear();
    (bench, operator)
}

/// All that is still to come.
fn rest(bench: &mut Bench, operator: ClientId) -> Vec<String> {
    let mut lines = Vec::new();
    while !bench.server.ready(operator) {
        bench.pass(20);
        lines.extend(bench.got(operator.slot));
    }
    lines
}

#[test]
fn long_reports_come_in_slices() {
    let (mut bench, operator) = banned(3 * SLICE_ITEMS);
    bench.say(operator, "STATS k");
    let first = bench.got(0);
    assert!(first.len() == SLICE_ITEMS && !bench.server.ready(operator));
    let lines = [first, rest(&mut bench, operator)].concat();
    let mut bans: Vec<_> =
        lines.iter().filter(|line| line.contains(" 216 n0 K example.org * user")).collect();
    bans.sort();
    bans.dedup();
    assert_eq!((bans.len(), lines.len()), (3 * SLICE_ITEMS, 3 * SLICE_ITEMS + 1));
    assert!(lines.last().unwrap().ends_with(" 219 n0 k :End of /STATS report"));
}

#[test]
fn who_is_no_operator_any_more_is_shown_no_more() {
    let (mut bench, operator) = banned(3 * SLICE_ITEMS);
    bench.say(operator, "STATS k");
    bench.out.clear();
    bench.input(Input::Reload(Rc::new(Config::default())));
    bench.out.clear();
    let lines = rest(&mut bench, operator);
    assert_eq!(lines, [":chat.localhost 219 n0 k :End of /STATS report"]);
}
