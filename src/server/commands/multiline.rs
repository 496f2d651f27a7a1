//! Messages of several lines (IRCv3 client-batch, multiline).

use super::super::ctx::Ctx;
use super::super::multiline::{Batch, Lines, Unsent};
use super::super::timers::Kind;
use super::Outcome;
use super::message::{self, Body, Said};
use crate::proto::caps::Caps;
use crate::proto::limits::BATCH_PAUSE_MS;
use crate::proto::message::Message;
use crate::proto::names;
use crate::proto::text::one_word;

/// The one type of batch that clients may begin.
const TYPE: &str = "draft/multiline";
/// Bytes of the reference that a client gives its batch.
const REFERENCE: usize = 64;

/// `BATCH +<reference> <type> <target>`, and `BATCH -<reference>`
pub(super) fn batch(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    let word = m.arg(0);
    if let Some(reference) = word.strip_prefix('-') {
        close(c, reference);
        return Ok(());
    }
    if current(c).is_some_and(|batch| batch.unsent.is_some()) {
        fail(c, "MULTILINE_INVALID", "Another batch was begun before the end of this one");
    }
    let reference = word.strip_prefix('+').unwrap_or(word);
    if word == reference || !is_reference(reference) {
        c.fail("BATCH", &format!("INVALID_REFTAG {}", one_word(reference)), "Not a valid reference");
        begin(c, reference, None);
        return Ok(());
    }
    // The type is part of the capability. One that is left out is unknown as well: the lines of this batch must not become
    // messages of their own.
    let kind = m.get(1).unwrap_or("");
    if kind != TYPE || !c.client().caps.has(Caps::MULTILINE) {
        let code = format!("UNKNOWN_TYPE {reference} {}", one_word(kind));
        c.fail("BATCH", &code, "Not a type of batch that you may send");
        begin(c, reference, None);
        return Ok(());
    }
    let Some(target) = m.get(2).filter(|target| !target.is_empty() && !target.contains(',')) else {
        c.fail("BATCH", "MULTILINE_INVALID", "A multiline batch has one target");
        begin(c, reference, None);
        return Ok(());
    };
    let tags = message::client_tags(c, m).into();
    let unsent = Unsent {
        target: target.into(),
        tags,
        command: None,
        lines: Lines::default(),
        response: c.take_response(),
    };
    begin(c, reference, Some(unsent));
    c.arm(Kind::Batch, c.server.now.mono_ms + BATCH_PAUSE_MS);
    Ok(())
}

fn is_reference(text: &str) -> bool {
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=REFERENCE).contains(&text.len()) && text.bytes().all(is_good)
}

/// Begins a batch, or, without a message, notes that all of one is to be ignored.
fn begin(c: &mut Ctx<'_>, reference: &str, unsent: Option<Unsent>) {
    let used_ms = c.server.now.mono_ms;
    let batch = Batch { reference: reference.into(), unsent, used_ms };
    c.user_mut().extras_mut().batch = Some(Box::new(batch));
}

fn current<'a>(c: &'a mut Ctx<'_>) -> Option<&'a mut Batch> {
    c.user_mut().extras.as_mut()?.batch.as_deref_mut()
}

/// Gives the batch up, if one is open: what was said is forgotten, and the rest ignored.
fn fail(c: &mut Ctx<'_>, code: &str, description: &str) {
    let unsent = current(c).and_then(|batch| batch.unsent.take());
    let response = unsent.and_then(|unsent| unsent.response);
    c.respond_late(response, |c| c.fail("BATCH", code, description));
}

/// Looks at a line before it is run as a command. One that belongs to a batch is taken, and kept or ignored.
pub(super) fn collects(c: &mut Ctx<'_>, m: &Message<'_>, command: &'static str) -> bool {
    let Some(user) = c.client().user() else { return false };
    let batch = user.extras.as_ref().and_then(|extras| extras.batch.as_ref());
    if m.tags.0.is_empty() && batch.is_none() {
        return false;
    }
    let reference = m.tags.get("batch");
    match (reference, batch) {
        (Some(reference), Some(batch)) if *reference == *batch.reference => {
            if batch.unsent.is_some() {
                collect(c, m, command);
            }
            true
        }
        (Some(_), _) if c.client().caps.has(Caps::MULTILINE) => {
            fail(c, "MULTILINE_INVALID", "No such batch was begun");
            true
        }
        (None, Some(batch)) => {
            if batch.unsent.is_some() && !matches!(command, "BATCH" | "PING" | "PONG" | "QUIT") {
                fail(c, "MULTILINE_INVALID", "Something else was sent before the end of the batch");
            }
            false
        }
        _ => false,
    }
}

/// A line was refused before anybody could see whether it is part of the batch that is open, if one is: a message must not
/// go out with a line missing.
pub(super) fn missed(c: &mut Ctx<'_>) {
    let batch = c.client().user().and_then(|user| user.extras.as_ref()?.batch.as_ref());
    if batch.is_some_and(|batch| batch.unsent.is_some()) {
        fail(c, "MULTILINE_INVALID", "A line was refused before the end of the batch");
    }
}

/// Keeps a line of the batch.
fn collect(c: &mut Ctx<'_>, m: &Message<'_>, command: &'static str) {
    let now = c.server.now.mono_ms;
    let (most_bytes, most_lines) = {
        let limits = &c.server.config.limits;
        (limits.multiline_bytes as usize, limits.multiline_lines as usize)
    };
    let Some(batch) = current(c) else { return };
    batch.used_ms = now;
    let Some(unsent) = &mut batch.unsent else { return };
    if !matches!(command, "PRIVMSG" | "NOTICE") || unsent.command.is_some_and(|first| first != command) {
        return fail(c, "MULTILINE_INVALID", "A multiline batch is of PRIVMSG or of NOTICE");
    }
    let target = m.get(0).unwrap_or("");
    if !names::same(target, &unsent.target) {
        let code = format!("MULTILINE_INVALID_TARGET {} {}", one_word(&unsent.target), one_word(target));
        return fail(c, &code, "Invalid multiline target");
    }
    let joined = m.tags.get("draft/multiline-concat").is_some();
    match m.get(1) {
        None => return fail(c, "MULTILINE_INVALID", "A line without text, not even an empty one"),
        Some("") if joined => {
            return fail(c, "MULTILINE_INVALID", "Invalid multiline batch with concatenated blank line");
        }
        Some(text) => {
            unsent.command = Some(command);
            unsent.lines.push(text, joined);
        }
    }
    if unsent.lines.len() > most_lines {
        let code = format!("MULTILINE_MAX_LINES {most_lines}");
        return fail(c, &code, "Multiline batch max-lines exceeded");
    }
    if unsent.lines.bytes() > most_bytes {
        let code = format!("MULTILINE_MAX_BYTES {most_bytes}");
        fail(c, &code, "Multiline batch max-bytes exceeded");
    }
}

/// The last line is there.
fn close(c: &mut Ctx<'_>, reference: &str) {
    let is_it = current(c).is_some_and(|batch| *batch.reference == *reference);
    let Some(batch) = is_it.then(|| c.user_mut().extras_mut().batch.take()).flatten() else {
        return c.fail("BATCH", "MULTILINE_INVALID", "No such batch was begun");
    };
    let Some(unsent) = batch.unsent else { return };
    let Unsent { target, tags, command, lines, response } = unsent;
    c.respond_late(response, |c| match command {
        Some(command) if !lines.is_blank() => {
            let reference = c.batch_reference();
            let body = Body::Lines(&lines, &reference);
            message::deliver(c, &target, &Said { command, tags: &tags, body });
        }
        _ => c.fail("BATCH", "MULTILINE_INVALID", "Invalid multiline batch with blank lines only"),
    });
}

/// The time for the next line may be over.
pub(in super::super) fn check_batch(c: &mut Ctx<'_>) {
    let now = c.server.now.mono_ms;
    let Some(batch) = c.client().user().and_then(|user| user.extras.as_ref()?.batch.as_ref()) else { return };
    let heard = batch.used_ms.max(c.server.resumed_ms.unwrap_or(0));
    let (until, waits) = (heard + BATCH_PAUSE_MS, batch.unsent.is_some());
    if waits && now < until {
        c.arm(Kind::Batch, until);
    } else if waits {
        let code = format!("TIMEOUT {}", batch.reference);
        fail(c, &code, "The batch was left open for too long");
    }
}
