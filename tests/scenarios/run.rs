//! Runs a scenario on a subject.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;

use crate::pattern::Pattern;
use crate::script::{Action, HERE, Script, Step};
use crate::subject::Subject;
use crate::text::escaped;

/// What the runner knows of a client.
struct Client {
    name: String,
    /// Lines received and not yet expected.
    queue: VecDeque<Vec<u8>>,
    /// Whether `...` stands before the next pattern.
    skip: bool,
    closed: bool,
    /// Whether the file said that it is closed, or closed it.
    closed_expected: bool,
}

struct Runner<'a> {
    subject: &'a mut dyn Subject,
    clients: Vec<Client>,
    /// What each message id was given to.
    ids: BTreeMap<String, String>,
    /// What is wrong with a message id.
    fault: Option<String>,
    /// The conversation, as it went.
    log: Vec<String>,
}

/// Runs the file. The error says where it went wrong, what was expected and what came, and how it came to that.
pub(crate) fn run(file: &str, script: &Script, subject: &mut dyn Subject) -> Result<(), String> {
    let mut runner =
        Runner { subject, clients: Vec::new(), ids: BTreeMap::new(), fault: None, log: Vec::new() };
    let mut at = None;
    let mut result = Ok(());
    for step in &script.steps {
        at = Some(step);
        result = runner.step(step);
        if result.is_err() {
            break;
        }
    }
    if result.is_ok() {
        result = runner.all_expected().map_err(|error| format!("at the end of the file: {error}"));
    }
    result.map_err(|error| {
        let (line, text) = at.map_or((0, ""), |step| (step.line, step.text.trim_end()));
        let log = runner.log.join("\n    ");
        format!("{file}:{line}: {text}\n  {error}\n  the conversation so far:\n    {log}")
    })
}

impl Runner<'_> {
    fn step(&mut self, step: &Step) -> Result<(), String> {
        match &step.action {
            Action::Expect { who, pattern } => return self.expect(who, pattern),
            Action::Skip { who } => {
                let client = self.find(who)?;
                self.clients[client].skip = true;
                return Ok(());
            }
            Action::Closed { who } => {
                let client = self.find(who)?;
                let client = &mut self.clients[client];
                client.closed_expected = true;
                return if client.closed { Ok(()) } else { Err(format!("{who} is still connected")) };
            }
            _ => {}
        }
        self.all_expected()?;
        self.log.push(step.text.trim_end().to_owned());
        let first = self.act(&step.action)?;
        let logged = self.log.len();
        self.settle(first);
        if let Action::Register { who, .. } = &step.action {
            let client = self.find(who)?;
            if !self.clients[client].queue.iter().any(|line| numeric(line) == Some("001")) {
                return Err(format!("{who} got no 001"));
            }
            self.clients[client].queue.clear();
            // Everybody knows what it looks like.
            let prefix = format!("{who}< ");
            let greeting = self.log.split_off(logged).into_iter();
            self.log.extend(greeting.filter(|line| !line.starts_with(&prefix)));
        }
        Ok(())
    }

    /// Does what a step says and returns the client who did it.
    fn act(&mut self, action: &Action) -> Result<Option<usize>, String> {
        match action {
            Action::Connect { who, from } => return self.connect(who, *from).map(Some),
            Action::Register { who, caps } => {
                let there = self.find(who).ok().filter(|&client| !self.clients[client].closed);
                let client = there.map_or_else(|| self.connect(who, HERE), Ok)?;
                let caps =
                    if caps.is_empty() { String::new() } else { format!("CAP REQ :{caps}\r\nCAP END\r\n") };
                let lines = format!("{caps}NICK {who}\r\nUSER {who} 0 * :{who}\r\n");
                self.subject.send(client, lines.as_bytes());
                return Ok(Some(client));
            }
            Action::Send { who, bytes } => {
                let client = self.find(who)?;
                self.subject.send(client, bytes);
                return Ok(Some(client));
            }
            Action::Close { who } => {
                let client = self.find(who)?;
                self.clients[client].closed_expected = true;
                self.subject.close(client);
            }
            Action::Kick { nick, channel, reason } => self.subject.kick(nick, channel.as_deref(), reason),
            Action::Announce { text } => self.subject.announce(text),
            Action::Lockdown { on } => self.subject.lockdown(*on),
            Action::Shutdown { reason } => self.subject.shutdown(reason),
            Action::Advance { ms } => self.subject.advance(*ms),
            Action::Reload { config } => self.subject.reload(config),
            Action::RefuseJobs => self.subject.refuse_jobs(),
            Action::Expect { .. } | Action::Skip { .. } | Action::Closed { .. } => {}
        }
        Ok(None)
    }

    fn connect(&mut self, who: &str, from: IpAddr) -> Result<usize, String> {
        // A name is free again once its connection was closed.
        if let Some(old) = self.clients.iter_mut().find(|client| client.name == who) {
            if !(old.closed && old.closed_expected) {
                return Err(format!("{who} is connected already"));
            }
            old.name = format!("{who} (before)");
        }
        self.subject.connect(from);
        self.clients.push(Client {
            name: who.to_owned(),
            queue: VecDeque::new(),
            skip: false,
            closed: false,
            closed_expected: false,
        });
        Ok(self.clients.len() - 1)
    }

    fn settle(&mut self, first: Option<usize>) {
        let all = self.subject.settle(first);
        self.fault = self.check_ids(all.iter().map(|news| &news.lines[..])).err().or(self.fault.take());
        for (client, news) in self.clients.iter_mut().zip(all) {
            for line in news.lines {
                self.log.push(format!("{}< {}", client.name, escaped(&line)));
                client.queue.push_back(line);
            }
            if news.closed && !client.closed {
                self.log.push(format!("{} is closed", client.name));
            }
            client.closed = news.closed;
        }
    }

    /// An id is one message's, and a message has one id, whoever receives it (IRCv3 message-ids).
    fn check_ids<'a>(&mut self, received: impl Iterator<Item = &'a [Vec<u8>]>) -> Result<(), String> {
        let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for lines in received {
            let mut own: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            for (id, message) in lines.iter().filter_map(|line| identified(line)) {
                let first = self.ids.entry(id.clone()).or_insert_with(|| message.clone());
                if *first != message {
                    return Err(format!("{id} is the id of {first} and of {message}"));
                }
                own.entry(message).or_default().insert(id);
            }
            for (message, ids) in own {
                let others = known.entry(message.clone()).or_insert_with(|| ids.clone());
                if !ids.is_subset(others) && !others.is_subset(&ids) {
                    return Err(format!("{message} has the ids {ids:?} and {others:?}"));
                }
                others.extend(ids);
            }
        }
        Ok(())
    }

    fn expect(&mut self, who: &str, pattern: &Pattern) -> Result<(), String> {
        let client = self.find(who)?;
        let client = &mut self.clients[client];
        let skip = std::mem::take(&mut client.skip);
        let mut skipped = Vec::new();
        while let Some(line) = client.queue.pop_front() {
            if pattern.matches(&line) {
                return Ok(());
            }
            if !skip {
                return Err(format!("{who} received {}", escaped(&line)));
            }
            skipped.push(escaped(&line));
        }
        if skipped.is_empty() {
            return Err(format!("{who} received nothing more"));
        }
        Err(format!("{who} received only\n    {}", skipped.join("\n    ")))
    }

    /// Nobody has anything that no line of the file expected.
    fn all_expected(&mut self) -> Result<(), String> {
        if let Some(fault) = self.fault.take() {
            return Err(format!("before that, {fault}"));
        }
        for client in &mut self.clients {
            if std::mem::take(&mut client.skip) {
                client.queue.clear();
            }
            if let Some(line) = client.queue.front() {
                return Err(format!("before that, {} received {}", client.name, escaped(line)));
            }
            if client.closed && !client.closed_expected {
                return Err(format!("before that, {} was closed", client.name));
            }
        }
        Ok(())
    }

    fn find(&self, who: &str) -> Result<usize, String> {
        let found = self.clients.iter().position(|client| client.name == who);
        found.ok_or_else(|| format!("{who} has not connected"))
    }
}

/// The id of a line, and by what the message is known: source, command and first parameter. Several lines in one message
/// have their id on the batch or on the first of them, so those are left out.
fn identified(line: &[u8]) -> Option<(String, String)> {
    let (tags, message) = std::str::from_utf8(line).ok()?.strip_prefix('@')?.split_once(' ')?;
    let id = tags.split(';').find_map(|tag| tag.strip_prefix("msgid="))?;
    let words: Vec<&str> = message.split(' ').take(3).collect();
    (words.get(1) != Some(&"BATCH")).then(|| (id.to_owned(), words.join(" ")))
}

/// The numeric of a line without tags, if it has one.
fn numeric(line: &[u8]) -> Option<&str> {
    std::str::from_utf8(line).ok()?.split(' ').find(|word| word.len() == 3 && word.parse::<u16>().is_ok())
}
