//! WEBIRC: a gateway says whom it speaks for (IRCv3 WEBIRC).

use std::net::IpAddr;

use super::super::class::same_secret;
use super::super::ctx::Ctx;
use super::super::host::is_host;
use super::super::{Cause, Event, Peer};
use super::Outcome;
use crate::proto::message::Message;

/// `WEBIRC <password> <gateway> <hostname> <ip> [:options]`
pub(super) fn webirc(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    let client = c.client().id;
    let (gateway, address) = match identify(c, m) {
        Ok(found) => found,
        Err(why) => {
            c.event(Event::GatewayRefused { client, why });
            c.dismiss(Cause::Refused, why);
            return Ok(());
        }
    };
    // No connection has TLS, so what the gateway says of its own is only for the log (WEBIRC, "Options").
    let mut options = m.get(4).unwrap_or("").split_ascii_whitespace();
    let secure = options.any(|option| option.split('=').next() == Some("secure"));
    c.event(Event::Gateway { client, gateway: gateway.clone(), address, secure });
    let peer = Peer { address, ..c.client().peer.clone() };
    let host = Some(m.arg(2)).filter(|name| is_host(name));
    c.client_mut().gateway = Some(gateway.into());
    if let Err(why) = c.move_from_gateway(peer, host) {
        c.turn_away(why);
    }
    Ok(())
}

/// The gateway that the client is, and the address that it speaks for.
fn identify(c: &Ctx<'_>, m: &Message<'_>) -> Result<(String, IpAddr), &'static str> {
    let client = c.client();
    if client.messages_in != 1 {
        return Err("WEBIRC must be the first command");
    }
    let mut known = c.server.gateways(client.peer.address).peekable();
    if known.peek().is_none() {
        return Err("Not a WebIRC gateway");
    }
    let gateway = known.find(|it| same_secret(m.arg(0), &it.password)).ok_or("Invalid WebIRC password")?;
    let address = m.arg(3).parse::<IpAddr>().map_err(|_| "Invalid WebIRC address")?;
    Ok((gateway.name.clone(), address.to_canonical()))
}
