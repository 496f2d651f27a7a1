//! What the configuration says to every new user, rendered once.

use crate::config::Config;
use crate::proto::isupport;
use crate::proto::modes::{self, CLOAKED, Kind};

/// The parts of a greeting that are the same for all.
pub(super) struct Greeting {
    /// The letters of the user modes that there are.
    pub(super) user_modes: String,
    /// The letters of all channel modes.
    pub(super) channel_modes: String,
    /// Those of them that have a parameter.
    pub(super) with_parameter: String,
    /// The lines of 005.
    pub(super) isupport: Vec<String>,
}

impl Greeting {
    pub(super) fn new(config: &Config) -> Self {
        let offered = |bit: u16| bit != CLOAKED || config.cloak.key.is_some();
        let prefixes = config.channels.prefixes;
        Self {
            user_modes: modes::USER.iter().filter(|mode| offered(mode.bit)).map(|mode| mode.letter).collect(),
            channel_modes: prefixes.letters_of(&[
                Kind::List,
                Kind::Setting,
                Kind::SettingOnly,
                Kind::Flag,
                Kind::Prefix,
            ]),
            with_parameter: prefixes.letters_of(&[
                Kind::List,
                Kind::Setting,
                Kind::SettingOnly,
                Kind::Prefix,
            ]),
            isupport: isupport::lines(config, &isupport::tokens(config)),
        }
    }
}
