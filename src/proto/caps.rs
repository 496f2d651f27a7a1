//! The one table of capabilities (IRCv3 capability negotiation).

use crate::config::Config;

/// A set of capabilities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Caps(u32);

impl Caps {
    /// No capability.
    pub const NONE: Self = Self(0);

    /// Whether all of `other` are in this set.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Those of either set.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those of this set that are not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Those of both sets.
    #[must_use]
    pub const fn masked(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

/// A row of the table of capabilities.
#[derive(Debug)]
pub struct Cap {
    /// The name as it stands in `CAP LS`.
    pub name: &'static str,
    /// The value shown to clients of version 302 and later, empty if there is none; `None` where a configuration leaves
    /// the capability out.
    pub offer: fn(&Config) -> Option<String>,
    /// The bit.
    pub bit: Caps,
    /// What it changes, for the reference.
    pub help: &'static str,
}

macro_rules! caps {
    ($($(#[doc = $help:literal])+ $constant:ident = $name:literal $(, $offer:expr)?;)*) => {
        /// The bits, in the order of the table.
        #[repr(u32)]
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        enum Bit { $($constant),* }
        impl Caps {
            $($(#[doc = $help])+ pub const $constant: Self = Self(1 << Bit::$constant as u32);)*
        }
        /// Every capability that chatd knows.
        pub const TABLE: &[Cap] = &[$(Cap {
            name: $name,
            offer: caps!(@offer $($offer)?),
            bit: Caps::$constant,
            help: concat!($($help),+).trim_ascii(),
        }),*];
    };
    (@offer) => { |_| Some(String::new()) };
    (@offer $offer:expr) => { $offer };
}

impl Cap {
    /// As it stands in `CAP LS` of version 302 and in `CAP NEW`; `None` if it is not offered.
    pub fn shown(&self, config: &Config) -> Option<String> {
        let value = (self.offer)(config)?;
        let equals = if value.is_empty() { "" } else { "=" };
        Some(format!("{}{equals}{value}", self.name))
    }
}

caps! {
    /// `ACCOUNT` tells that a user logged in or out, which takes accounts.
    ACCOUNT_NOTIFY = "account-notify";
    /// Messages of users who are logged in carry their account.
    ACCOUNT_TAG = "account-tag";
    /// `AWAY` tells that somebody in a common channel left or came back.
    AWAY_NOTIFY = "away-notify";
    /// Lines that belong together are marked, such as those of one labelled response.
    BATCH = "batch";
    /// Changes to the list of capabilities are announced (part of CAP 302).
    CAP_NOTIFY = "cap-notify";
    /// `CHGHOST` tells that somebody in a common channel has another host; others see them leave and come back.
    CHGHOST = "chghost";
    /// `RENAME` tells that a channel has another name.
    CHANNEL_RENAME = "draft/channel-rename";
    /// 005 may be asked for, also before registration.
    EXTENDED_ISUPPORT = "draft/extended-isupport";
    /// Messages may have several lines, sent as a batch.
    MULTILINE = "draft/multiline", |config| {
        let limits = &config.limits;
        Some(format!("max-bytes={},max-lines={}", limits.multiline_bytes, limits.multiline_lines))
    };
    /// Messages of server operators are marked.
    OPER_TAG = "draft/oper-tag";
    /// AWAY may be given before registration.
    PRE_AWAY = "draft/pre-away";
    /// A sender gets their own messages back.
    ECHO_MESSAGE = "echo-message";
    /// JOIN shows account and real name.
    EXTENDED_JOIN = "extended-join";
    /// Changes to those whose nicks are watched are told without a common channel.
    EXTENDED_MONITOR = "extended-monitor";
    /// `INVITE` tells those who may invite of other invitations to their channel.
    INVITE_NOTIFY = "invite-notify";
    /// A reply carries the label of the command that it answers.
    LABELED_RESPONSE = "labeled-response";
    /// Messages carry tags, and clients may send `TAGMSG` and client-only tags.
    MESSAGE_TAGS = "message-tags";
    /// NAMES, WHO and WHOIS show every prefix of a member, not the highest only.
    MULTI_PREFIX = "multi-prefix";
    /// JOIN is not followed by the list of members.
    NO_IMPLICIT_NAMES = "no-implicit-names";
    /// Messages carry the time at which the server handled them.
    SERVER_TIME = "server-time";
    /// `SETNAME` tells that somebody in a common channel has another real name.
    SETNAME = "setname";
    /// `FAIL`, `WARN` and `NOTE` are understood, also where no other capability brings them.
    STANDARD_REPLIES = "standard-replies";
    /// NAMES shows user names and hosts as well.
    USERHOST_IN_NAMES = "userhost-in-names";
}

/// The capability of that name, if it is known.
pub fn find(name: &str) -> Option<&'static Cap> {
    TABLE.iter().find(|cap| cap.name == name)
}

/// What those are told who want to know of changes, when one configuration follows another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// What is offered now and was not before, or has another value, as in `CAP LS`.
    pub new: Vec<String>,
    /// The names of what is no longer offered.
    pub gone: Vec<&'static str>,
    /// The bits of those.
    pub gone_bits: Caps,
}

impl Changes {
    /// Whether there are any.
    pub fn any(&self) -> bool {
        !self.new.is_empty() || !self.gone.is_empty()
    }

    /// These and the ones that follow them, for those who know of neither.
    #[must_use]
    pub fn then(mut self, later: &Self) -> Self {
        let name = |shown: &str| shown.split('=').next().unwrap_or_default().to_owned();
        let again: Vec<String> = later.new.iter().map(|shown| name(shown)).collect();
        self.new.retain(|shown| !again.contains(&name(shown)) && !later.gone.contains(&name(shown).as_str()));
        self.new.extend(later.new.iter().cloned());
        self.gone.retain(|gone| !again.iter().any(|name| name == gone) && !later.gone.contains(gone));
        self.gone.extend(&later.gone);
        let gone = TABLE.iter().filter(|cap| self.gone.contains(&cap.name));
        self.gone_bits = gone.fold(Caps::NONE, |bits, cap| bits.with(cap.bit));
        self
    }
}

/// What changes among the capabilities of `table`.
pub fn changes(table: &[Cap], before: &Config, after: &Config) -> Changes {
    let mut changes = Changes { new: Vec::new(), gone: Vec::new(), gone_bits: Caps::NONE };
    for cap in table {
        match (cap.shown(before), cap.shown(after)) {
            (Some(_), None) => {
                changes.gone.push(cap.name);
                changes.gone_bits = changes.gone_bits.with(cap.bit);
            }
            (before, Some(after)) if before.as_ref() != Some(&after) => changes.new.push(after),
            _ => {}
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_that_follow_each_other_are_told_as_one() {
        let changes = |new: &[&str], gone: &[&'static str]| Changes {
            new: new.iter().map(|&it| it.to_owned()).collect(),
            gone: gone.to_vec(),
            gone_bits: TABLE
                .iter()
                .filter(|cap| gone.contains(&cap.name))
                .fold(Caps::NONE, |bits, cap| bits.with(cap.bit)),
        };
        for (first, second, both) in [
            (changes(&["setname"], &[]), changes(&[], &["batch"]), changes(&["setname"], &["batch"])),
            (changes(&["sasl=A"], &[]), changes(&["sasl=A,B"], &[]), changes(&["sasl=A,B"], &[])),
            (changes(&["setname"], &[]), changes(&[], &["setname"]), changes(&[], &["setname"])),
            (
                changes(&[], &["setname", "batch"]),
                changes(&["setname"], &[]),
                changes(&["setname"], &["batch"]),
            ),
        ] {
            assert_eq!(first.then(&second), both);
        }
    }

    #[test]
    fn what_a_configuration_changes_is_new_or_gone() {
        const TABLE: &[Cap] = &[
            Cap { name: "always", offer: |_| Some(String::new()), bit: Caps::BATCH, help: "" },
            Cap {
                name: "limited",
                offer: |it| Some(it.limits.targets.to_string()),
                bit: Caps::ECHO_MESSAGE,
                help: "",
            },
            Cap {
                name: "optional",
                offer: |it| it.server.icon.is_some().then(String::new),
                bit: Caps::SERVER_TIME,
                help: "",
            },
        ];
        let before = Config::default();
        let mut after = before.clone();
        after.limits.targets = 7;
        after.server.icon = Some("https://irc.test/icon".to_owned());
        let there = changes(TABLE, &before, &after);
        assert_eq!(there.new, ["limited=7", "optional"]);
        assert!(there.any());
        assert_eq!((there.gone, there.gone_bits), (vec![], Caps::NONE));
        let back = changes(TABLE, &after, &before);
        assert_eq!(back.new, ["limited=10"]);
        assert!(back.any());
        assert_eq!((back.gone, back.gone_bits), (vec!["optional"], Caps::SERVER_TIME));
        let same = changes(TABLE, &after, &after);
        assert!(!same.any());
    }

    #[test]
    fn names_are_sorted_and_bits_are_distinct() {
        assert!(TABLE.is_sorted_by(|a, b| a.name < b.name));
        let all = TABLE.iter().fold(Caps::NONE, |all, cap| {
            assert!(!all.has(cap.bit), "{} shares a bit", cap.name);
            all.with(cap.bit)
        });
        assert!(
            TABLE.iter().all(|cap| all.has(cap.bit) && find(cap.name).is_some_and(|it| it.bit == cap.bit))
        );
    }
}
