//! Cloaks: hosts that hide where users are, and by which they can be banned all the same.
//!
//! A cloak is made of keyed hashes of what it hides, so it is the same as long as the key is, and nobody without the key
//! can find the address by trying all of them. A hash of each wider network follows the hash of the address, so
//! `*!*@*.HASH-OF-NETWORK.ip` is everybody from there:
//!
//! | what | labels |
//! |---|---|
//! | IPv4 | the address, its /24, its /16, the suffix |
//! | IPv6 | the /64 that the address is in, its /48, its /32, the suffix |
//! | a host name | the name, then what names the organisation: `HASH.example.net` |

use std::net::IpAddr;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::proto::limits::CLOAK_SUFFIX;
use crate::proto::names::HOST_LENGTH;
use crate::proto::text::truncate;

/// Letters of a hash; each stands for five bits (RFC 4648 section 6).
const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// Letters in a label: 50 bits. That any two of a million networks have the same is one chance in two thousand.
const LABEL: usize = 10;
/// Most labels of a host name that stay visible.
const VISIBLE: usize = 3;

const _: () = assert!(3 * (LABEL + 1) + CLOAK_SUFFIX <= HOST_LENGTH);

/// Makes cloaks with one key.
#[derive(Clone)]
pub struct Cloak {
    /// HMAC-SHA256 that has taken the key and nothing else.
    keyed: Hmac<Sha256>,
    suffix: String,
}

impl Cloak {
    /// For a key, and a suffix of which the first [`CLOAK_SUFFIX`] bytes count. A suffix with a letter in it keeps cloaks
    /// from looking like addresses.
    pub fn new(key: &str, suffix: &str) -> Self {
        let keyed = Hmac::new_from_slice(key.as_bytes()).expect("HMAC takes keys of any length");
        Self { keyed, suffix: truncate(suffix, CLOAK_SUFFIX).to_owned() }
    }

    /// The cloak of an address, at most [`HOST_LENGTH`] bytes.
    pub fn address(&self, address: IpAddr) -> String {
        let mut cloak = String::with_capacity(HOST_LENGTH);
        let mut labels = |kind: u8, bytes: &[u8], lengths: [usize; 3]| {
            for length in lengths {
                self.hash(kind, &bytes[..length], &mut cloak);
                cloak.push('.');
            }
        };
        match address.to_canonical() {
            IpAddr::V4(address) => labels(b'4', &address.octets(), [4, 3, 2]),
            IpAddr::V6(address) => labels(b'6', &address.octets(), [8, 6, 4]),
        }
        cloak.push_str(&self.suffix);
        cloak
    }

    /// The cloak of a host name, at most [`HOST_LENGTH`] bytes: a hash of the name, then the end of it that names an
    /// organisation; see `organisation`. A text that is an address gets the cloak of that address.
    pub fn name(&self, name: &str) -> String {
        if let Ok(address) = name.parse() {
            return self.address(address);
        }
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        let mut cloak = String::with_capacity(HOST_LENGTH);
        self.hash(b'n', name.as_bytes(), &mut cloak);
        cloak.push('.');
        cloak.push_str(organisation(&name).unwrap_or(&self.suffix));
        cloak
    }

    /// Appends the label for some bytes of a kind.
    fn hash(&self, kind: u8, bytes: &[u8], cloak: &mut String) {
        let digest = self.keyed.clone().chain_update([kind]).chain_update(bytes).finalize().into_bytes();
        let bits = u64::from_be_bytes(*digest.first_chunk().expect("a digest of 32 bytes"));
        cloak.extend((1..=LABEL).map(|place| char::from(LETTERS[(bits >> (64 - 5 * place)) as usize % 32])));
    }
}

/// The end of a host name that says whose it is: up to three labels, never all. Providers write addresses into names,
/// also a number to a label, so a third label has no digit, and a second one no more than three, as in
/// `163.com`. `None` if nothing can be shown.
fn organisation(name: &str) -> Option<&str> {
    let harmless = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if !name.bytes().all(harmless) {
        return None;
    }
    let mut shown = None;
    let mut end = name.len();
    for (index, label) in name.rsplit('.').enumerate().take(VISIBLE) {
        let digits = label.bytes().filter(u8::is_ascii_digit).count();
        let most = match index {
            0 => label.len().checked_sub(1)?,
            1 => 3,
            _ => 0,
        };
        let begin = end - label.len();
        let length = LABEL + 1 + name.len() - begin;
        if begin == 0 || label.is_empty() || digits > most || length > HOST_LENGTH {
            break;
        }
        shown = Some(&name[begin..]);
        end = begin - 1;
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "an example key of enough characters!";

    fn of(address: &str) -> String {
        Cloak::new(KEY, "ip").address(address.parse().unwrap())
    }

    /// The first letters are those of HMAC-SHA256 as another program computes it.
    #[test]
    fn a_key_always_gives_the_same_cloaks() {
        for (address, cloak) in [
            ("203.0.113.7", "xd5usyghc6.lnhutsckn7.nsicmvuur2.ip"),
            ("2001:db8:1:2:3:4:5:6", "lprzf465pp.fysmp7wyvi.q5qu2vfcb7.ip"),
            ("::1", "f3zeh5eio2.qz3auzoyjb.2sxck7rklc.ip"),
        ] {
            assert_eq!(of(address), cloak, "{address}");
            let other =
                Cloak::new("another key of enough characters!!!!", "ip").address(address.parse().unwrap());
            assert!(of(address).split('.').zip(other.split('.')).take(3).all(|(one, two)| one != two));
        }
        for (name, cloak) in
            [("dsl-7.access.example.net", "mh3s6mqk4j.access.example.net"), ("localhost", "jhxd5ufmjc.ip")]
        {
            assert_eq!(Cloak::new(KEY, "ip").name(name), cloak, "{name}");
        }
    }

    /// How many labels two addresses have in common, from the right, without the suffix.
    fn common(one: &str, two: &str) -> usize {
        let (one, two) = (of(one), of(two));
        one.rsplit('.').zip(two.rsplit('.')).skip(1).take_while(|(one, two)| one == two).count()
    }

    #[test]
    fn neighbours_share_the_labels_of_their_networks() {
        assert_eq!(common("203.0.113.7", "203.0.113.8"), 2);
        assert_eq!(common("203.0.113.7", "203.0.114.7"), 1);
        assert_eq!(common("203.0.113.7", "203.1.113.7"), 0);
        assert_eq!(common("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"), 3);
        assert_eq!(common("2001:db8:1:2::1", "2001:db8:1:3::1"), 2);
        assert_eq!(common("2001:db8:1:2::1", "2001:db8:2:2::1"), 1);
        assert_eq!(common("2001:db8:1:2::1", "2001:db9:1:2::1"), 0);
        assert_eq!(of("::ffff:203.0.113.7"), of("203.0.113.7"));
        // Equal bytes do not make equal labels: neither of several lengths, nor of both families.
        let cloak = of("0.0.0.0");
        let labels: Vec<_> = cloak.split('.').collect();
        assert!(labels[0] != labels[1] && labels[1] != labels[2]);
        assert!(!of("::").split('.').take(3).any(|label| labels.contains(&label)));
    }

    #[test]
    fn cloaks_are_hosts_and_no_addresses() {
        let cloak = Cloak::new(KEY, &"s".repeat(200));
        for address in ["0.0.0.0", "255.255.255.255", "::", "::1", "ffff::ffff"] {
            for cloak in [of(address), cloak.address(address.parse().unwrap())] {
                assert!(cloak.len() <= HOST_LENGTH && cloak.parse::<IpAddr>().is_err(), "{cloak}");
                assert!(cloak.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.'), "{cloak}");
            }
        }
        let long = format!("a.{}.{}.net", "b".repeat(40), "c".repeat(40));
        assert_eq!(&cloak.name(&long)[LABEL..], format!(".{}.net", "c".repeat(40)));
        let long = format!("a.{}", "d".repeat(60));
        assert_eq!(&Cloak::new(KEY, "ip").name(&long)[LABEL..], ".ip");
    }

    #[test]
    fn names_show_whose_they_are_and_nothing_that_tells_the_address() {
        for (name, shown) in [
            ("host.example.net", "example.net"),
            ("a.b.dsl.example.net", "dsl.example.net"),
            ("host.example.co.uk", "example.co.uk"),
            ("mail.163.com", "163.com"),
            ("example.net", "net"),
            ("example.net.", "net"),
            ("localhost", "ip"),
            ("", "ip"),
            ("1-2-3-4.dsl.example.net", "dsl.example.net"),
            ("4.3.2.1.example.net", "example.net"),
            ("www.203-0-113-7.net", "net"),
            ("a.dsl-77.example.net", "example.net"),
            ("a.b.7", "ip"),
            ("a..net", "net"),
            ("a b.example.net", "ip"),
            ("a.exa:mple.net", "ip"),
        ] {
            let cloak = Cloak::new(KEY, "ip").name(name);
            assert_eq!(&cloak[LABEL..], format!(".{shown}"), "{name}");
        }
        let cloak = Cloak::new(KEY, "ip");
        assert_eq!(cloak.name("203.0.113.7"), of("203.0.113.7"));
        assert_eq!(cloak.name("2001:db8::1"), of("2001:db8::1"));
        assert_eq!(cloak.name("Host.Example.Net."), cloak.name("host.example.net"));
        assert_ne!(cloak.name("one.example.net"), cloak.name("two.example.net"));
    }
}
