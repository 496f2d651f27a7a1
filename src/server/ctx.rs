//! What a command works with: the server, the outbox, and the client it is for.

use std::fmt::{self, Formatter, Write as _};
use std::rc::Rc;

use super::channel::{Channel, Member};
use super::client::{Client, User};
use super::outgoing::{Draft, Forms, MessageId, Source, encode_bare};
use super::slot_set::SlotSet;
use super::{Effect, Event, Server, effort, policy};
use crate::config::Config;
use crate::id::ClientId;
use crate::outbox::{Outbox, Shelf};
use crate::proto::caps::Caps;
use crate::proto::limits::LINE;
use crate::proto::modes::{AUDITORIUM, BOT, OPERATOR};
use crate::proto::numeric::{self, Numeric, Reply};
use crate::proto::text;

/// The server at work for one client. Every line that is sent goes through one of its `tell` functions.
pub(super) struct Ctx<'a> {
    pub(super) server: &'a mut Server,
    pub(super) out: &'a mut Outbox,
    /// The slot of the client it is for.
    pub(super) me: u32,
}

/// Whom a message is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum To {
    /// The members of the channel at `index` but the client, the deaf, and those below the prefix `least`.
    Channel { index: u32, least: u8 },
    /// The one in this slot.
    User(u32),
    /// None but the client, who must not know that.
    Nobody,
}

impl Ctx<'_> {
    /// The client it is for.
    pub(super) fn client(&self) -> &Client {
        self.server.client(self.me).expect("a command runs for a client that is there")
    }

    /// The client it is for, to be changed.
    pub(super) fn client_mut(&mut self) -> &mut Client {
        self.server.client_mut(self.me).expect("a command runs for a client that is there")
    }

    /// The person it is for. Only for commands whose row in the table says [`super::commands::Who::Registered`].
    pub(super) fn user(&self) -> &User {
        self.client().user().expect("dispatch lets only the registered in")
    }

    /// The person it is for, to be changed.
    pub(super) fn user_mut(&mut self) -> &mut User {
        self.client_mut().user_mut().expect("dispatch lets only the registered in")
    }

    /// `nick!user@host` of the person it is for.
    pub(super) fn mask(&self) -> Rc<str> {
        self.user().mask.clone()
    }

    /// The person it is for, as the source of an event that begins now. All that tells of the same event is told with the
    /// same source.
    pub(super) fn source(&mut self) -> Source {
        self.source_of(self.me).expect("dispatch lets only the registered in")
    }

    /// The user in `slot` as the source of an event that begins now.
    pub(super) fn source_of(&mut self, slot: u32) -> Option<Source> {
        let id = self.event_id();
        let user = self.server.user(slot)?;
        let (bot, operator) = (user.modes & BOT != 0, user.modes & OPERATOR != 0);
        Some(Source { mask: user.mask.clone(), account: user.account.clone(), bot, operator, id })
    }

    /// The server as the source of an event that begins now.
    pub(super) fn server_source(&mut self) -> Source {
        let mask = self.server.config.server.name.as_str().into();
        Source { mask, account: None, bot: false, operator: false, id: self.event_id() }
    }

    /// The id of an event that begins now.
    pub(super) fn event_id(&mut self) -> MessageId {
        self.server.events += 1;
        let Server { now, events, run, .. } = &*self.server;
        MessageId { unix_ms: now.unix_ms, number: *events, run: *run }
    }

    /// The configuration in force.
    pub(super) fn config(&self) -> Rc<Config> {
        self.server.config.clone()
    }

    // Look-ups.

    /// The registered user of that nick.
    pub(super) fn find_user(&self, nick: &str) -> Result<u32, Reply> {
        self.server.registered(nick).ok_or_else(|| numeric::err_nosuchnick(nick).into())
    }

    /// The person in `slot`, who was found before in the same command.
    pub(super) fn user_at(&self, slot: u32) -> &User {
        self.server.user(slot).expect("found in this command")
    }

    /// The index of the channel of that name.
    pub(super) fn find_channel(&self, name: &str) -> Result<u32, Reply> {
        self.server.index_of(name).ok_or_else(|| numeric::err_nosuchchannel(name).into())
    }

    /// The same for a channel that the client does something to: one that is hidden from it is not there.
    pub(super) fn find_known(&self, name: &str) -> Result<u32, Reply> {
        let found = self.find_channel(name)?;
        if policy::knows_channel(self, found) {
            Ok(found)
        } else {
            Err(numeric::err_nosuchchannel(name).into())
        }
    }

    /// The channel at `index`, which was found before in the same command.
    pub(super) fn channel(&self, index: u32) -> &Channel {
        self.server.channel(index)
    }

    /// The channel at `index`, to be changed.
    pub(super) fn channel_mut(&mut self, index: u32) -> &mut Channel {
        self.server.channel_mut(index)
    }

    /// The channels that the client is in, by index and serial number, the last first.
    pub(super) fn my_channels(&self) -> Vec<(u32, u64)> {
        let channels = self.user().channels.iter().rev();
        channels.map(|&index| (index, self.channel(index).serial)).collect()
    }

    /// Whether there still is the channel at `index` with that serial number, and the client in it.
    pub(super) fn is_still_in(&self, index: u32, serial: u64) -> bool {
        let channel = self.server.channels.get(index as usize).and_then(Option::as_ref);
        channel.is_some_and(|channel| channel.serial == serial && channel.has(self.me))
    }

    // What is said.

    /// Sends a numeric to the client.
    pub(super) fn reply<F: Fn(&mut Formatter<'_>) -> fmt::Result>(&mut self, numeric: Numeric<F>) {
        self.numeric(numeric.code, &numeric);
    }

    /// Sends a numeric that was kept to the client.
    pub(super) fn refuse(&mut self, reply: &Reply) {
        self.numeric(reply.code, &reply.text);
    }

    fn numeric(&mut self, code: u16, body: &dyn fmt::Display) {
        let server = self.config();
        let nick = self.client().nick().cloned();
        let nick = nick.as_deref().unwrap_or("*");
        self.tell_me(Draft::reply(&server.server.name, code, nick, format_args!("{body}")));
    }

    /// Sends a numeric whose last parameter lists `words`, as often as it takes for each word to be whole. Without words,
    /// nothing.
    pub(super) fn reply_words<F: Fn(&mut Formatter<'_>) -> fmt::Result>(
        &mut self,
        words: &[String],
        numeric: impl Fn(String) -> Numeric<F>,
    ) {
        let room = self.room(&numeric(String::new()));
        for line in text::pack(words, room, |line, word| line.push_str(word)) {
            self.reply(numeric(line));
        }
    }

    /// The same with commas between the words.
    pub(super) fn reply_list<F: Fn(&mut Formatter<'_>) -> fmt::Result>(
        &mut self,
        words: &[String],
        numeric: impl Fn(String) -> Numeric<F>,
    ) {
        let room = self.room(&numeric(String::new()));
        for line in text::pack_with(',', words, room, |line, word| line.push_str(word)) {
            self.reply(numeric(line));
        }
    }

    /// Bytes that the last parameter of a numeric to the client can have, when it is empty in `numeric`.
    pub(super) fn room<F: Fn(&mut Formatter<'_>) -> fmt::Result>(&self, numeric: &Numeric<F>) -> usize {
        let nick = self.client().nick().map_or(1, |nick| nick.len());
        let frame = ":".len() + self.server.config.server.name.len() + " 353 ".len() + nick + " \r\n".len();
        let mut parameters = Length(0);
        // Counting cannot fail.
        let _ = write!(parameters, "{numeric}");
        LINE.saturating_sub(frame + parameters.0)
    }

    /// Sends a command from the server to the client.
    pub(super) fn say(&mut self, body: fmt::Arguments<'_>) {
        let config = self.config();
        self.tell_me(Draft::plain(&config.server.name, body));
    }

    /// Sends a notice from the server to the client, if it is registered.
    pub(super) fn notice(&mut self, text: impl fmt::Display) {
        let source = self.server_source();
        self.notice_as(&source, text);
    }

    /// Sends a notice that is one event with those that others are sent with the same source.
    pub(super) fn notice_as(&mut self, source: &Source, text: impl fmt::Display) {
        let Some(nick) = self.client().user().map(|user| user.nick.clone()) else { return };
        self.tell_me(Draft::event(source, format_args!("NOTICE {nick} :{text}")));
    }

    /// Sends a line that has neither source nor tags to the client.
    pub(super) fn say_bare(&mut self, line: fmt::Arguments<'_>) {
        let span = self.out.encode(Shelf::Own, |arena| encode_bare(arena, line));
        self.out.send(self.me, span);
    }

    /// Sends a standard reply `FAIL` (IRCv3 standard-replies) to the client.
    pub(super) fn fail(&mut self, command: &str, code: &str, description: &str) {
        self.say(format_args!("FAIL {command} {code} :{description}"));
    }

    /// As [`Ctx::fail`], with parameters before the description that say what it is about.
    pub(super) fn fail_about(
        &mut self,
        command: &str,
        code: &str,
        context: fmt::Arguments<'_>,
        description: &str,
    ) {
        self.say(format_args!("FAIL {command} {code} {context} :{description}"));
    }

    /// Sends a draft to the client.
    pub(super) fn tell_me(&mut self, draft: Draft<'_>) {
        self.tell(self.me, draft);
    }

    /// Sends a draft to whoever is in `slot`.
    pub(super) fn tell(&mut self, slot: u32, draft: Draft<'_>) {
        let now = self.server.now.unix_ms;
        Forms::own(draft).send(slot, self.out, &mut self.server.stamp, now);
    }

    /// Sends a message to whoever is in `slot`. One to whoever sent the command that causes it is no part of the response to
    /// that (IRCv3 labeled-response, "Tags").
    pub(super) fn deliver(&mut self, slot: u32, draft: Draft<'_>) {
        let caused = self.server.response.as_ref().is_some_and(|(sender, _)| *sender == slot);
        if caused {
            let now = self.server.now.unix_ms;
            let span = Forms::own(draft).span(self.out.caps(slot), self.out, &mut self.server.stamp, now);
            if let Some(span) = span {
                self.out.send_aside(slot, span);
            }
        } else {
            self.tell(slot, draft);
        }
    }

    /// Sends a draft to the members of a channel, but for `except`.
    pub(super) fn tell_channel(&mut self, index: u32, except: Option<u32>, draft: Draft<'_>) {
        self.tell_members(index, |_, member| Some(member.slot) != except, draft);
    }

    /// Sends a draft to those members of a channel for whom `whom` holds.
    pub(super) fn tell_members(
        &mut self,
        index: u32,
        whom: impl Fn(&Channel, &Member) -> bool,
        draft: Draft<'_>,
    ) {
        let Server { channels, stamp, now, .. } = &mut *self.server;
        let Some(Some(channel)) = channels.get_mut(index as usize) else { return };
        let (channel, members) = channel.all_members();
        let mut forms = Forms::new(draft);
        for member in members.iter().filter(|&member| whom(channel, member)) {
            forms.send(member.slot, self.out, stamp, now.unix_ms);
        }
    }

    /// Sends a message to whom it is for, and then back to the client if it has asked for that (IRCv3 echo-message).
    pub(super) fn send_message(&mut self, to: To, draft: Draft<'_>) {
        let me = self.me;
        let echo = self.client().caps.has(Caps::ECHO_MESSAGE);
        let Server { channels, stamp, now, deaf, .. } = &mut *self.server;
        let mut forms = if matches!(to, To::Channel { .. }) { Forms::new(draft) } else { Forms::own(draft) };
        match to {
            To::Channel { index, least } => {
                let members = channels[index as usize].as_mut().map_or(&[][..], |it| {
                    it.count_message(now.mono_ms);
                    it.all_members().1
                });
                for member in members {
                    if member.slot != me && member.prefixes >= least && !deaf.has(member.slot) {
                        forms.send(member.slot, self.out, stamp, now.unix_ms);
                    }
                }
            }
            // What clients send to themselves is no part of the response to it (IRCv3 labeled-response, "Tags").
            To::User(slot) if slot == me => {
                if let Some(span) = forms.span(self.out.caps(slot), self.out, stamp, now.unix_ms) {
                    self.out.send_aside(slot, span);
                }
            }
            To::User(slot) => forms.send(slot, self.out, stamp, now.unix_ms),
            To::Nobody => {}
        }
        if echo {
            forms.send(me, self.out, stamp, now.unix_ms);
        }
    }

    /// Sends a draft that is about the member in `slot` to the members of a channel who see them, themselves included, but
    /// for `except`.
    pub(super) fn tell_seeing(&mut self, index: u32, slot: u32, except: Option<u32>, draft: Draft<'_>) {
        self.tell_some(index, slot, draft, |sees, member| sees && Some(member.slot) != except);
    }

    /// Sends a draft that is about the member in `slot` to the members of an auditorium who do not see them when
    /// they have no prefix.
    pub(super) fn tell_blind(&mut self, index: u32, slot: u32, draft: Draft<'_>) {
        let Some(about) = self.channel(index).member(slot) else { return };
        let hidden = about.without_rank();
        self.tell_members(index, |channel, &member| !channel.shows(member, hidden), draft);
    }

    /// Sends a draft to the members of a channel who have at least this prefix.
    pub(super) fn tell_ranked(&mut self, index: u32, least: u8, draft: Draft<'_>) {
        self.tell_members(index, |_, member| member.prefixes >= least, draft);
    }

    fn tell_some(&mut self, index: u32, slot: u32, draft: Draft<'_>, to: impl Fn(bool, Member) -> bool) {
        let Some(about) = self.channel(index).member(slot) else { return };
        self.tell_members(index, |channel, &member| to(channel.shows(member, about), member), draft);
    }

    /// Sends a draft to everybody who shares a channel with the client and sees them there, each once, but not to the client.
    pub(super) fn tell_neighbours(&mut self, draft: Draft<'_>) {
        self.tell_around(draft, None);
    }

    /// Tells of a change to the client: everybody who shares a channel with it and has asked for such changes with the
    /// capability `cap`, and of those who watch its nick, who has asked for that as well (IRCv3 extended-monitor).
    pub(super) fn tell_change(&mut self, cap: Caps, draft: Draft<'_>) {
        self.tell_around(draft.needing(cap), Some(Caps::EXTENDED_MONITOR));
    }

    /// Sends a draft to the client's neighbours and, if `watching` is given, to those with these capabilities who watch
    /// its nick. Each gets it once.
    fn tell_around(&mut self, draft: Draft<'_>, watching: Option<Caps>) {
        let me = self.me;
        let Server { channels, clients, watchers, stamp, now, seen, effort, .. } = &mut *self.server;
        let Some(user) = clients[me as usize].as_ref().and_then(|client| client.user()) else { return };
        seen.begin(clients.len());
        seen.first_time(me);
        let mut forms = Forms::new(draft);
        for channel in user.channels.iter().filter_map(|&index| channels[index as usize].as_ref()) {
            // Only in an auditorium there are members who do not see each other.
            let hidden = channel.is(AUDITORIUM).then(|| channel.member(me)).flatten();
            if let (None, Some(set)) = (hidden, channel.members().set()) {
                effort.add(seen.crowd.unite(set) / effort::WORDS + 1);
                continue;
            }
            effort.add(channel.members().len() / effort::LOOKS);
            for &member in channel.members().iter() {
                let sees = hidden.is_none_or(|mine| channel.shows(member, mine));
                if sees && seen.first_time(member.slot) {
                    forms.send(member.slot, self.out, stamp, now.unix_ms);
                }
            }
        }
        let mut crowd = std::mem::take(&mut seen.crowd);
        let mut looks = 0;
        for slot in crowd.iter() {
            looks += 1;
            if seen.first_time(slot) {
                forms.send(slot, self.out, stamp, now.unix_ms);
            }
        }
        effort.add(looks / effort::LOOKS);
        crowd.clear();
        seen.crowd = crowd;
        let Some(caps) = watching else { return };
        for &slot in watchers.of(&user.nick) {
            if self.out.caps(slot).has(caps) && seen.first_time(slot) {
                forms.send(slot, self.out, stamp, now.unix_ms);
            }
        }
    }

    /// Sends a draft to everybody with mode `w`.
    pub(super) fn tell_wallops(&mut self, draft: Draft<'_>) {
        let Server { wallops, stamp, now, .. } = &mut *self.server;
        let mut forms = Forms::new(draft);
        for &slot in wallops.iter() {
            forms.send(slot, self.out, stamp, now.unix_ms);
        }
    }

    /// Sends a draft to everybody who watches a nick.
    pub(super) fn tell_watchers(&mut self, nick: &str, draft: Draft<'_>) {
        let Server { watchers, stamp, now, .. } = &mut *self.server;
        let mut forms = Forms::new(draft);
        for &slot in watchers.of(nick) {
            forms.send(slot, self.out, stamp, now.unix_ms);
        }
    }

    /// Tells the operator: the log, and the server operators who want to know.
    pub(super) fn event(&mut self, event: Event) {
        self.note(&event);
        self.server.effects.push(Effect::Event(event));
    }
}

impl Ctx<'_> {
    /// Tells those who watch that the client has entered the channel at `index`, or leaves it. With nobody watching it is
    /// not even made.
    pub(super) fn passes(&mut self, index: u32, event: fn(ClientId, Rc<str>, Rc<str>) -> Event) {
        if self.server.watched {
            let (nick, channel) = (self.user().nick.clone(), self.channel(index).name.clone());
            self.server.effort.add(effort::EVENT);
            let event = event(self.client().id, nick, channel);
            self.server.effects.push(Effect::Event(event));
        }
    }
}

/// Bytes of what is written to it.
struct Length(usize);

impl fmt::Write for Length {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 += text.len();
        Ok(())
    }
}

/// Which slots have been seen in a walk over several channels. Nothing is cleared between walks.
#[derive(Default)]
pub(super) struct Seen {
    marks: Vec<u32>,
    walk: u32,
    /// Those of large channels, between the beginning of a walk and its end.
    crowd: SlotSet,
}

impl Seen {
    fn begin(&mut self, slots: usize) {
        if self.marks.len() < slots {
            self.marks.resize(slots, 0);
        }
        self.walk = self.walk.wrapping_add(1);
        if self.walk == 0 {
            self.marks.fill(0);
            self.walk = 1;
        }
    }

    /// Gives back what it keeps for more than so many slots.
    pub(super) fn trim(&mut self, slots: usize) {
        self.marks.truncate(slots);
        self.marks.shrink_to_fit();
        self.crowd = SlotSet::default();
    }

    fn first_time(&mut self, slot: u32) -> bool {
        let mark = &mut self.marks[slot as usize];
        let first = *mark != self.walk;
        *mark = self.walk;
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_sees_each_slot_once_even_when_the_count_wraps() {
        let mut seen = Seen { walk: u32::MAX - 1, ..Seen::default() };
        for _ in 0..3 {
            seen.begin(2);
            assert!(seen.first_time(1) && !seen.first_time(1) && seen.first_time(0));
        }
    }

    #[test]
    fn after_a_crowd_the_marks_take_no_more_than_those_who_are_left() {
        let mut seen = Seen::default();
        seen.begin(10_000);
        assert!(seen.first_time(9_999));
        seen.trim(2);
        assert!(seen.marks.capacity() <= 2);
        seen.begin(2);
        assert!(seen.first_time(1));
    }
}
