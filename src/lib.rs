//! chatd: a chat daemon that speaks IRC, on one mio `Poll` and one thread.
//!
//! ```text
//!             bytes                lines                     encoded lines
//!  sockets ──────────▶  net  ────────────────▶  server  ─────────────────▶  outbox ──▶ net ──▶ sockets
//!  admin, signals ───▶  one Poll   Input + Time  pure state machine  ranges of the turn's arena   (flush once per turn)
//! ```
//!
//! - [`proto`]: the IRC wire language. No state, no policy.
//! - [`config`]: configuration text in, [`config::Config`] or located problems out.
//! - [`load`]: reads the configuration and what it names from files.
//! - [`server`]: the chat server as a value. It has no socket, clock, thread or file.
//! - [`outbox`]: what the server says in a turn, encoded once, and who gets which part of it.
//! - [`net`]: everything with a file descriptor: the loop, sockets, signals, the admin socket.
//! - [`admin`]: the JSON-RPC protocol of the admin socket, shared by daemon and `chatctl`.
//! - [`place`]: where the admin socket is.
//! - [`state_file`]: what outlives a restart, on disk.
//! - [`password`]: passwords as hashes.
//! - [`log`]: the log's own thread, to stderr or syslog.
//! - [`daemon`] and [`ctl`]: the two programs.
//!
//! `ARCHITECTURE.md` has the map, the order of a turn and the invariants.

pub mod admin;
mod arena;
pub mod config;
pub mod ctl;
pub mod daemon;
pub mod id;
pub mod load;
pub mod log;
pub mod net;
pub mod outbox;
pub mod password;
pub mod place;
pub mod proto;
pub mod server;
pub mod state_file;
pub(crate) mod suggest;
mod table;
