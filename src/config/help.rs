//! What may have been meant by a name that nothing has.

use super::field::{listed, one_of};
use super::repeated::{Key, REPEATED};
use super::settings::{SETTINGS, Setting};
use crate::suggest::closest;

/// More are not listed.
const MANY: usize = 8;

/// What may have been meant by an unknown name outside any section.
pub(super) fn of_top(name: &str, is_section: bool) -> String {
    let headings = || sections().chain(REPEATED.iter().map(|section| section.name));
    let homes = homes_of(name);
    if !homes.is_empty() && !is_section {
        format!("`{name}` belongs in {}", one_of(homes.into_iter().map(heading)))
    } else if let Some(near) = closest(name, headings()) {
        format!("did you mean {}?", heading(near))
    } else if let (Some(near), false) = (closest(name, all_keys()), is_section) {
        format!("did you mean `{near}`, in {}?", one_of(homes_of(near).into_iter().map(heading)))
    } else {
        format!("chatd.toml(5) has the {} sections", headings().count())
    }
}

/// What may have been meant by an unknown key of a section.
pub(super) fn of_key(section: &str, name: &str) -> String {
    let known = keys_of(section);
    let homes = homes_of(name);
    let near = closest(name, known.iter().copied());
    let section = heading(section);
    match (homes.as_slice(), near) {
        ([home], Some(near)) => format!("did you mean `{near}`? `{name}` belongs in {}", heading(home)),
        ([home], None) => format!("`{name}` belongs in {}", heading(home)),
        (_, Some(near)) => format!("did you mean `{near}`?"),
        _ if known.len() > MANY => format!("chatd.toml(5) has the {} keys of {section}", known.len()),
        _ => match known.as_slice() {
            [only] => format!("the only key of {section} is `{only}`"),
            _ => format!("the keys of {section} are {}", listed(known.iter().map(|key| format!("`{key}`")))),
        },
    }
}

/// The sections that stand once, in the order of the sample.
pub(super) fn sections() -> impl Iterator<Item = &'static str> {
    let mut last = "";
    SETTINGS.iter().filter_map(move |setting| {
        let section = setting.section();
        (std::mem::replace(&mut last, section) != section).then_some(section)
    })
}

fn keys_of(section: &str) -> Vec<&'static str> {
    match REPEATED.iter().find(|it| it.name == section) {
        Some(repeated) => repeated.keys.iter().map(Key::key).collect(),
        None => SETTINGS.iter().filter(|it| it.section() == section).map(Setting::key).collect(),
    }
}

fn all_keys() -> impl Iterator<Item = &'static str> {
    let repeated = REPEATED.iter().flat_map(|section| section.keys);
    SETTINGS.iter().map(Setting::key).chain(repeated.map(Key::key))
}

/// The sections that know this key.
fn homes_of(key: &str) -> Vec<&'static str> {
    let all = sections().chain(REPEATED.iter().map(|section| section.name));
    all.filter(|section| keys_of(section).contains(&key)).collect()
}

/// A section as it is written.
pub(super) fn heading(section: &str) -> String {
    let repeated = REPEATED.iter().any(|it| it.name == section);
    if repeated { format!("[[{section}]]") } else { format!("[{section}]") }
}
