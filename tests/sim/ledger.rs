//! Every message that bots send, and who must get it: the model that deliveries are held against.
//!
//! Who must get a message is what its sender sees when the echo comes: what the server tells one client
//! is in one order, so the members that the sender knows at that point are those at the time of the message.

use std::collections::{BTreeMap, BTreeSet};

/// A message: its sender and its number among the sender's.
pub(crate) type Id = (u32, u64);

/// What is known of a message.
#[derive(Debug, Default)]
struct Message {
    target: String,
    text: String,
    tag: String,
    /// Who must have it: set by the echo. `None` before that.
    obliged: Option<BTreeSet<u32>>,
    /// Whether the sender did not know all who were there.
    open: bool,
    refused: bool,
    got: BTreeSet<u32>,
}

/// All messages since the last [`Ledger::close`].
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    messages: BTreeMap<Id, Message>,
    /// The last message of each sender that each bot got.
    latest: BTreeMap<(u32, u32), u64>,
    /// Checked deliveries, for the report.
    pub(crate) deliveries: u64,
}

impl Ledger {
    pub(crate) fn sent(&mut self, id: Id, target: &str, text: &str, tag: &str) {
        let (target, text, tag) = (target.to_ascii_lowercase(), text.to_owned(), tag.to_owned());
        self.messages.insert(id, Message { target, text, tag, ..Message::default() });
    }

    /// The sender got it back: it was delivered to these. `open` if to others, too, who are unknown.
    pub(crate) fn echoed(&mut self, id: Id, obliged: BTreeSet<u32>, open: bool) -> Result<(), String> {
        let message = self.messages.get_mut(&id).ok_or("an echo of nothing that was said")?;
        if message.refused || message.obliged.replace(obliged).is_some() {
            return Err(format!("{id:?} is echoed twice, or was refused"));
        }
        message.open = open;
        Ok(())
    }

    /// The sender was told that it was not delivered.
    pub(crate) fn refused(&mut self, id: Id) -> Result<(), String> {
        let message = self.messages.get_mut(&id).ok_or("a refusal of nothing that was said")?;
        message.refused = true;
        match &message.obliged {
            None => Ok(()),
            Some(_) => Err(format!("{id:?} is refused and was echoed")),
        }
    }

    /// The sender got it, being its recipient: it comes twice then, and proves nothing.
    pub(crate) fn forget(&mut self, id: Id) {
        self.messages.remove(&id);
    }

    /// The sender heard the end of what its command caused: was it one or the other?
    pub(crate) fn must_be_settled(&self, id: Id) -> Result<(), String> {
        match self.messages.get(&id) {
            Some(message) if message.obliged.is_none() && !message.refused => {
                Err(format!("{id:?} was neither delivered nor refused"))
            }
            _ => Ok(()),
        }
    }

    /// A bot got a message.
    pub(crate) fn received(
        &mut self,
        by: u32,
        id: Id,
        target: &str,
        text: &str,
        tag: Option<&str>,
    ) -> Result<(), String> {
        let message =
            self.messages.get_mut(&id).ok_or_else(|| format!("{id:?} was never said, or long ago"))?;
        if message.refused {
            return Err(format!("{id:?} was refused and arrives"));
        }
        if message.text != text || message.target != target.to_ascii_lowercase() {
            return Err(format!("{id:?} was {:?} to {}", message.text, message.target));
        }
        if tag.is_some_and(|tag| tag != message.tag) {
            return Err(format!("{id:?} had the tag {:?}", message.tag));
        }
        if !message.got.insert(by) {
            return Err(format!("{id:?} arrives twice"));
        }
        let latest = self.latest.entry((id.0, by)).or_default();
        if *latest > id.1 {
            return Err(format!("{id:?} arrives after number {latest} of the same sender"));
        }
        *latest = id.1;
        self.deliveries += 1;
        Ok(())
    }

    /// Everything has been said and heard: each message has reached those it had to reach, and no others.
    /// `alive` are the bots that were there all the time since the message.
    pub(crate) fn close(&mut self, alive: &BTreeSet<u32>) -> Result<(), String> {
        for (id, message) in std::mem::take(&mut self.messages) {
            let Some(obliged) = &message.obliged else {
                if alive.contains(&id.0) && !message.got.is_empty() {
                    return Err(format!("{id:?} reached {:?} without an echo", message.got));
                }
                continue;
            };
            let missing: Vec<_> = (obliged - &message.got).intersection(alive).copied().collect();
            if !missing.is_empty() {
                return Err(format!("{id:?} to {} never reached {missing:?}", message.target));
            }
            let extra = &message.got - obliged;
            if !message.open && !extra.is_empty() {
                return Err(format!("{id:?} to {} reached {extra:?}, who were not there", message.target));
            }
        }
        Ok(())
    }
}
