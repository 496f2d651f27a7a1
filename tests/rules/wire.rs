//! From the lines on the wire to those that the model speaks of, and what must hold of any line whatever the model says.
//!
//! A line has many forms, which depend on what its receiver negotiated. Here each form is checked and taken back to the
//! plain one, so that the model has to know who hears of what, and no more.

use std::collections::{BTreeMap, BTreeSet};

use crate::truth::Truth;
use crate::witness::{Parts, Witness};
use crate::world::{SERVER, address};

/// What there is of the answer to a command with a label.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    label: String,
    begun: bool,
    batch: Option<String>,
}

/// A text that was said once, and who may have heard it.
#[derive(Debug, Default)]
pub(crate) struct Secret {
    pub(crate) word: String,
    pub(crate) for_whom: BTreeSet<usize>,
}

/// The readers of all connections.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    pub(crate) witnesses: Vec<Witness>,
    /// Every message id there was, and the event that it belongs to.
    ids: BTreeMap<String, String>,
    answer: Option<(usize, Answer)>,
    /// For each user the batch that a message of several lines is, and its id until its first line has come.
    multiline: BTreeMap<usize, (String, Option<String>)>,
    /// The ids of what the command that runs has told so far.
    told: BTreeMap<String, String>,
    /// What is being said by the command that runs. Nothing said before may ever come again.
    pub(crate) secret: Option<Secret>,
}

fn ensure(holds: bool, fault: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(fault()) }
}

impl Wire {
    /// A command is sent, with a label or without.
    pub(crate) fn begin(&mut self, user: usize, label: Option<&str>) {
        self.told.clear();
        self.answer = label.map(|label| (user, Answer { label: label.to_owned(), ..Answer::default() }));
    }

    /// Everything that the command causes has been heard.
    pub(crate) fn end(&mut self) -> Result<(), String> {
        let complete = self.answer.take().is_none_or(|(_, it)| it.begun && it.batch.is_none());
        ensure(complete && self.multiline.is_empty(), || "an answer or a batch is not complete".to_owned())
    }

    /// Takes a line that a user is sent, and gives its plain form, if it has one.
    pub(crate) fn hear(&mut self, truth: &Truth, user: usize, line: &str) -> Result<Option<String>, String> {
        // A line that changes the capabilities has the form of those before it.
        let [times, tags] = ["server-time", "message-tags"].map(|cap| self.witnesses[user].has(cap));
        self.witnesses[user].hear(line)?;
        self.keep_secrets(truth, user, line)?;
        let parts = Parts::of(line);
        let closed = parts.param(0).strip_prefix('-').filter(|_| parts.command == "BATCH");
        let batch = closed.or(parts.tag("batch"));
        let within = batch.is_some_and(|batch| self.multiline.get(&user).is_some_and(|(it, _)| it == batch));
        let time = times && !parts.source.is_empty() && !within;
        ensure(parts.tag("time").is_some() == time, || format!("time is missing, or not wanted: {line}"))?;
        if self.is_frame(user, &parts)? {
            return Ok(None);
        }
        let plain = plain(truth, &parts)?;
        let of_batch = self.multiline.get_mut(&user).filter(|_| within).and_then(|(_, id)| id.take());
        if let Some(id) = of_batch.as_deref().or(parts.tag("msgid")) {
            // A notice to all operators names each of them.
            let notice = parts.source == SERVER && parts.command == "NOTICE";
            let plain = if notice { parts.param(1).to_owned() } else { plain.clone() };
            let event = self.ids.entry(id.to_owned()).or_insert_with(|| plain.clone());
            ensure(*event == plain, || format!("the id of {event} is also that of {plain}"))?;
            let before = self.told.entry(plain.clone()).or_insert_with(|| id.to_owned());
            ensure(before == id, || format!("{plain} has the ids {before} and {id}"))?;
        } else {
            // Of the lines of one message, the first has it.
            let due = tags && parts.source.contains('!');
            ensure(!due || within || parts.command == "PRIVMSG", || format!("no id: {line}"))?;
        }
        Ok(Some(plain).filter(|plain| !plain.ends_with(" :") || !within))
    }

    /// Nobody is sent the address of somebody who hides it, nor what was not said to them.
    fn keep_secrets(&self, truth: &Truth, user: usize, line: &str) -> Result<(), String> {
        let hides = |other: usize| other != user && truth.users[other].hides && !truth.has(user, "see-all");
        for other in (0..truth.users.len()).filter(|&other| hides(other)) {
            ensure(!line.contains(&address(other)), || format!("shows where user {other} is: {line}"))?;
        }
        for (at, _) in line.match_indices("Zq") {
            let word: String = line[at..].chars().take_while(char::is_ascii_alphanumeric).collect();
            let secret = self.secret.as_ref().filter(|secret| secret.word == word);
            let meant = secret.is_some_and(|secret| secret.for_whom.contains(&user));
            ensure(meant, || format!("it was not said to them, or long ago: {line}"))?;
        }
        Ok(())
    }

    /// Whether a line only begins or ends something, or says that there is nothing to say.
    fn is_frame(&mut self, user: usize, it: &Parts<'_>) -> Result<bool, String> {
        let answered = self.answer.as_mut().filter(|(number, _)| *number == user).map(|(_, answer)| answer);
        let reference = it.param(0).get(1..).unwrap_or_default();
        let opens = it.command == "BATCH" && it.param(0).starts_with('+');
        let closes = it.command == "BATCH" && it.param(0).starts_with('-');
        match (answered, it.tag("label")) {
            (None, None) => {}
            (None, Some(_)) => return Err(format!("a label that is not theirs: {}", it.bare)),
            (Some(answer), Some(label)) => {
                ensure(!answer.begun && label == answer.label, || format!("the label {label} once more"))?;
                answer.begun = true;
                if it.command == "ACK" {
                    return Ok(true);
                }
                if opens && it.param(1) == "labeled-response" {
                    answer.batch = Some(reference.to_owned());
                    return Ok(true);
                }
            }
            (Some(answer), None) => {
                if closes && answer.batch.as_deref() == Some(reference) {
                    answer.batch = None;
                    return Ok(true);
                }
                let inside = it.tag("batch").is_some() || closes;
                // What users say to themselves, what only operators are told, and the end are no answers.
                let aside =
                    matches!(it.command, "PRIVMSG" | "NOTICE" | "TAGMSG" | "INVITE" | "ERROR" | "BATCH")
                        || matches!(it.command, "730" | "731" | "WALLOPS");
                ensure(inside || aside, || format!("no part of the answer: {}", it.bare))?;
            }
        }
        if opens {
            ensure(it.param(1) == "draft/multiline", || format!("an odd batch: {}", it.bare))?;
            let id = it.tag("msgid").map(str::to_owned);
            let before = self.multiline.insert(user, (reference.to_owned(), id));
            ensure(before.is_none(), || "a batch within a batch".to_owned())?;
        } else if closes {
            let begun = self.multiline.remove(&user);
            ensure(begun.is_some_and(|(begun, _)| begun == reference), || {
                "the end of another batch".to_owned()
            })?;
        }
        Ok(opens || closes)
    }
}

/// The plain form: of a numeric neither source nor receiver, and no trailing text but where it matters.
fn plain(truth: &Truth, it: &Parts<'_>) -> Result<String, String> {
    if it.command == "JOIN" && it.params.len() == 3 {
        let nick = it.source.split('!').next().unwrap_or_default();
        let user = truth.by_nick(nick).ok_or("a JOIN of nobody")?;
        let told = (it.param(1), it.param(2));
        ensure(told == ("*", &*truth.users[user].realname), || format!("{told:?} is not who joins"))?;
        return Ok(format!(":{} JOIN {}", it.source, it.param(0)));
    }
    if it.command == "FAIL" {
        return Ok(it.bare.split_once(" :").map_or(it.bare, |(head, _)| head).to_owned());
    }
    if it.source != SERVER || !it.command.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(it.bare.to_owned());
    }
    if it.command == "353" {
        return names(truth, it);
    }
    let mut words = it.bare.splitn(4, ' ').skip(1);
    let (command, receiver) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let rest = words.next().unwrap_or_default();
    // 710 and 718 are told to all in one line, or have what matters in front.
    let kept = match command {
        "302" | "319" | "322" | "332" | "340" | "352" | "354" | "396" | "730" | "731" | "732" => rest,
        _ if rest.starts_with(':') => "",
        _ => rest.split_once(" :").map_or(rest, |(middle, _)| middle),
    };
    Ok(match command {
        "710" => format!("710 {receiver} {kept}"),
        _ if kept.is_empty() => command.to_owned(),
        _ => format!("{command} {kept}"),
    })
}

/// A list of members with the nicks alone, sorted.
fn names(truth: &Truth, it: &Parts<'_>) -> Result<String, String> {
    let mut names = BTreeSet::new();
    for name in it.param(3).split(' ') {
        let name = match name.split_once('!') {
            None => name.to_owned(),
            Some((name, rest)) => {
                let nick = name.trim_start_matches(['~', '&', '@', '%', '+']);
                let user = truth.by_nick(nick).ok_or_else(|| format!("{nick} is nobody"))?;
                let mask = truth.mask(user);
                ensure(mask == format!("{nick}!{rest}"), || format!("{nick}!{rest} is {mask}"))?;
                name.to_owned()
            }
        };
        ensure(names.insert(name.clone()), || format!("{name} is listed twice"))?;
    }
    let names: Vec<_> = names.into_iter().collect();
    Ok(format!("353 {} {} :{}", it.param(1), it.param(2), names.join(" ")))
}
