//! Every bound that is not configurable, in one place. The configurable ones are
//! [`crate::config::Limits`] and [`crate::config::Timeouts`].

use std::time::Duration;

/// A message without its tags, CR LF included, in bytes (RFC 1459 section 2.3).
pub const LINE: usize = 512;
/// Tags that a client may send, from `@` to the space, in bytes (IRCv3 message-tags, "Size limit").
pub const CLIENT_TAGS: usize = 4096;
/// All tags of a message that chatd sends, in bytes (IRCv3 message-tags, "Size limit").
pub const ALL_TAGS: usize = 8191;
/// The longest input line, tags and CR LF included, in bytes. What is longer is
/// [`crate::server::Input::Oversized`] and its bytes are dropped up to the next LF. The core answers
/// 417 to lines within this bound whose tags or rest are too long on their own.
pub const INPUT_LINE: usize = ALL_TAGS + LINE;
/// Parameters of a message (RFC 1459 section 2.3); the fifteenth takes the rest of the line.
pub const PARAMS: usize = 15;
/// The longest nick that can be configured, in bytes.
pub const NICK: usize = 64;
/// The longest name of a channel that can be configured, in bytes.
pub const CHANNEL: usize = 128;
/// Tokens in one 005 line (Modern IRC, `RPL_ISUPPORT`).
pub const ISUPPORT_TOKENS: usize = 13;
/// Bytes of a text that masks are held against; what is longer than any text of a [`LINE`] is cut.
pub const MASK_TEXT: usize = LINE - 1;
/// Networks whose rate of new connections is remembered; those that have been quiet longest are forgotten first.
pub const THROTTLE_NETWORKS: usize = 16 * 1024;
/// Connections from the network of a gateway that have not yet said whom they are for (WEBIRC).
pub const WEBIRC_WAITING: u32 = 1_000;
/// The end that all cloaks of addresses have in common, in bytes.
pub const CLOAK_SUFFIX: usize = 16;
/// Users and channels outside that somebody has addressed of late, and may address again for nothing.
pub const RECENT_TARGETS: usize = 32;
/// Users who have written to somebody of late, and may be answered for nothing.
pub const RECENT_WRITERS: usize = 16;
/// How long a client may take for the next line of a batch that it has begun, in milliseconds.
pub const BATCH_PAUSE_MS: u64 = 30_000;
/// How often somebody with mode `g` is told that it kept somebody away, in milliseconds.
pub const CALLER_ID_PAUSE_MS: u64 = 60_000;
/// Modes with a parameter in one MODE command; announced as `MODES`.
pub const MODES: usize = 12;

/// Bans from the server that operators can set while it runs.
pub const SERVER_BANS: usize = 10_000;
/// The reason for a ban from the server, in bytes.
pub const BAN_REASON: usize = 300;
/// Clients times masks that are looked at in a turn when bans come into force.
pub const SLICE_BANS: usize = 16_384;
/// Notices of one kind to server operators in a second; more are counted.
pub const NOTICES_PER_SECOND: u32 = 20;
/// Masks that a NICK may be held against for nothing more than the command costs; as many again cost one more of
/// `limits.flood_burst`.
pub const MASKS_PER_COST: usize = 500;
/// Bytes of a mask in a list of a channel.
pub const MASK: usize = 160;

/// Time between two changes of a channel's name, in milliseconds.
pub const RENAME_MS: u64 = 60_000;
/// Members of a channel up to which all are sent the list of them at once when the channel is renamed.
pub const RENAME_AT_ONCE: usize = 64;
/// Members to whom a channel with another name is shown as another channel, as their clients do not know RENAME; one with more of
/// them keeps its name. It is one event, in which each of them is told on their own.
pub const RENAME_MEMBERS: usize = 5_000;

/// Bytes read from one connection at a time, and the size of the buffer that all share.
pub const READ_BUFFER: usize = 64 * 1024;
/// Connections accepted from one listener in a turn.
pub const ACCEPTS_PER_TURN: usize = 64;
/// Descriptors that chatd has open besides connections and listeners: standard streams, poll, signals, log, files.
pub const OTHER_DESCRIPTORS: usize = 16;
/// Unsent bytes that the kernel holds for a connection before its socket counts as full (`TCP_NOTSENT_LOWAT`):
/// what a slow reader owes then waits where the send queue's limit sees it.
pub const NOTSENT_LOWAT: u32 = 128 * 1024;
/// Events taken from the kernel at a time.
pub const EVENTS: usize = 1024;
/// Backlog of a listening socket, in connections.
pub const BACKLOG: i32 = 1024;
/// A turn whose output reached this many bytes is flushed before more input is handled.
pub const ARENA_FLUSH: usize = 1 << 20;
/// So is one whose lines went to recipients in this many pieces: each takes memory until the flush.
pub const SPANS_FLUSH: usize = 128 * 1024;
/// Descriptors that chat connections leave free, for admin connections, the log, and files read at a reload.
pub const SPARE_DESCRIPTORS: u64 = 8;
/// How long what was read of the use of memory is taken for true while connections come, in milliseconds.
pub const MEMORY_CHECK_MS: u64 = 1_000;
/// How many connections may be accepted meanwhile.
pub const MEMORY_CHECK_ACCEPTS: u32 = 256;
/// Connections whose queues in the kernel are counted for `stats`, of those whose sockets are full.
pub const KERNEL_QUEUES: usize = 4_096;
/// Pause before accepting again when descriptors ran out, in milliseconds.
pub const ACCEPT_PAUSE_MS: u64 = 100;
/// How long a closed connection may take to accept its last lines, and how long lines count that a peer sent
/// before it closed and that had to wait, in milliseconds.
pub const DRAIN_MS: u64 = 5_000;
/// A deadline that is noticed so much too late was missed because the process did not run, in milliseconds: it was stopped, or the
/// machine was. What others did not do in time is then not held against them.
pub const PAUSE_MS: u64 = 500;
/// At shutdown, how long a connection that has been sent everything may take to close, in milliseconds.
pub const LINGER_MS: u64 = 500;
/// A connection's buffer that has grown beyond this many bytes is not kept for the next who needs one.
pub const POOL_BUFFER: usize = 64 * 1024;
/// Buffers kept for the next who needs one.
pub const POOL_BUFFERS: usize = 64;
/// Bytes of buffers that the loop may keep while nothing happens; more is given back.
pub const KEEP_IDLE: usize = 256 * 1024;
/// Memory of connections is given back when more than so many have left of what were twice as many, or more.
pub const KEEP_LEFT: usize = 256;
/// The same of send queues, when so many bytes have gone of what they held.
pub const KEEP_QUEUED: u64 = 1024 * 1024;
/// How long it keeps more, as there may be another burst, in milliseconds; and as long again after a time in which there was more to
/// do than fits a turn.
pub const TRIM_MS: u64 = 2_000;
/// After so long, in milliseconds, memory that a crowd has left is given back although there is always much to do.
pub const TRIM_LATEST_MS: u64 = 30_000;
/// Spans of one `writev`; more are gathered in a scratch buffer.
pub const IOVECS: usize = 64;
/// A slice of long work (LIST, WHO) goes on while the client's send queue is below this, in bytes.
pub const SLICE_LOW_WATER: u32 = 32 * 1024;
/// Work, everybody's together, after which a turn handles no more input: who has not had their share is first in the next.
/// Nor does it go on with long replies after as much again.
/// The unit is [`crate::server::Server::work_done`]'s, about 20 to 40 ns.
pub const TURN_WORK: u64 = 64 * 1024;
/// Work after which what the loop has left in the allocator is given back as soon as it is quiet. The unit is that of [`TURN_WORK`].
pub const TRIM_WORK: u64 = 16 * TURN_WORK;
/// The same for a turn that begins with more to be sent than it may send.
pub const LATE_WORK: u64 = 8 * 1024;
/// Work for nothing with each connection that a turn may send something: the send takes the kernel ten times as long, and what
/// else the connection is told in the same turn next to nothing. Five thousand who join one channel, or leave it, are told of
/// each other twenty lines at a time.
pub const SEND_WORK: u64 = 16;
/// Work after which a turn leaves the rest of its deadlines to the next, and so with each other thing that is not input:
/// bans, what all are told, those who are cut off. The unit is that of [`TURN_WORK`].
pub const TICK_WORK: u64 = 32 * 1024;
/// Deadlines of clients that are acted upon in a turn.
pub const EXPIRIES_PER_TURN: usize = 512;
/// Things that all clients are being told; while there are as many, no announcement is taken.
pub const ROUNDS: usize = 16;
/// Work after which a command that goes from target to target waits for the next turn. The fewer turns it takes to tell
/// many of something, the fewer sends. The unit is that of [`TURN_WORK`].
pub const STEPS_WORK: u64 = 32 * 1024;
/// Work in a slice of a long reply. The unit is that of [`TURN_WORK`].
pub const SLICE_WORK: u64 = 10 * 1024;
/// Items looked at in a slice of long work.
pub const SLICE_ITEMS: usize = 512;
/// Slices of long work in a turn, everybody's together; more wait for the next turn.
pub const SLICES_PER_TURN: usize = 8;

/// Requests to read the configuration that may wait for the thread that does; the shell makes one at a time.
pub const LOADER_QUEUE: usize = 1;
/// Saves of the state that may wait for the thread that writes it; the shell asks for one at a time.
pub const SAVER_QUEUE: usize = 1;
/// Threads that check passwords: each takes a processor, and what the hash says of memory (19 MiB if chatctl made it).
pub const VERIFIERS: usize = 1;
/// Passwords that may wait to be checked; with more, the answer is to try again.
pub const VERIFIER_QUEUE: usize = 32;
/// Threads that ask the DNS for names: they do nothing but wait.
pub const RESOLVERS: usize = 4;
/// Addresses that may wait to be looked up; more have no name.
pub const RESOLVER_QUEUE: usize = 256;
/// The state file, in bytes.
pub const STATE_FILE: usize = 64 << 20;

/// Admin connections at a time.
pub const ADMIN_CONNECTIONS: usize = 32;
/// Backlog of the admin socket, in connections.
pub const ADMIN_BACKLOG: i32 = 32;
/// An admin request line, in bytes.
pub const ADMIN_LINE: usize = 64 * 1024;
/// Requests in one JSON-RPC batch.
pub const ADMIN_BATCH: usize = 32;
/// Requests of one admin connection handled in a turn.
pub const ADMIN_REQUESTS_PER_TURN: usize = 8;
/// Bytes that may wait for an admin client; with more than half of it waiting, it is not read.
pub const ADMIN_SEND_QUEUE: u32 = 4 << 20;
/// Bytes of one reply line of the admin socket, a batch's included; more becomes errors.
pub const ADMIN_REPLY: usize = 1 << 20;
/// A page of `list` ends with the item that reaches this, in bytes.
pub const ADMIN_PAGE_BYTES: usize = 256 * 1024;
/// Items of one page of `list`, when the request does not say.
pub const ADMIN_PAGE_DEFAULT: usize = 100;
/// Most items of one page of `list`.
pub const ADMIN_PAGE: usize = 1_000;
/// Slots looked at for one page of `list`; a page may end early, with a cursor, when few match.
pub const ADMIN_SCAN: usize = 10_000;
/// Most clients or channels that one answer to `busiest` has.
pub const ADMIN_BUSIEST: usize = 100;
/// Clients or channels that it has when the request does not say.
pub const ADMIN_BUSIEST_DEFAULT: usize = 10;
/// Differences that one answer to `config.diff` has.
pub const ADMIN_DIFFERENCES: usize = 200;
/// Members, and entries of each list, that `channel.info` shows.
pub const ADMIN_ENTRIES: usize = 250;
/// An admin connection that takes no byte for this long while some wait is closed, in milliseconds.
pub const ADMIN_STALL_MS: u64 = 30_000;
/// Admin connections that watch events at a time, so that others are left to ask.
pub const WATCHERS: usize = 16;
/// Bytes that may wait for an admin connection beyond which it is told of no more events: it misses them, and is told how many.
pub const WATCH_QUEUE: u32 = 1 << 20;
/// Events that all who watch are told of in a turn, each counted once for each of them; more are missed.
pub const WATCH_LINES: usize = 1_024;
/// Masks of nicks, of channels and of addresses that one who watches may give of each.
pub const WATCH_MASKS: usize = 8;
/// Bytes of such a mask.
pub const WATCH_MASK: usize = 128;
/// Times in a turn that such a mask is held against a text; events for which none are left are missed.
pub const WATCH_LOOKS: usize = 4_096;

/// Least time between two reports of the numbers of users and connections to a supervisor, in milliseconds.
pub const STATUS_MS: u64 = 2_000;
/// How long after a supervisor could not be told something it is tried again, in milliseconds.
pub const NOTICE_RETRY_MS: u64 = 1_000;

/// Records that may wait for the log's thread; more are counted and dropped.
pub const LOG_QUEUE: usize = 8_192;
/// A log record, in bytes; longer ones are cut at a character.
pub const LOG_RECORD: usize = 2_048;
/// A quoted value within a log record, in bytes; longer ones are cut, so that the fields after it remain.
pub const LOG_VALUE: usize = 512;
/// How long the log may take at the end to write what is queued.
pub const LOG_FLUSH: Duration = Duration::from_secs(1);

/// The configuration file, in bytes.
pub const CONFIG_FILE: usize = 1 << 20;
/// A file that holds a secret of the configuration, in bytes.
pub const SECRET_FILE: usize = 4_096;
/// Problems that a report on a configuration names; it says how many more there are.
pub const CONFIG_PROBLEMS: usize = 100;
/// Addresses that chatd listens on.
pub const LISTENERS: usize = 64;
/// Sockets that may be passed to chatd.
pub const PASSED: usize = 256;
/// Connection classes.
pub const CLASSES: usize = 64;
/// Gateways that may use WEBIRC.
pub const WEBIRC_GATEWAYS: usize = 64;
/// Classes of server operators.
pub const OPER_CLASSES: usize = 64;
/// Server operators.
pub const OPERS: usize = 256;
/// Sections of reserved names.
pub const RESERVES: usize = 256;
/// Patterns of the content filter in the configuration.
pub const FILTERS: usize = 256;
/// Bans in the configuration.
pub const CONFIG_BANS: usize = 1_000;
/// Entries of a setting that is a list.
pub const CONFIG_LIST: usize = 256;
/// A mask of a user and a host, in bytes.
pub const HOST_MASK: usize = 160;
/// A pattern of the content filter, in bytes.
pub const PATTERN: usize = 1_024;
/// A compiled pattern of the content filter, and what matching may keep beside it, in bytes.
pub const PATTERN_PROGRAM: usize = 256 * 1024;
/// Memory that checking a password may take, in KiB (argon2, "memory size").
pub const HASH_MEMORY: u32 = 256 * 1024;
/// Passes over that memory (argon2, "number of iterations").
pub const HASH_PASSES: u32 = 64;
/// The message of the day, in bytes.
pub const MOTD: usize = 64 * 1024;
/// Lines of the message of the day.
pub const MOTD_LINES: usize = 500;
/// A line of the message of the day, in bytes. With the longest server name and nick that can be configured,
/// its 372 still fits [`LINE`].
pub const MOTD_LINE: usize = 370;

const _: () = assert!(CLIENT_TAGS < ALL_TAGS && INPUT_LINE < READ_BUFFER);
const _: () = assert!(ADMIN_LINE <= READ_BUFFER && ADMIN_PAGE <= ADMIN_SCAN);
const _: () = assert!(ADMIN_PAGE_BYTES <= ADMIN_REPLY / 2 && ADMIN_REPLY <= ADMIN_SEND_QUEUE as usize / 4);
const _: () = assert!((SLICE_LOW_WATER as usize) < ARENA_FLUSH && ADMIN_PAGE_DEFAULT <= ADMIN_PAGE);
const _: () = assert!(LOG_VALUE < LOG_RECORD);
const _: () = assert!(WATCH_QUEUE <= ADMIN_SEND_QUEUE / 4 && WATCHERS < ADMIN_CONNECTIONS);
