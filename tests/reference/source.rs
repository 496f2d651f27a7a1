//! What stands in doc comments of the source, and in comments of the sample configuration.

use std::collections::BTreeMap;
use std::fs;

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A constant of `src/proto/limits.rs`.
pub(crate) struct Limit {
    pub(crate) name: String,
    pub(crate) value: u64,
    /// What stands behind it, if its help does not say.
    pub(crate) unit: &'static str,
    pub(crate) help: String,
}

/// Every constant of `src/proto/limits.rs`, in the order of the file.
pub(crate) fn limits() -> Vec<Limit> {
    let text = read("src/proto/limits.rs");
    let (mut help, mut limits, mut known) = (Vec::new(), Vec::new(), BTreeMap::new());
    for line in text.lines() {
        if let Some(line) = line.strip_prefix("/// ") {
            help.push(line.replace("[`", "`").replace("`]", "`"));
        } else if let Some(constant) = line.strip_prefix("pub const ") {
            let unit = if constant.contains(": Duration") { " s" } else { "" };
            let (name, rest) = constant.split_once(": ").expect("a constant has a type");
            let (_, value) = rest.trim_end_matches(';').split_once(" = ").expect("a constant has a value");
            let value = evaluate(value, &known);
            known.insert(name.to_owned(), value);
            limits.push(Limit {
                name: name.to_owned(),
                value,
                unit,
                help: std::mem::take(&mut help).join(" "),
            });
        } else {
            help.clear();
        }
    }
    assert_eq!(limits.len(), text.matches("\npub const ").count());
    limits
}

/// Numbers, names, and what `limits.rs` does with them; the operator that binds least first.
fn evaluate(text: &str, known: &BTreeMap<String, u64>) -> u64 {
    let both = |(a, b): (&str, &str)| (evaluate(a, known), evaluate(b, known));
    let text = text.trim();
    if let Some((a, b)) = text.rsplit_once(" << ").map(both) {
        a << b
    } else if let Some((a, b)) = text.rsplit_once(" + ").map(both) {
        a + b
    } else if let Some((a, b)) = text.rsplit_once(" - ").map(both) {
        a - b
    } else if let Some((a, b)) = text.rsplit_once(" * ").map(both) {
        a * b
    } else if let Some(inner) = text.strip_prefix("Duration::from_secs(") {
        evaluate(inner.trim_end_matches(')'), known)
    } else {
        let number = text.replace('_', "").parse().ok();
        number.or_else(|| known.get(text).copied()).unwrap_or_else(|| panic!("what is {text}?"))
    }
}

/// What `etc/chatd.toml` says of each setting that stands once.
pub(crate) fn settings() -> BTreeMap<String, String> {
    let (mut section, mut help, mut settings) = (String::new(), Vec::new(), BTreeMap::new());
    for line in read("etc/chatd.toml").lines() {
        let bare = line.trim_start_matches('#');
        if let Some(name) = bare.strip_prefix('[') {
            name.trim_end_matches(']').clone_into(&mut section);
            help.clear();
        } else if let Some(comment) = line.strip_prefix("# ") {
            help.push(comment.trim().to_owned());
        } else if let Some((key, _)) = bare.split_once(" = ") {
            let about = std::mem::take(&mut help).join(" ");
            // What follows is about the sample itself, and in other columns here.
            let about =
                about.split(" Not set by default").next().unwrap_or("").replace(" Needs a restart.", "");
            settings.entry(format!("{section}.{key}")).or_insert(about);
        } else if line.is_empty() {
            help.clear();
        }
    }
    settings
}

#[test]
fn values_are_what_rust_says() {
    use chatd::proto::limits;
    let all = limits();
    let value = |name: &str| all.iter().find(|limit| limit.name == name).expect("a limit").value;
    assert_eq!(value("INPUT_LINE"), limits::INPUT_LINE as u64);
    assert_eq!(value("MASK_TEXT"), limits::MASK_TEXT as u64);
    assert_eq!(value("STATE_FILE"), limits::STATE_FILE as u64);
    assert_eq!(value("READ_BUFFER"), limits::READ_BUFFER as u64);
    assert_eq!(value("LOG_FLUSH"), limits::LOG_FLUSH.as_secs());
}
