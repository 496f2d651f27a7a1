//! The tables of modes. `CHANMODES`, `PREFIX` and 004 are derived from them.

/// How a channel mode takes its parameter (Modern IRC, "CHANMODES").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Type A: entries of a list; without a parameter the list is shown.
    List,
    /// Type B: a parameter to set and to unset.
    Setting,
    /// Type C: a parameter only to set.
    SettingOnly,
    /// Type D: no parameter.
    Flag,
    /// A member's prefix; the parameter is a nick.
    Prefix,
}

/// A row of the table of channel modes.
#[derive(Debug)]
pub struct ChannelMode {
    /// The letter.
    pub letter: char,
    /// How it takes its parameter.
    pub kind: Kind,
    /// Its bit among the flags or the prefixes; 0 for the others.
    pub bit: u32,
}

const fn row(letter: char, kind: Kind, bit: u32) -> ChannelMode {
    ChannelMode { letter, kind, bit }
}

/// `+i`: only the invited may join.
pub const INVITE_ONLY: u32 = 1 << 0;
/// `+m`: only members with a prefix may speak.
pub const MODERATED: u32 = 1 << 1;
/// `+n`: only members may speak.
pub const NO_EXTERNAL: u32 = 1 << 2;
/// `+s`: hidden from those who are not in it.
pub const SECRET: u32 = 1 << 3;
/// `+t`: only channel operators may set the topic.
pub const PROTECTED_TOPIC: u32 = 1 << 4;

/// `+o`: channel operator.
pub const OP: u8 = 1 << 1;
/// `+v`: may speak where others may not.
pub const VOICE: u8 = 1 << 0;

/// Every channel mode.
pub const CHANNEL: &[ChannelMode] = &[
    row('b', Kind::List, 0),
    row('k', Kind::Setting, 0),
    row('l', Kind::SettingOnly, 0),
    row('i', Kind::Flag, INVITE_ONLY),
    row('m', Kind::Flag, MODERATED),
    row('n', Kind::Flag, NO_EXTERNAL),
    row('s', Kind::Flag, SECRET),
    row('t', Kind::Flag, PROTECTED_TOPIC),
    row('o', Kind::Prefix, OP as u32),
    row('v', Kind::Prefix, VOICE as u32),
];

/// A row of the table of prefixes.
#[derive(Debug)]
pub struct Prefix {
    /// The mode's letter.
    pub letter: char,
    /// The character before the nick.
    pub symbol: char,
    /// The bit.
    pub bit: u8,
}

/// Every prefix, the highest rank first.
pub const PREFIXES: &[Prefix] =
    &[Prefix { letter: 'o', symbol: '@', bit: OP }, Prefix { letter: 'v', symbol: '+', bit: VOICE }];

/// User mode `i`: hidden from those who share no channel.
pub const INVISIBLE: u16 = 1 << 0;
/// User mode `o`: server operator. Nobody can give it to themselves.
pub const OPERATOR: u16 = 1 << 1;
/// User mode `w`: gets WALLOPS.
pub const WALLOPS: u16 = 1 << 2;
/// User mode `B`: is a bot (IRCv3 bot-mode).
pub const BOT: u16 = 1 << 3;

/// Every user mode: letter and bit.
pub const USER: &[(char, u16)] = &[('B', BOT), ('i', INVISIBLE), ('o', OPERATOR), ('w', WALLOPS)];

/// The row of a channel mode's letter.
pub fn channel_mode(letter: char) -> Option<&'static ChannelMode> {
    CHANNEL.iter().find(|mode| mode.letter == letter)
}

/// The letters of all modes of these kinds, in the order of the table.
pub fn letters(kinds: &[Kind]) -> String {
    CHANNEL.iter().filter(|mode| kinds.contains(&mode.kind)).map(|mode| mode.letter).collect()
}

/// The symbols of a member: all of them, or only the highest.
pub fn symbols(prefixes: u8, all: bool) -> impl Iterator<Item = char> {
    PREFIXES
        .iter()
        .filter(move |prefix| prefixes & prefix.bit != 0)
        .map(|prefix| prefix.symbol)
        .take(if all { usize::MAX } else { 1 })
}

/// User modes as they are shown: `+` and the letters.
pub fn user_modes(modes: u16) -> String {
    let letters = USER.iter().filter(|(_, bit)| modes & bit != 0).map(|(letter, _)| *letter);
    std::iter::once('+').chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_and_bits_are_distinct_and_prefixes_are_in_both_tables() {
        for (index, mode) in CHANNEL.iter().enumerate() {
            assert!(CHANNEL[..index].iter().all(|other| other.letter != mode.letter), "{}", mode.letter);
        }
        let flags = CHANNEL.iter().filter(|mode| mode.kind == Kind::Flag);
        assert_eq!(flags.clone().fold(0, |bits, mode| bits | mode.bit).count_ones() as usize, flags.count());
        for prefix in PREFIXES {
            let mode = channel_mode(prefix.letter).unwrap();
            assert_eq!((mode.kind, mode.bit), (Kind::Prefix, u32::from(prefix.bit)));
        }
        assert_eq!(letters(&[Kind::Prefix]).len(), PREFIXES.len());
    }
}
