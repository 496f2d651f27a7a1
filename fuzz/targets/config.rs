//! The configuration: every text is a configuration or has problems that can be shown, and what is printed is read again.

#![no_main]

use chatd::config::{Config, Diagnostic, parse, print};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let parsed = parse(text);
    let good = parsed.is_good();
    for problem in parsed.problems {
        assert!(problem.span.start <= problem.span.end, "{problem:?}");
        let diagnostic = Diagnostic::locate("chatd.toml", text, problem);
        assert!(!diagnostic.one_line().contains(|char: char| char.is_control()), "{diagnostic:?}");
        assert!(!diagnostic.to_string().is_empty());
    }
    if good {
        let printed = print(&parsed.config);
        let again = parse(&printed);
        assert!(again.is_good(), "{:?} in\n{printed}", again.problems);
        // The lines of a message of the day that is read from a file stay in that file.
        let config = match parsed.config.server.motd_file {
            Some(_) => Config { server: again.config.server.clone(), ..parsed.config },
            None => parsed.config,
        };
        assert_eq!(again.config, config, "{printed}");
    }
});
