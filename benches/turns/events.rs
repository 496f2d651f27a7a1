//! What happens to many at once.

use crate::Case;
use crate::town::{MEMBERS, Town, USERS, large, nick};

const fn once(name: &'static str, what: &'static str, begin: fn(&mut Town)) -> Case {
    Case { name, what, prepare: |_| {}, begin, rounds: 1 }
}

fn ask(town: &mut Town, method: &str, params: &str) {
    let operator = town.operator();
    let request = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
    town.say(operator, &format!("{request}\n"));
}

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "accept",
        what: "64 at once",
        prepare: |_| {},
        begin: |town| (0..64).for_each(|_| _ = town.connect()),
        rounds: 3,
    },
    once("accept", "1,000 register", |town| {
        for n in 0..1_000 {
            let new = town.connect();
            town.say(new, &format!("NICK new{n}\r\nUSER u 0 * :r\r\nQUIT\r\n"));
        }
    }),
    Case {
        name: "chatctl",
        what: "list, 1,000 a page",
        prepare: |_| {},
        begin: |town| ask(town, "list", r#"{"what":"users","limit":1000}"#),
        rounds: 3,
    },
    Case {
        name: "chatctl",
        what: "list with a mask",
        prepare: |_| {},
        begin: |town| ask(town, "list", r#"{"what":"users","mask":"*?a*b*c"}"#),
        rounds: 3,
    },
    Case {
        name: "chatctl",
        what: "stats",
        prepare: |_| {},
        begin: |town| ask(town, "stats", "{}"),
        rounds: 3,
    },
    Case {
        name: "chatctl",
        what: "channel.info of 10,000",
        prepare: |_| {},
        begin: |town| ask(town, "channel.info", r##"{"channel":"#all"}"##),
        rounds: 3,
    },
    Case {
        name: "chatctl",
        what: "announce to 10,000",
        prepare: |_| {},
        begin: |town| ask(town, "announce", r#"["hear"]"#),
        rounds: 3,
    },
    once("chatctl", "kick", |town| {
        ask(town, "kick", &format!(r#"{{"nick":"{}","channel":"{}"}}"#, nick(10), large(0)));
    }),
    once("chatctl", "ban.add", |town| ask(town, "ban.add", r#"{"mask":"x*@*.example","reason":"x"}"#)),
    once("reload", "with 10,000 clients", |town| ask(town, "reload", "{}")),
    Case {
        name: "timers",
        what: "10,000 are sent a PING",
        prepare: |_| {},
        begin: |town| town.pass(86_400_000),
        rounds: 1,
    },
    once("close", "1,000 of a channel of 10,000", |town| (8_000..9_000).for_each(|who| town.hang_up(who))),
    once("close", "5,000 at once", |town| {
        (0..MEMBERS).filter(|&who| who != 1).for_each(|who| town.hang_up(who));
    }),
    once("KLINE", "all that are left", |town| {
        town.say(
            1,
            "KLINE ~u*@2001:db8:1111:2222::/64 :x\r\nKLINE *@2001:db8:1111:2222:3333:4444:5555::/112 :x\r\n",
        );
    }),
    once("DIE", "5,000 are told", |town| {
        (0..USERS / 2).for_each(|n| {
            let new = town.connect();
            town.say(new, &format!("NICK n{n}\r\nUSER u 0 * :r\r\nJOIN #all\r\n"));
        });
        town.run();
        town.say(1, "DIE\r\n");
    }),
];
