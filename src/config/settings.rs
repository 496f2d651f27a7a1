//! The one table of settings: each row knows its key, how it is read, checked and printed, and whether a
//! reload applies it. Parser, printer, reload report, sample file and manual page are held against it.

use std::ops::RangeInclusive;

use super::field::Field;
use super::print::{self, Show};
use super::repeated::REPEATED;
use super::{Config, check};
use crate::proto::limits::{CHANNEL, LINE, MOTD, MOTD_LINE, MOTD_LINES, NICK, SLICE_ITEMS, SLICE_LOW_WATER};
use crate::proto::names::HOST_LENGTH;

/// A setting that stands once in its section.
pub struct Setting {
    /// Section and key, such as `server.name`.
    pub name: &'static str,
    /// Whether it only takes effect at the next start.
    pub restart: bool,
    /// Whether nobody but the operator may know it.
    pub secret: bool,
    /// The key that may be given in its place, and not beside it.
    pub instead: Option<&'static str>,
    /// For numbers: the least and the greatest value, and the unit; the unit may be empty.
    pub range: Option<(RangeInclusive<u32>, &'static str)>,
    pub(super) read: fn(&mut Field<'_>, &mut Config),
    show: fn(&Config) -> Option<String>,
    same: fn(&Config, &Config) -> bool,
    copy: fn(from: &Config, to: &mut Config),
}

impl Setting {
    /// The part of the name before the dot.
    pub fn section(&self) -> &'static str {
        self.name.split_once('.').map_or("", |(section, _)| section)
    }

    /// The part of the name after the dot.
    pub fn key(&self) -> &'static str {
        self.name.split_once('.').map_or("", |(_, key)| key)
    }

    /// Its value as TOML; `None` when it is not set.
    pub fn show(&self, config: &Config) -> Option<String> {
        (self.show)(config)
    }

    /// Whether both have the same value.
    pub(super) fn same(&self, a: &Config, b: &Config) -> bool {
        (self.same)(a, b)
    }

    const fn needs_restart(mut self) -> Self {
        self.restart = true;
        self
    }

    const fn kept_secret(mut self) -> Self {
        self.secret = true;
        self
    }

    const fn or(mut self, other: &'static str) -> Self {
        self.instead = Some(other);
        self
    }
}

macro_rules! setting {
    ($section:ident.$key:ident, $read:expr) => {
        Setting {
            name: concat!(stringify!($section), ".", stringify!($key)),
            restart: false,
            secret: false,
            instead: None,
            range: None,
            read: |field, config| {
                if let Some(value) = $read(field) {
                    config.$section.$key = value.into();
                }
            },
            show: |config| config.$section.$key.show(),
            same: |a, b| a.$section.$key == b.$section.$key,
            copy: |from, to| to.$section.$key.clone_from(&from.$section.$key),
        }
    };
}

macro_rules! number {
    ($section:ident.$key:ident, $range:expr, $unit:literal) => {
        Setting {
            range: Some(($range, $unit)),
            ..setting!($section.$key, |field: &mut Field<'_>| field.number(&$range, $unit))
        }
    };
}

/// The least send queue: it holds the message of the day, or a slice of a LIST beyond the mark at which the
/// next slice is held back.
const SEND_QUEUE_MIN: u32 = 512 * 1024;
const _: () = assert!(SLICE_LOW_WATER as usize + SLICE_ITEMS * LINE <= SEND_QUEUE_MIN as usize);
const _: () = assert!(MOTD + MOTD_LINES * (LINE - MOTD_LINE) <= SEND_QUEUE_MIN as usize / 2);

const _: () = assert!(": 372  :- \r\n".len() + HOST_LENGTH + NICK + MOTD_LINE <= LINE);

/// The ranges of what `[limits]` and `[timeouts]` set for all, and a `[[class]]` for some.
pub(super) mod ranges {
    use std::ops::RangeInclusive;

    pub(in crate::config) const CONNECTIONS: RangeInclusive<u32> = 1..=1_000_000;
    pub(in crate::config) const SEND_QUEUE: RangeInclusive<u32> = super::SEND_QUEUE_MIN..=1 << 30;
    pub(in crate::config) const FLOOD_BURST: RangeInclusive<u32> = 1..=10_000;
    pub(in crate::config) const FLOOD_RATE: RangeInclusive<u32> = 0..=10_000;
    pub(in crate::config) const PING_INTERVAL: RangeInclusive<u32> = 1..=86_400;
    pub(in crate::config) const PING_TIMEOUT: RangeInclusive<u32> = 1..=3_600;
}

/// Every setting that stands once, by section, in the order of the sample file.
pub const SETTINGS: &[Setting] = &[
    setting!(server.name, check::server_name).needs_restart(),
    setting!(server.network, check::network),
    setting!(server.description, check::one_line),
    Setting { show: |config| Some(print::lines(&config.server.motd)), ..setting!(server.motd, check::motd) },
    setting!(server.motd_file, check::motd_file),
    setting!(server.password, check::password).kept_secret().or("password_file"),
    setting!(server.password_file, check::secret_file),
    setting!(server.location, check::one_line),
    setting!(server.organization, check::one_line),
    setting!(server.contact, check::one_line),
    setting!(server.icon, check::url),
    setting!(server.state_directory, check::directory).needs_restart(),
    setting!(server.sandbox, Field::switch).needs_restart(),
    setting!(admin.socket, check::socket).needs_restart(),
    Setting { show: |config| Some(print::mode(config.admin.mode)), ..setting!(admin.mode, check::mode) }
        .needs_restart(),
    setting!(admin.group, check::account).needs_restart(),
    setting!(monitor.socket, check::socket).needs_restart(),
    Setting {
        show: |config| Some(print::mode(config.monitor.mode)),
        ..setting!(monitor.mode, check::monitor_mode)
    }
    .needs_restart(),
    setting!(monitor.group, check::account).needs_restart(),
    setting!(channels.prefixes, check::prefixes).needs_restart(),
    setting!(channels.default_modes, check::channel_modes),
    setting!(users.default_modes, check::user_modes),
    number!(limits.connections, ranges::CONNECTIONS, ""),
    number!(limits.connections_per_address, ranges::CONNECTIONS, ""),
    number!(limits.channels_per_user, 1..=10_000, ""),
    number!(limits.nick_length, 9..=NICK as u32, "bytes"),
    number!(limits.user_length, 4..=32, "bytes"),
    number!(limits.channel_length, 16..=CHANNEL as u32, "bytes"),
    number!(limits.topic_length, 1..=390, "bytes"),
    number!(limits.kick_length, 1..=390, "bytes"),
    number!(limits.away_length, 1..=390, "bytes"),
    number!(limits.realname_length, 16..=390, "bytes"),
    number!(limits.targets, 1..=100, ""),
    number!(limits.list_entries, 1..=1_000, ""),
    number!(limits.monitor_entries, 1..=10_000, ""),
    number!(limits.accept_entries, 1..=1_000, ""),
    number!(limits.silence_entries, 1..=1_000, ""),
    number!(limits.whowas_entries, 0..=100_000, ""),
    number!(limits.multiline_bytes, 512..=65_536, "bytes"),
    number!(limits.multiline_lines, 2..=1_000, ""),
    number!(limits.target_changes, 1..=10_000, ""),
    number!(limits.target_change_rate, 0..=10_000, "a minute"),
    number!(limits.knock_seconds, 0..=3_600, "seconds"),
    number!(limits.send_queue, ranges::SEND_QUEUE, "bytes"),
    number!(limits.flood_burst, ranges::FLOOD_BURST, "commands"),
    number!(limits.flood_rate, ranges::FLOOD_RATE, "commands a second"),
    number!(limits.lines_per_turn, 1..=10_000, ""),
    number!(limits.bytes_per_turn, 512..=1 << 20, "bytes"),
    number!(limits.deliveries_per_turn, 1..=1_000_000, ""),
    number!(limits.sends_per_turn, 16..=1_000_000, ""),
    number!(timeouts.registration, 1..=3_600, "seconds"),
    number!(timeouts.ping_interval, ranges::PING_INTERVAL, "seconds"),
    number!(timeouts.ping_timeout, ranges::PING_TIMEOUT, "seconds"),
    number!(timeouts.shutdown, 1..=60, "seconds"),
    number!(throttle.connections, 0..=1_000_000, ""),
    number!(throttle.seconds, 1..=3_600, "seconds"),
    number!(throttle.ipv4_prefix, 8..=32, "bits"),
    number!(throttle.ipv6_prefix, 16..=128, "bits"),
    setting!(cloak.key, check::cloak_key).kept_secret().or("key_file"),
    setting!(cloak.key_file, check::secret_file),
    setting!(cloak.suffix, check::suffix),
    setting!(dns.reverse, Field::switch),
    number!(dns.timeout, 1..=60, "seconds"),
    setting!(tags.deny, check::tags),
    setting!(lockdown.networks, check::networks),
    setting!(log.target, check::log_target).needs_restart(),
    setting!(log.level, check::log_level),
    setting!(log.facility, check::facility).needs_restart(),
    setting!(daemon.pid_file, check::pid_file).needs_restart(),
    setting!(daemon.user, check::account).needs_restart(),
    setting!(daemon.group, check::account).needs_restart(),
];

/// Names what differs between two configurations: settings as `section.key`, and whole repeated sections.
pub fn changes(old: &Config, new: &Config) -> Vec<&'static str> {
    let settings = SETTINGS.iter().filter(|setting| !(setting.same)(old, new)).map(|setting| setting.name);
    let sections = REPEATED.iter().filter(|section| !section.same(old, new)).map(|section| section.name);
    settings.chain(sections).collect()
}

/// Names the settings that differ and only take effect at the next start.
pub fn restart_needed(old: &Config, new: &Config) -> Vec<&'static str> {
    let settings = SETTINGS.iter().filter(|setting| setting.restart && !(setting.same)(old, new));
    settings.map(|setting| setting.name).collect()
}

/// Gives `new` the values that `running` has for all settings that only take effect at the next start: then it is
/// what a reload puts in force. [`restart_needed`] is to be asked before.
pub fn keep_until_restart(running: &Config, new: &mut Config) {
    for setting in SETTINGS.iter().filter(|setting| setting.restart) {
        (setting.copy)(running, new);
    }
}
