//! The daemon's entry point; everything is in [`chatd::daemon`].

fn main() -> std::process::ExitCode {
    chatd::daemon::main()
}
