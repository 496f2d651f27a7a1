//! The line parser, and what takes tags and text apart.

#![no_main]

use std::fmt::Write as _;

use chatd::proto::format;
use chatd::proto::limits;
use chatd::proto::message::{Message, Tags};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &str| {
    let Some(message) = Message::parse(line) else {
        return;
    };
    assert!(!message.command.is_empty() && !message.command.contains(' '));
    assert!(message.params().len() <= limits::PARAMS);
    let words = message.params().split_last().map_or(&[][..], |(_, words)| words);
    assert!(words.iter().all(|word| !word.is_empty() && !word.contains(' ') && !word.starts_with(':')));

    let again = written(&message);
    let second = Message::parse(&again).expect("what was written is a message");
    assert_eq!((message.tags, message.source, message.command), (second.tags, second.source, second.command));
    assert_eq!(message.params(), second.params());

    for (key, _) in message.tags.iter() {
        assert!(message.tags.get(key).is_some());
    }
    let relayed = message.tags.client_only(|_| true);
    assert!(relayed.len() <= message.tags.0.len());
    assert_eq!(Tags(&relayed).client_only(|_| true), relayed);
    assert_eq!(message.tags.client_only(|_| false), "");

    let text = message.params().last().copied().unwrap_or_default();
    let plain = format::strip(text);
    assert!(plain.len() <= text.len() && !format::has_formatting(&plain));
    assert_eq!(plain == text, !format::has_formatting(text));
    assert!(!format::is_ctcp(text) || text.starts_with('\x01'));
});

/// The message as a line.
fn written(message: &Message<'_>) -> String {
    let mut line = format!("@{} ", message.tags.0);
    if let Some(source) = message.source {
        let _ = write!(line, ":{source} ");
    }
    line.push_str(message.command);
    if let Some((last, words)) = message.params().split_last() {
        for word in words {
            let _ = write!(line, " {word}");
        }
        let _ = write!(line, " :{last}");
    }
    line
}
