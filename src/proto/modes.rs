//! The tables of modes. `CHANMODES`, `PREFIX`, `MAXLIST`, `STATUSMSG` and 004 are derived from them.

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
    /// Which one it is: the bit of a flag or prefix, the index of a list or setting.
    pub id: u32,
    /// What it does, for HELP and the manual.
    pub help: &'static str,
}

const fn row(letter: char, kind: Kind, id: u32, help: &'static str) -> ChannelMode {
    ChannelMode { letter, kind, id, help }
}

const fn prefix(letter: char, bit: u8, help: &'static str) -> ChannelMode {
    ChannelMode { letter, kind: Kind::Prefix, id: bit as u32, help }
}

/// The list `b`: who may not join, nor speak without a prefix.
pub const BANS: usize = 0;
/// The list `e`: whom no ban concerns.
pub const EXCEPTIONS: usize = 1;
/// The list `I`: who may join without an invitation.
pub const INVITE_EXCEPTIONS: usize = 2;
/// The list `q`: who may not speak without a prefix.
pub const QUIETS: usize = 3;
/// How many lists a channel has.
pub const LISTS: usize = 4;

/// The setting `k`: the key that who joins must give.
pub const KEY: u32 = 0;
/// The setting `l`: how many members there may be.
pub const LIMIT: u32 = 1;
/// The setting `f`: where who may not join is sent.
pub const FORWARD: u32 = 2;
/// The setting `j`: how many may join in how many seconds.
pub const JOIN_THROTTLE: u32 = 3;

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
/// `+p`: not shown to those who are not in it, and nobody may knock.
pub const PRIVATE: u32 = 1 << 5;
/// `+C`: no CTCP but ACTION.
pub const NO_CTCP: u32 = 1 << 6;
/// `+c`: no colours and other formatting.
pub const NO_COLOURS: u32 = 1 << 7;
/// `+T`: no notices.
pub const NO_NOTICES: u32 = 1 << 8;
/// `+N`: no change of nick.
pub const NO_NICKS: u32 = 1 << 9;
/// `+S`: only connections that are encrypted.
pub const SECURE_ONLY: u32 = 1 << 10;
/// `+u`: members without a prefix see only those with one.
pub const AUDITORIUM: u32 = 1 << 11;

/// `+v`: may speak where others may not.
pub const VOICE: u8 = 1 << 0;
/// `+h`: may do what a channel operator does but for giving ranks, to those below.
pub const HALF_OPERATOR: u8 = 1 << 1;
/// `+o`: channel operator.
pub const OP: u8 = 1 << 2;
/// `+a`: protected from channel operators.
pub const PROTECTED: u8 = 1 << 3;
/// `+q`: protected from everybody else.
pub const OWNER: u8 = 1 << 4;

/// Every channel mode. Two have the letter `q`: where the prefix is in use, there is no list of that letter.
pub const CHANNEL: &[ChannelMode] = &[
    row('b', Kind::List, BANS as u32, "bans: they may not join, nor speak without a prefix"),
    row('e', Kind::List, EXCEPTIONS as u32, "exceptions: no ban concerns them"),
    row('I', Kind::List, INVITE_EXCEPTIONS as u32, "may join without an invitation"),
    row('q', Kind::List, QUIETS as u32, "quiet: they may not speak without a prefix"),
    row('k', Kind::Setting, KEY, "key: who joins must give it"),
    row('f', Kind::SettingOnly, FORWARD, "forward: who may not join is sent to that channel"),
    row('j', Kind::SettingOnly, JOIN_THROTTLE, "joins:seconds: so many may join in that time"),
    row('l', Kind::SettingOnly, LIMIT, "limit: so many members and no more"),
    row('C', Kind::Flag, NO_CTCP, "no CTCP but ACTION"),
    row('N', Kind::Flag, NO_NICKS, "members without a prefix may not change their nick"),
    row('S', Kind::Flag, SECURE_ONLY, "only encrypted connections may join"),
    row('T', Kind::Flag, NO_NOTICES, "no notices"),
    row('c', Kind::Flag, NO_COLOURS, "no colours and other formatting"),
    row('i', Kind::Flag, INVITE_ONLY, "only the invited may join"),
    row('m', Kind::Flag, MODERATED, "moderated: only members with a prefix may speak"),
    row('n', Kind::Flag, NO_EXTERNAL, "no messages from outside"),
    row('p', Kind::Flag, PRIVATE, "private: not shown to others, and nobody may knock"),
    row('s', Kind::Flag, SECRET, "secret: hidden from those who are not in it"),
    row('t', Kind::Flag, PROTECTED_TOPIC, "only channel operators may set the topic"),
    row('u', Kind::Flag, AUDITORIUM, "auditorium: members without a prefix do not see each other"),
    prefix('q', OWNER, "owner: nobody but another owner can remove them"),
    prefix('a', PROTECTED, "protected: channel operators cannot remove them"),
    prefix('o', OP, "channel operator"),
    prefix('h', HALF_OPERATOR, "half-operator: moderates members of lower rank"),
    prefix('v', VOICE, "voice: may speak where others may not"),
];

/// A row of the table of prefixes.
#[derive(Debug)]
pub struct Prefix {
    /// The mode's letter.
    pub letter: char,
    /// The character before the nick.
    pub symbol: char,
    /// The bit. A higher rank is a higher bit.
    pub bit: u8,
    /// The least rank that may give and take it.
    pub given_by: u8,
}

/// Every prefix there can be, the highest rank first.
pub const PREFIXES: &[Prefix] = &[
    Prefix { letter: 'q', symbol: '~', bit: OWNER, given_by: OWNER },
    Prefix { letter: 'a', symbol: '&', bit: PROTECTED, given_by: OWNER },
    Prefix { letter: 'o', symbol: '@', bit: OP, given_by: OP },
    Prefix { letter: 'h', symbol: '%', bit: HALF_OPERATOR, given_by: OP },
    Prefix { letter: 'v', symbol: '+', bit: VOICE, given_by: HALF_OPERATOR },
];

/// The row of a prefix.
pub fn prefix_row(bit: u8) -> &'static Prefix {
    PREFIXES.iter().find(|prefix| prefix.bit == bit).expect("every bit has a row")
}

/// The prefixes that are in use: always `o` and `v`, and what the configuration adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefixes(u8);

impl Default for Prefixes {
    fn default() -> Self {
        Self(OP | HALF_OPERATOR | VOICE)
    }
}

impl Prefixes {
    /// Those of these letters, which must be known, each once, in the order of rank, `o` and `v` among them.
    pub fn of(letters: &str) -> Option<Self> {
        let mut bits = 0_u8;
        for letter in letters.chars() {
            let row = PREFIXES.iter().find(|row| row.letter == letter)?;
            let lower = bits == 0 || row.bit < 1 << bits.trailing_zeros();
            bits = if lower { bits | row.bit } else { return None };
        }
        (bits & (OP | VOICE) == OP | VOICE).then_some(Self(bits))
    }

    /// Whether the prefix is in use.
    pub fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }

    /// The rows in use, the highest rank first.
    pub fn rows(self) -> impl Iterator<Item = &'static Prefix> {
        PREFIXES.iter().filter(move |row| self.has(row.bit))
    }

    /// Their letters, the highest rank first.
    pub fn letters(self) -> String {
        self.rows().map(|row| row.letter).collect()
    }

    /// Their symbols, the highest rank first.
    pub fn symbols(self) -> String {
        self.rows().map(|row| row.symbol).collect()
    }

    /// Whether a channel mode is in use beside these prefixes.
    pub fn allow(self, mode: &ChannelMode) -> bool {
        match mode.kind {
            Kind::Prefix => self.has(mode.id as u8),
            _ => !self.rows().any(|row| row.letter == mode.letter),
        }
    }

    /// The row of a channel mode's letter.
    pub fn channel_mode(self, letter: char) -> Option<&'static ChannelMode> {
        CHANNEL.iter().find(|mode| mode.letter == letter && self.allow(mode))
    }

    /// The letters of all channel modes of these kinds, in the order of the table.
    pub fn letters_of(self, kinds: &[Kind]) -> String {
        let modes = CHANNEL.iter().filter(|mode| kinds.contains(&mode.kind) && self.allow(mode));
        modes.map(|mode| mode.letter).collect()
    }
}

/// User mode `i`: hidden from those who share no channel.
pub const INVISIBLE: u16 = 1 << 0;
/// User mode `o`: server operator. Nobody can give it to themselves.
pub const OPERATOR: u16 = 1 << 1;
/// User mode `w`: gets WALLOPS.
pub const WALLOPS: u16 = 1 << 2;
/// User mode `B`: is a bot (IRCv3 bot-mode).
pub const BOT: u16 = 1 << 3;

/// User mode `g`: gets messages only from those accepted.
pub const CALLER_ID: u16 = 1 << 4;
/// User mode `D`: gets no messages of channels.
pub const DEAF: u16 = 1 << 5;

/// User mode `x`: shows a cloak in place of the host. Only where there are cloaks.
pub const CLOAKED: u16 = 1 << 7;
/// User mode `s`: a server operator who gets notices of the server; its parameter says of what.
pub const SERVER_NOTICES: u16 = 1 << 8;

/// A row of the table of user modes.
#[derive(Debug)]
pub struct UserMode {
    /// The letter.
    pub letter: char,
    /// Its bit.
    pub bit: u16,
    /// What it means, for HELP and the manual.
    pub help: &'static str,
}

const fn user(letter: char, bit: u16, help: &'static str) -> UserMode {
    UserMode { letter, bit, help }
}

/// Every user mode, by letter.
pub const USER: &[UserMode] = &[
    user('B', BOT, "is a bot (IRCv3 bot-mode)"),
    user('D', DEAF, "gets no messages of channels"),
    user('g', CALLER_ID, "gets messages only from those accepted"),
    user('i', INVISIBLE, "hidden from those who share no channel"),
    user('o', OPERATOR, "server operator; nobody can give it to themselves"),
    user('s', SERVER_NOTICES, "a server operator who gets notices of the server; its parameter says of what"),
    user('w', WALLOPS, "gets WALLOPS"),
    user('x', CLOAKED, "shows a cloak in place of the host, where there are cloaks"),
];

/// The symbols of a member: all of them, or only the highest.
pub fn symbols(prefixes: u8, all: bool) -> impl Iterator<Item = char> {
    PREFIXES
        .iter()
        .filter(move |prefix| prefixes & prefix.bit != 0)
        .map(|prefix| prefix.symbol)
        .take(if all { usize::MAX } else { 1 })
}

/// The flags of these letters, which must be of flags.
pub fn flags(letters: &str) -> Option<u32> {
    letters.chars().try_fold(0, |flags, letter| {
        let mode = CHANNEL.iter().find(|mode| mode.letter == letter && mode.kind == Kind::Flag)?;
        Some(flags | mode.id)
    })
}

/// User modes as they are shown: `+` and the letters.
pub fn user_modes(modes: u16) -> String {
    let letters = USER.iter().filter(|mode| modes & mode.bit != 0).map(|mode| mode.letter);
    std::iter::once('+').chain(letters).collect()
}

/// Changes of channel modes, `<letters> [parameters]`, without the parameters if one of them could be a key, in a right
/// place or a wrong one.
pub fn without_key(changes: &str) -> &str {
    let is_key = |word: &str| word.starts_with(['+', '-']) && word.contains('k');
    let letters = changes.split_whitespace().next().unwrap_or_default();
    if letters.contains('k') || changes.split_whitespace().any(is_key) { letters } else { changes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_and_ids_are_distinct_for_every_set_of_prefixes() {
        for set in ["ov", "ohv", "aov", "aohv", "qov", "qohv", "qaov", "qaohv"] {
            let prefixes = Prefixes::of(set).unwrap();
            assert_eq!(prefixes.letters(), set);
            let modes: Vec<_> = CHANNEL.iter().filter(|mode| prefixes.allow(mode)).collect();
            for (index, mode) in modes.iter().enumerate() {
                assert!(modes[..index].iter().all(|other| other.letter != mode.letter), "{}", mode.letter);
                let same = |other: &&&ChannelMode| other.kind == mode.kind && other.id == mode.id;
                assert_eq!(modes.iter().filter(same).count(), 1, "{}", mode.letter);
            }
        }
        let flags = CHANNEL.iter().filter(|mode| mode.kind == Kind::Flag);
        assert_eq!(flags.clone().fold(0, |bits, mode| bits | mode.id).count_ones() as usize, flags.count());
    }

    #[test]
    fn prefixes_are_in_both_tables_and_ranks_descend() {
        assert!(PREFIXES.is_sorted_by(|a, b| a.bit > b.bit));
        for prefix in PREFIXES {
            let all = Prefixes::of("qaohv").unwrap();
            let mode = all.channel_mode(prefix.letter).unwrap();
            assert_eq!((mode.kind, mode.id), (Kind::Prefix, u32::from(prefix.bit)));
            assert!(prefix.given_by >= prefix.bit.min(OP), "{}", prefix.letter);
        }
    }

    #[test]
    fn sets_of_prefixes_have_operator_and_voice_in_the_order_of_rank() {
        for bad in ["", "o", "v", "vo", "hv", "ohvq", "oov", "oxv", "ovv"] {
            assert_eq!(Prefixes::of(bad), None, "{bad}");
        }
        assert_eq!(Prefixes::default().letters(), "ohv");
        assert_eq!(Prefixes::of("qaohv").unwrap().symbols(), "~&@%+");
    }

    #[test]
    fn the_letter_q_is_a_list_or_a_prefix() {
        let kind = |set| Prefixes::of(set).unwrap().channel_mode('q').unwrap().kind;
        assert_eq!((kind("ohv"), kind("qohv")), (Kind::List, Kind::Prefix));
        assert_eq!(Prefixes::of("qov").unwrap().letters_of(&[Kind::List]), "beI");
    }

    #[test]
    fn a_key_is_left_out() {
        for (changes, shown) in [
            ("+nt", "+nt"),
            ("+b *!*@kiosk", "+b *!*@kiosk"),
            ("+k sesame", "+k"),
            ("k sesame", "k"),
            ("+k\tsesame", "+k"),
            ("+lk 5 sesame", "+lk"),
            ("+l 5 +k sesame", "+l"),
        ] {
            assert_eq!(without_key(changes), shown);
        }
    }
}
