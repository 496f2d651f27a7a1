//! A client of any kind, as the machine sees it.

use chatd::net::fake::Remote;

use crate::admin::Admin;
use crate::bot::Bot;
use crate::ends::End;
use crate::noise::Noise;
use crate::parcel::Parcel;
use crate::witness::Witness;

/// Who is at the far end of a connection.
pub(crate) enum Role {
    Bot(Box<Bot>),
    Noise(Noise),
    Admin(Admin),
}

pub(crate) struct Client {
    pub(crate) remote: Remote,
    pub(crate) role: Role,
    /// Reads all that it is told.
    pub(crate) witness: Witness,
    /// What it was given and has not read.
    pub(crate) parcel: Parcel,
    /// How much of it the machine had taken when the turn before ended, in bytes.
    pub(crate) taken: u64,
    /// Whether it has been let in, so that the server knows it.
    pub(crate) met: bool,
    /// When it connected, in milliseconds of the monotonic clock.
    pub(crate) since_ms: u64,
    /// How it ended, by the log.
    pub(crate) end: Option<End>,
    /// Bytes without a newline yet.
    pub(crate) inbox: Vec<u8>,
    /// Bytes read in a step; `None` for all.
    pub(crate) appetite: Option<usize>,
    /// Whether it still sends and reads: it has not closed, and the server has not.
    pub(crate) open: bool,
    /// It sends no more, but reads.
    pub(crate) finished: bool,
}

impl Client {
    pub(crate) fn waiting(&mut self) -> &mut Vec<u8> {
        match &mut self.role {
            Role::Bot(bot) => &mut bot.to_send,
            Role::Noise(noise) => &mut noise.to_send,
            Role::Admin(admin) => &mut admin.to_send,
        }
    }

    pub(crate) fn bot(&self) -> Option<&Bot> {
        match &self.role {
            Role::Bot(bot) => Some(bot),
            _ => None,
        }
    }

    pub(crate) fn is_admin(&self) -> bool {
        matches!(self.role, Role::Admin(_))
    }

    /// From now until all is settled, its connection may end.
    pub(crate) fn excuse(&mut self) {
        if let Role::Bot(bot) = &mut self.role {
            bot.excused = true;
        }
    }

    pub(crate) fn is_excused(&self) -> bool {
        self.bot().is_none_or(|bot| bot.excused)
    }

    /// Whether it waits for nothing.
    pub(crate) fn is_quiet(&self) -> bool {
        !self.open
            || match &self.role {
                // One that sends no more waits only for the end.
                _ if self.finished => false,
                Role::Bot(bot) => bot.is_idle(),
                Role::Noise(noise) => noise.to_send.is_empty(),
                Role::Admin(admin) => admin.to_send.is_empty() && admin.expected.is_empty(),
            }
    }

    pub(crate) fn describe(&self) -> String {
        let state = if self.open { "" } else { "closed " };
        let who = match &self.role {
            Role::Bot(bot) => {
                format!("bot {} ({}, {:?}, {:?})", bot.number, bot.nick, bot.stage, bot.pending)
            }
            Role::Noise(noise) => format!("noise {}", noise.number),
            Role::Admin(admin) => format!("admin (waits for {:?})", admin.expected),
        };
        format!("{state}{who}, {} bytes given, {} missing", self.parcel.given(), self.parcel.missing())
    }
}

impl Role {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Bot(_) => "a bot",
            Self::Noise(_) => "noise",
            Self::Admin(_) => "an operator",
        }
    }
}
