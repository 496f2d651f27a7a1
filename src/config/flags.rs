//! Sets of words: the settings that are lists of words from a table.

/// A word of a set.
#[derive(Debug)]
pub struct Word {
    /// How the operator writes it.
    pub name: &'static str,
    /// Its bit in the set.
    pub bit: u32,
    /// What it means, in one line.
    pub help: &'static str,
}

/// A setting that is a set of words.
pub(super) trait Flags: Copy + From<u32> {
    const TABLE: &'static [Word];

    /// The names of the words that are in it, in the order of the table.
    fn names(self) -> impl Iterator<Item = &'static str>;
}

/// Defines a set: its constants, the table of its words, and what can be asked of it.
macro_rules! flags {
    ($(#[$doc:meta])* $set:ident { $($constant:ident = $shift:literal, $name:literal, $help:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $set(u32);

        impl $set {
            /// None of them.
            pub const NONE: Self = Self(0);
            $(#[doc = concat!("`", $name, "`: ", $help, ".")]
            pub const $constant: Self = Self(1 << $shift);)+

            /// Every word, in the order of the manual.
            pub const TABLE: &[$crate::config::Word] =
                &[$($crate::config::Word { name: $name, bit: 1 << $shift, help: $help }),+];

            /// Whether all of `other` are in it.
            pub const fn has(self, other: Self) -> bool {
                self.0 & other.0 == other.0
            }

            /// Those of either.
            #[must_use]
            pub const fn with(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }

            /// Whether there is none in it.
            pub const fn is_empty(self) -> bool {
                self.0 == 0
            }

            /// The names of those in it, in the order of the table.
            pub fn names(self) -> impl Iterator<Item = &'static str> {
                Self::TABLE.iter().filter(move |word| self.0 & word.bit != 0).map(|word| word.name)
            }
        }

        impl From<u32> for $set {
            /// Bits that are nothing's are dropped.
            fn from(bits: u32) -> Self {
                Self(Self::TABLE.iter().fold(0, |all, word| all | word.bit) & bits)
            }
        }

        impl $crate::config::flags::Flags for $set {
            const TABLE: &'static [$crate::config::Word] = $set::TABLE;

            fn names(self) -> impl Iterator<Item = &'static str> {
                self.names()
            }
        }
    };
}

pub(super) use flags;
