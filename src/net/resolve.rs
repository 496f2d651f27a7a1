//! The name of an address, as far as it can be trusted.

use std::net::{IpAddr, ToSocketAddrs};

/// What the DNS calls an address, if that name leads back to it. Anybody can give their address any name;
/// only its owner can make a name lead to it. Blocks for as long as the system's resolver does.
pub(super) fn name_of(address: IpAddr) -> Option<String> {
    let forward = |name: &str| match (name, 0).to_socket_addrs() {
        Ok(found) => found.map(|found| found.ip().to_canonical()).collect(),
        Err(_) => Vec::new(),
    };
    confirmed(address, dns_lookup::lookup_addr(&address).ok()?, forward)
}

/// The name without its last dot, if it passes.
fn confirmed(address: IpAddr, name: String, forward: impl Fn(&str) -> Vec<IpAddr>) -> Option<String> {
    let name = name.strip_suffix('.').map(str::to_owned).unwrap_or(name);
    // Without a name, the system gives the address in digits.
    let is_name = !name.is_empty() && name.parse::<IpAddr>().is_err();
    (is_name && forward(&name).contains(&address)).then_some(name)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
    const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 8));

    fn name(reverse: &str, forward: &[IpAddr]) -> Option<String> {
        confirmed(HERE, reverse.to_owned(), |asked| {
            assert!(!asked.ends_with('.'), "asked as it is shown");
            forward.to_vec()
        })
    }

    #[test]
    fn a_name_counts_if_it_leads_back() {
        assert_eq!(name("a.example.org", &[THERE, HERE]).as_deref(), Some("a.example.org"));
        assert_eq!(name("a.example.org.", &[HERE]).as_deref(), Some("a.example.org"));
        assert_eq!(name("a.example.org", &[THERE]), None);
        assert_eq!(name("a.example.org", &[]), None);
    }

    #[test]
    fn digits_and_nothing_are_no_names() {
        for bad in ["", ".", "192.0.2.7", "2001:db8::1"] {
            assert_eq!(name(bad, &[HERE]), None, "{bad}");
        }
    }
}
