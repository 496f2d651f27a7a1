//! The process is stopped for a while, or killed.

use nix::sys::signal::Signal;

use super::*;

#[test]
fn who_could_not_be_heard_while_chatd_was_stopped_is_still_there_after() {
    let config = format!("{OPEN}[timeouts]\nping_interval = 2\nping_timeout = 5\n");
    let (daemon, clock) = (Daemon::start(&config), Daemon::start(&config));
    let mut clients: Vec<_> = (0..12).map(|n| daemon.user(&format!("user{n}"))).collect();
    for client in &mut clients {
        client.expect("PING :");
    }
    daemon.signal(Signal::SIGSTOP);
    // Some answer while nobody listens.
    for client in clients.iter_mut().step_by(2) {
        client.send("PONG x");
    }
    // Until the time of all is long over: until the time of somebody is who came to another chatd just now.
    assert!(clock.user("clock").expect_end().last().is_some_and(|line| line.contains("Ping timeout")));
    let late = daemon.connect();
    daemon.signal(Signal::SIGCONT);
    for client in &mut clients {
        assert!(client.sync().iter().all(|line| !line.starts_with("ERROR")), "nobody is blamed");
    }
    wait_until("the one who came meanwhile is in", || stats(&daemon)["connections_now"] == clients.len() + 1);
    drop(late);
    let stats = stats(&daemon);
    assert_eq!((&stats["disconnects"]["ping_timeout"], &stats["users"]), (&json!(0), &json!(clients.len())));
}

#[test]
fn what_a_killed_chatd_leaves_is_taken_over_with_clients_still_connected_to_the_dead() {
    let folder = tempfile::tempdir().unwrap();
    let (socket, pid_file) = (folder.path().join("admin.sock"), folder.path().join("chatd.pid"));
    let config = |port: u16| {
        format!(
            "{OPEN}[[listen]]\naddress = \"127.0.0.1:{port}\"\n[admin]\nsocket = \"{}\"\n[daemon]\npid_file = \"{}\"\n",
            socket.display(),
            pid_file.display()
        )
    };
    let mut first = Daemon::start(&config(0));
    let port = first.addr.port();
    let mut users: Vec<_> = (0..5).map(|n| first.user(&format!("user{n}"))).collect();
    first.signal(Signal::SIGKILL);
    first.wait_exit();
    assert!(socket.exists() && pid_file.exists());
    // Not one of them has closed its end, and the port is the same.
    let second = Daemon::start(&config(port));
    assert_eq!(fs::read_to_string(&pid_file).unwrap(), format!("{}\n", second.pid()));
    assert_eq!(second.addr.port(), port);
    second.user("user0").sync();
    for user in &mut users {
        assert!(user.expect_end().is_empty());
    }
}
