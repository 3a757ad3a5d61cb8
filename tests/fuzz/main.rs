//! The seeds of the fuzz targets, through the checks that the fuzzer runs them through: on any
//! compiler, and in every run of the tests. See `README.md` here.

mod checks;

use std::fs;
use std::path::Path;

/// Runs a check over the seeds of its target.
fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fuzz/seeds")
        .join(target);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut seeds: Vec<_> = files.map(|file| file.expect("a seed").path()).collect();
    seeds.sort();
    assert!(!seeds.is_empty(), "{target} has no seeds");
    for seed in seeds {
        println!("{}", seed.display()); // which one it was, if it fails
        check(&fs::read(&seed).expect("a seed can be read"));
    }
}

macro_rules! replay {
    ($($target:ident)*) => {
        $(#[test]
        fn $target() {
            replay(stringify!($target), checks::$target::check);
        })*
    };
}

replay!(framing session sanitise http_head chunked web_socket);
