//! The admin client's entry point; everything is in [`chatd::ctl`].

fn main() -> std::process::ExitCode {
    chatd::ctl::main()
}
