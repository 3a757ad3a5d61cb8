//! Experiments, run; and the commands of all pages, compared with the programs they name.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Block, hold, pages, root};

/// Where cargo has put an example.
fn example(name: &str) -> PathBuf {
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

#[test]
fn every_cargo_run_names_a_program_and_flags_it_has() {
    let mut help: HashMap<PathBuf, String> = HashMap::new();
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for page in pages() {
        for (number, line) in page.text.lines().enumerate() {
            for (from, _) in line.match_indices("cargo run") {
                let command = line[from..].split('`').next().unwrap_or("");
                let Some(run) = cargo_run(command).filter(|_| !command.contains("...")) else {
                    continue;
                };
                seen += 1;
                let at = format!("{}:{}: {command}", page.path.display(), number + 1);
                let program = match run.program() {
                    Ok(program) => program,
                    Err(why) => {
                        wrong.push(format!("{at}: {why}"));
                        continue;
                    }
                };
                let flags = run.arguments.iter().filter(|word| word.starts_with("--"));
                for flag in flags {
                    let help = help.entry(program.clone()).or_insert_with(|| {
                        let asked = Command::new(&program)
                            .arg("--help")
                            .output()
                            .expect("it runs");
                        String::from_utf8_lossy(&asked.stdout).into_owned()
                    });
                    let flag = flag.split('=').next().unwrap_or(flag);
                    if !help.contains(flag) {
                        wrong.push(format!("{at}: its --help knows no {flag}"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 10, "only {seen} commands were found");
}
