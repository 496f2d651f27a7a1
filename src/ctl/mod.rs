//! To come.

/// Runs chatctl.
pub fn main() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
