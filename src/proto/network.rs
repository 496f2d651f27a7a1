//! Networks: ranges of IP addresses in CIDR notation (RFC 4632 section 3.1, RFC 4291 section 2.3).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// All addresses that begin with the same bits. The bits of `address` behind the prefix are zero, and an IPv4 address
/// in IPv6 clothes is an IPv4 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Network {
    /// The first address.
    pub address: IpAddr,
    /// Bits that all addresses have in common: at most 32 for IPv4, 128 for IPv6.
    pub prefix: u8,
}

/// A text is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotANetwork;

/// Bits that an address of this family has.
const fn bits(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

impl Network {
    /// The network of `prefix` bits that `address` is in; a prefix that is too long means the address alone.
    pub fn new(address: IpAddr, prefix: u8) -> Self {
        let canonical = address.to_canonical();
        // An IPv4 address in an IPv6 one has 96 bits before it (RFC 4291 section 2.5.5.2).
        let (address, prefix) = match prefix.checked_sub(bits(address) - bits(canonical)) {
            Some(prefix) => (canonical, prefix.min(bits(canonical))),
            // Wider than all IPv4 addresses together.
            None => (address, prefix),
        };
        let address = match address {
            IpAddr::V4(address) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
                Ipv4Addr::from_bits(address.to_bits() & mask).into()
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
                Ipv6Addr::from_bits(address.to_bits() & mask).into()
            }
        };
        Self { address, prefix }
    }

    /// The network that is `address` alone.
    pub fn of_one(address: IpAddr) -> Self {
        Self::new(address, bits(address))
    }

    /// Whether `address` is in it. IPv4 addresses are in no IPv6 network.
    pub fn contains(&self, address: IpAddr) -> bool {
        Self::new(address.to_canonical(), self.prefix).address == self.address
    }
}

impl FromStr for Network {
    type Err = NotANetwork;

    /// An address, or an address, a slash and the number of bits. Bits behind the prefix are set to zero.
    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NotANetwork)?;
        let Some(prefix) = prefix else { return Ok(Self::of_one(address)) };
        let digits = (1..=3).contains(&prefix.len()) && prefix.bytes().all(|byte| byte.is_ascii_digit());
        match prefix.parse() {
            Ok(prefix) if digits && prefix <= bits(address) => Ok(Self::new(address, prefix)),
            _ => Err(NotANetwork),
        }
    }
}

impl fmt::Display for Network {
    /// As it is written; one address has no prefix.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.prefix == bits(self.address) {
            write!(f, "{}", self.address)
        } else {
            write!(f, "{}/{}", self.address, self.prefix)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        text.parse().unwrap()
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn networks_read_and_write_as_people_write_them() {
        for (text, shown) in [
            ("192.0.2.7", "192.0.2.7"),
            ("192.0.2.7/32", "192.0.2.7"),
            ("192.0.2.7/24", "192.0.2.0/24"),
            ("10.255.0.1/9", "10.128.0.0/9"),
            ("1.2.3.4/0", "0.0.0.0/0"),
            ("2001:db8::1", "2001:db8::1"),
            ("2001:DB8:0:1::1/64", "2001:db8:0:1::/64"),
            ("::/0", "::/0"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7/120", "192.0.2.0/24"),
            ("::ffff:0.0.0.0/90", "::ffc0:0:0/90"),
        ] {
            assert_eq!(network(text).to_string(), shown, "{text}");
            assert_eq!(network(shown), network(text), "{text}");
        }
        let bad = [
            "",
            "/",
            "1.2.3",
            "1.2.3.4/",
            "1.2.3.4/33",
            "1.2.3.4/+8",
            "::/129",
            "1.2.3.4/8/8",
            "a/8",
            "::/0008",
        ];
        for text in bad {
            assert_eq!(text.parse::<Network>(), Err(NotANetwork), "{text}");
        }
    }

    #[test]
    fn networks_contain_what_shares_their_bits_and_family() {
        let small = network("192.0.2.128/25");
        assert!(small.contains(ip("192.0.2.128")) && small.contains(ip("192.0.2.255")));
        assert!(!small.contains(ip("192.0.2.127")) && !small.contains(ip("192.0.3.128")));
        assert!(small.contains(ip("::ffff:192.0.2.200")) && !small.contains(ip("::192.0.2.200")));
        assert!(
            network("0.0.0.0/0").contains(ip("203.0.113.9")) && !network("::/0").contains(ip("203.0.113.9"))
        );
        let six = network("2001:db8::/33");
        assert!(six.contains(ip("2001:db8:7fff::1")) && !six.contains(ip("2001:db8:8000::1")));
        assert!(
            network("192.0.2.7").contains(ip("192.0.2.7")) && !network("192.0.2.7").contains(ip("192.0.2.6"))
        );
    }

    #[test]
    fn a_prefix_that_is_too_long_means_one_address() {
        assert_eq!(Network::new(ip("192.0.2.7"), 64), Network::of_one(ip("192.0.2.7")));
        assert_eq!(Network::new(ip("2001:db8::7"), 255), Network::of_one(ip("2001:db8::7")));
    }
}
