//! The program `chatd`: from the command line to the running loop.

/// Runs chatd.
pub fn main() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
