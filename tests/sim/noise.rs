//! A client that keeps to no rule: garbage, half lines, and every command with any parameters.

use chatd::proto::caps;
use chatd::proto::limits::INPUT_LINE;
use chatd::proto::modes;
use chatd::server::COMMANDS;

use crate::bot::CHANNELS;
use crate::rng::Rng;

/// A client without a model.
pub(crate) struct Noise {
    pub(crate) number: u32,
    /// Bytes that it wants to send.
    pub(crate) to_send: Vec<u8>,
    /// Says nothing more, not even PONG.
    mute: bool,
}

impl Noise {
    pub(crate) fn new(number: u32, rng: &mut Rng) -> Self {
        let mut noise = Self { number, to_send: Vec::new(), mute: rng.one_in(4) };
        // Most of them register, as only then much can happen.
        if !rng.one_in(4) {
            let nick = if rng.one_in(3) { "shared".to_owned() } else { format!("x{number}") };
            let password = if rng.one_in(6) { "wrong" } else { "sesame" };
            noise.write(&format!("PASS {password}\nNICK {nick}\nUSER x{number} 0 * :noise"));
        }
        noise
    }

    fn write(&mut self, line: &str) {
        self.to_send.extend(line.as_bytes());
        self.to_send.push(b'\n');
    }

    /// Something to send.
    pub(crate) fn act(&mut self, rng: &mut Rng) {
        if self.mute || self.to_send.len() > 20_000 {
            return;
        }
        match rng.below(16) {
            0 => self.to_send.extend((0..rng.below(600)).map(|_| rng.next() as u8).collect::<Vec<_>>()),
            1 => {
                let length = rng.between(400, 2 * INPUT_LINE as u64) as usize;
                let byte = rng.pick(b"xxA@: ,#\xe9");
                self.to_send.extend(std::iter::repeat_n(byte, length));
                if rng.one_in(2) {
                    self.to_send.push(b'\n');
                }
            }
            2 => self.write(
                rng.pick(&["", "\r", " ", ":", "@", "@a", "@a ", ":a ", "\0", "PRIVMSG", "\r\r", "é"]),
            ),
            3 if rng.one_in(3) => {
                let text = "lorem ipsum ".repeat(rng.between(1, 40) as usize);
                let line = format!("PRIVMSG {} :{text}", rng.pick(CHANNELS));
                (0..rng.between(1, 60)).for_each(|_| self.write(&line));
            }
            // Much to read for little that is sent.
            4 if rng.one_in(4) => (0..rng.between(1, 300)).for_each(|_| self.write("VERSION")),
            // Every mode there is, where no bot has a model of it.
            5 => self.write("JOIN #noise"),
            7 if rng.one_in(3) => self.write("OPER root guess"),
            6 => {
                let line = mode_line(rng);
                self.write(&line);
            }
            7 => {
                let cap = caps::TABLE[rng.below(caps::TABLE.len() as u64) as usize].name;
                self.write(&format!("CAP REQ :{}{cap}", rng.pick(&["", "", "-"])));
            }
            _ => {
                let line = command(rng);
                self.write(&line);
            }
        }
    }
}

/// Changes of any modes of a channel, with parameters that may suit them.
fn mode_line(rng: &mut Rng) -> String {
    let mut line = String::from("MODE #noise ");
    for _ in 0..rng.between(1, 8) {
        line.push_str(rng.pick(&["+", "-", ""]));
        line.push(modes::CHANNEL[rng.below(modes::CHANNEL.len() as u64) as usize].letter);
    }
    for _ in 0..rng.below(6) {
        line.push(' ');
        let own =
            ["x1", "x2", "x3", "5", "2:5", "#other", "$m:x1", "$~a", "$j:#a", "*!*@*", "sesame", "x?!*@*"];
        line.push_str(rng.pick(&own));
    }
    line
}

/// A line of a known command, with parameters that may suit it.
fn command(rng: &mut Rng) -> String {
    let mut line = String::new();
    if rng.one_in(8) {
        line.push_str(rng.pick(&[
            "@label=1 ",
            "@label=2;+a ",
            "@batch=1 ",
            "@+a=1 ",
            "@b;+c=\\s;+d ",
            "@+sim=1.1 ",
            ":x ",
            "@time=now ",
        ]));
    }
    let name = COMMANDS[rng.below(COMMANDS.len() as u64) as usize].name;
    // QUIT ends the fun.
    let name = if name == "QUIT" && !rng.one_in(8) { "MODE" } else { name };
    line.push_str(&if rng.one_in(10) { name.to_ascii_lowercase() } else { name.to_owned() });
    for _ in 0..rng.below(5) {
        line.push(' ');
        line.push_str(&parameter(rng));
    }
    if rng.one_in(3) {
        line.push_str(" :");
        line.push_str(&parameter(rng));
    }
    // A channel in which there may be any mode must not become one of which bots have a model.
    if name == "RENAME" { line.replace("#noise", "#a") } else { line }
}

fn parameter(rng: &mut Rng) -> String {
    match rng.below(12) {
        0..=2 => (rng.pick(CHANNELS)).to_owned(),
        3 => (rng.pick(&["#noise", "#noise", "#other", "@#noise"])).to_owned(),
        4 => format!("n{}", rng.below(40)),
        5 => (rng.pick(&["shared", "wanted", "x1", "x2", "x3", "*"])).to_owned(),
        6 | 7 => (rng.pick(&[
            "+o", "-o+v", "+imnst", "-imnst", "+k", "-k", "+l", "+b", "-b", "b", "+bbb-o", "+iw", "X",
        ]))
        .to_owned(),
        8 => (rng.pick(&[
            "q!*@*", "*!*@10.*", "a,b,c", "#a,#B,#c", "x1,n1,#a", "302", "LS", "REQ", "END", "0", "-1",
        ]))
        .to_owned(),
        9 => rng.below(100).to_string(),
        10 => "long".repeat(rng.below(120) as usize),
        _ => (rng.pick(&[
            "",
            "é€😀",
            "two words",
            ":",
            "message-tags -server-time",
            "echo-message",
            "\u{1}X\u{1}",
        ]))
        .to_owned(),
    }
}
