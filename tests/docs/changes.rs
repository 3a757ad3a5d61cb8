//! The exercises that change the source, done: in a copy, which is built and tried.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::root;

/// A copy of the project, with what it was built to kept for the next one; there is one at a time.
struct Copy {
    folder: PathBuf,
    _turn: MutexGuard<'static, ()>,
}

impl Copy {
    fn new() -> Self {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = root().join("target/exercises/tree");
        for part in ["src", "tests", "examples", "docs"] {
            let _ = fs::remove_dir_all(folder.join(part)); // there is none the first time
            copy(&root().join(part), &folder.join(part));
        }
        for file in ["Cargo.toml", "Cargo.lock", "README.md"] {
            fs::copy(root().join(file), folder.join(file)).expect("it can be copied");
        }
        Self {
            folder,
            _turn: turn,
        }
    }

    /// Replaces what is there once.
    fn change(&self, file: &str, old: &str, new: &str) {
        let path = self.folder.join(file);
        let source = fs::read_to_string(&path).expect("a source");
        assert_eq!(
            source.matches(old).count(),
            1,
            "{file} is to have this once: {old}"
        );
        fs::write(path, source.replace(old, new)).expect("it can be changed");
    }

    fn cargo(&self, arguments: &str) -> Output {
        let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
        let ran = Command::new(cargo)
            .args(arguments.split_whitespace())
            .current_dir(&self.folder)
            .env("CARGO_TARGET_DIR", root().join("target/exercises/target"))
            .env_remove("LOOPCHAT_BLESS")
            .output();
        ran.expect("cargo is there")
    }

    /// Which tests fail, of those that the arguments name.
    fn failing(&self, arguments: &str) -> Vec<String> {
        let ran = self.cargo(&format!("test --no-fail-fast {arguments}"));
        let text = String::from_utf8_lossy(&ran.stdout);
        let failed = text
            .lines()
            .filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"));
        let failed: Vec<String> = failed.map(str::to_owned).collect();
        let complaint = String::from_utf8_lossy(&ran.stderr);
        assert!(
            text.contains("test result: "),
            "it does not build: {complaint}"
        );
        failed
    }

    fn printed(&self, arguments: &str) -> String {
        let ran = self.cargo(&format!("run --quiet {arguments}"));
        let complaint = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{arguments}: {complaint}");
        String::from_utf8_lossy(&ran.stdout).into_owned()
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder can be made");
    for entry in fs::read_dir(from).expect("a folder of the project") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name");
        if name == "node_modules" || name == "target" {
            continue;
        }
        match path.is_dir() {
            true => copy(&path, &to.join(name)),
            false => drop(fs::copy(&path, to.join(name)).expect("it can be copied")),
        }
    }
}

pub fn mended_by_registering_again() {
    let copy = Copy::new();
    copy.change(
        "examples/course/edge_bugs/reading.rs",
        "            say(\"broken\", format!(\"turn {turn}: read {text:?}\"));\n",
        "            say(\"broken\", format!(\"turn {turn}: read {text:?}\"));\n            \
         let both = mio::Interest::READABLE | mio::Interest::WRITABLE;\n            \
         rig.poll.registry().reregister(&mut rig.ours, mio::Token(0), both)?;\n",
    );
    let said = copy.printed("--example edge_bugs -- 1");
    assert!(said.contains("broken  turn 2: read \", wor\""), "{said}");
}

pub fn an_end_that_is_not_read() {
    let copy = Copy::new();
    copy.change(
        "src/net/connection.rs",
        "Readiness::READABLE | Readiness::READ_CLOSED |",
        "Readiness::READABLE |",
    );
    let failing = copy.failing("--test edge_triggered rule_1_an_end");
    assert!(!failing.is_empty(), "nothing waits in vain");
}

pub fn timers_first() {
    let copy = Copy::new();
    let source = fs::read_to_string(root().join("src/event_loop/mod.rs")).expect("a source");
    let last = source
        .lines()
        .find(|line| line.trim().starts_with("self.run_timers(state); //"));
    let first = source
        .lines()
        .find(|line| line.trim().starts_with("self.poll(state)?; //"));
    let (last, first) = (
        last.expect("timers are last"),
        first.expect("there is a poll"),
    );
    copy.change("src/event_loop/mod.rs", &format!("{last}\n"), "");
    copy.change(
        "src/event_loop/mod.rs",
        first,
        &format!("        self.run_timers(state);\n{first}"),
    );
    let failing = copy.failing("--test node_parity");
    // Which of those that watch both timers and sockets notice depends on how fast the machine is.
    let is_among = |name: &str| failing.iter().any(|found| found.contains(name));
    assert!(is_among("nested_timer_next_pass"), "{failing:?}");
    assert!(failing.len() <= 5, "only a few of them notice: {failing:?}");
}

pub fn no_snapshot() {
    let copy = Copy::new();
    copy.change(
        "src/event_loop/mod.rs",
        "for _ in 0..self.context.handles.ready_len() {\n            match self.context.handles.next_ready() {",
        "while self.context.handles.ready_len() > 0 {\n            match self.context.handles.next_ready() {",
    );
    let failing = copy.failing("--test edge_triggered");
    assert!(failing.len() >= 3, "several of them find it: {failing:?}");
}

pub fn written_at_once() {
    let copy = Copy::new();
    copy.change(
        "src/server/mod.rs",
        "if self.hub.has_large_deliveries() {",
        "if self.hub.has_deliveries() {",
    );
    // The chat is the same, only dearer: what members see is what it was.
    assert_eq!(copy.failing("--test line_door lines"), [""; 0]);
}

pub fn a_command_that_blocks() {
    let copy = Copy::new();
    copy.change(
        "src/chat/conversation.rs",
        "        if line.is_empty() {\n            return;\n        }\n",
        "        if line.is_empty() {\n            return;\n        }\n        \
         if line == \"/block\" {\n            \
         return std::thread::sleep(std::time::Duration::from_millis(200));\n        }\n",
    );
    // Nobody is lost by it, it is only late.
    assert_eq!(copy.failing("--test line_door lines"), [""; 0]);
}

pub fn a_second_page() {
    let copy = Copy::new();
    copy.change(
        "examples/course/one_loop.rs",
        "|book: &mut Book, cx, _, response| {\n        response.end_with(cx, book.entries.join(\"\\n\"));",
        "|book: &mut Book, cx, request, response| {\n        match request.url(cx) == Some(\"/count\") {\n            \
         true => response.end_with(cx, book.entries.len().to_string()),\n            \
         false => response.end_with(cx, book.entries.join(\"\\n\")),\n        };",
    );
    copy.change(
        "examples/course/one_loop.rs",
        "format!(\"http://{url}/\")",
        "format!(\"http://{url}/count\")",
    );
    let said = copy.printed("--example one_loop");
    assert!(said.contains("the browser shows:  1\n"), "{said}");
}

pub fn a_byte_too_many() {
    let copy = Copy::new();
    copy.change(
        "src/server/core/framing.rs",
        "        let mut at = 0;\n        while at < bytes.len() {\n            let rest",
        "        let max_line = max_line + 1;\n        let mut at = 0;\n        while at < bytes.len() {\n            let rest",
    );
    assert!(
        !copy.failing("--test framing").is_empty(),
        "nothing has found it"
    );
}
