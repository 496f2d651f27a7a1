//! Connection classes: what holds for whom.

use std::rc::Rc;

use super::Peer;
use crate::config::{self, Config, Exempt};

/// What holds for the clients of a class, those of the configuration filled up with what holds for everybody.
pub(super) struct Class {
    pub(super) name: Rc<str>,
    /// Clients in it now.
    pub(super) members: u32,
    /// How many there may be; `None` if there is no bound but that of all classes together.
    pub(super) connections: Option<u32>,
    /// How many connections there may be from the network of one that comes into it.
    pub(super) connections_per_address: u32,
    /// In bytes.
    pub(super) send_queue: u32,
    /// In commands.
    pub(super) flood_burst: u32,
    /// In commands a second; 0 is no limit.
    pub(super) flood_rate: u32,
    pub(super) ping_interval_ms: u64,
    pub(super) ping_timeout_ms: u64,
    pub(super) exempt: Exempt,
}

/// Every class: those of the configuration in their order, then that of everybody else.
pub(super) struct Classes(Vec<Class>);

impl Class {
    fn new(class: &config::Class, config: &Config) -> Self {
        let (limits, timeouts) = (&config.limits, &config.timeouts);
        let ms = |own: Option<u32>, general: u32| u64::from(own.unwrap_or(general)) * 1000;
        Self {
            name: class.name.as_str().into(),
            members: 0,
            connections: class.connections,
            connections_per_address: class.connections_per_address.unwrap_or(limits.connections_per_address),
            send_queue: class.send_queue.unwrap_or(limits.send_queue),
            flood_burst: class.flood_burst.unwrap_or(limits.flood_burst),
            flood_rate: class.flood_rate.unwrap_or(limits.flood_rate),
            ping_interval_ms: ms(class.ping_interval, timeouts.ping_interval),
            ping_timeout_ms: ms(class.ping_timeout, timeouts.ping_timeout),
            exempt: class.exempt,
        }
    }
}

impl Classes {
    /// Without members.
    pub(super) fn new(config: &Config) -> Self {
        let others = config::Class { name: config::Class::DEFAULT.to_owned(), ..config::Class::default() };
        let classes = config.class.iter().chain([&others]);
        Self(classes.map(|class| Class::new(class, config)).collect())
    }

    pub(super) fn at(&self, index: usize) -> &Class {
        &self.0[index]
    }

    pub(super) fn at_mut(&mut self, index: usize) -> &mut Class {
        &mut self.0[index]
    }

    /// The class of that name.
    pub(super) fn named(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|class| &*class.name == name)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Class> {
        self.0.iter()
    }
}

/// The classes that a client who comes from there may be in, in the order of the file: it is in the first, but for
/// passwords that it does not give. The last of them asks for none.
pub(super) fn open_to<'a>(config: &'a Config, peer: &'a Peer) -> impl Iterator<Item = usize> + 'a {
    let fits = |class: &config::Class| {
        let here = class.networks.is_empty() || class.networks.iter().any(|it| it.contains(peer.address));
        here && (class.listeners.is_empty() || class.listeners.contains(&peer.listener))
    };
    let mut found = false;
    (0..=config.class.len()).filter(move |&index| config.class.get(index).is_none_or(fits)).take_while(
        move |&index| {
            let before = found;
            found = password(config, index).is_none();
            !before
        },
    )
}

/// The class of a client who comes from there and has given this password.
pub(super) fn choose(config: &Config, peer: &Peer, given: Option<&str>) -> usize {
    let accepts = |&index: &usize| {
        let asked = password(config, index);
        asked.is_none_or(|asked| given.is_some_and(|given| same_secret(given, asked)))
    };
    open_to(config, peer).find(accepts).unwrap_or(config.class.len())
}

/// What the clients of a class must give.
pub(super) fn password(config: &Config, index: usize) -> Option<&str> {
    config.class.get(index)?.password.as_deref()
}

/// Compares without telling by its duration where the two differ.
pub(super) fn same_secret(given: &str, expected: &str) -> bool {
    let (given, expected) = (given.as_bytes(), expected.as_bytes());
    let differs = expected.iter().enumerate().fold(given.len() ^ expected.len(), |differs, (index, byte)| {
        differs | usize::from(given.get(index).copied().unwrap_or(0) ^ byte)
    });
    differs == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_equal_only_if_every_byte_is() {
        assert!(same_secret("sesame", "sesame") && same_secret("", ""));
        for other in ["", "sesam", "sesame ", "Sesame", "sesamf"] {
            assert!(!same_secret(other, "sesame"), "{other}");
        }
    }

    #[test]
    fn the_first_class_that_fits_is_the_clients() {
        let class = |name: &str, network: &str, listener: &str, password: Option<&str>| config::Class {
            name: name.to_owned(),
            networks: network.split(' ').filter_map(|it| it.parse().ok()).collect(),
            listeners: listener.parse().into_iter().collect(),
            password: password.map(str::to_owned),
            ..config::Class::default()
        };
        let config = Config {
            class: vec![
                class("trusted", "", "", Some("sesame")),
                class("port", "", "192.0.2.1:7000", None),
                class("office", "192.0.2.0/24 2001:db8::/32", "", None),
                class("inner", "192.0.2.7", "", None),
            ],
            ..Config::default()
        };
        let classes = Classes::new(&config);
        let chosen = |address: &str, listener: &str, given| {
            let peer = Peer {
                address: address.parse().unwrap(),
                port: 1,
                listener: Rc::new(listener.parse().unwrap()),
            };
            let index = choose(&config, &peer, given);
            assert!(open_to(&config, &peer).any(|it| it == index));
            assert_eq!(password(&config, open_to(&config, &peer).last().unwrap()), None);
            classes.at(index).name.to_string()
        };
        for (address, listener, given, name) in [
            ("192.0.2.7", "192.0.2.1:6667", None, "office"),
            ("192.0.2.7", "192.0.2.1:6667", Some("wrong"), "office"),
            ("192.0.2.7", "192.0.2.1:6667", Some("sesame"), "trusted"),
            ("192.0.2.7", "192.0.2.1:7000", None, "port"),
            ("2001:db8::9", "192.0.2.1:6667", None, "office"),
            ("203.0.113.1", "192.0.2.1:7000", None, "port"),
            ("203.0.113.1", "192.0.2.1:6667", None, "default"),
            ("203.0.113.1", "192.0.2.1:6667", Some("sesame"), "trusted"),
        ] {
            assert_eq!(chosen(address, listener, given), name, "{address} {listener} {given:?}");
        }
    }

    #[test]
    fn what_a_class_does_not_say_is_what_holds_for_all() {
        let mut config = Config::default();
        config.class.push(config::Class {
            name: "slow".to_owned(),
            flood_rate: Some(1),
            ping_timeout: Some(7),
            ..config::Class::default()
        });
        let classes = Classes::new(&config);
        let (slow, others) = (classes.at(0), classes.at(1));
        assert_eq!((slow.flood_rate, slow.ping_timeout_ms), (1, 7_000));
        assert_eq!((slow.send_queue, slow.flood_burst), (others.send_queue, others.flood_burst));
        assert_eq!((others.flood_rate, others.ping_timeout_ms), (4, 60_000));
        assert_eq!((classes.named("default"), classes.named("slow")), (Some(1), Some(0)));
        assert_eq!(classes.named("other"), None);
    }
}
