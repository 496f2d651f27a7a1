//! What commands cost of `limits.flood_burst`.

use super::*;
use crate::proto::limits::MASKS_PER_COST;

#[test]
fn each_target_costs_what_a_command_costs() {
    let mut bench = Bench::new(|config| {
        (config.limits.flood_burst, config.limits.flood_rate) = (20, 1);
    });
    for (slot, line) in [
        (0, "WHOIS a,b,c,d,e,f,g,h,i,j"),
        (1, "PRIVMSG a,b,c,d,e,f,g,h,i,j :hello"),
        (2, "NOTICE a,b,c,d,e,f,g,h,i,j :hello"),
        (3, "JOIN #a,#b,#c,#d,#e,#f,#g,#h,#i,#j"),
        (4, "LIST a,b,c,d,e,f,g,h,i,j"),
    ] {
        let client = bench.user(slot);
        bench.say(client, line);
        assert!(bench.server.ready(client), "{line}: once fits the burst");
        bench.say(client, line);
        assert!(!bench.server.ready(client), "{line}: twice does not");
    }
}

#[test]
fn a_nick_costs_more_where_it_is_held_against_many_masks() {
    let mut bench = Bench::new(|config| {
        (config.limits.flood_burst, config.limits.flood_rate) = (8, 1);
        config.limits.list_entries = 1_000;
    });
    let (owner, other) = (bench.user(0), bench.user(1));
    bench.say(owner, "JOIN #a");
    bench.say(other, "JOIN #a");
    bench.pass(60_000);
    bench.say(other, "NICK cheap");
    bench.pass(60_000);
    let masks = |line| (0..MODES).map(|mask| format!("x{line}!*@{mask}")).collect::<Vec<_>>().join(" ");
    for line in 0..=2 * MASKS_PER_COST / MODES {
        bench.say(owner, &format!("MODE #a +{} {}", "b".repeat(MODES), masks(line)));
    }
    let mut sent = 0;
    while bench.server.ready(other) {
        bench.say(other, &format!("NICK other{sent}"));
        sent += 1;
    }
    assert_eq!(sent, 3, "each costs three of the eight");
}

#[test]
fn nothing_is_for_nothing_but_quit() {
    let free = commands::TABLE.iter().filter(|command| command.cost == 0);
    assert_eq!(free.map(|command| command.name).collect::<Vec<_>>(), ["QUIT"]);
}
