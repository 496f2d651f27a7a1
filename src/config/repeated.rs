//! The one table of repeated sections: lists of entries, one `[[section]]` of the file for each, and their keys.
//! As [`super::SETTINGS`] for the settings that stand once; the same tests hold it against the sample and the manual.

use std::net::Ipv6Addr;
use std::ops::RangeInclusive;

use super::field::Field;
use super::print::Show;
use super::settings::ranges;
use super::{
    Ban, Class, Config, Endpoint, Exempt, Filter, Listen, Oper, OperClass, Privileges, Reserve, Webirc, check,
};
use crate::proto::limits::{
    CLASSES, CONFIG_BANS, FILTERS, LISTENERS, OPER_CLASSES, OPERS, RESERVES, WEBIRC_GATEWAYS,
};
use crate::proto::network::Network;

/// A section that may be given many times.
pub struct Repeated {
    /// The section, such as `listen`.
    pub name: &'static str,
    /// What may stand in each.
    pub keys: &'static [Key],
    /// How many there may be.
    pub most: usize,
    /// What each is for: one of them, and many.
    pub(super) thing: (&'static str, &'static str),
    /// What is wrong with an empty list, and what to do; `None` when nothing is.
    pub(super) empty: Option<(&'static str, &'static str)>,
    pub(super) clear: fn(&mut Config),
    pub(super) push: fn(&mut Config),
    len: fn(&Config) -> usize,
    same: fn(&Config, &Config) -> bool,
}

/// A setting that stands in each entry of a repeated section.
pub struct Key {
    /// Section and key, such as `listen.address`.
    pub name: &'static str,
    /// An example of its value, as TOML, when it must be given.
    pub needed: Option<&'static str>,
    /// The key that may be given in its place, and not beside it.
    pub instead: Option<&'static str>,
    /// Whether no two entries may have the same.
    pub unique: bool,
    /// Whether nobody but the operator may know it.
    pub secret: bool,
    /// For numbers: the least and the greatest value, and the unit; the unit may be empty.
    pub range: Option<(RangeInclusive<u32>, &'static str)>,
    /// Reads it into the entry of that number.
    pub(super) read: fn(&mut Field<'_>, &mut Config, usize),
    show: fn(&Config, usize) -> Option<String>,
}

impl Repeated {
    /// How many there are.
    pub fn len(&self, config: &Config) -> usize {
        (self.len)(config)
    }

    /// Whether both have the same entries in the same order.
    pub fn same(&self, a: &Config, b: &Config) -> bool {
        (self.same)(a, b)
    }
}

impl Key {
    /// The part of the name after the dot.
    pub fn key(&self) -> &'static str {
        self.name.split_once('.').map_or("", |(_, key)| key)
    }

    /// Its value in the entry of that number as TOML; `None` when it is not set, or there is no such entry.
    pub fn show(&self, config: &Config, entry: usize) -> Option<String> {
        (self.show)(config, entry)
    }

    const fn must_be_given(mut self, example: &'static str) -> Self {
        self.needed = Some(example);
        self
    }

    const fn or(mut self, other: &'static str) -> Self {
        self.instead = Some(other);
        self
    }

    const fn once_at_most(mut self) -> Self {
        self.unique = true;
        self
    }

    const fn kept_secret(mut self) -> Self {
        self.secret = true;
        self
    }
}

macro_rules! repeated {
    ($section:ident, $most:expr, ($one:literal, $many:literal), $blank:expr, $keys:expr) => {
        Repeated {
            name: stringify!($section),
            keys: $keys,
            most: $most,
            thing: ($one, $many),
            empty: None,
            clear: |config| config.$section.clear(),
            push: |config| config.$section.push($blank),
            len: |config| config.$section.len(),
            same: |a, b| a.$section == b.$section,
        }
    };
}

macro_rules! key {
    ($section:ident.$key:ident, $read:expr) => {
        Key {
            name: concat!(stringify!($section), ".", stringify!($key)),
            needed: None,
            instead: None,
            unique: false,
            secret: false,
            range: None,
            read: |field, config, entry| {
                if let (Some(value), Some(entry)) = ($read(field), config.$section.get_mut(entry)) {
                    entry.$key = value.into();
                }
            },
            show: |config, entry| config.$section.get(entry).and_then(|entry| entry.$key.show()),
        }
    };
}

macro_rules! number {
    ($section:ident.$key:ident, $range:expr, $unit:literal) => {
        Key {
            range: Some(($range, $unit)),
            ..key!($section.$key, |field: &mut Field<'_>| field.number(&$range, $unit))
        }
    };
}

/// Every repeated section, in the order of the sample file.
pub const REPEATED: &[Repeated] = &[
    Repeated {
        empty: Some((
            "`listen` is empty, so nobody could connect",
            "delete it to listen on the loopback addresses",
        )),
        ..repeated!(listen, LISTENERS, ("address", "addresses to listen on"), no_listen(), LISTEN)
    },
    repeated!(class, CLASSES, ("class", "connection classes"), Class::default(), CLASS),
    repeated!(webirc, WEBIRC_GATEWAYS, ("gateway", "gateways"), Webirc::default(), WEBIRC),
    repeated!(oper_class, OPER_CLASSES, ("class", "classes of operators"), OperClass::default(), OPER_CLASS),
    repeated!(oper, OPERS, ("operator", "operators"), Oper::default(), OPER),
    repeated!(reserve, RESERVES, ("reason", "sections of reserved names"), Reserve::default(), RESERVE),
    repeated!(filter, FILTERS, ("pattern", "filters"), Filter::default(), FILTER),
    repeated!(ban, CONFIG_BANS, ("mask", "bans"), no_ban(), BAN),
];

const LISTEN: &[Key] = &[
    Key {
        show: |config, entry| of_listen(config, entry, |it| it.address().map(Endpoint::Address)),
        ..key!(listen.address, check::listen_address)
    }
    .must_be_given("\"127.0.0.1:6667\"")
    .or("socket"),
    Key {
        name: "listen.socket",
        read: |field, config, entry| {
            if let (Some(name), Some(entry)) = (check::name(field), config.listen.get_mut(entry)) {
                entry.address = Endpoint::Inherited(name);
            }
        },
        show: |config, entry| of_listen(config, entry, |it| it.socket().map(str::to_owned)),
        ..key!(listen.address, check::listen_address)
    },
];

const CLASS: &[Key] = &[
    key!(class.name, check::class_name).must_be_given("\"bots\"").once_at_most(),
    key!(class.networks, check::networks),
    key!(class.listeners, check::endpoints),
    key!(class.password, check::password).kept_secret().or("password_file"),
    key!(class.password_file, check::secret_file),
    number!(class.connections, ranges::CONNECTIONS, ""),
    number!(class.connections_per_address, ranges::CONNECTIONS, ""),
    number!(class.send_queue, ranges::SEND_QUEUE, "bytes"),
    number!(class.flood_burst, ranges::FLOOD_BURST, "commands"),
    number!(class.flood_rate, ranges::FLOOD_RATE, "commands a second"),
    number!(class.ping_interval, ranges::PING_INTERVAL, "seconds"),
    number!(class.ping_timeout, ranges::PING_TIMEOUT, "seconds"),
    key!(class.exempt, Field::flags::<Exempt>),
];

const WEBIRC: &[Key] = &[
    key!(webirc.name, check::name).must_be_given("\"webchat\"").once_at_most(),
    key!(webirc.password, check::gateway_password)
        .must_be_given("\"correct-horse-battery\"")
        .kept_secret()
        .or("password_file"),
    key!(webirc.password_file, check::secret_file),
    key!(webirc.networks, check::some_networks).must_be_given("[\"192.0.2.7\"]"),
];

const OPER_CLASS: &[Key] = &[
    key!(oper_class.name, check::name).must_be_given("\"helper\"").once_at_most(),
    key!(oper_class.title, check::one_line),
    key!(oper_class.privileges, Field::flags::<Privileges>).must_be_given("[\"kill\", \"ban\"]"),
];

const OPER: &[Key] = &[
    key!(oper.name, check::name).must_be_given("\"alice\"").once_at_most(),
    key!(oper.password, check::hash).must_be_given("\"$argon2id$...\"").kept_secret().or("password_file"),
    key!(oper.password_file, check::secret_file),
    key!(oper.class, check::name).must_be_given("\"helper\""),
    key!(oper.masks, check::host_masks),
    key!(oper.tls, Field::switch),
];

const RESERVE: &[Key] = &[
    key!(reserve.nicks, check::nick_masks),
    key!(reserve.channels, check::channel_masks),
    key!(reserve.reason, check::reason),
];

const FILTER: &[Key] = &[
    key!(filter.name, check::name).must_be_given("\"spam\"").once_at_most(),
    key!(filter.pattern, check::pattern).must_be_given("'free coins'"),
    key!(filter.on, check::events),
    key!(filter.action, check::action),
    key!(filter.reason, check::reason),
];

const BAN: &[Key] = &[
    key!(ban.mask, check::ban_mask).must_be_given("\"*@192.0.2.7\"").once_at_most(),
    key!(ban.reason, check::reason),
];

/// A listener before its address is read.
fn no_listen() -> Listen {
    Listen { address: (Ipv6Addr::UNSPECIFIED, 0).into(), optional: false }
}

/// What is in place of the address of a `[[listen]]`, if it is of the kind that is asked for.
fn of_listen<T: Show>(config: &Config, entry: usize, kind: fn(&Endpoint) -> Option<T>) -> Option<String> {
    config.listen.get(entry).and_then(|listen| kind(&listen.address)?.show())
}

/// A ban before its mask is read: of nobody, as no host is the unspecified address.
fn no_ban() -> Ban {
    let nobody = Network::of_one(Ipv6Addr::UNSPECIFIED.into());
    Ban { mask: nobody.into(), reason: "No reason given".to_owned() }
}
