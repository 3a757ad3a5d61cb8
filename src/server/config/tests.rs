//! Flags, variables and the docs say the same.

use super::*;

/// The flags, without clap's own.
fn flags() -> Vec<clap::Arg> {
    let command = Config::command();
    command.clone().debug_assert();
    let own = |flag: &&clap::Arg| !matches!(flag.get_long(), Some("help" | "version") | None);
    command.get_arguments().filter(own).cloned().collect()
}

#[test]
fn each_flag_has_its_variable_and_its_row_in_the_docs() {
    let docs = include_str!("../../../docs/operating.md");
    for flag in flags() {
        let long = flag.get_long().expect("they all have one");
        let variable = format!("LOOPCHAT_{}", long.to_uppercase().replace('-', "_"));
        assert_eq!(
            flag.get_env().and_then(|name| name.to_str()),
            Some(variable.as_str())
        );
        let row = docs
            .lines()
            .find(|line| {
                let row = line.strip_prefix(&format!("| `--{long}"));
                row.is_some_and(|rest| rest.starts_with([' ', '`']))
            })
            .unwrap_or_else(|| panic!("--{long} is not in the table"));
        assert!(row.contains(&format!("| `{variable}` |")), "{row}");
        for default in flag.get_default_values() {
            let default = match &*default.to_string_lossy() {
                "false" => "off".to_owned(), // a flag without a value
                value => value.to_owned(),
            };
            let shown = [format!("| {default} |"), format!("| `{default}` |")];
            assert!(
                shown.iter().any(|cell| row.contains(cell)),
                "{default}: {row}"
            );
        }
    }
}

#[test]
fn the_chats_own_defaults_are_those_of_the_flags() {
    assert_eq!(Config::default().chat(), chat::Config::default());
}

#[test]
fn sizes_have_units() {
    for (text, wanted) in [
        ("1048576", 1 << 20),
        ("1M", 1 << 20),
        ("512m", 512 << 20),
        ("2G", 2 << 30),
        ("2GiB", 2 << 30),
        ("2048KB", 2 << 20),
    ] {
        assert_eq!(bytes(text), Ok(wanted), "{text}");
    }
    for text in [
        "",
        "M",
        "1",
        "1023K",
        "-1M",
        "1.5G",
        "99999999T",
        "1X",
        "1MBB",
        "1MII",
        "5242880I",
    ] {
        assert!(bytes(text).is_err(), "{text}");
    }
}

#[test]
fn permissions_are_octal() {
    assert_eq!(octal("0600"), Ok(0o600));
    assert_eq!(octal("777"), Ok(0o777));
    assert!(octal("888").is_err() && octal("1000").is_err() && octal("rw").is_err());
}
