//! The tokens of 005, derived from the tables and the configured limits (Modern IRC, `RPL_ISUPPORT`).

use super::extban;
use super::limits::{ISUPPORT_TOKENS, LINE, MODES, NICK};
use super::modes::Kind;
use super::names::{CHANNEL_TYPES, HOST_LENGTH};
use super::text::pack;
use crate::config::{Config, TagDeny};

/// All tokens, by name.
pub fn tokens(config: &Config) -> Vec<String> {
    let limits = &config.limits;
    let targets = limits.targets;
    let prefixes = config.channels.prefixes;
    let kind = |kind| prefixes.letters_of(&[kind]);
    let (lists, letters, symbols) = (kind(Kind::List), prefixes.letters(), prefixes.symbols());
    let mut tokens = vec![
        format!("ACCEPT={}", limits.accept_entries),
        format!("AWAYLEN={}", limits.away_length),
        "BOT=B".to_owned(),
        "CALLERID=g".to_owned(),
        "CASEMAPPING=ascii".to_owned(),
        format!("CHANLIMIT={CHANNEL_TYPES}:{}", limits.channels_per_user),
        format!("CHANMODES={lists},{},{},{}", kind(Kind::Setting), kind(Kind::SettingOnly), kind(Kind::Flag)),
        format!("CHANNELLEN={}", limits.channel_length),
        format!("CHANTYPES={CHANNEL_TYPES}"),
        "DEAF=D".to_owned(),
        "ELIST=CMNTU".to_owned(),
        "EXCEPTS=e".to_owned(),
        format!(
            "EXTBAN={},{}",
            extban::PREFIX,
            extban::TABLE.iter().map(|ban| ban.letter).collect::<String>()
        ),
        format!("HOSTLEN={HOST_LENGTH}"),
        "INVEX=I".to_owned(),
        format!("KICKLEN={}", limits.kick_length),
        "KNOCK".to_owned(),
        format!("LINELEN={LINE}"),
        format!("MAXLIST={lists}:{}", limits.list_entries),
        format!("MODES={MODES}"),
        format!("MONITOR={}", limits.monitor_entries),
        format!("NAMELEN={}", limits.realname_length),
        format!("NETWORK={}", escape(&config.server.network)),
        format!("NICKLEN={}", limits.nick_length),
        format!("PREFIX=({letters}){symbols}"),
        "SAFELIST".to_owned(),
        format!("SILENCE={}", limits.silence_entries),
        format!("STATUSMSG={symbols}"),
        format!(
            "TARGMAX=ACCEPT:{targets},JOIN:{targets},KICK:{targets},LIST:{targets},NAMES:{targets},NOTICE:{targets},\
             PART:{targets},PRIVMSG:{targets},SILENCE:{targets},TAGMSG:{targets},WHOIS:{targets}"
        ),
        format!("TOPICLEN={}", limits.topic_length),
        format!("USERLEN={}", limits.user_length),
        "UTF8ONLY".to_owned(),
        "WHOX".to_owned(),
    ];
    let deny = &config.tags.deny;
    if *deny != TagDeny::default() {
        tokens.push(format!("CLIENTTAGDENY={deny}"));
    }
    if let Some(icon) = &config.server.icon {
        tokens.push(format!("draft/ICON={}", escape(icon)));
    }
    tokens.sort();
    tokens
}

/// Tokens as lines, each with at most [`ISUPPORT_TOKENS`] of them, and no more than fit for the longest nick.
pub fn lines(config: &Config, tokens: &[String]) -> Vec<String> {
    let frame = ": 005   :are supported by this server\r\n".len() + config.server.name.len() + NICK;
    let chunks = tokens.chunks(ISUPPORT_TOKENS);
    chunks.flat_map(|chunk| pack(chunk, LINE - frame, |line, token| line.push_str(token))).collect()
}

/// What must be said to those who know the tokens `before`: tokens that are new or have another value, and `-` with the
/// names of those that are gone.
pub fn changes(before: &[String], after: &[String]) -> Vec<String> {
    let name = |token: &String| token.split_once('=').map_or(token.clone(), |(name, _)| name.to_owned());
    let names: Vec<String> = after.iter().map(name).collect();
    let gone = before.iter().map(name).filter(|name| !names.contains(name)).map(|name| format!("-{name}"));
    after.iter().filter(|token| !before.contains(token)).cloned().chain(gone).collect()
}

/// Changes and the ones that follow them, as one.
pub fn then(earlier: Vec<String>, later: &[String]) -> Vec<String> {
    let name = |change: &str| {
        let token = change.strip_prefix('-').unwrap_or(change);
        token.split('=').next().unwrap_or_default().to_owned()
    };
    let again: Vec<String> = later.iter().map(|change| name(change)).collect();
    let still = earlier.into_iter().filter(|change| !again.contains(&name(change)));
    still.chain(later.iter().cloned()).collect()
}

/// A value with its spaces, equal signs and backslashes written as `\xHH`.
fn escape(value: &str) -> String {
    value.replace('\\', "\\x5C").replace(' ', "\\x20").replace('=', "\\x3D")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_that_follow_each_other_are_told_as_one() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let both = then(words("A=1 B=1 -C -D E"), &words("B=2 C -E"));
        assert_eq!(both, words("A=1 -D B=2 C -E"));
    }

    #[test]
    fn every_token_is_sorted_ascii_and_has_one_equal_sign_at_most() {
        let mut config = Config::default();
        config.server.network = "My = Net".to_owned();
        config.server.icon = Some("https://irc.test/icon?size=64".to_owned());
        config.tags.deny = TagDeny { every: true, names: vec!["typing".to_owned()] };
        let tokens = tokens(&config);
        assert!(tokens.is_sorted());
        for token in &tokens {
            assert!(token.is_ascii() && !token.contains(' ') && token.matches('=').count() <= 1, "{token}");
        }
        assert!(tokens.contains(&"NETWORK=My\\x20\\x3D\\x20Net".to_owned()));
        assert!(tokens.contains(&"draft/ICON=https://irc.test/icon?size\\x3D64".to_owned()));
        assert!(tokens.contains(&"CLIENTTAGDENY=*,-typing".to_owned()));
        assert!(tokens.contains(&"CHANMODES=beIq,k,fjl,CNSTcimnpstu".to_owned()));
        assert!(tokens.contains(&"PREFIX=(ohv)@%+".to_owned()));
    }

    #[test]
    fn only_what_changed_is_said_again() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let changes = |before, after| changes(&words(before), &words(after)).join(" ");
        assert_eq!(changes("A=1 B C=2", "A=1 B C=2"), "");
        assert_eq!(changes("A=1 B C=2 D E=1", "A=2 B E F=1"), "A=2 E F=1 -C -D");
    }

    #[test]
    fn no_line_has_more_tokens_than_clients_expect() {
        let mut config = Config::default();
        assert_eq!(lines(&config, &tokens(&config)).len(), tokens(&config).len().div_ceil(ISUPPORT_TOKENS));
        config.server.name = "n".repeat(HOST_LENGTH);
        config.server.network = "=".repeat(50);
        let lines = lines(&config, &tokens(&config));
        assert_eq!(lines.join(" "), tokens(&config).join(" "));
        for line in &lines {
            assert!(line.split(' ').count() <= ISUPPORT_TOKENS);
            let whole = format!(
                ":{} 005 {} {line} :are supported by this server\r\n",
                config.server.name,
                "n".repeat(NICK)
            );
            assert!(whole.len() <= LINE, "{whole}");
        }
    }
}
