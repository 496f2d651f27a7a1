//! The worst that one line of each command can do.

use crate::Case;
use crate::town::{LARGE, Town, USERS, large, nick};

/// In no channel but `#all`, like half of them; an operator; in all channels of [`large`], without rank.
const PLAIN: u32 = 6_000;
const OPER: u32 = 1;
const HUB: u32 = 2;
/// Made all of [`large`], and has rank there.
const FOUNDER: u32 = 0;

const fn case(name: &'static str, what: &'static str, begin: fn(&mut Town)) -> Case {
    Case { name, what, prepare: |_| {}, begin, rounds: 3 }
}

const fn plain(name: &'static str, begin: fn(&mut Town)) -> Case {
    case(name, "", begin)
}

const fn prepared(
    name: &'static str,
    what: &'static str,
    prepare: fn(&mut Town),
    begin: fn(&mut Town),
) -> Case {
    Case { name, what, prepare, begin, rounds: 3 }
}

/// What can be done but once.
const fn once(case: Case) -> Case {
    Case { rounds: 1, ..case }
}

/// `command`, and the names of so many large channels as a list.
fn all_large(command: &str, count: u32, rest: &str) -> Vec<String> {
    // As many as fit a line.
    let names: Vec<_> = (0..count).map(large).collect();
    names.chunks(6).map(|some| format!("{command} {}{rest}\r\n", some.join(","))).collect()
}

fn nicks(count: u32, from: u32, by: &str) -> String {
    (from..from + count).map(nick).collect::<Vec<_>>().join(by)
}

fn one(town: &mut Town, who: u32, lines: &[String]) {
    if let Some(line) = lines.first() {
        town.say(who, line);
    }
}

/// A mask that is dear to hold against a text, for those that are in no list.
fn mask() -> String {
    format!("{}b", "*?".repeat(220))
}

pub(crate) const CASES: &[Case] = &[
    plain("ACCEPT", |town| town.say(PLAIN, &format!("ACCEPT {}\r\n", nicks(7, 100, ",")))),
    plain("ADMIN", |town| town.say(PLAIN, "ADMIN\r\n")),
    plain("AUTHENTICATE", |town| town.say(PLAIN, "AUTHENTICATE PLAIN\r\n")),
    case("AWAY", "in 100 channels of 5,000, notified", |town| {
        town.say(HUB, &format!("AWAY :{}\r\n", "x".repeat(390)));
        town.say(HUB, "AWAY\r\n");
    }),
    prepared(
        "BATCH",
        "1,000 lines to 10,000",
        |town| {
            town.say(
                PLAIN,
                "CAP REQ :batch draft/multiline message-tags\r\nBATCH +1 draft/multiline #all\r\n",
            );
            for _ in 0..1_000 {
                town.say(PLAIN, "@batch=1 PRIVMSG #all :some words of a line\r\n");
            }
        },
        |town| town.say(PLAIN, "BATCH -1\r\n"),
    ),
    plain("CAP", |town| town.say(PLAIN, "CAP LS 302\r\n")),
    plain("HELP", |town| town.say(PLAIN, "HELP COMMANDS\r\n")),
    plain("HELPOP", |town| town.say(PLAIN, "HELPOP TOPICS\r\n")),
    plain("INFO", |town| town.say(PLAIN, "INFO\r\n")),
    case("INVITE", "told to 5,000", |town| {
        town.say(FOUNDER, &format!("INVITE {} {}\r\n", nick(PLAIN), large(0)));
    }),
    case("ISON", "250 nicks", |town| town.say(PLAIN, &format!("ISON {}\r\n", "x ".repeat(250)))),
    plain("ISUPPORT", |town| town.say(PLAIN, "ISUPPORT\r\n")),
    prepared(
        "JOIN",
        "6 channels with 1,000 masks",
        |town| town.say(PLAIN, "JOIN 0\r\nJOIN #all\r\n"),
        |town| one(town, PLAIN, &all_large("JOIN", 6, "")),
    ),
    prepared(
        "JOIN",
        "0, out of 100 channels of 5,000",
        |town| {
            for line in all_large("JOIN", LARGE, "") {
                town.say(PLAIN, &line);
            }
        },
        |town| town.say(PLAIN, "JOIN 0\r\n"),
    ),
    once(case("KICK", "11 out of 10,000 and 5,000", |town| {
        town.say(FOUNDER, &format!("KICK #all {} :x\r\n", nicks(6, 9_900, ",")));
        town.say(FOUNDER, &format!("KICK {} {} :x\r\n", large(0), nicks(5, 4_000, ",")));
    })),
    plain("KNOCK", |town| town.say(PLAIN, &format!("KNOCK {} :{}\r\n", large(0), "x".repeat(300)))),
    plain("LINKS", |town| town.say(PLAIN, "LINKS *\r\n")),
    case("LIST", "10,000 channels", |town| town.say(PLAIN, "LIST\r\n")),
    case("LIST", "a hostile mask", |town| town.say(PLAIN, &format!("LIST {}\r\n", mask()))),
    case("LIST", "100 masks", |town| town.say(PLAIN, &format!("LIST {}\r\n", vec!["*?s*b"; 80].join(",")))),
    plain("LUSERS", |town| town.say(PLAIN, "LUSERS\r\n")),
    plain("MAP", |town| town.say(PLAIN, "MAP\r\n")),
    case("MODE", "a list of 1,000", |town| town.say(HUB, &format!("MODE {} b\r\n", large(0)))),
    case("MODE", "12 changes in 10,000", |town| {
        town.say(FOUNDER, "MODE #all +mtslk-i+Ccnp 5 key\r\nMODE #all -mtslkp key\r\n");
    }),
    case("MODE", "500 letters", |town| {
        town.say(FOUNDER, &format!("MODE #all {}\r\n", "+t-t+m-m".repeat(55)));
    }),
    case("MODE", "x, in 100 channels of 5,000", |town| {
        town.say(HUB, &format!("MODE {} +x\r\n", nick(HUB)));
        town.say(HUB, &format!("MODE {} -x\r\n", nick(HUB)));
    }),
    prepared(
        "MONITOR",
        "C, of 10,000 watched by 10",
        |town| {
            for who in PLAIN..PLAIN + 10 {
                for from in (0..10_000).step_by(7) {
                    town.say(who, &format!("MONITOR + {}\r\n", nicks(7, from, ",")));
                }
            }
        },
        |town| town.say(PLAIN, "MONITOR C\r\n"),
    ),
    case("MONITOR", "S", |town| town.say(PLAIN + 1, "MONITOR S\r\n")),
    plain("MOTD", |town| town.say(PLAIN, "MOTD\r\n")),
    case("NAMES", "10,000 members", |town| town.say(PLAIN, "NAMES #all\r\n")),
    case("NAMES", "6 channels of 5,000, from outside", |town| {
        one(town, USERS - 1, &all_large("NAMES", 6, ""));
    }),
    prepared(
        "NICK",
        "100 channels, each with 1,000 masks",
        |town| town.say(HUB, &format!("NICK {}\r\n", nick(HUB))),
        |town| town.say(HUB, &format!("NICK {}\r\n", "a".repeat(63))),
    ),
    case("NICK", "back", |town| town.say(HUB, &format!("NICK {}\r\n", nick(HUB)))),
    case("NOTICE", "to 6 channels with 1,000 masks", |town| {
        one(town, HUB, &all_large("NOTICE", 6, " :hello"));
    }),
    plain("OPER", |town| town.say(PLAIN, "OPER nobody secret\r\n")),
    plain("PASS", |town| {
        let new = town.connect();
        town.say(new, "PASS secret\r\n");
    }),
    prepared(
        "PART",
        "6 of 5,000, with 1,000 masks",
        |town| one(town, PLAIN, &all_large("JOIN", 6, "")),
        |town| one(town, PLAIN, &all_large("PART", 6, " :bye")),
    ),
    plain("PING", |town| town.say(PLAIN, "PING x\r\n")),
    plain("PONG", |town| town.say(PLAIN, "PONG x\r\n")),
    case("PRIVMSG", "to 6 channels with 1,000 masks", |town| {
        one(town, HUB, &all_large("PRIVMSG", 6, " :hello"));
    }),
    case("PRIVMSG", "32 lines to one of them", |town| {
        town.say(HUB, &format!("PRIVMSG {} :hello\r\n", large(0)).repeat(32));
    }),
    case("PRIVMSG", "32 lines to 10,000", |town| town.say(PLAIN, &"PRIVMSG #all :hello\r\n".repeat(32))),
    case("PRIVMSG", "32 lines of 100 to 10,000", |town| {
        for who in 3_000..3_100 {
            town.say(who, &"PRIVMSG #all :hello\r\n".repeat(32));
        }
    }),
    case("REHASH", "told to 10,000", |town| town.say(OPER, "REHASH\r\n")),
    prepared(
        "RENAME",
        "a channel of 5,000",
        |town| {
            town.pass(61_000);
            town.say(FOUNDER, &format!("RENAME {} #renamed\r\n", large(0)));
            town.run();
            town.pass(61_000);
        },
        |town| town.say(FOUNDER, &format!("RENAME #renamed {}\r\n", large(0))),
    ),
    case("RENAME", "a channel of 10,000, refused", |town| town.say(FOUNDER, "RENAME #all #all2\r\n")),
    plain("RESTART", |town| town.say(OPER, "RESTART\r\n")),
    prepared(
        "SAJOIN",
        "6 channels",
        |town| town.say(PLAIN, "JOIN 0\r\nJOIN #all\r\n"),
        |town| one(town, OPER, &all_large(&format!("SAJOIN {}", nick(PLAIN)), 6, "")),
    ),
    case("SAMODE", "in 10,000", |town| town.say(OPER, "SAMODE #all +c-c\r\n")),
    case("SANICK", "in 100 channels of 5,000", |town| {
        town.say(OPER, &format!("SANICK {} other\r\n", nick(HUB)));
        town.say(OPER, &format!("SANICK other {}\r\n", nick(HUB)));
    }),
    prepared(
        "SAPART",
        "6 channels",
        |town| one(town, PLAIN, &all_large("JOIN", 6, "")),
        |town| one(town, OPER, &all_large(&format!("SAPART {}", nick(PLAIN)), 6, "")),
    ),
    case("SETNAME", "in 100 channels of 5,000", |town| {
        town.say(HUB, &format!("SETNAME :{}\r\n", "r".repeat(390)));
    }),
    case("SILENCE", "a mask", |town| town.say(PLAIN, "SILENCE +a!b@c\r\n")),
    case("STATS", "l, of 10,000", |town| town.say(OPER, "STATS l\r\n")),
    case("STATS", "m", |town| town.say(OPER, "STATS m\r\n")),
    case("TAGMSG", "to 6 channels", |town| one(town, HUB, &all_large("@+x=y TAGMSG", 6, ""))),
    plain("TIME", |town| town.say(PLAIN, "TIME\r\n")),
    case("TOPIC", "of 10,000", |town| town.say(FOUNDER, &format!("TOPIC #all :{}\r\n", "t".repeat(300)))),
    plain("USER", |town| {
        let new = town.connect();
        town.say(new, "NICK newcomer\r\nUSER u 0 * :r\r\nQUIT\r\n");
    }),
    case("USERHOST", "5 nicks", |town| town.say(PLAIN, &format!("USERHOST {}\r\n", nicks(5, 0, " ")))),
    case("USERIP", "5 nicks", |town| town.say(PLAIN, &format!("USERIP {}\r\n", nicks(5, 0, " ")))),
    plain("VERSION", |town| town.say(PLAIN, "VERSION\r\n")),
    prepared(
        "WALLOPS",
        "to 10,000",
        |town| (0..USERS).for_each(|who| town.say(who, &format!("MODE {} +w\r\n", nick(who)))),
        |town| town.say(OPER, &format!("WALLOPS :{}\r\n", "w".repeat(300))),
    ),
    plain("WEBIRC", |town| town.say(PLAIN, "WEBIRC a b c ::1\r\n")),
    case("WHO", "10,000 users", |town| town.say(PLAIN, "WHO *\r\n")),
    case("WHO", "a hostile mask, all fields", |town| {
        town.say(PLAIN, &format!("WHO {} nuhisar%tcuihsnfdlaor,1\r\n", mask()));
    }),
    case("WHO", "a channel of 10,000", |town| town.say(PLAIN, "WHO #all %tcuihsnfdlaor,1\r\n")),
    prepared(
        "WHO",
        "invisible users in 100 channels",
        |town| (0..USERS).for_each(|who| town.say(who, &format!("MODE {} +i\r\n", nick(who)))),
        |town| town.say(USERS - 1, &format!("WHO {}\r\n", mask())),
    ),
    case("WHOIS", "7 who are in 100 channels", |town| {
        town.say(PLAIN, &format!("WHOIS {}\r\n", nicks(7, 100, ",")));
    }),
    case("WHOWAS", "a nick", |town| town.say(PLAIN, &format!("WHOWAS {}\r\n", "a".repeat(63)))),
    // From here on, somebody leaves.
    once(case("QUIT", "in 100 channels of 5,000", |town| town.say(HUB, "QUIT\r\n"))),
    once(case("KILL", "in 100 channels of 5,000", |town| {
        town.say(OPER, &format!("KILL {} :x\r\n", nick(3)));
    })),
    prepared(
        "KLINE",
        "one more than 9,000",
        |town| {
            for n in 0..9_000 {
                town.say(OPER, &format!("KLINE *{n}@host{n}.example :{}\r\n", "x".repeat(300)));
            }
        },
        |town| town.say(OPER, "KLINE *@last.example :x\r\n"),
    ),
    case("UNKLINE", "one of 9,000", |town| town.say(OPER, "UNKLINE *5@host5.example\r\n")),
    plain("UNDLINE", |town| town.say(OPER, "UNDLINE 192.0.2.1\r\n")),
    plain("DLINE", |town| town.say(OPER, "DLINE 192.0.2.1 :x\r\n")),
];
