//! Masks of where somebody comes from: `user@host`, an address, or a network.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::limits::HOST_MASK;
use super::mask;
use super::network::Network;

/// A mask of a user name and a host. A host that is an address or a network is compared as such, so that it does not
/// matter how an address is written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostMask {
    /// A mask of the user name.
    pub user: String,
    /// The host.
    pub host: Host,
}

/// The part of a [`HostMask`] behind the `@`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// A mask of the name or the address, as text.
    Mask(String),
    /// A network, or one address.
    Network(Network),
}

/// Why a text is no [`HostMask`]: the end of a sentence that begins with what it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAMask(pub &'static str);

impl fmt::Display for NotAMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl HostMask {
    /// Whether it means somebody with this user name, host name and address. Takes at most the product of the lengths.
    pub fn matches(&self, user: &str, host: &str, address: IpAddr) -> bool {
        let here = || match &self.host {
            Host::Mask(mask) => mask::matches(mask, host) || mask::matches(mask, &address.to_string()),
            Host::Network(network) => network.contains(address),
        };
        mask::matches(&self.user, user) && here()
    }

    /// Whether it certainly means everybody.
    pub fn is_everybody(&self) -> bool {
        let any = |mask: &str| {
            mask.contains('*') && mask.bytes().all(|byte| matches!(byte, b'*' | b'?' | b'.' | b':'))
        };
        let anywhere = match &self.host {
            Host::Mask(mask) => any(mask),
            Host::Network(network) => network.prefix == 0,
        };
        any(&self.user) && anywhere
    }
}

impl From<Network> for HostMask {
    fn from(network: Network) -> Self {
        Self { user: "*".to_owned(), host: Host::Network(network) }
    }
}

impl FromStr for HostMask {
    type Err = NotAMask;

    /// `user@host`, where the host may be an address or a network; or a host alone, which has a dot or a colon in it.
    fn from_str(text: &str) -> Result<Self, NotAMask> {
        if text.len() > HOST_MASK {
            return Err(NotAMask("is too long"));
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(NotAMask("must not contain spaces or anything beyond ASCII"));
        }
        if text.contains('!') {
            return Err(NotAMask("must not have a nick in it, which may change"));
        }
        let (user, host) = match text.rsplit_once('@') {
            Some((user, host)) => (user, host),
            None if text.contains(['.', ':']) => ("*", text),
            None => return Err(NotAMask("must be user@host, an address or a network")),
        };
        if user.is_empty() || host.is_empty() || user.contains('@') {
            return Err(NotAMask("must be user@host, an address or a network"));
        }
        let host = match host.parse() {
            Ok(network) => Host::Network(network),
            Err(_) if host.contains('/') => return Err(NotAMask("has a network that cannot be")),
            Err(_) => Host::Mask(host.to_owned()),
        };
        Ok(Self { user: user.to_owned(), host })
    }
}

impl fmt::Display for HostMask {
    /// `user@host`, which reads back as the same mask.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Mask(mask) => write!(f, "{}@{mask}", self.user),
            Host::Network(network) => write!(f, "{}@{network}", self.user),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(text: &str) -> HostMask {
        text.parse().unwrap()
    }

    #[test]
    fn masks_read_back_as_they_are_shown() {
        for (text, shown) in [
            ("*@*.example.org", "*@*.example.org"),
            ("~bob@192.0.2.7", "~bob@192.0.2.7"),
            ("2001:db8::/32", "*@2001:db8::/32"),
            ("192.0.2.9/24", "*@192.0.2.0/24"),
            ("*.example.org", "*@*.example.org"),
            ("192.0.2.*", "*@192.0.2.*"),
        ] {
            assert_eq!(mask(text).to_string(), shown);
            assert_eq!(mask(shown), mask(text));
        }
        for bad in ["", "bob", "@", "a@", "@b", "a@b@c", "n!u@h", "a b@c", "ü@c", "*@10.0.0.0/33", "*@a/b"] {
            assert!(bad.parse::<HostMask>().is_err(), "{bad}");
        }
        assert!(format!("*@{}", "a".repeat(HOST_MASK)).parse::<HostMask>().is_err());
    }

    #[test]
    fn masks_match_names_addresses_and_networks() {
        let address: IpAddr = "192.0.2.7".parse().unwrap();
        for yes in ["*@host.example.org", "~b*@*.EXAMPLE.org", "192.0.2.0/24", "*@192.0.2.*", "*@192.0.2.7"] {
            assert!(mask(yes).matches("~bob", "host.example.org", address), "{yes}");
        }
        for no in
            ["bob@host.example.org", "*@example.org", "192.0.3.0/24", "~bob@2001:db8::/32", "*@192.0.2.70"]
        {
            assert!(!mask(no).matches("~bob", "host.example.org", address), "{no}");
        }
    }

    #[test]
    fn masks_of_everybody_are_known() {
        for everybody in ["*@*", "*@*.*", "**@0.0.0.0/0", "::/0", "*.*"] {
            assert!(mask(everybody).is_everybody(), "{everybody}");
        }
        for few in ["a*@*", "*@*.org", "10.0.0.0/8"] {
            assert!(!mask(few).is_everybody(), "{few}");
        }
    }
}
