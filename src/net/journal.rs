//! Events of a connection's life as log records: one line each, `key=value`, never message text.

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
        Event::OperRefused { client, mask, name, why } => log::warn!(
            "oper refused client={client} user={} name={} reason={}",
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
        Event::Kicked { client, nick, channel, by, reason } => log::info!(
            "kick client={client} nick={} channel={} by={} reason={}",
            Quoted(nick),
            Quoted(channel),
            Quoted(by),
            Quoted(reason)
        ),
    }
}
