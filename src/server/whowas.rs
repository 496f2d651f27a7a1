//! Who has been here lately: those who left, and the nicks that people gave up.

use std::collections::VecDeque;
use std::net::IpAddr;

use super::Keyed;
use super::client::Client;
use super::name_table::NameTable;
use crate::proto::names;

/// Entries whose texts are in one piece of memory, and are forgotten together. Each for itself would lie among what the crowd leaves
/// behind with which they came, and keep the pages of it.
const BLOCK: u64 = 64;

/// Somebody as they were when they gave up a nick.
#[derive(Clone, Copy)]
pub(super) struct Past<'a> {
    pub(super) nick: &'a str,
    pub(super) user: &'a str,
    pub(super) host: &'a str,
    pub(super) real_host: &'a str,
    pub(super) realname: &'a str,
    pub(super) address: IpAddr,
    pub(super) until_unix_ms: u64,
}

impl<'a> Past<'a> {
    /// A client as it is now; `None` before 001.
    pub(super) fn of(client: &'a Client, now_unix_ms: u64) -> Option<Self> {
        let user = client.user()?;
        Some(Self {
            nick: &user.nick,
            user: user.user_name(),
            host: user.host(),
            real_host: &client.real_host,
            realname: &user.realname,
            address: client.peer.address,
            until_unix_ms: now_unix_ms,
        })
    }
}

/// The latest of them. Each has a number that is never used again, so that a search can go on where it stopped.
pub(super) struct Whowas {
    /// Entries by number, [`BLOCK`] in each. The first one also has some that are forgotten.
    blocks: VecDeque<Block>,
    /// The number of the oldest.
    first: u64,
    /// The number of the next.
    next: u64,
    /// The number of the latest of each nick, its lower half.
    latest: NameTable,
}

#[derive(Default)]
struct Block {
    /// What entries say, one after the other.
    text: String,
    entries: Vec<Entry>,
}

struct Entry {
    /// Where nick, user name, hosts and real name end in the text; each begins where the one before ends.
    ends: [u32; 5],
    address: IpAddr,
    until_unix_ms: u64,
    /// The number of the last one before that has the same nick.
    before: Option<u64>,
}

impl Block {
    fn push(&mut self, past: &Past<'_>, before: Option<u64>) {
        let ends = [past.nick, past.user, past.host, past.real_host, past.realname].map(|part| {
            self.text.push_str(part);
            self.text.len() as u32
        });
        let Past { address, until_unix_ms, .. } = *past;
        self.entries.push(Entry { ends, address, until_unix_ms, before });
    }

    fn get(&self, index: usize) -> Option<(Past<'_>, Option<u64>)> {
        let Entry { ends, address, until_unix_ms, before } = *self.entries.get(index)?;
        let mut from = index.checked_sub(1).map_or(0, |index| self.entries[index].ends[4]);
        let [nick, user, host, real_host, realname] =
            ends.map(|end| &self.text[std::mem::replace(&mut from, end) as usize..end as usize]);
        Some((Past { nick, user, host, real_host, realname, address, until_unix_ms }, before))
    }
}

impl Whowas {
    /// Knows of nobody.
    pub(super) fn new(keyed: Keyed) -> Self {
        Self { blocks: VecDeque::new(), first: 0, next: 0, latest: NameTable::new(keyed) }
    }

    /// Remembers somebody, and forgets the oldest beyond `most`.
    pub(super) fn push(&mut self, past: &Past<'_>, most: usize) {
        let before = self.latest(past.nick);
        if let Some(before) = before {
            self.latest.remove(past.nick, before as u32);
        }
        self.latest.insert(past.nick, self.next as u32);
        if self.next.is_multiple_of(BLOCK) {
            self.blocks.push_back(Block::default());
        }
        self.blocks.back_mut().expect("the block of the last one").push(past, before);
        self.next += 1;
        self.trim(most);
    }

    /// Forgets the oldest beyond `most`.
    pub(super) fn trim(&mut self, most: usize) {
        while self.next - self.first > most as u64
            && let Some((oldest, _)) = find(&self.blocks, self.first, self.first)
        {
            // There if it is the only one of its nick.
            self.latest.remove(oldest.nick, self.first as u32);
            self.first += 1;
            if self.first.is_multiple_of(BLOCK) {
                self.blocks.pop_front();
            }
        }
    }

    /// The latest entry of that nick, or the one before that of a `number` that this has returned, and its number.
    pub(super) fn before(&self, nick: &str, number: Option<u64>) -> Option<(u64, Past<'_>)> {
        let found = match number {
            None => self.latest(nick),
            Some(number) => self.get(number).and_then(|(_, before)| before),
        }?;
        Some((found, self.get(found)?.0))
    }

    fn latest(&self, nick: &str) -> Option<u64> {
        // There are fewer entries than the half of a number counts.
        let whole = |half: u32| self.first + u64::from(half.wrapping_sub(self.first as u32));
        let is = |half| self.get(whole(half)).is_some_and(|(past, _)| names::same(past.nick, nick));
        self.latest.find(nick, is).map(whole)
    }

    fn get(&self, number: u64) -> Option<(Past<'_>, Option<u64>)> {
        if number < self.first { None } else { find(&self.blocks, self.first, number) }
    }

    /// Checks that entries and numbers agree.
    ///
    /// # Panics
    /// When they do not.
    pub(super) fn check(&self) {
        let count = self.next - self.first;
        assert!(self.latest.len() as u64 <= count && (count == 0) == (self.latest.len() == 0));
        // The oldest and the latest stand for all: an entry changes only when it is one of them.
        for number in [self.first, self.next.saturating_sub(1)] {
            let Some((past, _)) = self.get(number) else { continue };
            let mut at = self.latest(past.nick);
            while at != Some(number) {
                at = self.get(at.expect("it is among those of its nick")).and_then(|(_, before)| before);
            }
        }
    }
}

/// An entry by its number, and the number before it. `first` is a number of the first block.
fn find(blocks: &VecDeque<Block>, first: u64, number: u64) -> Option<(Past<'_>, Option<u64>)> {
    let block = blocks.get((number / BLOCK - first / BLOCK) as usize)?;
    block.get((number % BLOCK) as usize)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn past(nick: &str, until_unix_ms: u64) -> Past<'_> {
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        Past { nick, user: "~u", host: "h", real_host: "r", realname: "Real Name", address, until_unix_ms }
    }

    fn found(whowas: &Whowas, nick: &str) -> Vec<u64> {
        let mut next = whowas.before(nick, None);
        let mut times = Vec::new();
        while let Some((number, past)) = next {
            assert_eq!((past.user, past.host, past.real_host, past.realname), ("~u", "h", "r", "Real Name"));
            assert!(names::same(past.nick, nick));
            times.push(past.until_unix_ms);
            next = whowas.before(nick, Some(number));
        }
        times
    }

    #[test]
    fn the_latest_are_found_first_and_the_oldest_forgotten() {
        let mut whowas = Whowas::new(Keyed([1, 2]));
        for (nick, time) in [("a", 1), ("b", 2), ("A", 3), ("a", 4)] {
            whowas.push(&past(nick, time), 3);
            whowas.check();
        }
        assert_eq!(found(&whowas, "a"), [4, 3]);
        assert_eq!(found(&whowas, "B"), [2]);
        whowas.trim(1);
        whowas.check();
        assert_eq!(found(&whowas, "a"), [4]);
        assert!(found(&whowas, "b").is_empty());
        whowas.push(&past("c", 5), 0);
        whowas.check();
        assert!(found(&whowas, "a").is_empty() && found(&whowas, "c").is_empty());
        whowas.push(&past("c", 6), 2);
        assert_eq!(found(&whowas, "c"), [6]);
    }

    #[test]
    fn so_many_are_remembered_and_what_the_others_said_is_given_back() {
        let mut whowas = Whowas::new(Keyed([1, 2]));
        let nicks: Vec<_> = (0..7).map(|n| format!("nick{n}")).collect();
        for time in 0..1_000 {
            whowas.push(&past(&nicks[time % 7], time as u64), 100);
            whowas.check();
            assert!(whowas.blocks.len() as u64 <= 100 / BLOCK + 2);
        }
        for (n, nick) in nicks.iter().enumerate() {
            let expected: Vec<u64> = (900..1_000).filter(|time| *time as usize % 7 == n).rev().collect();
            assert_eq!(found(&whowas, nick), expected);
        }
    }
}
