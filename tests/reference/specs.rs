//! Where what chatd speaks is specified: a row for each command, capability, token of 005, mode and extended ban.

/// A specification.
#[derive(Clone, Copy)]
pub(crate) enum Spec<'a> {
    /// The Modern IRC document, and the place in it.
    Modern(&'static str),
    /// A section of RFC 2812.
    Rfc2812(&'static str),
    /// A page of IRCv3.
    Ircv3(&'a str),
    /// Only other servers, of which these do the same.
    Like(&'static str),
    /// Nothing but this manual.
    Chatd,
}

use Spec::{Chatd, Ircv3, Like, Modern, Rfc2812};

impl Spec<'_> {
    /// As it stands in a table.
    pub(crate) fn link(self) -> String {
        match self {
            Modern(place) => format!("[Modern](https://modern.ircdocs.horse/#{place})"),
            Rfc2812(section) => {
                format!("[RFC 2812 {section}](https://www.rfc-editor.org/rfc/rfc2812#section-{section})")
            }
            Ircv3(page) => {
                let name = page.rsplit_once('/').map_or(page, |(_, name)| name);
                format!("[IRCv3 {name}](https://ircv3.net/specs/{page})")
            }
            Like(servers) => format!("as {servers}"),
            Chatd => "chatd".to_owned(),
        }
    }
}

/// Of each command; one that does not have its row yet fails the test.
pub(crate) const COMMANDS: &[(&str, Spec<'static>)] = &[
    ("ACCEPT", Like("solanum")),
    ("ADMIN", Modern("admin-message")),
    ("AUTHENTICATE", Ircv3("extensions/sasl-3.2")),
    ("AWAY", Modern("away-message")),
    ("BATCH", Ircv3("extensions/multiline")),
    ("CAP", Ircv3("extensions/capability-negotiation")),
    ("DIE", Rfc2812("4.3")),
    ("DLINE", Like("solanum")),
    ("HELP", Modern("help-message")),
    ("HELPOP", Like("UnrealIRCd")),
    ("INFO", Modern("info-message")),
    ("INVITE", Modern("invite-message")),
    ("ISON", Rfc2812("4.9")),
    ("ISUPPORT", Ircv3("extensions/extended-isupport")),
    ("JOIN", Modern("join-message")),
    ("KICK", Modern("kick-message")),
    ("KILL", Modern("kill-message")),
    ("KLINE", Like("solanum")),
    ("KNOCK", Like("solanum")),
    ("LINKS", Modern("links-message")),
    ("LIST", Modern("list-message")),
    ("LUSERS", Modern("lusers-message")),
    ("MAP", Like("UnrealIRCd")),
    ("MODE", Modern("mode-message")),
    ("MONITOR", Ircv3("extensions/monitor")),
    ("MOTD", Modern("motd-message")),
    ("NAMES", Modern("names-message")),
    ("NICK", Modern("nick-message")),
    ("NOTICE", Modern("notice-message")),
    ("OPER", Modern("oper-message")),
    ("PART", Modern("part-message")),
    ("PASS", Modern("pass-message")),
    ("PING", Modern("ping-message")),
    ("PONG", Modern("pong-message")),
    ("PRIVMSG", Modern("privmsg-message")),
    ("QUIT", Modern("quit-message")),
    ("REHASH", Modern("rehash-message")),
    ("RENAME", Ircv3("extensions/channel-rename")),
    ("RESTART", Modern("restart-message")),
    ("SAJOIN", Like("UnrealIRCd")),
    ("SAMODE", Like("UnrealIRCd")),
    ("SANICK", Like("InspIRCd")),
    ("SAPART", Like("UnrealIRCd")),
    ("SETNAME", Ircv3("extensions/setname")),
    ("SILENCE", Like("UnrealIRCd")),
    ("STATS", Modern("stats-message")),
    ("TAGMSG", Ircv3("extensions/message-tags")),
    ("TIME", Modern("time-message")),
    ("TOPIC", Modern("topic-message")),
    ("UNDLINE", Like("solanum")),
    ("UNKLINE", Like("solanum")),
    ("USER", Modern("user-message")),
    ("USERHOST", Modern("userhost-message")),
    ("USERIP", Like("InspIRCd")),
    ("VERSION", Modern("version-message")),
    ("WALLOPS", Modern("wallops-message")),
    ("WEBIRC", Ircv3("extensions/webirc")),
    ("WHO", Ircv3("extensions/whox")),
    ("WHOIS", Modern("whois-message")),
    ("WHOWAS", Modern("whowas-message")),
];

/// The page of a capability: that of its name, but for these.
pub(crate) const CAPABILITIES: &[(&str, &str)] = &[("cap-notify", "capability-negotiation")];

/// Of each token of 005, and what it says.
pub(crate) const TOKENS: &[(&str, Spec<'static>, &str)] = &[
    ("ACCEPT", Like("solanum"), "nicks in one's ACCEPT list"),
    ("AWAYLEN", Modern("awaylen-parameter"), "bytes of an away message"),
    ("BOT", Ircv3("extensions/bot-mode"), "the user mode of bots"),
    ("CALLERID", Like("solanum"), "the user mode of those who are written to by accepted users only"),
    ("CASEMAPPING", Modern("casemapping-parameter"), "which letters are the same in names"),
    ("CHANLIMIT", Modern("chanlimit-parameter"), "channels that one may be in"),
    ("CHANMODES", Modern("chanmodes-parameter"), "channel modes, by how they take a parameter"),
    ("CHANNELLEN", Modern("channellen-parameter"), "bytes of the name of a channel"),
    ("CHANTYPES", Modern("chantypes-parameter"), "what channels begin with"),
    ("CLIENTTAGDENY", Ircv3("extensions/message-tags"), "client-only tags that are dropped"),
    ("DEAF", Like("solanum"), "the user mode of those who get no messages of channels"),
    ("ELIST", Modern("elist-parameter"), "conditions of LIST"),
    ("EXCEPTS", Modern("excepts-parameter"), "the list of those whom no ban concerns"),
    ("EXTBAN", Modern("extban-parameter"), "extended bans: what they begin with, and their letters"),
    ("HOSTLEN", Modern("hostlen-parameter"), "bytes of a host"),
    ("INVEX", Modern("invex-parameter"), "the list of those who need no invitation"),
    ("KICKLEN", Modern("kicklen-parameter"), "bytes of the comment of a KICK"),
    ("KNOCK", Like("UnrealIRCd"), "that there is KNOCK"),
    ("LINELEN", Like("ergo"), "bytes of a line without tags"),
    ("MAXLIST", Modern("maxlist-parameter"), "entries of all lists of a channel together"),
    ("MODES", Modern("modes-parameter"), "modes with a parameter in one MODE"),
    ("MONITOR", Ircv3("extensions/monitor"), "nicks that one may watch"),
    ("NAMELEN", Ircv3("extensions/setname"), "bytes of a real name"),
    ("NETWORK", Modern("network-parameter"), "the name of the network"),
    ("NICKLEN", Modern("nicklen-parameter"), "bytes of a nick"),
    ("PREFIX", Modern("prefix-parameter"), "modes and symbols of members, the highest first"),
    ("SAFELIST", Modern("safelist-parameter"), "that LIST, however long, disconnects nobody"),
    ("SILENCE", Modern("silence-parameter"), "masks in one's SILENCE list"),
    ("STATUSMSG", Modern("statusmsg-parameter"), "symbols that a channel may stand behind as a target"),
    ("TARGMAX", Modern("targmax-parameter"), "targets of one command"),
    ("TOPICLEN", Modern("topiclen-parameter"), "bytes of a topic"),
    ("USERLEN", Modern("userlen-parameter"), "bytes of a user name"),
    ("UTF8ONLY", Ircv3("extensions/utf8-only"), "that text is UTF-8"),
    ("WHOX", Ircv3("extensions/whox"), "that WHO takes fields"),
    ("draft/ICON", Ircv3("extensions/network-icon"), "an icon of the network"),
];

/// Of each channel mode.
pub(crate) const CHANNEL_MODES: &[(char, Spec<'static>)] = &[
    ('b', Modern("ban-channel-mode")),
    ('e', Modern("exception-channel-mode")),
    ('I', Modern("invite-exception-channel-mode")),
    ('q', Like("solanum; as a prefix, InspIRCd")),
    ('k', Modern("key-channel-mode")),
    ('f', Like("solanum")),
    ('j', Like("solanum")),
    ('l', Modern("client-limit-channel-mode")),
    ('C', Like("solanum")),
    ('N', Like("UnrealIRCd")),
    ('S', Like("ircd-hybrid")),
    ('T', Like("UnrealIRCd")),
    ('c', Like("UnrealIRCd")),
    ('i', Modern("invite-only-channel-mode")),
    ('m', Modern("moderated-channel-mode")),
    ('n', Modern("no-external-messages-mode")),
    ('p', Rfc2812("2.3.1")),
    ('s', Modern("secret-channel-mode")),
    ('t', Modern("protected-topic-mode")),
    ('u', Like("ergo")),
    ('a', Modern("protected-prefix")),
    ('o', Modern("operator-prefix")),
    ('h', Modern("halfop-prefix")),
    ('v', Modern("voice-prefix")),
];

/// Of each user mode.
pub(crate) const USER_MODES: &[(char, Spec<'static>)] = &[
    ('B', Ircv3("extensions/bot-mode")),
    ('D', Like("solanum")),
    ('Z', Like("solanum")),
    ('g', Like("solanum")),
    ('i', Modern("invisible-user-mode")),
    ('o', Modern("oper-user-mode")),
    ('s', Like("solanum")),
    ('w', Modern("wallops-user-mode")),
    ('x', Like("UnrealIRCd")),
];

/// Of each extended ban.
pub(crate) const EXTENDED_BANS: &[(char, Spec<'static>)] = &[
    ('a', Ircv3("extensions/account-extban")),
    ('j', Like("solanum")),
    ('m', Like("UnrealIRCd")),
    ('r', Like("solanum")),
];

/// What only chatd has.
pub(crate) const OWN: Spec<'static> = Chatd;
