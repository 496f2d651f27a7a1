//! The one table of capabilities (IRCv3 capability negotiation).

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
    /// The value shown to clients of version 302 and later.
    pub value: Option<&'static str>,
    /// The bit.
    pub bit: Caps,
}

macro_rules! caps {
    ($($(#[$doc:meta])* $constant:ident = $name:literal $(, value $value:literal)?;)*) => {
        /// The bits, in the order of the table.
        #[repr(u32)]
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        enum Bit { $($constant),* }
        impl Caps {
            $($(#[$doc])* pub const $constant: Self = Self(1 << Bit::$constant as u32);)*
        }
        /// Every capability that chatd offers.
        pub const TABLE: &[Cap] = &[$(Cap {
            name: $name,
            value: caps!(@value $($value)?),
            bit: Caps::$constant,
        }),*];
    };
    (@value) => { None };
    (@value $value:literal) => { Some($value) };
}

caps! {
    /// Messages of users who are logged in carry their account.
    ACCOUNT_TAG = "account-tag";
    /// Lines that belong together are marked, such as those of one labelled response.
    BATCH = "batch";
    /// Changes to the list of capabilities are announced (part of CAP 302).
    CAP_NOTIFY = "cap-notify";
    /// 005 may be asked for, also before registration.
    EXTENDED_ISUPPORT = "draft/extended-isupport";
    /// Messages of server operators are marked.
    OPER_TAG = "draft/oper-tag";
    /// A sender gets their own messages back.
    ECHO_MESSAGE = "echo-message";
    /// JOIN shows account and real name.
    EXTENDED_JOIN = "extended-join";
    /// A reply carries the label of the command that it answers.
    LABELED_RESPONSE = "labeled-response";
    /// Messages carry tags, and clients may send `TAGMSG` and client-only tags.
    MESSAGE_TAGS = "message-tags";
    /// NAMES, WHO and WHOIS show every prefix of a member, not the highest only.
    MULTI_PREFIX = "multi-prefix";
    /// Messages carry the time at which the server handled them.
    SERVER_TIME = "server-time";
}

/// The capability of that name, if chatd offers it.
pub fn find(name: &str) -> Option<&'static Cap> {
    TABLE.iter().find(|cap| cap.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

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
