//! LIST, with conditions (Modern IRC, LIST and `ELIST`).

use std::cmp::Ordering;

use super::super::channel::Channel;
use super::super::ctx::Ctx;
use super::super::effort::Effort;
use super::super::policy;
use super::super::work::Work;
use super::{Outcome, targets, too_many};
use crate::proto::mask::Subject;
use crate::proto::message::Message;
use crate::proto::numeric;

/// A LIST that is not finished.
pub(in super::super) struct ListWork {
    filter: Filter,
    /// The next index of all channels.
    next: u32,
}

/// Which channels are asked for: those that have one of the names and meet all conditions.
#[derive(Default)]
struct Filter {
    /// Names and masks; without any, every channel.
    names: Vec<String>,
    conditions: Vec<Condition>,
}

/// What a channel must be like.
#[derive(Debug, PartialEq, Eq)]
enum Condition {
    /// `!mask`: its name does not match.
    Not(String),
    /// `>n`, `<n`: it has more or fewer members.
    Members(Ordering, u64),
    /// `C>n`, `C<n`: it was created more or less than n minutes ago.
    Created(Ordering, u64),
    /// `T>n`, `T<n`: it has a topic, which was set more or less than n minutes ago.
    Topic(Ordering, u64),
    /// A condition without a number, which no channel meets.
    Never,
}

impl Filter {
    fn add(&mut self, text: &str) {
        let compared = |what: fn(Ordering, u64) -> Condition, order: &str, number: &str| {
            let order = if order == ">" { Ordering::Greater } else { Ordering::Less };
            number.parse().map_or(Condition::Never, |number| what(order, number))
        };
        if let Some(mask) = text.strip_prefix('!') {
            self.conditions.push(Condition::Not(mask.to_owned()));
        } else if let Some(at) = text.find(['<', '>']).filter(|&at| at < 2) {
            let (order, number) = text[at..].split_at(1);
            match &text[..at] {
                "" => self.conditions.push(compared(Condition::Members, order, number)),
                "C" | "c" => self.conditions.push(compared(Condition::Created, order, number)),
                "T" | "t" => self.conditions.push(compared(Condition::Topic, order, number)),
                _ => self.names.push(text.to_owned()),
            }
        } else {
            self.names.push(text.to_owned());
        }
    }

    /// Whether all that is asked for are names, which can be looked up.
    fn is_by_name(&self) -> bool {
        !self.names.is_empty() && !self.names.iter().any(|name| name.contains(['*', '?']))
    }

    fn admits(&self, channel: &Channel, now_unix_ms: u64, effort: &Effort) -> bool {
        let name = Subject::new(&channel.name);
        let matches = |mask: &String| {
            effort.add_mask(mask, 1);
            name.matches(mask)
        };
        let age = |since: u64, order: Ordering, minutes: u64| {
            now_unix_ms.saturating_sub(since).cmp(&minutes.saturating_mul(60_000)) == order
        };
        (self.names.is_empty() || self.names.iter().any(matches))
            && self.conditions.iter().all(|condition| match condition {
                Condition::Not(mask) => !matches(mask),
                Condition::Members(order, count) => (channel.members().len() as u64).cmp(count) == *order,
                Condition::Created(order, minutes) => age(channel.created_unix_ms, *order, *minutes),
                Condition::Topic(order, minutes) => {
                    channel.topic.as_ref().is_some_and(|topic| age(topic.at_unix_ms, *order, *minutes))
                }
                Condition::Never => false,
            })
    }
}

/// `LIST [<channel|mask|condition>[,...]] [<condition>[,...]]`
pub(super) fn list(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    c.reply(numeric::rpl_liststart());
    let mut filter = Filter::default();
    for list in m.params().iter().take(2) {
        let (asked, beyond) = targets(c, list);
        for text in asked {
            filter.add(text);
        }
        too_many(c, beyond);
    }
    if !filter.is_by_name() {
        c.begin(Work::List(ListWork { filter, next: 0 }));
        return Ok(());
    }
    for name in &filter.names {
        if let Ok(index) = c.find_channel(name) {
            show(c, &filter, index);
        }
    }
    c.reply(numeric::rpl_listend());
    Ok(())
}

/// The next channel of a LIST; false after the last.
pub(in super::super) fn list_step(c: &mut Ctx<'_>, work: &mut ListWork) -> bool {
    let index = work.next;
    work.next += 1;
    match c.server.channels.get(index as usize) {
        Some(Some(_)) => show(c, &work.filter, index),
        Some(None) => {}
        None => {
            c.reply(numeric::rpl_listend());
            return false;
        }
    }
    true
}

fn show(c: &mut Ctx<'_>, filter: &Filter, index: u32) {
    let channel = c.channel(index);
    let now_unix_ms = c.server.now.unix_ms;
    if policy::lists_channel(c.server, c.me, channel) && filter.admits(channel, now_unix_ms, &c.server.effort)
    {
        let (name, members) = (channel.name.clone(), channel.members().len());
        let topic = channel.topic.as_ref().map_or_else(String::new, |topic| topic.text.clone());
        c.reply(numeric::rpl_list(name, members, topic));
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::channel::Topic as SetTopic;
    use super::*;

    #[test]
    fn conditions_are_told_from_names() {
        use Condition::{Created, Members, Never, Not, Topic};
        for (text, condition) in [
            (">3", Members(Ordering::Greater, 3)),
            ("<10", Members(Ordering::Less, 10)),
            ("C<5", Created(Ordering::Less, 5)),
            ("t>5", Topic(Ordering::Greater, 5)),
            ("!#a*", Not("#a*".to_owned())),
            (">x", Never),
            ("C>", Never),
            ("T<-1", Never),
        ] {
            let mut filter = Filter::default();
            filter.add(text);
            assert_eq!(filter.conditions, [condition], "{text}");
            assert!(filter.names.is_empty() && !filter.is_by_name());
        }
        for (text, by_name) in [("#a>3", true), ("é>3", true), ("X>3", true), ("#a*", false), ("", true)] {
            let mut filter = Filter::default();
            filter.add(text);
            assert_eq!((filter.names.as_slice(), filter.is_by_name()), (&[text.to_owned()][..], by_name));
            assert!(filter.conditions.is_empty());
        }
    }

    #[test]
    fn channels_are_admitted_by_name_size_and_age() {
        let minute = 60_000;
        let mut channel = Channel::new("#Rust", 1, 0, 10 * minute);
        channel.add(0, 0);
        channel.add(1, 0);
        let admits = |channel: &Channel, texts: &[&str]| {
            let mut filter = Filter::default();
            for text in texts {
                filter.add(text);
            }
            filter.admits(channel, 15 * minute + 1, &Effort::default())
        };
        for (texts, admitted) in [
            (&[][..], true),
            (&["#rust", "#other"], true),
            (&["#r*"], true),
            (&["#other"], false),
            (&["!#r*"], false),
            (&["!*x*", "*"], true),
            (&[">1"], true),
            (&[">2"], false),
            (&["<2"], false),
            (&["<3", ">1"], true),
            (&["C<5"], false),
            (&["C<6"], true),
            (&["C>5"], true),
            (&["C>6"], false),
            (&["T>0"], false),
            (&["T<9"], false),
            (&["#rust", ">"], false),
        ] {
            assert_eq!(admits(&channel, texts), admitted, "{texts:?}");
        }
        let by = "a!b@c".into();
        channel.topic = Some(SetTopic { text: "t".to_owned(), by, at_unix_ms: 14 * minute });
        assert!(admits(&channel, &["T<2"]) && admits(&channel, &["T>1"]));
        assert!(!admits(&channel, &["T<1"]) && !admits(&channel, &["T>2"]));
    }
}
