//! What a scenario needs of the server that it runs on.

use std::net::IpAddr;

/// A server under test. Clients are numbered from 0 in order of [`Subject::connect`].
pub(crate) trait Subject {
    /// Opens a connection from an address, which is 127.0.0.1 but on the bare server.
    fn connect(&mut self, from: IpAddr);
    /// Sends bytes from a client; a closed connection takes them silently.
    fn send(&mut self, client: usize, bytes: &[u8]);
    /// Closes a client's side.
    fn close(&mut self, client: usize);
    /// Puts a configuration in force, given as TOML over the defaults.
    fn reload(&mut self, config: &str);
    /// Disconnects a user, or removes them from a channel, as an operator.
    fn kick(&mut self, nick: &str, channel: Option<&str>, reason: &str);
    /// Sends a notice to everybody, as an operator.
    fn announce(&mut self, text: &str);
    /// Turns the panic switch.
    fn lockdown(&mut self, on: bool);
    /// Stops the server.
    fn shutdown(&mut self, reason: &str);
    /// Lets time pass.
    fn advance(&mut self, ms: u64);
    /// From now on no job is taken, as if all queues were full.
    fn refuse_jobs(&mut self);
    /// Waits until everything that the steps so far cause has been received, those of `first` before others',
    /// and hands out what is new.
    fn settle(&mut self, first: Option<usize>) -> Vec<News>;
}

/// What a client received.
#[derive(Debug, Default)]
pub(crate) struct News {
    /// Whole lines, without CR LF.
    pub(crate) lines: Vec<Vec<u8>>,
    /// Whether the server has closed the connection.
    pub(crate) closed: bool,
}
