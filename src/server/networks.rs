//! How many connections there are from each network, and how fast it begins new ones.
//!
//! The rate is a leaky bucket for each network, kept as the time at which it will be empty. An empty one says as much as
//! none, so those that have run empty are dropped, and when there are too many, the one that is the next to be:
//! whoever has many networks at hand cannot have a full bucket of another forgotten for it.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use super::{Keyed, slim};
use crate::config::Throttle;
use crate::proto::limits::THROTTLE_NETWORKS;
use crate::proto::network::Network;

/// What is known of networks.
pub(super) struct Networks {
    /// Connections now, from networks that have any. Never iterated but to be checked.
    open: HashMap<Network, u32, Keyed>,
    /// When the bucket of a network is empty, in monotonic microseconds. Never iterated.
    buckets: HashMap<Network, u64, Keyed>,
    /// The same in the order of time.
    order: BTreeSet<(u64, Network)>,
}

/// The network of an address, for limits.
fn network(address: IpAddr, throttle: &Throttle) -> Network {
    let prefix = if address.is_ipv4() { throttle.ipv4_prefix } else { throttle.ipv6_prefix };
    Network::new(address, prefix as u8)
}

impl Networks {
    /// Knows of none.
    pub(super) fn new(keyed: Keyed) -> Self {
        Self {
            open: HashMap::with_hasher(keyed),
            buckets: HashMap::with_hasher(keyed),
            order: BTreeSet::new(),
        }
    }

    /// Connections from the network of an address.
    pub(super) fn count(&self, address: IpAddr, throttle: &Throttle) -> u32 {
        self.open.get(&network(address, throttle)).copied().unwrap_or(0)
    }

    /// Counts a connection.
    pub(super) fn add(&mut self, address: IpAddr, throttle: &Throttle) {
        *self.open.entry(network(address, throttle)).or_insert(0) += 1;
    }

    /// Counts a connection no more.
    pub(super) fn remove(&mut self, address: IpAddr, throttle: &Throttle) {
        let network = network(address, throttle);
        if let Some(count) = self.open.get_mut(&network) {
            *count -= 1;
            if *count == 0 {
                self.open.remove(&network);
                slim(&mut self.open);
            }
        }
    }

    /// Counts anew.
    pub(super) fn recount(&mut self, addresses: impl Iterator<Item = IpAddr>, throttle: &Throttle) {
        self.open.clear();
        for address in addresses {
            self.add(address, throttle);
        }
    }

    /// Whether the network of an address has begun as many connections as it may for now.
    pub(super) fn is_hurried(&self, now_ms: u64, address: IpAddr, throttle: &Throttle) -> bool {
        self.fill(now_ms, address, throttle).is_none()
    }

    /// Notes that the network of an address has begun a connection.
    pub(super) fn hurry(&mut self, now_ms: u64, address: IpAddr, throttle: &Throttle) {
        let Some(empty_at) = self.fill(now_ms, address, throttle) else { return };
        let network = network(address, throttle);
        if let Some(before) = self.buckets.remove(&network) {
            self.order.remove(&(before, network));
        }
        while let Some(&(at, oldest)) = self.order.first()
            && (at <= now_ms.saturating_mul(1000) || self.order.len() >= THROTTLE_NETWORKS)
        {
            self.order.pop_first();
            self.buckets.remove(&oldest);
        }
        self.buckets.insert(network, empty_at);
        self.order.insert((empty_at, network));
    }

    /// When the bucket will be empty with one connection more in it; `None` if it has no room for one.
    fn fill(&self, now_ms: u64, address: IpAddr, throttle: &Throttle) -> Option<u64> {
        if throttle.connections == 0 {
            return Some(0);
        }
        let now = now_ms.saturating_mul(1000);
        let whole = u64::from(throttle.seconds) * 1_000_000;
        let each = whole / u64::from(throttle.connections);
        let before = self.buckets.get(&network(address, throttle)).copied().unwrap_or(0);
        // One that was filled under another configuration must not be fuller than full.
        let after = before.clamp(now, now + whole) + each;
        (after <= now + whole).then_some(after)
    }

    /// Checks the counts against what they should be, and that the two forms of the buckets agree.
    ///
    /// # Panics
    /// When they do not.
    pub(super) fn check(&self, addresses: impl Iterator<Item = IpAddr>, throttle: &Throttle) {
        let mut counted: HashMap<Network, u32> = HashMap::new();
        for address in addresses {
            *counted.entry(network(address, throttle)).or_default() += 1;
        }
        assert_eq!(self.open.len(), counted.len(), "networks of connections");
        assert!(counted.iter().all(|(it, count)| self.open.get(it) == Some(count)), "connections by network");
        assert_eq!(self.order.len(), self.buckets.len(), "each bucket in both forms");
        assert!(self.order.iter().all(|(at, network)| self.buckets.get(network) == Some(at)));
        assert!(self.order.len() <= THROTTLE_NETWORKS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THROTTLE: Throttle = Throttle { connections: 4, seconds: 20, ipv4_prefix: 24, ipv6_prefix: 64 };

    fn networks() -> Networks {
        Networks::new(Keyed([1, 2]))
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// Begins a connection if that is allowed.
    fn begins(networks: &mut Networks, now_ms: u64, address: &str, throttle: &Throttle) -> bool {
        let may = !networks.is_hurried(now_ms, ip(address), throttle);
        networks.hurry(now_ms, ip(address), throttle);
        networks.check(std::iter::empty(), throttle);
        may
    }

    #[test]
    fn connections_are_counted_by_network() {
        let mut networks = networks();
        for address in ["192.0.2.1", "192.0.2.200", "2001:db8::1", "2001:db8::2:1", "2001:db8:0:1::1"] {
            networks.add(ip(address), &THROTTLE);
        }
        let count = |networks: &Networks, address| networks.count(ip(address), &THROTTLE);
        assert_eq!((count(&networks, "192.0.2.9"), count(&networks, "192.0.3.1")), (2, 0));
        assert_eq!((count(&networks, "2001:db8::ffff"), count(&networks, "2001:db8:0:1::")), (2, 1));
        networks.remove(ip("192.0.2.1"), &THROTTLE);
        networks.remove(ip("192.0.2.200"), &THROTTLE);
        assert_eq!(count(&networks, "192.0.2.1"), 0);
        assert_eq!(networks.open.len(), 2);
    }

    #[test]
    fn a_network_begins_so_many_at_once_and_then_at_a_rate() {
        let mut networks = networks();
        let mut begins = |now_ms, address: &str| begins(&mut networks, now_ms, address, &THROTTLE);
        assert!((1..=4).all(|host| begins(1_000, &format!("192.0.2.{host}"))));
        assert!(!begins(1_000, "192.0.2.5") && !begins(5_999, "192.0.2.5"));
        assert!(begins(5_999, "192.0.3.5"), "another network");
        assert!(begins(6_000, "192.0.2.5") && !begins(6_000, "192.0.2.5"));
        assert!((1..=4).all(|_| begins(60_000, "192.0.2.5")) && !begins(60_000, "192.0.2.5"));
    }

    #[test]
    fn no_limit_counts_nothing_and_a_new_one_holds_for_what_was_counted() {
        let mut networks = networks();
        let none = Throttle { connections: 0, ..THROTTLE };
        assert!((0..1_000).all(|_| begins(&mut networks, 1_000, "192.0.2.1", &none)));
        assert!((0..4).all(|_| begins(&mut networks, 1_000, "192.0.2.1", &THROTTLE)));
        let faster = Throttle { seconds: 1, ..THROTTLE };
        assert!(!begins(&mut networks, 1_000, "192.0.2.1", &faster));
        assert!(begins(&mut networks, 21_000, "192.0.2.1", &faster));
    }

    #[test]
    fn whoever_has_many_networks_takes_no_more_memory_and_has_no_other_forgotten() {
        let mut networks = networks();
        assert!((0..4).all(|_| begins(&mut networks, 0, "192.0.2.1", &THROTTLE)));
        for number in 0..2 * THROTTLE_NETWORKS as u128 {
            let address = IpAddr::V6((0x2001_0db8_u128 << 96 | number << 64).into());
            assert!(!networks.is_hurried(0, address, &THROTTLE));
            networks.hurry(0, address, &THROTTLE);
        }
        networks.check(std::iter::empty(), &THROTTLE);
        assert_eq!(networks.order.len(), THROTTLE_NETWORKS);
        assert!(networks.is_hurried(0, ip("192.0.2.1"), &THROTTLE), "the full one is kept");
        networks.hurry(20_000, ip("192.0.2.1"), &THROTTLE);
        assert_eq!(networks.order.len(), 1, "the others have run empty");
    }
}
