//! Events of a connection's life as log records: one line each, `key=value`, never message text. And the same for those who
//! watch.

use super::bans::word;
use crate::admin::{BanStep, Happening, OperStep};
use crate::id::ClientId;
use crate::log::{Quoted, utc_of};
use crate::server::Event;

/// Logs what the server tells of.
pub(super) fn event(event: &Event) {
    match event {
        Event::Registered { client, mask } => log::info!("register client={client} user={}", Quoted(mask)),
        Event::Renamed { client, from, to } => {
            log::info!("nick client={client} from={} to={}", Quoted(from), Quoted(to));
        }
        Event::Disconnected { client, mask, cause, reason } => {
            let user = mask.as_deref().unwrap_or("*");
            let cause = cause.name();
            log::info!("quit client={client} user={} cause={cause} reason={}", Quoted(user), Quoted(reason));
        }
        Event::BanSet(ban) => log::info!(
            "ban set kind={} mask={} by={} expires={} reason={}",
            ban.kind.name(),
            Quoted(&ban.mask),
            Quoted(&ban.by),
            ban.expires_unix_ms.map_or_else(|| "never".to_owned(), |at| utc_of(at / 1_000)),
            Quoted(&ban.reason)
        ),
        Event::BanUnset { kind, mask, by } => {
            log::info!("ban unset kind={} mask={} by={}", kind.name(), Quoted(mask), Quoted(by));
        }
        Event::BanEnded { kind, mask } => log::info!("ban ended kind={} mask={}", kind.name(), Quoted(mask)),
        Event::Banned { client, mask, reason } => {
            log::info!("banned client={client} user={} reason={}", Quoted(mask), Quoted(reason));
        }
        Event::Flooding { client, mask } => log::info!("flood client={client} user={}", Quoted(mask)),
        Event::Killed { client, mask, by, reason } => {
            log::info!(
                "kill client={client} user={} by={} reason={}",
                Quoted(mask),
                Quoted(by),
                Quoted(reason)
            );
        }
        Event::Oper { client, mask, name, class } => log::info!(
            "oper client={client} user={} name={} class={}",
            Quoted(mask),
            Quoted(name),
            Quoted(class)
        ),
        Event::OperRefused { client, mask, address, name, why } => log::warn!(
            "oper refused client={client} user={} address={address} name={} reason={}",
            Quoted(mask),
            Quoted(name),
            Quoted(why)
        ),
        Event::NoOperator { client, mask, name } => {
            log::info!("deoper client={client} user={} name={}", Quoted(mask), Quoted(name));
        }
        Event::Acted { client, mask, what } => {
            log::info!("oper action client={client} user={} what={}", Quoted(mask), Quoted(what));
        }
        Event::Filtered { client, mask, filter, command, action } => {
            let user = mask.as_deref().unwrap_or("*");
            let (user, filter) = (Quoted(user), Quoted(filter));
            log::warn!(
                "filter client={client} user={user} filter={filter} command={command} action={action}"
            );
        }
        Event::Gateway { client, gateway, address, secure } => {
            log::info!("gateway client={client} gateway={gateway} address={address} secure={secure}");
        }
        Event::GatewayRefused { client, why } => {
            log::warn!("gateway refused client={client} reason={}", Quoted(why));
        }
        Event::Lockdown { on } => log::warn!("lockdown on={on}"),
        // These are for those who watch.
        Event::Joined { .. } | Event::Parted { .. } => {}
        Event::Kicked { client, nick, channel, by, reason } => log::info!(
            "kick client={client} nick={} channel={} by={} reason={}",
            Quoted(nick),
            Quoted(channel),
            Quoted(by),
            Quoted(reason)
        ),
    }
}

/// What those who watch are told of it.
pub(super) fn happening(event: Event) -> Happening {
    match event {
        Event::Registered { client, mask } => {
            Happening::Register { client: client.to_u64(), nick: nick_of(&mask), user: mask }
        }
        Event::Renamed { client, from, to } => Happening::Nick { client: client.to_u64(), from, to },
        Event::Disconnected { client, mask, cause, reason } => Happening::Quit {
            client: client.to_u64(),
            nick: mask.as_deref().map(nick_of),
            user: mask,
            cause: cause.name().to_owned(),
            reason,
        },
        Event::BanSet(ban) => Happening::Ban {
            step: BanStep::Set,
            ban: word(ban.kind).to_owned(),
            mask: ban.mask,
            by: Some(ban.by),
            reason: Some(ban.reason),
            expires: ban.expires_unix_ms,
        },
        Event::BanUnset { kind, mask, by } => {
            let (step, ban) = (BanStep::Unset, word(kind).to_owned());
            Happening::Ban { step, ban, mask, by: Some(by), reason: None, expires: None }
        }
        Event::BanEnded { kind, mask } => {
            let (step, ban) = (BanStep::Ended, word(kind).to_owned());
            Happening::Ban { step, ban, mask, by: None, reason: None, expires: None }
        }
        Event::Banned { client, mask, reason } => {
            Happening::Banned { client: client.to_u64(), nick: nick_of(&mask), user: mask, reason }
        }
        Event::Flooding { client, mask } => {
            Happening::Flood { client: client.to_u64(), nick: nick_of(&mask), user: mask }
        }
        Event::Killed { client, mask, by, reason } => {
            Happening::Kill { client: client.to_u64(), nick: nick_of(&mask), user: mask, by, reason }
        }
        Event::Oper { client, mask, name, class } => {
            oper(OperStep::Became, client, mask, Some(name), Some(class), None)
        }
        Event::OperRefused { client, mask, name, why, .. } => {
            oper(OperStep::Refused, client, mask, Some(name), None, Some(why.to_owned()))
        }
        Event::NoOperator { client, mask, name } => {
            oper(OperStep::Ceased, client, mask, Some(name), None, None)
        }
        Event::Acted { client, mask, what } => oper(OperStep::Acted, client, mask, None, None, Some(what)),
        Event::Filtered { client, mask, filter, command, action } => Happening::Filter {
            client: client.to_u64(),
            nick: mask.as_deref().map(nick_of),
            user: mask,
            filter,
            command: command.to_owned(),
            action: action.to_owned(),
        },
        Event::Gateway { client, gateway, address, .. } => Happening::Gateway {
            client: client.to_u64(),
            gateway: Some(gateway),
            address: Some(address.to_string()),
            refused: None,
        },
        Event::GatewayRefused { client, why } => Happening::Gateway {
            client: client.to_u64(),
            gateway: None,
            address: None,
            refused: Some(why.to_owned()),
        },
        Event::Lockdown { on } => Happening::Lockdown { on },
        Event::Kicked { client, nick, channel, by, reason } => {
            Happening::Kick { client: client.to_u64(), nick, channel, by, reason }
        }
        Event::Joined { client, nick, channel } => {
            Happening::Join { client: client.to_u64(), nick: nick.to_string(), channel: channel.to_string() }
        }
        Event::Parted { client, nick, channel } => {
            Happening::Part { client: client.to_u64(), nick: nick.to_string(), channel: channel.to_string() }
        }
    }
}

/// The nick of `nick!user@host`.
fn nick_of(mask: impl AsRef<str>) -> String {
    let mask = mask.as_ref();
    mask.split_once('!').map_or(mask, |(nick, _)| nick).to_owned()
}

fn oper(
    step: OperStep,
    client: ClientId,
    user: String,
    name: Option<String>,
    class: Option<String>,
    what: Option<String>,
) -> Happening {
    Happening::Oper { step, client: client.to_u64(), nick: nick_of(&user), user, name, class, what }
}
