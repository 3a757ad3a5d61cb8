//! `openssl s_client` and `s_server` at the other end. Where there is none these are skipped,
//! unless `LOOPCHAT_REQUIRE_TOOLS` is set.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use loopchat::tls::{self, ServerOptions};

use crate::certificates::Authority;
use crate::rig::{Seen, any_port, context, event_loop, run};

fn is_installed() -> bool {
    let found = Command::new("openssl").arg("version").output().is_ok();
    let required = std::env::var_os("LOOPCHAT_REQUIRE_TOOLS").is_some();
    assert!(found || !required, "openssl is not installed");
    if !found {
        eprintln!("skipped: openssl is not installed");
    }
    found
}

/// `openssl s_client` says something, and sees our answer and our end.
#[test]
fn s_client_is_answered() {
    if !is_installed() {
        return;
    }
    for version in ["-tls1_2", "-tls1_3"] {
        let authority = Authority::new("authority");
        let pair = authority.sign(&["localhost"]);
        let directory = tempfile::tempdir().expect("a directory");
        let ca = directory.path().join("ca.pem");
        fs::write(&ca, &authority.cert).expect("written");

        let mut event_loop = event_loop();
        let options = ServerOptions::new(context(&pair));
        let server = tls::create_server(&mut event_loop, options).expect("a server");
        server.on_secure_connection(&mut event_loop, move |_: &mut Seen, cx, socket| {
            socket.once_data(cx, move |seen: &mut Seen, cx, socket, bytes| {
                seen.log(String::from_utf8_lossy(bytes));
                seen.log(socket.get_protocol(cx).unwrap_or_default());
                socket.end_with(cx, "hello openssl\n".repeat(10_000));
                server.close(cx);
            });
        });
        server.listen(&mut event_loop, any_port());
        let port = server.port(&event_loop);
        let mut client = Command::new("openssl")
            .args(["s_client", "-quiet", "-verify_return_error", version])
            .args([
                "-servername",
                "localhost",
                "-connect",
                &format!("127.0.0.1:{port}"),
            ])
            .arg("-CAfile")
            .arg(&ca)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it runs");
        let mut stdin = client.stdin.take().expect("a pipe");
        stdin.write_all(b"hello loopchat\n").expect("written");
        let reader = std::thread::spawn(move || client.wait_with_output().expect("it ends"));
        let seen = run(event_loop);
        let heard = reader.join().expect("it is read");
        drop(stdin);
        assert_eq!(seen.log[0], "hello loopchat\n");
        assert_eq!(
            seen.log[1].replace("TLSv", "-tls").replace('.', "_"),
            version
        );
        assert_eq!(heard.stdout, "hello openssl\n".repeat(10_000).as_bytes());
    }
}
