//! A client that keeps to the rules and knows what to expect: it follows each command with a PING and
//! checks all that it is told against what it was told before.

use std::collections::{BTreeMap, VecDeque};

use crate::ledger::{Id, Ledger};
use crate::line::fold;
use crate::rng::Rng;
use crate::view::View;

/// What a bot asked for and has not heard the end of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Register,
    Join {
        channel: String,
    },
    Part {
        channel: String,
    },
    Nick {
        nick: String,
    },
    /// PRIVMSG, NOTICE or TAGMSG.
    Say {
        verb: &'static str,
        target: String,
        id: Id,
    },
    Kick {
        channel: String,
        nick: String,
    },
    Mode {
        channel: String,
    },
    Names {
        channel: String,
    },
    Topic {
        channel: String,
    },
    /// Whatever it is, it has an answer.
    Ask {
        text: String,
    },
    /// Whatever it is, it may have none.
    Do,
}

/// How far a bot is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Registering,
    Registered,
    /// Its connection has ended.
    Gone,
}

/// The capabilities that change what it is told. All bots have echo-message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Caps {
    pub(crate) multi_prefix: bool,
    pub(crate) tags: bool,
    pub(crate) time: bool,
}

/// A client with a model of the world.
pub(crate) struct Bot {
    pub(crate) number: u32,
    pub(crate) stage: Stage,
    pub(crate) nick: String,
    pub(crate) caps: Caps,
    /// Whether it will have message-tags when what it sends now is handled.
    sends_tags: bool,
    /// The channels it is in, by folded name.
    pub(crate) views: BTreeMap<String, View>,
    /// Bytes that it wants to send.
    pub(crate) to_send: Vec<u8>,
    /// Commands whose PONG has not come, the one that is being answered first.
    pub(crate) pending: VecDeque<(u64, Command)>,
    /// Whether the first of them has got its answer.
    pub(crate) answered: bool,
    next_barrier: u64,
    next_message: u64,
    /// Something happened to it that may end its connection.
    pub(crate) excused: bool,
    /// The words of the ERROR it got.
    pub(crate) error: Option<String>,
    /// Barriers heard.
    pub(crate) heard: u64,
}

/// Where bots meet.
pub(crate) const CHANNELS: &[&str] = &["#a", "#B", "#Long-é"];

impl Bot {
    pub(crate) fn new(number: u32, rng: &mut Rng) -> Self {
        let mut bot = Self {
            number,
            stage: Stage::Registering,
            nick: "*".to_owned(),
            caps: Caps::default(),
            sends_tags: false,
            views: BTreeMap::new(),
            to_send: Vec::new(),
            pending: VecDeque::new(),
            answered: false,
            next_barrier: 0,
            next_message: 0,
            excused: false,
            error: None,
            heard: 0,
        };
        let mut caps = vec!["echo-message"];
        for cap in ["multi-prefix", "message-tags", "server-time"] {
            if rng.one_in(2) {
                caps.push(cap);
            }
        }
        bot.sends_tags = caps.contains(&"message-tags");
        rng.shuffle(&mut caps);
        bot.write(&format!("PASS sesame\r\nCAP REQ :{}", caps.join(" ")));
        bot.write(&format!("NICK {}", bot.new_nick(rng)));
        bot.write(&format!("USER u{number} 0 * :bot {number}"));
        bot.ask("CAP END", Command::Register);
        bot
    }

    /// A line to send.
    pub(crate) fn write(&mut self, line: &str) {
        self.to_send.extend(line.as_bytes());
        self.to_send.extend(b"\r\n");
    }

    /// A command, and the PING after it.
    pub(crate) fn ask(&mut self, line: &str, command: Command) {
        self.next_barrier += 1;
        let barrier = self.next_barrier;
        self.write(&format!("{line}\r\nPING :b{barrier}"));
        self.pending.push_back((barrier, command));
    }

    /// Nicks of its own, and now and then one that others want, too.
    pub(crate) fn new_nick(&self, rng: &mut Rng) -> String {
        match rng.below(6) {
            0 => (rng.pick(&["Shared", "shared", "wanted"])).to_owned(),
            n => format!("n{}{}", self.number, ["", "x", "Y", "-z", "_"][n as usize - 1]),
        }
    }

    /// Whether it has been there from start to end and nothing is under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.stage == Stage::Gone || (self.to_send.is_empty() && self.pending.is_empty())
    }

    /// Does something.
    pub(crate) fn act(&mut self, ledger: &mut Ledger, rng: &mut Rng) {
        if self.stage != Stage::Registered || self.pending.len() > 5 {
            return;
        }
        let channel = (rng.pick(CHANNELS)).to_owned();
        let member = self.somebody(&channel, rng);
        match (rng.below(42), member) {
            (0..=3, _) if !self.views.contains_key(&fold(&channel)) => {
                self.ask(&format!("JOIN {channel}"), Command::Join { channel });
            }
            (4, _) => self.ask(&format!("PART {channel} :bye"), Command::Part { channel }),
            (5 | 6, _) => {
                let nick = self.new_nick(rng);
                self.ask(&format!("NICK {nick}"), Command::Nick { nick });
            }
            (7..=19, _) => self.say(channel, ledger, rng),
            (20..=22, Some(nick)) => self.say(nick, ledger, rng),
            (23, Some(nick)) => {
                self.ask(&format!("KICK {channel} {nick} :out"), Command::Kick { channel, nick });
            }
            (24..=27, Some(nick)) => {
                let mode = rng.pick(&["+o", "-o", "+v", "-v"]);
                self.ask(&format!("MODE {channel} {mode} {nick}"), Command::Mode { channel });
            }
            (28 | 29, _) => {
                let modes = rng
                    .pick(&["+m", "-m", "+s-m", "-s", "+n", "+t-i", "-t", "+b q!*@*", "-b q!*@*", "+l 50"]);
                self.ask(&format!("MODE {channel} {modes}"), Command::Mode { channel });
            }
            (30 | 31, _) => self.ask(&format!("NAMES {channel}"), Command::Names { channel }),
            (32, _) => {
                let text = format!("topic {} {}", self.number, self.next_message);
                self.ask(&format!("TOPIC {channel} :{text}"), Command::Topic { channel });
            }
            (33, _) => self.ask(&format!("TOPIC {channel}"), Command::Topic { channel }),
            (34, Some(nick)) => self.ask(&format!("INVITE {nick} {channel}"), Command::Do),
            (35, _) => {
                let text = rng.pick(&[
                    "LIST",
                    "WHO *",
                    "WHO * %ni",
                    "LUSERS",
                    "MOTD",
                    "VERSION",
                    "WHO #a",
                    "ISON x",
                    "TIME",
                ]);
                self.ask(text, Command::Ask { text: text.to_owned() });
            }
            (36, _) => self.ask(rng.pick(&["AWAY", "AWAY :out", "MODE x", "PONG x"]), Command::Do),
            (37, _) => {
                let cap = rng.pick(&["multi-prefix", "message-tags", "server-time"]);
                let sign = rng.pick(&["", "-"]);
                if cap == "message-tags" {
                    self.sends_tags = sign.is_empty();
                }
                self.ask(&format!("CAP REQ :{sign}{cap}"), Command::Ask { text: "CAP".to_owned() });
            }
            (38, _) => self.misbehave(rng),
            (39 | 40, _) => self.operate(rng),
            _ => self.look(channel),
        }
    }

    /// What takes other threads: whoever is no operator is refused, and everything has an answer in the end.
    fn operate(&mut self, rng: &mut Rng) {
        let line = rng.pick(&[
            "OPER root sesame",
            "OPER root sesame",
            "OPER root guess",
            "KLINE 1h nobody@nowhere.example :never seen",
            "DLINE 192.0.2.0/24 :never seen",
            "UNKLINE nobody@nowhere.example",
            "UNDLINE 192.0.2.0/24",
            "REHASH",
        ]);
        self.ask(line, Command::Ask { text: line.to_owned() });
    }

    /// A line that is too long, or not UTF-8.
    fn misbehave(&mut self, rng: &mut Rng) {
        if rng.one_in(4) {
            self.to_send.extend(b"PRIVMSG #a :caf\xe9 ");
            self.ask("", Command::Ask { text: "INVALID_UTF8".to_owned() });
        } else {
            let length = rng.between(600, 30_000) as usize;
            self.ask(&"x".repeat(length), Command::Ask { text: "too long".to_owned() });
        }
    }

    /// More questions at once than the answers to which a slow reader's socket takes; the last has to wait for that.
    pub(crate) fn ask_much(&mut self) {
        if self.stage == Stage::Registered && self.pending.is_empty() {
            let questions = format!("{}WHO *", "MOTD\r\n".repeat(12));
            self.ask(&questions, Command::Ask { text: "MOTD".to_owned() });
        }
    }

    /// Asks for who is in its channels, so that it notices if that is not what it thinks.
    pub(crate) fn confirm(&mut self) {
        let channels: Vec<_> = self.views.keys().cloned().collect();
        for channel in channels {
            self.ask(&format!("NAMES {channel}"), Command::Names { channel });
        }
    }

    /// Asks for what it does not know of a channel: its modes, and who its members are.
    fn look(&mut self, channel: String) {
        let view = self.views.get(&fold(&channel)).filter(|view| view.complete);
        let unknown = view.into_iter().flat_map(|view| view.members.values());
        let unknown: Vec<_> = unknown.filter(|it| !it.known).take(5).map(|it| it.nick.clone()).collect();
        if unknown.is_empty() {
            self.ask(&format!("MODE {channel}"), Command::Mode { channel });
        } else {
            self.ask(
                &format!("USERHOST {}", unknown.join(" ")),
                Command::Ask { text: "USERHOST".to_owned() },
            );
        }
    }

    fn say(&mut self, target: String, ledger: &mut Ledger, rng: &mut Rng) {
        self.next_message += 1;
        let id = (self.number, self.next_message);
        let verb = rng.pick(&["PRIVMSG", "PRIVMSG", "PRIVMSG", "NOTICE", "TAGMSG"]);
        if verb == "TAGMSG" && !self.sends_tags {
            return;
        }
        let tag = format!("{}.{}", id.0, id.1);
        let text = match verb {
            "TAGMSG" => String::new(),
            _ => format!("m {} {} {}", id.0, id.1, "grüße ".repeat(rng.below(20) as usize).trim_end()),
        };
        let tags = if self.sends_tags { format!("@+sim={tag} ") } else { String::new() };
        let sent_tag = if self.sends_tags { &tag } else { "" };
        ledger.sent(id, &target, &text, sent_tag);
        let trailing = if text.is_empty() { String::new() } else { format!(" :{text}") };
        self.ask(&format!("{tags}{verb} {target}{trailing}"), Command::Say { verb, target, id });
    }

    /// Somebody else in that channel.
    fn somebody(&self, channel: &str, rng: &mut Rng) -> Option<String> {
        let view = self.views.get(&fold(channel))?;
        let others: Vec<_> = view.members.values().filter(|it| fold(&it.nick) != fold(&self.nick)).collect();
        (!others.is_empty()).then(|| rng.pick(&others).nick.clone())
    }
}
