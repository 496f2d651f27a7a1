//! Configurations of the simulated daemon.

use std::net::SocketAddr;

use chatd::config::{Config, Listen, Oper, OperClass, Privileges};

use crate::rng::Rng;

/// The least `ping_interval`, in seconds.
pub(crate) const PING_INTERVAL_MIN: u32 = 60;

/// The least silence after which a client is dismissed: until it is asked, and for the answer.
pub(crate) const SILENCE_MIN_MS: u64 = (PING_INTERVAL_MIN as u64 + 20) * 1_000;

/// A configuration in which limits are near. Whether there are cloaks stays as it is.
pub(crate) fn random(rng: &mut Rng, cloaks: bool) -> Config {
    let mut config = Config::default();
    if cloaks {
        config.cloak.key = Some("0123456789abcdef0123456789abcdef".to_owned());
        "x".clone_into(&mut config.users.default_modes);
    }
    config.dns.reverse = rng.one_in(3);
    let privileges = Privileges::BAN.with(Privileges::REHASH).with(Privileges::NOTICES);
    let title = rng.pick(&["an operator", "the operator"]).to_owned();
    config.oper_class = vec![OperClass { name: "some".to_owned(), title, privileges }];
    if !rng.one_in(6) {
        let oper = Oper { name: "root".to_owned(), class: "some".to_owned(), ..Oper::default() };
        config.oper = vec![oper];
    }
    "sim.test".clone_into(&mut config.server.name);
    config.server.motd = vec!["A line of some length, to be read.".to_owned(); rng.pick(&[0, 2, 60])];
    config.server.password = rng.one_in(3).then(|| "sesame".to_owned());
    let ports = if rng.one_in(2) { vec![7000] } else { vec![7000, 7001] };
    let listen =
        |port: u16| Listen { address: SocketAddr::from(([127, 0, 0, 1], port)).into(), optional: false };
    config.listen = ports.into_iter().map(listen).collect();
    let limits = &mut config.limits;
    limits.connections = rng.pick(&[5, 1_000, 1_000]);
    limits.connections_per_address = rng.pick(&[2, 1_000, 1_000]);
    config.throttle.connections = rng.pick(&[0, 0, 20]);
    let limits = &mut config.limits;
    limits.channels_per_user = rng.pick(&[2, 100]);
    limits.nick_length = rng.pick(&[9, 30]);
    limits.topic_length = rng.pick(&[10, 390]);
    limits.targets = rng.pick(&[1, 3, 10]);
    limits.list_entries = rng.pick(&[2, 100]);
    // Below what a file may say, so that it is reached.
    limits.send_queue = rng.pick(&[64 * 1024, 512 * 1024]);
    limits.flood_burst = rng.pick(&[3, 30]);
    limits.flood_rate = rng.pick(&[0, 4, 20]);
    limits.lines_per_turn = rng.pick(&[1, 4, 32]);
    limits.bytes_per_turn = rng.pick(&[512, 16 * 1024]);
    limits.deliveries_per_turn = rng.pick(&[1, 10, 4096]);
    // Below what a file may say, too.
    limits.sends_per_turn = rng.pick(&[1, 3, 1024]);
    config.timeouts.ping_interval = rng.pick(&[PING_INTERVAL_MIN, 120]);
    config.timeouts.ping_timeout = rng.pick(&[20, 60]);
    config.timeouts.shutdown = rng.pick(&[1, 5]);
    config
}
