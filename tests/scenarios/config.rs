//! The configuration of scenarios: what a file says, over these defaults.

/// The names that appear in the files, and no throttles, as many steps follow one another at once.
const DEFAULTS: &str = r#"
[server]
name = "irc.test"
network = "TestNet"
description = "A test server"

[limits]
flood_rate = 0

[throttle]
connections = 0

[log]
target = "stderr"
"#;

/// The whole configuration as TOML.
///
/// # Panics
/// When `text` is not TOML.
pub(crate) fn over_defaults(text: &str) -> String {
    let mut config: toml::Table = DEFAULTS.parse().expect("the defaults are TOML");
    let over: toml::Table = text.parse().unwrap_or_else(|error| panic!("config is not TOML: {error}"));
    for (section, value) in over {
        match (config.get_mut(&section), value) {
            (Some(toml::Value::Table(keys)), toml::Value::Table(more)) => keys.extend(more),
            (_, value) => _ = config.insert(section, value),
        }
    }
    toml::to_string(&config).expect("a table is TOML")
}
