//! What few users have: kept in a box of its own, so that the others do not pay for it.

use std::collections::VecDeque;
use std::rc::Rc;

use super::Server;
use super::client::Invitation;
use super::monitor::Watched;
use super::multiline::Batch;
use super::operator::Operator;
use super::targets::Targets;
use crate::id::ClientId;

/// What is kept of a user beside what is kept of all.
#[derive(Default)]
pub(super) struct Extras {
    /// What they may do as a server operator; there with mode `o`, and only then.
    pub(super) operator: Option<Operator>,
    pub(super) invitations: VecDeque<Invitation>,
    /// Whose coming and going they are told of (MONITOR).
    pub(super) watched: Watched,
    /// Who may write to them in spite of mode `g`, at most `limits.accept_entries`.
    pub(super) accepted: Vec<Accepted>,
    /// Masks of those whose messages they do not get, at most `limits.silence_entries`.
    pub(super) silenced: Vec<Box<str>>,
    /// When they were last told that mode `g` kept somebody away, in monotonic milliseconds.
    pub(super) informed_ms: Option<u64>,
    /// When somebody was last kept away who may have been told that they were told, in monotonic milliseconds. Unlike the
    /// other, it counts whom they have silenced, so that nobody finds out who that is.
    pub(super) seemed_informed_ms: Option<u64>,
    /// Serial numbers of the channels they have knocked at, and when, in monotonic milliseconds.
    pub(super) knocks: Vec<(u64, u64)>,
    pub(super) targets: Option<Box<Targets>>,
    pub(super) batch: Option<Box<Batch>>,
}

/// An entry of an ACCEPT list: somebody, as long as they stay and keep their nick.
pub(super) struct Accepted {
    id: ClientId,
    /// How often they had changed their nick by then.
    renames: u32,
    nick: Rc<str>,
}

impl Accepted {
    /// The one in `slot`.
    pub(super) fn new(server: &Server, slot: u32) -> Option<Self> {
        let client = server.client(slot)?;
        let user = client.user()?;
        Some(Self { id: client.id, renames: user.renames, nick: user.nick.clone() })
    }

    /// The nick.
    pub(super) fn nick(&self) -> &str {
        &self.nick
    }

    /// Whether it means the one in `slot`.
    pub(super) fn means(&self, server: &Server, slot: u32) -> bool {
        slot == self.id.slot && self.is_current(server)
    }

    /// Whether the person is still there and has kept that nick.
    pub(super) fn is_current(&self, server: &Server) -> bool {
        let client = server.client(self.id.slot).filter(|client| client.id == self.id);
        client.and_then(|client| client.user()).is_some_and(|user| user.renames == self.renames)
    }
}
