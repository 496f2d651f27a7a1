//! What `chatctl watch --filter` takes: kinds of events, and masks of what they are about.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Arg, Command, Error};

use crate::admin::{EVENTS, Request, WatchMasks};
use crate::proto::limits::WATCH_MASK;
use crate::suggest::closest;

/// A part of a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Term {
    /// A kind of events.
    Kind(String),
    /// A mask of nicks.
    Nick(String),
    /// A mask of channels.
    Channel(String),
    /// A mask of IP addresses.
    Address(String),
}

/// Something that masks can be of: how they begin, what that means, and what they are.
type Field = (&'static str, &'static str, fn(String) -> Term);

const FIELDS: [Field; 3] = [
    ("nick=", "only users with such a nick; * and ? are wild", Term::Nick),
    ("channel=", "only in such channels", Term::Channel),
    ("address=", "only connections from such an IP address", Term::Address),
];

/// Reads a [`Term`]. Shells complete what is possible.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms;

impl TypedValueParser for Terms {
    type Value = Term;

    fn parse_ref(&self, command: &Command, argument: Option<&Arg>, value: &OsStr) -> Result<Term, Error> {
        let text = value.to_string_lossy();
        term(&text).map_err(|why| {
            let option = argument.map_or_else(|| "--filter".to_owned(), ToString::to_string);
            let message = format!("invalid value '{text}' for '{option}': {why}\n");
            Error::raw(ErrorKind::InvalidValue, message).with_cmd(command)
        })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let kinds = EVENTS.iter().map(|kind| PossibleValue::new(*kind));
        let fields = FIELDS.iter().map(|(field, help, _)| PossibleValue::new(*field).help(*help));
        Some(Box::new(kinds.chain(fields)))
    }
}

fn term(text: &str) -> Result<Term, String> {
    if let Some((mask, make)) =
        FIELDS.iter().find_map(|(field, _, make)| Some((text.strip_prefix(field)?, make)))
    {
        return if (1..=WATCH_MASK).contains(&mask.len()) {
            Ok(make(mask.to_owned()))
        } else {
            Err(format!("a mask has 1 to {WATCH_MASK} bytes"))
        };
    }
    if EVENTS.contains(&text) {
        return Ok(Term::Kind(text.to_owned()));
    }
    let fields = FIELDS.map(|(field, ..)| field);
    let near = closest(text, EVENTS.into_iter().chain(fields));
    let near = near.map(|near| format!("; did you mean '{near}'?")).unwrap_or_default();
    Err(format!("it must be one of {}, or {}MASK{near}", EVENTS.join(", "), fields.join("MASK, ")))
}

/// The request for what these terms say.
pub(super) fn request(terms: Vec<Term>) -> Request {
    let (mut events, mut masks) = (Vec::new(), WatchMasks::default());
    for term in terms {
        match term {
            Term::Kind(kind) => events.push(kind),
            Term::Nick(mask) => masks.nick.push(mask),
            Term::Channel(mask) => masks.channel.push(mask),
            Term::Address(mask) => masks.address.push(mask),
        }
    }
    Request::Watch { events, masks }
}
