//! A certificate for development: for the names of this machine, signed by itself.

use std::env;
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::process;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use log::info;
use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair};
use rustix::system::uname;

use super::pairs::{Pairs, Source};
use crate::server::StartError;
use crate::server::keeping::state_folder;

/// For how many days it holds: some clients trust none that holds for longer than 398.
const DAYS: i64 = 397;

/// It is made anew when it has less than this left, in seconds.
const RENEWED: i64 = 30 * 24 * 60 * 60;

/// The pair that there is, or one that is made now. It is kept for the next time.
pub(super) fn source() -> Result<Source, StartError> {
    let wrong = |what: &dyn std::fmt::Display| StartError::new("--tls-dev", what);
    let Some(state) = state_folder(env::var_os) else {
        return Err(wrong(&"there is no $HOME to keep the certificate in"));
    };
    let folder = state.join("tls-dev");
    let of = |path: &Path, error: &io::Error| wrong(&format!("{}: {error}", path.display()));
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700);
    let made = builder.create(&folder);
    made.and_then(|()| fs::set_permissions(&folder, Permissions::from_mode(0o700)))
        .map_err(|error| of(&folder, &error))?;
    let source = Source {
        cert: folder.join("cert.pem"),
        key: folder.join("key.pem"),
    };
    if !source.key.exists() {
        let key = KeyPair::generate().map_err(|error| wrong(&error))?;
        put(&source.key, &key.serialize_pem(), Put::IfNone)
            .map_err(|error| of(&source.key, &error))?;
    }
    if !is_good(&source) {
        let text = fs::read_to_string(&source.key).map_err(|error| of(&source.key, &error))?;
        let key = KeyPair::from_pem(&text)
            .map_err(|error| wrong(&format!("{}: {error}", source.key.display())))?;
        let cert = certificate(&key).map_err(|error| wrong(&error))?;
        put(&source.cert, &cert, Put::Instead).map_err(|error| of(&source.cert, &error))?;
        info!("--tls-dev: a certificate for this machine was made");
    }
    Ok(source)
}

/// What is to become of a file that is there.
#[derive(PartialEq, Eq)]
enum Put {
    /// It stays: another server has been quicker.
    IfNone,
    /// It goes.
    Instead,
}

/// Writes a file that only its owner can read, all of it or nothing.
fn put(path: &Path, text: &str, how: Put) -> io::Result<()> {
    let beside = path.with_extension(format!("{}.new", process::id()));
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    if how == Put::Instead {
        return fs::rename(&beside, path);
    }
    let linked = fs::hard_link(&beside, path);
    fs::remove_file(&beside)?;
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    }
}

/// Whether there is a pair that can be used for a while.
fn is_good(source: &Source) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    });
    let read = Pairs::read(std::slice::from_ref(source));
    let Ok(Some(Pairs { pairs, .. })) = read else {
        return false;
    };
    let names = names();
    pairs.iter().all(|pair| {
        let certificate = &pair.certificate;
        let is_for = |name: &String| certificate.check_server_identity(name).is_ok();
        certificate.valid_to - now > RENEWED && names.iter().all(is_for)
    })
}

/// What this machine is called by whoever works on it.
fn names() -> Vec<String> {
    let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
    let own = uname().nodename().to_string_lossy().to_ascii_lowercase();
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
    if !own.is_empty() && own.bytes().all(inside) && !names.contains(&own) {
        names.push(own);
    }
    names
}

fn certificate(key: &KeyPair) -> Result<String, rcgen::Error> {
    let mut params = CertificateParams::new(names())?;
    params.distinguished_name = DistinguishedName::new();
    let subject = "loopchat, for development";
    params.distinguished_name.push(DnType::CommonName, subject);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let day = |days: i64| {
        let date = today.saturating_add(jiff::Span::new().days(days));
        let (month, day) = (date.month().unsigned_abs(), date.day().unsigned_abs());
        rcgen::date_time_ymd(date.year().into(), month, day)
    };
    // Clocks of other machines may be behind.
    (params.not_before, params.not_after) = (day(-1), day(DAYS - 1));
    Ok(params.self_signed(key)?.pem())
}
