//! Who has been here lately: those who left, and the nicks that people gave up.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::rc::Rc;

use super::Keyed;
use super::client::Client;
use crate::proto::names::{fold, folded};

/// Somebody as they were when they gave up a nick.
pub(super) struct Past {
    pub(super) nick: Rc<str>,
    pub(super) user: String,
    pub(super) host: String,
    pub(super) real_host: String,
    pub(super) address: IpAddr,
    pub(super) realname: String,
    pub(super) until_unix_ms: u64,
}

impl Past {
    /// A client as it is now; `None` before 001.
    pub(super) fn of(client: &Client, now_unix_ms: u64) -> Option<Self> {
        let user = client.user()?;
        Some(Self {
            nick: user.nick.clone(),
            user: user.user_name().to_owned(),
            host: user.host().to_owned(),
            real_host: client.real_host.to_string(),
            address: client.peer.address,
            realname: user.realname.to_string(),
            until_unix_ms: now_unix_ms,
        })
    }
}

/// The latest of them. Each has a number that is never used again, so that a search can go on where it stopped.
pub(super) struct Whowas {
    /// Oldest first.
    entries: VecDeque<Past>,
    /// The number of the oldest.
    first: u64,
    /// The numbers of each folded nick, oldest first. Never iterated.
    by_nick: HashMap<Box<str>, VecDeque<u64>, Keyed>,
}

impl Whowas {
    /// Knows of nobody.
    pub(super) fn new(keyed: Keyed) -> Self {
        Self { entries: VecDeque::new(), first: 0, by_nick: HashMap::with_hasher(keyed) }
    }

    /// Remembers somebody, and forgets the oldest beyond `most`.
    pub(super) fn push(&mut self, past: Past, most: usize) {
        let number = self.first + self.entries.len() as u64;
        self.by_nick.entry(fold(&past.nick).into()).or_default().push_back(number);
        self.entries.push_back(past);
        self.trim(most);
    }

    /// Forgets the oldest beyond `most`.
    pub(super) fn trim(&mut self, most: usize) {
        while self.entries.len() > most
            && let Some(oldest) = self.entries.pop_front()
        {
            self.first += 1;
            let nick = fold(&oldest.nick);
            if let Some(numbers) = self.by_nick.get_mut(nick.as_str()) {
                // The oldest of all is the oldest of its nick.
                numbers.pop_front();
                if numbers.is_empty() {
                    self.by_nick.remove(nick.as_str());
                }
            }
        }
    }

    /// The latest entry of that nick whose number is below `number`, and its number.
    pub(super) fn before(&self, nick: &str, number: u64) -> Option<(u64, &Past)> {
        let numbers = self.by_nick.get(&*folded(nick))?;
        let found = *numbers.get(numbers.partition_point(|&other| other < number).checked_sub(1)?)?;
        Some((found, self.entries.get((found - self.first) as usize)?))
    }

    /// Checks that entries and numbers agree.
    ///
    /// # Panics
    /// When they do not.
    pub(super) fn check(&self) {
        let numbered: usize = self.by_nick.values().map(VecDeque::len).sum();
        assert_eq!(numbered, self.entries.len(), "each entry has one number");
        // The oldest and the latest stand for all: an entry changes only when it is one of them.
        for number in [self.first, (self.first + self.entries.len() as u64).saturating_sub(1)] {
            let Some(past) = number.checked_sub(self.first).and_then(|at| self.entries.get(at as usize))
            else {
                continue;
            };
            let numbers = &self.by_nick[fold(&past.nick).as_str()];
            assert!(numbers.binary_search(&number).is_ok(), "{} was here", past.nick);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn past(nick: &str, until_unix_ms: u64) -> Past {
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let (user, host, realname) = (String::new(), String::new(), String::new());
        Past { nick: nick.into(), user, real_host: host.clone(), host, address, realname, until_unix_ms }
    }

    fn found(whowas: &Whowas, nick: &str) -> Vec<u64> {
        let mut next = whowas.before(nick, u64::MAX);
        let mut times = Vec::new();
        while let Some((number, past)) = next {
            times.push(past.until_unix_ms);
            next = whowas.before(nick, number);
        }
        times
    }

    #[test]
    fn the_latest_are_found_first_and_the_oldest_forgotten() {
        let mut whowas = Whowas::new(Keyed([1, 2]));
        for (nick, time) in [("a", 1), ("b", 2), ("A", 3), ("a", 4)] {
            whowas.push(past(nick, time), 3);
            whowas.check();
        }
        assert_eq!(found(&whowas, "a"), [4, 3]);
        assert_eq!(found(&whowas, "B"), [2]);
        whowas.trim(1);
        whowas.check();
        assert_eq!(found(&whowas, "a"), [4]);
        assert!(found(&whowas, "b").is_empty());
        whowas.push(past("c", 5), 0);
        whowas.check();
        assert!(found(&whowas, "a").is_empty() && found(&whowas, "c").is_empty());
    }
}
