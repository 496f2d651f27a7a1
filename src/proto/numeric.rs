//! The one table of numerics. A row becomes a constructor, so a wrong number of arguments does not compile.
//!
//! Texts follow Modern IRC, "Numerics"; clients read the parameters, people read the rest.

use std::fmt::{self, Display, Formatter};

use super::text::one_word;

/// A reply to one client: its code, and its parameters after the client's nick.
pub struct Numeric<F> {
    /// The three digits.
    pub code: u16,
    body: F,
}

impl<F: Fn(&mut Formatter<'_>) -> fmt::Result> Display for Numeric<F> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        (self.body)(f)
    }
}

/// A numeric that is kept for later: how a handler says no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The three digits.
    pub code: u16,
    /// The parameters after the client's nick.
    pub text: String,
}

impl<F: Fn(&mut Formatter<'_>) -> fmt::Result> From<Numeric<F>> for Reply {
    fn from(numeric: Numeric<F>) -> Self {
        Self { code: numeric.code, text: numeric.to_string() }
    }
}

/// A row of the table of numerics.
#[derive(Debug)]
pub struct Row {
    /// The three digits.
    pub code: u16,
    /// The name in lower case.
    pub name: &'static str,
    /// The parameters after the client's nick, with the arguments in braces.
    pub format: &'static str,
}

/// A parameter that repeats what a client sent: one word, or `*` where it could be misread as something else.
pub struct Word<T>(pub T);

impl<T: Display> Display for Word<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(one_word(&self.0.to_string()))
    }
}

// `(nick as word)` marks an argument that repeats what a client sent, and is not the last parameter.
macro_rules! numerics {
    ($($code:literal $name:ident ($($arg:ident $(as $word:ident)?),*) $format:literal;)*) => {
        $(
            #[doc = concat!("`", $code, "`: `", $format, "`")]
            pub fn $name($($arg: impl Display),*) -> Numeric<impl Fn(&mut Formatter<'_>) -> fmt::Result> {
                Numeric { code: $code, body: move |f: &mut Formatter<'_>| {
                    write!(f, $format, $($arg = numerics!(@show $arg $($word)?)),*)
                } }
            }
        )*
        /// Every numeric that chatd can send, by code.
        pub const TABLE: &[Row] = &[$(Row { code: $code, name: stringify!($name), format: $format }),*];
    };
    (@show $arg:ident) => { $arg };
    (@show $arg:ident word) => { Word(&$arg) };
}

numerics! {
    1 rpl_welcome (network, mask) ":Welcome to the {network} network, {mask}";
    2 rpl_yourhost (server, version) ":Your host is {server}, running version {version}";
    3 rpl_created (when) ":This server was started at {when}";
    4 rpl_myinfo (server, version, user_modes, channel_modes, with_parameter)
        "{server} {version} {user_modes} {channel_modes} {with_parameter}";
    5 rpl_isupport (tokens) "{tokens} :are supported by this server";
    8 rpl_snomask (kinds) "{kinds} :Server notice mask";
    15 rpl_map (server, users) ":{server} [{users} users]";
    17 rpl_endofmap () ":End of /MAP";
    211 rpl_statslinkinfo (mask, waiting, lines, seconds) "{mask} {waiting} * * {lines} * :{seconds}";
    212 rpl_statscommands (command, count) "{command} {count}";
    215 rpl_statsiline (network, password, mask, listener, class)
        "I {network} {password} {mask} {listener} {class}";
    216 rpl_statskline (letter, host as word, user as word, reason) "{letter} {host} * {user} :{reason}";
    217 rpl_statsqline (mask, reason) "Q {mask} :{reason}";
    218 rpl_statsyline (class, ping, each, most, send_queue, now) "Y {class} {ping} {each} {most} {send_queue} {now}";
    219 rpl_endofstats (letter as word) "{letter} :End of /STATS report";
    221 rpl_umodeis (modes) "{modes}";
    225 rpl_statsdline (letter, network as word, reason) "{letter} {network} :{reason}";
    242 rpl_statsuptime (days, clock) ":Server Up {days} days {clock}";
    243 rpl_statsoline (mask, name, class, privileges) "O {mask} * {name} {class} :{privileges}";
    249 rpl_statsdebug (text) ":{text}";
    251 rpl_luserclient (users, invisible) ":There are {users} users and {invisible} invisible on 1 servers";
    252 rpl_luserop (operators) "{operators} :operator(s) online";
    253 rpl_luserunknown (connections) "{connections} :unknown connection(s)";
    254 rpl_luserchannels (channels) "{channels} :channels formed";
    255 rpl_luserme (clients) ":I have {clients} clients and 0 servers";
    256 rpl_adminme (server) "{server} :Administrative info";
    257 rpl_adminloc1 (location) ":{location}";
    258 rpl_adminloc2 (organization) ":{organization}";
    259 rpl_adminemail (contact) ":{contact}";
    263 rpl_tryagain (command) "{command} :Please wait a while and try again.";
    265 rpl_localusers (users, most) "{users} {most} :Current local users {users}, max {most}";
    266 rpl_globalusers (users, most) "{users} {most} :Current global users {users}, max {most}";
    271 rpl_silelist (nick, mask) "{nick} {mask}";
    272 rpl_endofsilelist () ":End of SILENCE list";
    281 rpl_acceptlist (nick) "{nick}";
    282 rpl_endofaccept () ":End of ACCEPT list";
    301 rpl_away (nick, message) "{nick} :{message}";
    302 rpl_userhost (replies) ":{replies}";
    303 rpl_ison (nicks) ":{nicks}";
    305 rpl_unaway () ":You are no longer marked as being away";
    306 rpl_nowaway () ":You have been marked as being away";
    311 rpl_whoisuser (nick, user, host, realname) "{nick} {user} {host} * :{realname}";
    312 rpl_whoisserver (nick, server, description) "{nick} {server} :{description}";
    313 rpl_whoisoperator (nick, title) "{nick} :{title}";
    314 rpl_whowasuser (nick, user, host, realname) "{nick} {user} {host} * :{realname}";
    315 rpl_endofwho (mask as word) "{mask} :End of WHO list";
    317 rpl_whoisidle (nick, idle, signon) "{nick} {idle} {signon} :seconds idle, signon time";
    318 rpl_endofwhois (nick as word) "{nick} :End of /WHOIS list";
    319 rpl_whoischannels (nick, channels) "{nick} :{channels}";
    320 rpl_whoisspecial (nick, text) "{nick} :{text}";
    321 rpl_liststart () "Channel :Users  Name";
    322 rpl_list (channel, visible, topic) "{channel} {visible} :{topic}";
    323 rpl_listend () ":End of /LIST";
    324 rpl_channelmodeis (channel, modes) "{channel} {modes}";
    329 rpl_creationtime (channel, when) "{channel} {when}";
    331 rpl_notopic (channel) "{channel} :No topic is set";
    332 rpl_topic (channel, topic) "{channel} :{topic}";
    333 rpl_topicwhotime (channel, who, when) "{channel} {who} {when}";
    335 rpl_whoisbot (nick, network) "{nick} :is a bot on {network}";
    336 rpl_invitelist (channel) "{channel}";
    337 rpl_endofinvitelist () ":End of /INVITE list";
    338 rpl_whoisactually (nick, user, host, address) "{nick} {user}@{host} {address} :is actually using host";
    340 rpl_userip (replies) ":{replies}";
    341 rpl_inviting (nick, channel) "{nick} {channel}";
    346 rpl_invexlist (channel, mask, who, when) "{channel} {mask} {who} {when}";
    347 rpl_endofinvexlist (channel) "{channel} :End of channel invite exception list";
    348 rpl_exceptlist (channel, mask, who, when) "{channel} {mask} {who} {when}";
    349 rpl_endofexceptlist (channel) "{channel} :End of channel exception list";
    351 rpl_version (version, server, comment) "{version} {server} :{comment}";
    352 rpl_whoreply (channel, user, host, server, nick, flags, realname)
        "{channel} {user} {host} {server} {nick} {flags} :0 {realname}";
    353 rpl_namreply (symbol, channel, names) "{symbol} {channel} :{names}";
    354 rpl_whospcrpl (fields) "{fields}";
    364 rpl_links (server, uplink, description) "{server} {uplink} :0 {description}";
    365 rpl_endoflinks (mask as word) "{mask} :End of /LINKS list";
    366 rpl_endofnames (channel as word) "{channel} :End of /NAMES list";
    367 rpl_banlist (channel, mask, who, when) "{channel} {mask} {who} {when}";
    368 rpl_endofbanlist (channel) "{channel} :End of channel ban list";
    369 rpl_endofwhowas (nick as word) "{nick} :End of WHOWAS";
    371 rpl_info (line) ":{line}";
    372 rpl_motd (line) ":- {line}";
    374 rpl_endofinfo () ":End of /INFO list";
    375 rpl_motdstart (server) ":- {server} Message of the day - ";
    376 rpl_endofmotd () ":End of /MOTD command";
    379 rpl_whoismodes (nick, modes) "{nick} :is using modes {modes}";
    381 rpl_youreoper () ":You are now an IRC operator";
    382 rpl_rehashing (file) "{file} :Rehashing";
    391 rpl_time (server, when) "{server} :{when}";
    396 rpl_visiblehost (host) "{host} :is now your visible host";
    401 err_nosuchnick (nick as word) "{nick} :No such nick/channel";
    402 err_nosuchserver (server as word) "{server} :No such server";
    403 err_nosuchchannel (channel as word) "{channel} :No such channel";
    404 err_cannotsendtochan (channel, why) "{channel} :Cannot send to channel ({why})";
    405 err_toomanychannels (channel as word) "{channel} :You have joined too many channels";
    406 err_wasnosuchnick (nick as word) "{nick} :There was no such nickname";
    407 err_toomanytargets (target as word, most) "{target} :Too many targets, at most {most} at a time";
    409 err_noorigin () ":No origin specified";
    410 err_invalidcapcmd (subcommand as word) "{subcommand} :Invalid CAP command";
    411 err_norecipient (command) ":No recipient given ({command})";
    412 err_notexttosend () ":No text to send";
    417 err_inputtoolong () ":Input line was too long";
    421 err_unknowncommand (command as word) "{command} :Unknown command";
    422 err_nomotd () ":There is no message of the day";
    423 err_noadmininfo (server) "{server} :No administrative info available";
    431 err_nonicknamegiven () ":No nickname given";
    432 err_erroneusnickname (nick as word, why) "{nick} :{why}";
    433 err_nicknameinuse (nick as word) "{nick} :Nickname is already in use";
    435 err_bannickchange (channel) "{channel} :You cannot change your nick while you are banned there";
    439 err_targettoofast (target as word, seconds)
        "{target} :You address too many people at once, try again in {seconds} seconds";
    441 err_usernotinchannel (nick, channel) "{nick} {channel} :They aren't on that channel";
    442 err_notonchannel (channel) "{channel} :You're not on that channel";
    443 err_useronchannel (nick, channel) "{nick} {channel} :is already on channel";
    447 err_nonickchange (channel) "{channel} :You cannot change your nick while you are there (+N)";
    451 err_notregistered () ":You have not registered";
    456 err_acceptfull () ":Accept list is full";
    457 err_acceptexist (nick) "{nick} :is already on your accept list";
    458 err_acceptnot (nick as word) "{nick} :is not on your accept list";
    461 err_needmoreparams (command) "{command} :Not enough parameters";
    462 err_alreadyregistered () ":You may not reregister";
    464 err_passwdmismatch () ":Password incorrect";
    465 err_yourebannedcreep (reason) ":You are banned from this server: {reason}";
    468 err_invalidusername () ":Your user name has no character that may stand in one";
    470 err_linkchannel (channel, other) "{channel} {other} :Forwarding to another channel";
    471 err_channelisfull (channel) "{channel} :Cannot join channel (+l)";
    472 err_unknownmode (letter as word) "{letter} :is an unknown mode character to me";
    473 err_inviteonlychan (channel) "{channel} :Cannot join channel (+i)";
    474 err_bannedfromchan (channel) "{channel} :Cannot join channel (+b)";
    475 err_badchannelkey (channel) "{channel} :Cannot join channel (+k)";
    478 err_banlistfull (channel, mask as word) "{channel} {mask} :Channel list is full";
    479 err_badchanname (channel as word, why) "{channel} :{why}";
    480 err_throttle (channel) "{channel} :Cannot join channel (+j), try again later";
    481 err_noprivileges (privilege) ":Permission denied: you need the privilege {privilege} of a server operator";
    482 err_chanoprivsneeded (channel) "{channel} :You're not a channel operator";
    483 err_cantkillserver () ":You can't kill a server!";
    489 err_secureonlychan (channel) "{channel} :Cannot join channel (+S), your connection is not encrypted";
    491 err_nooperhost () ":No O-lines for your host";
    494 err_ownmode (nick) "{nick} :cannot answer you while you have mode +g, your message was not sent";
    501 err_umodeunknownflag (letter as word) "{letter} :is an unknown user mode character to me";
    502 err_usersdontmatch () ":Can't view or change modes of other users";
    511 err_silelistfull (mask as word) "{mask} :Your silence list is full";
    524 err_helpnotfound (subject as word) "{subject} :There is no help on this";
    696 err_invalidmodeparam (target, letter, parameter as word, why) "{target} {letter} {parameter} :{why}";
    704 rpl_helpstart (subject, title) "{subject} :{title}";
    705 rpl_helptxt (subject, line) "{subject} :{line}";
    706 rpl_endofhelp (subject, line) "{subject} :{line}";
    710 rpl_knock (channel, mask) "{channel} {mask} :has asked for an invite";
    711 rpl_knockdlvr (channel) "{channel} :Your KNOCK has been delivered";
    712 err_toomanyknock (channel) "{channel} :You have knocked lately, try again later";
    713 err_chanopen (channel) "{channel} :The channel is open";
    714 err_knockonchan (channel) "{channel} :You are on that channel";
    716 err_targumodeg (nick) "{nick} :has mode +g and does not know you";
    717 rpl_targnotify (nick) "{nick} :has been told that you wrote to them";
    718 rpl_umodegmsg (nick, from) "{nick} {from} :writes to you, and you have mode +g; /ACCEPT lets them";
    728 rpl_quietlist (channel, mask, who, when) "{channel} q {mask} {who} {when}";
    729 rpl_endofquietlist (channel) "{channel} q :End of channel quiet list";
    730 rpl_mononline (masks) ":{masks}";
    731 rpl_monoffline (nicks) ":{nicks}";
    732 rpl_monlist (nicks) ":{nicks}";
    733 rpl_endofmonlist () ":End of MONITOR list";
    734 err_monlistfull (limit, nicks) "{limit} {nicks} :Monitor list is full";
    904 err_saslfail () ":SASL authentication failed";
    905 err_sasltoolong () ":SASL message too long";
    906 err_saslaborted () ":SASL authentication aborted";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_and_distinct() {
        assert!(TABLE.is_sorted_by(|a, b| a.code < b.code));
    }

    #[test]
    fn only_the_last_parameter_may_hold_spaces_and_then_begins_with_a_colon() {
        for row in TABLE {
            let (middle, trailing) = row.format.split_once(':').unwrap_or((row.format, ""));
            assert!(middle.is_empty() || trailing.is_empty() || middle.ends_with(' '), "{}", row.name);
            for word in middle.split_whitespace() {
                let fixed = !word.contains(['{', '}']);
                assert!(fixed || (word.starts_with('{') && word.ends_with('}')), "{}: {word}", row.name);
            }
        }
    }

    #[test]
    fn what_a_client_sent_is_repeated_as_one_word_or_not_at_all() {
        for (given, shown) in [("#a", "#a"), ("", "*"), ("#a b", "*"), (":a", "*"), ("a:b", "a:b")] {
            let text = err_nosuchchannel(given).to_string();
            assert_eq!(text, format!("{shown} :No such channel"));
        }
    }

    #[test]
    fn a_reply_holds_what_the_numeric_says() {
        let reply: Reply = rpl_topic("#rust", "on topic").into();
        assert_eq!(reply, Reply { code: 332, text: "#rust :on topic".to_owned() });
    }
}
