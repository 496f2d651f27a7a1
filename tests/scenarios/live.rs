//! Scenarios on the real binary, over sockets.

use std::net::IpAddr;

use serde_json::json;

use crate::common::{Client, Daemon};
use crate::config::over_defaults;
use crate::subject::{News, Subject};

/// A chatd process and connections to it.
pub(crate) struct Live {
    daemon: Daemon,
    clients: Vec<Connection>,
    syncs: u64,
}

struct Connection {
    client: Client,
    closed: bool,
    /// Within a line: a PING now would become part of it.
    within_line: bool,
}

impl Live {
    /// Starts chatd with this configuration.
    pub(crate) fn start(config: &str) -> Self {
        Self { daemon: Daemon::start(&over_defaults(config)), clients: Vec::new(), syncs: 0 }
    }

    fn admin(&self, method: &str, params: &serde_json::Value) {
        if let Err(error) = self.daemon.rpc(method, params) {
            panic!("{method} was refused: {}", error.message);
        }
    }
}

impl Connection {
    /// Everything up to the PONG to a PING sent now, or to the end of the connection.
    fn settle(&mut self, token: &str) -> Vec<Vec<u8>> {
        let mut lines = Vec::new();
        if self.closed || self.within_line {
            return lines;
        }
        self.client.send(&format!("PING {token}"));
        while let Some(line) = self.client.next_line() {
            let is_pong = line.ends_with(token.as_bytes())
                && String::from_utf8_lossy(&line).split(' ').any(|word| word == "PONG");
            if is_pong {
                return lines;
            }
            lines.push(line);
        }
        self.closed = true;
        lines
    }
}

impl Subject for Live {
    fn connect(&mut self, _from: IpAddr) {
        let client = self.daemon.connect();
        self.clients.push(Connection { client, closed: false, within_line: false });
    }

    fn send(&mut self, client: usize, bytes: &[u8]) {
        let connection = &mut self.clients[client];
        connection.client.send_raw(bytes);
        connection.within_line = bytes.last().map_or(connection.within_line, |&byte| byte != b'\n');
    }

    fn close(&mut self, client: usize) {
        let connection = &mut self.clients[client];
        // A half-close: the server's answer to it shows that it has been noticed.
        let _ = connection.client.stream().shutdown(std::net::Shutdown::Write);
        connection.client.expect_end();
        connection.closed = true;
    }

    fn reload(&mut self, config: &str) {
        self.daemon.write_config(&over_defaults(config));
        self.admin("reload", &json!({}));
    }

    fn kick(&mut self, nick: &str, channel: Option<&str>, reason: &str) {
        let mut params = json!({"nick": nick, "reason": reason});
        if let Some(channel) = channel {
            params["channel"] = json!(channel);
        }
        self.admin("kick", &params);
    }

    fn announce(&mut self, text: &str) {
        self.admin("announce", &json!({"text": text}));
    }

    fn lockdown(&mut self, _on: bool) {
        unreachable!("files with the panic switch run on the bare server only");
    }

    fn shutdown(&mut self, reason: &str) {
        self.admin("shutdown", &json!({"reason": reason}));
    }

    fn advance(&mut self, _ms: u64) {
        unreachable!("files in which time passes run on the bare server only");
    }

    fn refuse_jobs(&mut self) {
        unreachable!("files in which jobs are refused run on the bare server only");
    }

    fn settle(&mut self, first: Option<usize>) -> Vec<News> {
        self.syncs += 1;
        let token = format!("sync-{}", self.syncs);
        let mut first_lines = first.map(|number| self.clients[number].settle(&token)).unwrap_or_default();
        let news = self.clients.iter_mut().enumerate().map(|(number, connection)| {
            let lines = match first {
                Some(first) if first == number => std::mem::take(&mut first_lines),
                _ => connection.settle(&token),
            };
            News { lines, closed: connection.closed }
        });
        news.collect()
    }
}
