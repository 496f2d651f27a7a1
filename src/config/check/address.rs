//! Checks of addresses, networks, and masks of where somebody comes from.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use crate::config::Endpoint;
use crate::config::check::name;
use crate::config::field::{Field, quoted};
use crate::proto::hostmask::{Host, HostMask};
use crate::proto::network::Network;

pub(in crate::config) fn listen_address(field: &mut Field<'_>) -> Option<Endpoint> {
    const WANTED: &str = "must be an IP address and a port";
    let of_port = |port: &str| {
        format!("\"127.0.0.1:{port}\" for this machine alone, \"0.0.0.0:{port}\" for every network it is in")
    };
    if let Some(port) = field.digits() {
        return field.refuse_help(&format!("{WANTED}, not a number"), of_port(port));
    }
    let text = field.text()?;
    if let Ok(address) = text.parse() {
        return Some(Endpoint::Address(address));
    }
    let help = if let Some((ip, port)) = bare_ipv6_and_port(text) {
        format!("an IPv6 address stands in brackets: \"[{ip}]:{port}\"")
    } else if let Ok(ip) = text.parse::<IpAddr>() {
        format!("add a port: \"{}\"", SocketAddr::new(ip, 6667))
    } else if let Ok(port) = text.trim_start_matches(['*', ':']).parse::<u16>() {
        of_port(&port.to_string())
    } else {
        "such as \"127.0.0.1:6667\" or \"[::1]:6667\"; host names are not looked up".to_owned()
    };
    field.refuse_help(&format!("{WANTED}, not {}", quoted(text)), help)
}

/// What was probably meant by `::1:6667`, which is an address as it stands. Small numbers at the end are more
/// likely to be a part of the address.
fn bare_ipv6_and_port(text: &str) -> Option<(Ipv6Addr, u16)> {
    let (ip, port) = text.rsplit_once(':')?;
    Some((ip.parse().ok()?, port.parse().ok().filter(|&port| port >= 1024)?))
}

/// What an entry of `[[listen]]` is called: its address, or the name of its sockets, which has letters and no colon.
fn endpoint(field: &mut Field<'_>) -> Option<Endpoint> {
    let text = field.text()?;
    if text.contains(':') || !text.contains(|c: char| c.is_ascii_alphabetic()) {
        return listen_address(field);
    }
    name(field).map(Endpoint::Inherited)
}

pub(in crate::config) fn endpoints(field: &mut Field<'_>) -> Option<Vec<Endpoint>> {
    field.list(endpoint)
}

fn network(field: &mut Field<'_>) -> Option<Network> {
    let text = field.text()?;
    let Ok(network) = text.parse::<Network>() else {
        let message = format!("must be an address or a network, not {}", quoted(text));
        return field.refuse_help(&message, "such as \"192.0.2.7\", \"10.0.0.0/8\" or \"2001:db8::/32\"");
    };
    exact(field, text, network).then_some(network)
}

/// Complains of a network that is written with bits beyond its prefix: one of the two is a slip.
fn exact(field: &mut Field<'_>, text: &str, network: Network) -> bool {
    let address = text.rsplit('@').next().and_then(|host| host.split('/').next());
    let written = address.and_then(|address| address.parse::<IpAddr>().ok());
    if written.is_none_or(|written| written.to_canonical() == network.address) {
        return true;
    }
    let message = format!("has bits beyond its prefix: {}", quoted(text));
    field.refuse_help::<()>(&message, format!("the network is {network}"));
    false
}

pub(in crate::config) fn networks(field: &mut Field<'_>) -> Option<Vec<Network>> {
    field.list(network)
}

/// As [`networks`], where none would be of no use.
pub(in crate::config) fn some_networks(field: &mut Field<'_>) -> Option<Vec<Network>> {
    let networks = networks(field)?;
    if networks.is_empty() {
        return field.refuse("must not be empty");
    }
    Some(networks)
}

fn host_mask(field: &mut Field<'_>) -> Option<HostMask> {
    let text = field.text()?;
    let mask: HostMask = match text.parse() {
        Ok(mask) => mask,
        Err(reason) => {
            let message = format!("{reason}: {}", quoted(text));
            return field.refuse_help(&message, "such as \"*@*.example.org\" or \"*@192.0.2.0/24\"");
        }
    };
    if let Host::Network(network) = mask.host
        && !exact(field, text, network)
    {
        return None;
    }
    Some(mask)
}

pub(in crate::config) fn host_masks(field: &mut Field<'_>) -> Option<Vec<HostMask>> {
    field.list(host_mask)
}

pub(in crate::config) fn ban_mask(field: &mut Field<'_>) -> Option<HostMask> {
    let mask = host_mask(field)?;
    if mask.is_everybody() {
        let help = "to let nobody connect for a while, use `chatctl lockdown on`";
        return field.refuse_help("would ban everybody", help);
    }
    Some(mask)
}
