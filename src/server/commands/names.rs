//! JOIN and NAMES of several channels, one after the other, however many members they have.

use std::collections::VecDeque;
use std::rc::Rc;

use super::super::channel::Member;
use super::super::client::User;
use super::super::ctx::Ctx;
use super::super::members::Members;
use super::super::policy;
use super::super::work::Work;
use super::channel::{enter, leave_all};
use super::{Outcome, must_name, names_nothing, targets, too_many};
use crate::proto::caps::Caps;
use crate::proto::limits::{LINE, RENAME_AT_ONCE, SLICE_ITEMS, SLICE_WORK};
use crate::proto::message::Message;
use crate::proto::modes;
use crate::proto::numeric;

/// Members that one step looks at.
const STEP: usize = 16;

/// A JOIN or NAMES that is not finished.
pub(in super::super) struct NamesWork {
    /// Whether the channels are entered.
    join: bool,
    /// The channel whose members are being listed.
    listing: Option<Listing>,
    /// The channels after it, with the keys that were given.
    rest: VecDeque<(String, Option<String>)>,
    /// The first channel beyond the limit of targets.
    beyond: Option<String>,
}

/// A list of members that is not finished.
struct Listing {
    name: Rc<str>,
    index: u32,
    serial: u64,
    /// The first slot that was not looked at.
    next: u32,
    /// Names that were not sent yet.
    line: String,
}

/// `JOIN <channel>[,...] [<key>[,...]]`, or `JOIN 0`, which leaves all channels
pub(super) fn join(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    if m.arg(0) == "0" {
        leave_all(c);
        return Ok(());
    }
    must_name("JOIN", m.arg(0))?;
    let (channels, beyond) = targets(c, m.arg(0));
    let keys = m.get(1).unwrap_or("").split(',').map(Some).chain(std::iter::repeat(None));
    let keys = keys.map(|key| key.filter(|key| !key.is_empty()).map(str::to_owned));
    let rest = channels.into_iter().map(str::to_owned).zip(keys).collect();
    work(c, NamesWork { join: true, listing: None, rest, beyond: beyond.map(str::to_owned) });
    Ok(())
}

/// `NAMES <channel>[,...]`
pub(super) fn names(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    let Some(list) = m.get(0).filter(|list| !names_nothing(list)) else {
        c.reply(numeric::rpl_endofnames("*"));
        return Ok(());
    };
    let (channels, beyond) = targets(c, list);
    let rest = channels.into_iter().map(|name| (name.to_owned(), None)).collect();
    work(c, NamesWork { join: false, listing: None, rest, beyond: beyond.map(str::to_owned) });
    Ok(())
}

/// The list of members that follows a JOIN, for a client that did not ask for it now: at once, or in slices if there are
/// many and no other long reply is under way. Nothing for a client that asks for it itself (IRCv3 no-implicit-names).
pub(super) fn show_names(c: &mut Ctx<'_>, index: u32) {
    if c.client().caps.has(Caps::NO_IMPLICIT_NAMES) {
        return;
    }
    let listing = Listing::new(c, index);
    let mut work = NamesWork { join: false, listing: Some(listing), rest: VecDeque::new(), beyond: None };
    if c.channel(index).members().len() > RENAME_AT_ONCE && !c.client().is_waiting() {
        c.wait(Box::new(Work::Names(work)));
    } else {
        while names_step(c, &mut work) {}
    }
}

/// Does at once what is short. From the first channel with many members on, it goes on in slices; when what it takes is
/// enough for now, in later turns. What it enters later is decided later, as though each channel had been asked for in a
/// command of its own.
fn work(c: &mut Ctx<'_>, mut work: NamesWork) {
    let is_long = |c: &Ctx<'_>, listing: &Listing| {
        listing.members(c).is_some_and(|members| members.len() > SLICE_ITEMS)
    };
    let end = c.work_done() + SLICE_WORK;
    while !work.listing.as_ref().is_some_and(|listing| is_long(c, listing)) {
        if !names_step(c, &mut work) {
            return;
        }
        if c.work_done() >= end {
            return c.wait(Box::new(Work::Names(work)));
        }
    }
    c.begin(Work::Names(work));
}

/// The next members, or the next channel; false after the last.
pub(in super::super) fn names_step(c: &mut Ctx<'_>, work: &mut NamesWork) -> bool {
    if let Some(listing) = &mut work.listing {
        if !listing.step(c) {
            work.listing = None;
        }
        return true;
    }
    let Some((name, key)) = work.rest.pop_front() else {
        too_many(c, work.beyond.as_deref());
        return false;
    };
    let found = if work.join {
        enter(c, &name, key.as_deref()).unwrap_or_else(|reply| {
            c.refuse(&reply);
            None
        })
    } else {
        let found = c.find_channel(&name).ok();
        let seen = found.filter(|&index| policy::lists_channel(c.server, c.me, c.channel(index)));
        if seen.is_none() {
            c.reply(numeric::rpl_endofnames(name));
        }
        seen
    };
    let shown = !work.join || !c.client().caps.has(Caps::NO_IMPLICIT_NAMES);
    work.listing = found.filter(|_| shown).map(|index| Listing::new(c, index));
    true
}

impl Listing {
    fn new(c: &Ctx<'_>, index: u32) -> Self {
        let channel = c.channel(index);
        Self { name: channel.name.clone(), index, serial: channel.serial, next: 0, line: String::new() }
    }

    /// The members, while the channel is the one that was asked about and is there for the client.
    fn members<'a>(&self, c: &'a Ctx<'_>) -> Option<&'a Members> {
        let channel = c.server.channels.get(self.index as usize)?.as_ref()?;
        (channel.serial == self.serial && policy::lists_channel(c.server, c.me, channel))
            .then(|| channel.members())
    }

    /// Adds the next members to the line, and sends it when it is full (353); false after the last (366).
    fn step(&mut self, c: &mut Ctx<'_>) -> bool {
        let Some(members) = self.members(c).map(Members::listed) else { return self.end(c) };
        let from = members.partition_point(|member| member.slot < self.next);
        let some = from..members.len().min(from + STEP);
        let Some(last) = members[some.clone()].last() else { return self.end(c) };
        self.next = last.slot + 1;
        let channel = c.channel(self.index);
        self.name = channel.name.clone();
        self.line.reserve(LINE);
        // Asked once: a search for each member would cost as much as the names. Whoever is inside sees those whose coming
        // and going they are told of, as clients keep one list from both.
        let (inside, caps) = (channel.member(c.me), c.client().caps);
        for &member in &members[some] {
            let sees = match inside {
                _ if !member.is_here() => false,
                Some(inside) => channel.shows(inside, member),
                None => policy::sees_member(c.server, c.me, channel, member.slot),
            };
            if sees {
                self.add(caps, member, c.user_at(member.slot));
            }
        }
        self.send_full(c);
        true
    }

    /// Adds one member as 353 shows them.
    fn add(&mut self, caps: Caps, member: Member, user: &User) {
        if !self.line.is_empty() {
            self.line.push(' ');
        }
        if member.prefixes != 0 {
            self.line.extend(modes::symbols(member.prefixes, caps.has(Caps::MULTI_PREFIX)));
        }
        self.line.push_str(if caps.has(Caps::USERHOST_IN_NAMES) { &user.mask } else { &user.nick });
    }

    /// Sends as many names as fit into a line, as long as there are more than that.
    fn send_full(&mut self, c: &mut Ctx<'_>) {
        let symbol = c.channel(self.index).symbol();
        let room = c.room(&numeric::rpl_namreply(symbol, &self.name, ""));
        while self.line.len() > room {
            let is_space = |&byte: &u8| byte == b' ';
            let (fitting, more) = self.line.as_bytes().split_at(room + 1);
            let end = fitting.iter().rposition(is_space);
            // A name that does not even fit alone is sent alone.
            let Some(end) = end.or_else(|| Some(room + 1 + more.iter().position(is_space)?)) else { return };
            c.reply(numeric::rpl_namreply(symbol, &self.name, &self.line[..end]));
            self.line.drain(..=end);
        }
    }

    fn end(&mut self, c: &mut Ctx<'_>) -> bool {
        if !self.line.is_empty() {
            let channel = c.server.channels.get(self.index as usize).and_then(Option::as_ref);
            let symbol = channel.map_or('=', |channel| channel.symbol());
            let line = std::mem::take(&mut self.line);
            c.reply(numeric::rpl_namreply(symbol, &self.name, line));
        }
        c.reply(numeric::rpl_endofnames(&self.name));
        false
    }
}
