//! Instructions of the hot paths, which repeat exactly: `cargo bench --bench counts`.
//!
//! Each path runs in a process of its own under callgrind, with a cleared environment, fixed seeds and a clock that only
//! the path moves; only what happens in [`measured`] is counted. The table is held against `baseline.toml`: a path that
//! differs from it by more than [`TOLERANCE`] is a failure, whichever way. `CHATD_BLESS=1` writes the baseline anew. Words
//! on the command line choose the paths whose names contain one of them.
//!
//! What callgrind found is left in `target/tmp/counts`, for `callgrind_annotate`.

mod baseline;
mod chat;
mod machine;
mod paths;

use std::env;
use std::fs;
use std::hint::black_box;
use std::path::{Path as File, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use baseline::Baseline;
use paths::{PATHS, Path};

/// How far a count may be from the baseline.
const TOLERANCE: f64 = 0.05;
/// The baseline, below the package.
const BASELINE: &str = "benches/counts/baseline.toml";
/// How the baseline is written anew.
const BLESS: &str = "CHATD_BLESS=1 cargo bench --bench counts";
/// The argument with which this program runs one path.
const RUN: &str = "--run";

type Outcome<T> = Result<T, String>;

/// Runs what is to be counted. Callgrind finds this function by its name.
#[inline(never)]
pub(crate) fn measured(what: &mut dyn FnMut()) {
    what();
    // Something must come last here, or the call above becomes a jump, and is not seen to end.
    black_box(());
}

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    if let [run, name] = &words[..]
        && run == RUN
    {
        return run_path(name);
    }
    if cfg!(debug_assertions) {
        println!("instructions are counted of an optimized build: cargo bench --bench counts");
        return ExitCode::SUCCESS;
    }
    let words: Vec<String> = words.into_iter().filter(|word| !word.starts_with("--")).collect();
    match count(&words) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

/// Runs one path, and says how many operations were measured.
fn run_path(name: &str) -> ExitCode {
    let Some(path) = PATHS.iter().find(|path| path.name == name) else { return ExitCode::FAILURE };
    println!("{}", (path.run)());
    ExitCode::SUCCESS
}

/// Counts the paths whose names contain one of `words`, all of them if there is none. Whether all is as the baseline says.
fn count(words: &[String]) -> Outcome<bool> {
    let chosen =
        |path: &&Path| words.is_empty() || words.iter().any(|word| path.name.contains(word.as_str()));
    let paths: Vec<&Path> = PATHS.iter().filter(chosen).collect();
    if paths.is_empty() {
        let names: Vec<_> = PATHS.iter().map(|path| path.name).collect();
        return Err(format!("no path is called that; there are: {}", names.join(", ")));
    }
    let file = File::new(env!("CARGO_MANIFEST_DIR")).join(BASELINE);
    let mut baseline = Baseline::read(&file)?;
    let rustc = rustc()?;
    let counts = Valgrind::find()?.count_all(&paths)?;
    println!("{:<26}{:>14}{:>14}{:>10}  per", "path", "instructions", "baseline", "change");
    let mut faults = Vec::new();
    for (path, count) in paths.iter().zip(&counts) {
        let before = baseline.instructions.get(path.name).copied();
        let change = before.map(|before| count / before - 1.0);
        let shown = change.map_or_else(String::new, |change| format!("{:+.1} %", change * 100.0));
        let known = before.map_or_else(|| "none".to_owned(), |before| format!("{before:.1}"));
        println!("{:<26}{count:>14.1}{known:>14}{shown:>10}  {}", path.name, path.unit);
        faults.extend(fault(path.name, change));
    }
    if env::var_os("CHATD_BLESS").is_some() {
        let counted = paths.iter().zip(&counts).map(|(path, count)| (path.name.to_owned(), *count));
        baseline.instructions.extend(counted);
        baseline.instructions.retain(|name, _| PATHS.iter().any(|path| path.name == name));
        baseline.rustc = rustc;
        baseline.write(&file)?;
        println!("{BASELINE} is written");
        return Ok(true);
    }
    let gone = baseline.instructions.keys().filter(|name| PATHS.iter().all(|path| path.name != *name));
    faults.extend(gone.map(|name| format!("{name}: the baseline has it, and there is no such path")));
    if faults.is_empty() {
        return Ok(true);
    }
    eprintln!("\n{}", faults.join("\n"));
    if baseline.rustc != rustc {
        eprintln!(
            "The baseline was counted with {}, and this is {rustc}: the compiler alone can be why.",
            baseline.rustc
        );
    }
    eprintln!("Where that is what the change is meant to do, commit with it what this writes: {BLESS}");
    Ok(false)
}

/// What is wrong with a count that differs so much from the baseline.
fn fault(name: &str, change: Option<f64>) -> Option<String> {
    let most = TOLERANCE * 100.0;
    let percent = change.map(|change| change * 100.0);
    match percent {
        None => Some(format!("{name}: the baseline does not have it")),
        Some(more) if more > most => Some(format!("{name}: costs {more:.1} % more, and {most} % is allowed")),
        Some(less) if less < -most => Some(format!(
            "{name}: costs {:.1} % less: well done! The baseline has to follow, or the next who loses that will not notice",
            -less
        )),
        Some(_) => None,
    }
}

/// The version of the compiler, in its own words.
fn rustc() -> Outcome<String> {
    let program = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(program).arg("--version").output();
    let output = output.map_err(|error| format!("rustc --version: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The program that counts.
struct Valgrind {
    program: PathBuf,
    folder: PathBuf,
}

impl Valgrind {
    fn find() -> Outcome<Self> {
        let path = env::var_os("PATH").unwrap_or_default();
        let program =
            env::split_paths(&path).map(|folder| folder.join("valgrind")).find(|file| file.is_file());
        let program = program
            .ok_or("valgrind is not there, which counts the instructions: apt-get install valgrind")?;
        let folder = File::new(env!("CARGO_TARGET_TMPDIR")).join("counts");
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(Self { program, folder })
    }

    /// Instructions of each path for one operation. As many run at a time as there are processors: it makes no difference.
    fn count_all(&self, paths: &[&Path]) -> Outcome<Vec<f64>> {
        let next = AtomicUsize::new(0);
        let work = || {
            let mut done = Vec::new();
            while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
                done.push((path.name, self.count(path.name)));
            }
            done
        };
        let workers = thread::available_parallelism().map_or(1, usize::from);
        let mut done: Vec<(&str, Outcome<f64>)> = thread::scope(|scope| {
            let handles: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
            handles.into_iter().flat_map(|handle| handle.join().expect("it does not panic")).collect()
        });
        done.sort_by_key(|(name, _)| paths.iter().position(|path| path.name == *name));
        done.into_iter().map(|(_, count)| count).collect()
    }

    fn count(&self, name: &str) -> Outcome<f64> {
        let failed = |what: &str| format!("{name}: {what}");
        let found = self.folder.join(format!("{name}.out"));
        let this = env::current_exe().map_err(|error| failed(&error.to_string()))?;
        let mut command = Command::new(&self.program);
        command.args(["--tool=callgrind", "--toggle-collect=counts::measured*"]);
        command.arg(format!("--callgrind-out-file={}", found.display()));
        command.arg(this).args([RUN, name]).env_clear().env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
        let output = command.output().map_err(|error| failed(&error.to_string()))?;
        if !output.status.success() {
            return Err(failed(&String::from_utf8_lossy(&output.stderr)));
        }
        let operations: Option<f64> = String::from_utf8_lossy(&output.stdout).trim().parse().ok();
        let report = fs::read_to_string(&found).map_err(|error| failed(&error.to_string()))?;
        let total = report.lines().find_map(|line| line.strip_prefix("totals: "));
        let total: Option<f64> = total.and_then(|total| total.trim().parse().ok());
        match (total, operations) {
            (Some(total), Some(operations)) if total > 0.0 => Ok((total / operations * 10.0).round() / 10.0),
            _ => Err(failed("callgrind has counted nothing")),
        }
    }
}
