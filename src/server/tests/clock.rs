//! Clocks that jump.

use super::*;

/// A ban that ends at this time of the wall clock, in milliseconds.
fn ban_until(bench: &mut Bench, end: u64) {
    let text = |text: &str| text.to_owned();
    let (mask, reason, by) = (text("192.0.2.1"), text("r"), text("b"));
    let ban = Ban { kind: BanKind::Address, mask, reason, by, set_unix_ms: 0, expires_unix_ms: Some(end) };
    bench.server.set_ban(ban).unwrap();
}

#[test]
fn a_wall_clock_that_is_set_moves_time_tags_and_ends_of_bans_and_nothing_else() {
    const YEARS: u64 = 315_576_000_000;
    let mut bench = Bench::new(|_| {});
    let user = bench.user(0);
    bench.say(user, "CAP REQ server-time");
    let end = bench.now.unix_ms + 86_400_000;
    ban_until(&mut bench, end);
    bench.pass(20_000);
    bench.say(user, "PONG x");
    bench.got(0);
    assert_eq!(bench.server.bans().count(), 1);

    bench.now.unix_ms += YEARS;
    bench.pass(119_999);
    assert_eq!(bench.server.bans().count(), 0, "a day of the calendar is over");
    assert!(bench.got(0).is_empty(), "and two minutes are not");
    bench.say(user, "PRIVMSG n0 :now");
    assert!(bench.got(0)[0].starts_with("@time=1980-"));

    bench.now.unix_ms = 5_000;
    ban_until(&mut bench, 3_600_000);
    bench.say(user, "PRIVMSG n0 :then");
    assert!(bench.got(0)[0].starts_with("@time=1970-01-01T00:00:05.000Z"));
    bench.pass(119_999);
    assert!(bench.got(0).is_empty());
    bench.pass(1);
    assert_eq!(bench.got(0).len(), 1, "the PING comes when it would have");
    assert_eq!(bench.server.bans().count(), 1);
}
