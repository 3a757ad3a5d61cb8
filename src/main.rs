//! The chat server: flags to a configuration, and serve it.

use std::process::ExitCode;

use clap::Parser;
use loopchat::server::{self, Config};

fn main() -> ExitCode {
    let config = Config::parse();
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info")).init();
    match server::serve(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("loopchat: {error}");
            ExitCode::FAILURE
        }
    }
}
