//! The hot paths. Each sets its scene, and then does the same a few times, of which only the part in
//! [`measured`] counts. The first time is never measured: it pays for what is done once.

use std::hint::black_box;

use chatd::id::ClientId;
use chatd::proto::message::Message;

use crate::chat::Chat;
use crate::machine::Host;
use crate::measured;

/// A path, and what is one operation of it.
pub(crate) struct Path {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    /// Runs it, and returns how many operations were measured.
    pub(crate) run: fn() -> u64,
}

/// All paths, in the order of the table.
pub(crate) const PATHS: &[Path] = &[
    Path { name: "parse", unit: "line", run: || parse(TEXT) },
    Path { name: "parse-tags", unit: "line", run: || parse(TAGGED) },
    Path { name: "ping", unit: "line", run: ping },
    Path { name: "direct", unit: "message", run: direct },
    Path { name: "channel-1", unit: "delivery", run: || channel(1, |_| false) },
    Path { name: "channel-10", unit: "delivery", run: || channel(10, |_| false) },
    Path { name: "channel-100", unit: "delivery", run: || channel(100, |_| false) },
    Path { name: "channel-1000", unit: "delivery", run: || channel(1_000, |_| false) },
    Path {
        name: "channel-1000-half-tagged",
        unit: "delivery",
        run: || channel(1_000, |index| index % 2 == 0),
    },
    Path { name: "register", unit: "client", run: register },
    Path { name: "join-1000", unit: "client", run: join },
    Path { name: "part-1000", unit: "client", run: part },
    Path { name: "names-1000", unit: "reply", run: names },
    Path { name: "nick-10-channels", unit: "change", run: nick },
    Path { name: "quit-10-channels", unit: "client", run: quit },
    Path { name: "flush-1000", unit: "send", run: flush },
    Path { name: "turn-1000", unit: "delivery", run: turn },
    Path { name: "read-64k", unit: "line", run: read },
    Path { name: "accept-close", unit: "client", run: accept },
];

/// Times that something is measured.
const TIMES: u64 = 10;
/// A message to `#channel` of the usual length.
const TEXT: &str = "PRIVMSG #channel :a message with as many words as people use, more or less";
/// The same with tags.
const TAGGED: &str = "@label=ab12;+typing=done;+draft/reply=00000000100000100005 PRIVMSG #channel :a message with as many words";

fn parse(line: &str) -> u64 {
    let mut parse = || {
        for _ in 0..TIMES {
            black_box(Message::parse(black_box(line)));
        }
    };
    parse();
    measured(&mut parse);
    TIMES
}

/// Measures a turn of one line again and again.
fn turns(chat: &mut Chat, client: ClientId, line: &str) -> u64 {
    chat.turn(client, line);
    for _ in 0..TIMES {
        chat.pass();
        measured(&mut || chat.turn(client, line));
    }
    TIMES
}

fn ping() -> u64 {
    let mut chat = Chat::new();
    let user = chat.users(10)[5];
    turns(&mut chat, user, "PING 1700000000")
}

fn direct() -> u64 {
    let mut chat = Chat::new();
    let user = chat.users(10)[5];
    turns(&mut chat, user, "PRIVMSG nick7 :a message with as many words as people use, more or less")
}

/// Turns in each of which ten lines go to a channel where each reaches `others` members; `tagged` says who has asked for
/// time and tags.
fn channel(others: usize, tagged: fn(usize) -> bool) -> u64 {
    let mut chat = Chat::new();
    let members = chat.members(others + 1, "#channel");
    for (index, &member) in members.iter().enumerate() {
        if tagged(index) {
            chat.turn(member, "CAP REQ :server-time message-tags");
        }
    }
    let turn = |chat: &mut Chat| {
        for talker in members.iter().cycle().take(10) {
            chat.say(*talker, TEXT);
        }
        chat.end();
    };
    turn(&mut chat);
    let before = chat.deliveries();
    for _ in 0..TIMES {
        chat.pass();
        measured(&mut || turn(&mut chat));
    }
    chat.deliveries() - before
}

/// From NICK and USER to the end of what that is answered with.
fn register() -> u64 {
    let mut chat = Chat::new();
    chat.users(10);
    for number in 0..TIMES {
        let (client, nick) = (chat.open(), format!("NICK new{number}"));
        measured(&mut || {
            chat.say(client, &nick);
            chat.say(client, "USER user 0 * :Some real name");
            chat.end();
        });
        chat.pass();
    }
    TIMES
}

/// Somebody comes to 999, who are told, and is told the topic and who is there.
fn join() -> u64 {
    let mut chat = Chat::new();
    chat.members(999, "#channel");
    let user = chat.user();
    for time in 0..=TIMES {
        chat.pass();
        match time {
            0 => chat.turn(user, "JOIN #channel"),
            _ => measured(&mut || chat.turn(user, "JOIN #channel")),
        }
        chat.turn(user, "PART #channel");
    }
    TIMES
}

fn part() -> u64 {
    let mut chat = Chat::new();
    let members = chat.members(1_000, "#channel");
    for time in 0..=TIMES {
        chat.pass();
        match time {
            0 => chat.turn(members[500], "PART #channel"),
            _ => measured(&mut || chat.turn(members[500], "PART #channel")),
        }
        chat.turn(members[500], "JOIN #channel");
    }
    TIMES
}

fn names() -> u64 {
    let mut chat = Chat::new();
    let members = chat.members(1_000, "#channel");
    turns(&mut chat, members[500], "NAMES #channel")
}

/// Ten channels with ten people each, and somebody who is in all of them.
fn in_ten_channels(chat: &mut Chat) -> ClientId {
    for number in 0..10 {
        chat.members(10, &format!("#channel{number}"));
    }
    let user = chat.user();
    join_ten(chat, user);
    user
}

fn join_ten(chat: &mut Chat, user: ClientId) {
    for number in 0..10 {
        chat.turn(user, &format!("JOIN #channel{number}"));
    }
}

fn nick() -> u64 {
    let mut chat = Chat::new();
    let user = in_ten_channels(&mut chat);
    chat.turn(user, "NICK other");
    for number in 0..TIMES {
        let line = format!("NICK other{number}");
        chat.pass();
        measured(&mut || chat.turn(user, &line));
    }
    TIMES
}

fn quit() -> u64 {
    let mut chat = Chat::new();
    let mut user = in_ten_channels(&mut chat);
    for time in 0..=TIMES {
        chat.pass();
        match time {
            0 => chat.close(user),
            _ => measured(&mut || chat.close(user)),
        }
        user = chat.user();
        join_ten(&mut chat, user);
    }
    TIMES
}

/// The end of a turn in which somebody has said something to 1,000 others.
fn flush() -> u64 {
    let mut host = Host::new();
    let members = host.members(1_001, "#channel");
    let mut sent = 0;
    for time in 0..=TIMES {
        let before = host.writes();
        host.send(members[500], format!("{TEXT}\r\n").as_bytes());
        host.begin();
        host.handle(members[500]);
        match time {
            0 => host.end(),
            _ => {
                measured(&mut || host.end());
                sent += host.writes() - before;
            }
        }
    }
    sent
}

/// Whole turns, in each of which ten members say ten lines to 1,000 others.
fn turn() -> u64 {
    let mut host = Host::new();
    let members = host.members(1_001, "#channel");
    let lines = format!("{TEXT}\r\n").repeat(10);
    for time in 0..=TIMES {
        for &member in &members[..10] {
            host.send(member, lines.as_bytes());
        }
        let mut turn = || {
            host.begin();
            for &member in &members[..10] {
                host.handle(member);
            }
            host.end();
        };
        match time {
            0 => turn(),
            _ => measured(&mut turn),
        }
    }
    TIMES * 10 * 10 * 1_000
}

/// What a client has sent: 64 KiB, in 1,024 lines.
fn read() -> u64 {
    let mut host = Host::new();
    let client = host.members(1, "#channel")[0];
    let line = format!("PING {}\r\n", "x".repeat(57));
    let lines = line.repeat(1_024);
    for time in 0..=TIMES {
        host.send(client, lines.as_bytes());
        let mut whole = || {
            host.read(client);
            host.rest();
        };
        match time {
            0 => whole(),
            _ => measured(&mut whole),
        }
    }
    TIMES * 1_024
}

/// Somebody connects and closes.
fn accept() -> u64 {
    let mut host = Host::new();
    host.members(10, "#channel");
    for time in 0..=TIMES {
        let mut both = || {
            host.connect();
            host.hang_up(10);
        };
        match time {
            0 => both(),
            _ => measured(&mut both),
        }
    }
    TIMES
}
