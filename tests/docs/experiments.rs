//! Experiments, run; and the commands of all pages, compared with the programs they name.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::support::untouched;
use super::{Block, hold, pages, root};

/// Where cargo has put an example.
pub fn example(name: &str) -> PathBuf {
    let tests = std::env::current_exe().expect("this test has a path");
    let target = tests
        .parent()
        .and_then(Path::parent)
        .expect("target/debug/deps");
    target.join("examples").join(name)
}

/// A `cargo run`, taken apart.
struct CargoRun<'a> {
    /// None is the server itself.
    example: Option<&'a str>,
    arguments: Vec<&'a str>,
}

fn cargo_run(command: &str) -> Option<CargoRun<'_>> {
    let mut words = command.split_whitespace();
    words.by_ref().find(|word| *word == "cargo")?;
    if words.next()? != "run" {
        return None;
    }
    let end = |word: &&str| !word.starts_with(['|', '>', '<', '#', '&', ';']);
    let words: Vec<&str> = words.take_while(end).collect();
    let (own, arguments) = match words.iter().position(|word| *word == "--") {
        Some(at) => (&words[..at], words[at + 1..].to_vec()),
        None => (&words[..], Vec::new()),
    };
    let at = own.iter().position(|word| *word == "--example");
    let example = at.and_then(|at| own.get(at + 1)).copied();
    Some(CargoRun { example, arguments })
}

impl CargoRun<'_> {
    fn program(&self) -> Result<PathBuf, String> {
        let path = match self.example {
            Some(name) => example(name),
            None => PathBuf::from(env!("CARGO_BIN_EXE_loopchat")),
        };
        let why = "no such example, or it is not built: `cargo test` builds it";
        path.exists()
            .then_some(path)
            .ok_or(format!("{:?}: {why}", self.example))
    }
}

/// Runs the commands of a block, and returns what it should say then.
fn run(block: &Block) -> Result<String, String> {
    let mut text = String::new();
    for command in block
        .text
        .lines()
        .filter_map(|line| line.strip_prefix("$ "))
    {
        let is_node = command.starts_with("node ");
        if is_node && Command::new("node").arg("-v").output().is_err() {
            assert!(
                std::env::var_os("LOOPCHAT_REQUIRE_TOOLS").is_none(),
                "node is not there"
            );
            return Ok(block.text.clone());
        }
        // Node's timers are the real ones: on a busy machine it may need another go.
        let said = (0..if is_node { 3 } else { 1 }).map(|_| output(command));
        let wanted = |said: &Result<String, String>| {
            said.as_ref().is_ok_and(|said| block.text.contains(said))
        };
        let mut tried = Vec::new();
        for said in said {
            let found = wanted(&said);
            tried.push(said);
            if found {
                break;
            }
        }
        text += &format!("$ {command}\n{}", tried.pop().expect("one go at least")?);
    }
    Ok(text)
}

fn output(command: &str) -> Result<String, String> {
    let (program, arguments) = match cargo_run(command) {
        Some(run) => (run.program()?, run.arguments),
        None => {
            let mut words = command.split_whitespace();
            (
                words.next().ok_or("a command is missing")?.into(),
                words.collect(),
            )
        }
    };
    let ran = Command::new(&program)
        .args(arguments)
        .current_dir(root())
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{program:?}: {error}"))?;
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&ran.stderr);
    ran.status
        .success()
        .then_some(said)
        .ok_or(format!("`{command}` failed: {complaint}"))
}

#[test]
fn experiments_print_what_the_page_says() {
    let held = hold(|_, block| (block.comment.as_deref() == Some("run")).then(|| run(block)));
    assert!(held > 0, "there is no experiment at all");
}

/// What a line tells one to start: `cargo run ... -- FLAGS`, `loopchat FLAGS`, `stress FLAGS`, or
/// flags alone.
fn started_in(line: &str) -> Vec<&str> {
    let runs = line.match_indices("cargo run").map(|(from, _)| {
        let end = line[from..].find('`').map_or(line.len(), |end| from + end);
        &line[from..end]
    });
    let is_ours = |text: &&str| text.starts_with("loopchat -") || text.starts_with("stress -");
    let spans = line.split('`').skip(1).step_by(2);
    let own =
        spans.filter(move |span| is_ours(span) || (span.starts_with("--") && span.contains(' ')));
    let plain = line.trim_start();
    let plain = Some(plain.strip_prefix("$ ").unwrap_or(plain)).filter(is_ours);
    runs.chain(own).chain(plain).collect()
}

/// The programs that it may mean, with their arguments: flags alone are the server's, or the load
/// tool's.
fn programs_of(command: &str) -> Result<(Vec<PathBuf>, Vec<String>), String> {
    let server = || PathBuf::from(env!("CARGO_BIN_EXE_loopchat"));
    // What the shell puts in is a number in all of them: a process.
    let command = command.replace("$(pgrep -x loopchat)", "1");
    let (programs, words) = match cargo_run(&command) {
        Some(run) => (vec![run.program()?], run.arguments),
        None => {
            let mut words = command.split_whitespace();
            let programs = match words.clone().next() {
                Some("loopchat") => vec![server()],
                Some("stress") => vec![example("stress")],
                _ => vec![server(), example("stress")],
            };
            if !command.starts_with('-') {
                words.next();
            }
            let end = |word: &&str| !word.starts_with(['|', '>', '<', '#', '&', ';']);
            (programs, words.take_while(end).collect())
        }
    };
    let unquoted = words
        .iter()
        .map(|word| word.trim_matches(['"', '\'']).to_owned());
    Ok((programs, unquoted.collect()))
}

/// Whether something in it is to be filled in by the reader: `--history LINES`.
fn is_a_form(command: &str) -> bool {
    let blank = |word: &str| {
        word.chars()
            .all(|c| c.is_ascii_uppercase() || c == ':' || c == '_')
    };
    command.contains("...") || command.split_whitespace().any(blank)
}

#[test]
fn every_command_of_a_page_is_taken_by_the_program_it_names() {
    let mut tried: HashMap<(PathBuf, Vec<String>), Result<(), String>> = HashMap::new();
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for page in pages() {
        let whole = page.text.replace("\\\n", ""); // a command may go on in the next line
        for (number, line) in whole.lines().enumerate() {
            for command in started_in(line) {
                let at = format!("{}:{}: {command}", page.path.display(), number + 1);
                if is_a_form(command) {
                    continue;
                }
                let (programs, arguments) = match programs_of(command) {
                    Ok(found) => found,
                    Err(why) => {
                        wrong.push(format!("{at}: {why}"));
                        continue;
                    }
                };
                seen += 1;
                if !arguments.iter().any(|word| word.starts_with("--")) {
                    continue; // an address or a number: many an example has no flags, nor `--help`
                }
                let answers: Result<Vec<String>, ()> = programs
                    .into_iter()
                    .map(|program| {
                        let key = (program, arguments.clone());
                        let taken = tried
                            .entry(key.clone())
                            .or_insert_with(|| takes(&key.0, &key.1));
                        taken.clone().err().ok_or(())
                    })
                    .collect();
                // All of them have refused it.
                if let Ok(complaints) = answers {
                    wrong.push(format!("{at}: {}", complaints.join("\n")));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 10, "only {seen} commands were found");
}

#[test]
fn a_command_that_is_not_taken_is_found() {
    let refused = |line: &str| {
        let commands = started_in(line);
        let [command] = commands[..] else {
            panic!("one command: {commands:?}");
        };
        let (programs, arguments) = programs_of(command).expect("there is such a program");
        programs
            .iter()
            .all(|program| takes(program, &arguments).is_err())
    };
    assert!(refused(
        "Run it with `--outbox-soft 1024 --outbox-hard 4096`."
    ));
    assert!(refused("    $ loopchat --no-such-flag"));
    assert!(refused("try `cargo run --release -- --max-line 0`"));
    assert!(!refused(
        "Run it with `--outbox-soft 4096 --outbox-hard 8192`."
    ));
    assert!(!refused("Run it with `--senders 10 --rate 200`."));
}

/// Whether a program's own parser takes the arguments: with `--help` behind them it reads them
/// all, values too, and starts nothing.
fn takes(program: &Path, arguments: &[String]) -> Result<(), String> {
    let asked = untouched(&mut Command::new(program))
        .args(arguments)
        .arg("--help")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{program:?}: {error}"))?;
    let complaint = String::from_utf8_lossy(&asked.stderr);
    asked
        .status
        .success()
        .then_some(())
        .ok_or_else(|| complaint.trim().to_owned())
}
