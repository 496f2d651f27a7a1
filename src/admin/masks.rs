//! Which events somebody watches, beside their kinds: those about certain nicks, channels and addresses.

use super::Happening;
use crate::proto::mask::Subject;

/// Masks, in which `*` and `?` are wild, of what events are about. An empty list asks for nothing; of a list with masks one must
/// match, and of two lists both. What an event is not about matches no mask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WatchMasks {
    /// Of nicks: of a user who takes another, the one before or the one after.
    pub nick: Vec<String>,
    /// Of channels.
    pub channel: Vec<String>,
    /// Of the IP addresses that clients connect from.
    pub address: Vec<String>,
}

impl WatchMasks {
    /// How often at most a mask is held against a text to find out whether an event is meant: there may be two nicks, and two
    /// addresses.
    pub fn looks(&self) -> usize {
        2 * self.nick.len() + self.channel.len() + 2 * self.address.len()
    }

    /// Whether an event about a client with this address is meant.
    pub fn fit(&self, what: &Happening, address: Option<&str>) -> bool {
        let [nick, other] = what.nicks();
        let any = |masks: &[String], text: Option<&str>| {
            let text = text.map(Subject::new);
            text.is_some_and(|text| masks.iter().any(|mask| text.matches(mask)))
        };
        (self.nick.is_empty() || any(&self.nick, nick) || any(&self.nick, other))
            && (self.channel.is_empty() || any(&self.channel, what.channel()))
            && (self.address.is_empty() || any(&self.address, address) || any(&self.address, what.claimed()))
    }
}

impl Happening {
    /// The client that it is about.
    pub fn client(&self) -> Option<u64> {
        match self {
            Self::Banned { client, .. }
            | Self::Connect { client, .. }
            | Self::Filter { client, .. }
            | Self::Flood { client, .. }
            | Self::Gateway { client, .. }
            | Self::Join { client, .. }
            | Self::Kick { client, .. }
            | Self::Kill { client, .. }
            | Self::Nick { client, .. }
            | Self::Oper { client, .. }
            | Self::Part { client, .. }
            | Self::Quit { client, .. }
            | Self::Register { client, .. } => Some(*client),
            Self::Ban { .. }
            | Self::Drain { .. }
            | Self::Limit { .. }
            | Self::Listener { .. }
            | Self::Lockdown { .. }
            | Self::Reload { .. }
            | Self::Shutdown { .. } => None,
        }
    }

    /// The nick of the user that it is about, and the new one of who has taken another.
    fn nicks(&self) -> [Option<&str>; 2] {
        match self {
            Self::Banned { nick, .. }
            | Self::Flood { nick, .. }
            | Self::Join { nick, .. }
            | Self::Kick { nick, .. }
            | Self::Kill { nick, .. }
            | Self::Oper { nick, .. }
            | Self::Part { nick, .. }
            | Self::Register { nick, .. } => [Some(nick), None],
            Self::Filter { nick, .. } | Self::Quit { nick, .. } => [nick.as_deref(), None],
            Self::Nick { from, to, .. } => [Some(from), Some(to)],
            _ => [None, None],
        }
    }

    /// The channel that it happens in.
    fn channel(&self) -> Option<&str> {
        match self {
            Self::Join { channel, .. } | Self::Kick { channel, .. } | Self::Part { channel, .. } => {
                Some(channel)
            }
            _ => None,
        }
    }

    /// The address that a gateway speaks for.
    fn claimed(&self) -> Option<&str> {
        match self {
            Self::Gateway { address, .. } => address.as_deref(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::admin::EVENTS;

    fn event(event: serde_json::Value) -> Happening {
        serde_json::from_value(event).unwrap()
    }

    fn masks(nick: &[&str], channel: &[&str], address: &[&str]) -> WatchMasks {
        let [nick, channel, address] =
            [nick, channel, address].map(|list| list.iter().map(|mask| (*mask).to_owned()).collect());
        WatchMasks { nick, channel, address }
    }

    #[test]
    fn of_a_list_one_mask_must_match_and_of_lists_all() {
        let join = event(json!({"kind": "join", "client": 1, "nick": "Bob", "channel": "#Rust"}));
        for (given, fits) in [
            (masks(&[], &[], &[]), true),
            (masks(&["bob"], &[], &[]), true),
            (masks(&["ann", "b?b"], &[], &[]), true),
            (masks(&["bo"], &[], &[]), false),
            (masks(&[], &["#ru*"], &[]), true),
            (masks(&["bob"], &["#go"], &[]), false),
            (masks(&["bob"], &["#rust"], &["192.0.2.*"]), true),
            (masks(&["bob"], &["#rust"], &["192.0.3.*"]), false),
        ] {
            assert_eq!(given.fit(&join, Some("192.0.2.7")), fits, "{given:?}");
        }
        assert!(!masks(&[], &[], &["*"]).fit(&join, None), "an address that nobody knows");
    }

    #[test]
    fn what_an_event_is_not_about_matches_nothing() {
        let reload = event(
            json!({"kind": "reload", "done": true, "changed": [], "restart_needed": [], "problems": 0}),
        );
        for given in [masks(&["*"], &[], &[]), masks(&[], &["*"], &[]), masks(&[], &[], &["*"])] {
            assert!(!given.fit(&reload, None), "{given:?}");
        }
        assert!(masks(&[], &[], &[]).fit(&reload, None));
    }

    #[test]
    fn both_nicks_and_both_addresses_count() {
        let nick = event(json!({"kind": "nick", "client": 1, "from": "ann", "to": "eve"}));
        assert!(masks(&["ann"], &[], &[]).fit(&nick, None) && masks(&["eve"], &[], &[]).fit(&nick, None));
        let gateway = json!({"kind": "gateway", "client": 1, "gateway": "web", "address": "192.0.2.9", "refused": null});
        let by = |mask: &str| masks(&[], &[], &[mask]).fit(&event(gateway.clone()), Some("203.0.113.1"));
        assert!(by("192.0.2.9") && by("203.0.113.1") && !by("198.51.100.1"));
    }

    /// An event of each kind, with the least that it must have.
    fn all() -> Vec<Happening> {
        let client = json!({"client": 7, "nick": "a", "user": "a!b@c", "channel": "#c", "by": "x", "reason": "x", "from": "a",
            "to": "a", "address": "192.0.2.1", "listener": "x", "filter": "x", "command": "x", "action": "x", "cause": "x",
            "step": "became", "on": true, "limit": "x", "count": 1, "done": true, "changed": [], "restart_needed": [],
            "problems": 0, "connections": 1, "ban": "kline", "mask": "x"});
        let of = |kind: &str| {
            let mut event = client.clone();
            event["kind"] = json!(kind);
            match kind {
                "ban" => event["step"] = json!("set"),
                "listener" => event["step"] = json!("opened"),
                _ => {}
            }
            serde_json::from_value(event).unwrap_or_else(|error| panic!("{kind}: {error}"))
        };
        EVENTS.map(of).into()
    }

    #[test]
    fn each_event_that_names_a_client_a_nick_or_a_channel_is_found_by_it() {
        for what in all() {
            let json = serde_json::to_value(&what).unwrap();
            let has = |name: &str| json.get(name).is_some();
            assert_eq!(what.client().is_some(), has("client"), "{json}");
            assert_eq!(masks(&["a"], &[], &[]).fit(&what, None), has("nick") || has("from"), "{json}");
            assert_eq!(masks(&[], &["#c"], &[]).fit(&what, None), has("channel"), "{json}");
        }
    }
}
