//! The command line of chatd.

use std::path::PathBuf;

use clap::Parser;

/// A chat daemon that speaks IRC.
///
/// Without options it runs in the foreground, with /etc/chatd/chatd.toml if there is such a file and
/// otherwise on loopback only, ready for a client.
#[derive(Debug, Parser)]
#[command(name = "chatd", version, after_help = "See chatd(8). chatctl(1) controls the running daemon.")]
pub(super) struct Args {
    /// Read this configuration instead of /etc/chatd/chatd.toml
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,

    /// Say what is wrong with the configuration, if anything, and exit
    #[arg(long, conflicts_with_all = ["print_config", "daemonize"])]
    pub(super) check_config: bool,

    /// Print the configuration in force, as TOML, and exit
    #[arg(long, conflicts_with = "daemonize")]
    pub(super) print_config: bool,

    /// Detach from the terminal; return when the daemon listens, or with an error
    #[arg(long)]
    pub(super) daemonize: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_options_are_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn the_manual_page_has_every_option_and_no_other() {
        let manual = include_str!("../../packaging/man/chatd.8");
        let described = |line: &'static str| {
            line.strip_prefix(".It Fl ")?.split_whitespace().find_map(|word| word.strip_prefix('-'))
        };
        let mut described: Vec<_> = manual.lines().filter_map(described).collect();
        let mut command = Args::command();
        command.build();
        let mut options: Vec<_> =
            command.get_arguments().filter_map(|argument| argument.get_long()).collect();
        described.sort_unstable();
        options.sort_unstable();
        assert_eq!(described, options);
    }
}
