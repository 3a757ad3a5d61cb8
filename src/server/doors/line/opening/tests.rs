//! What is foreign, what is chat, and that no cut makes a difference.

use proptest::prelude::*;

use super::*;

const HTTP: Verdict = Verdict::Foreign(Foreign::Http { is_head: false });
const HEAD: Verdict = Verdict::Foreign(Foreign::Http { is_head: true });
const TLS: Verdict = Verdict::Foreign(Foreign::Tls);

fn other(name: &'static str) -> Verdict {
    Verdict::Foreign(Foreign::Other(name))
}

/// The verdict on bytes that come one by one, at every place held against what had been said
/// before.
fn one_by_one(bytes: &[u8]) -> Verdict {
    let mut verdict = Verdict::Undecided;
    for end in 0..=bytes.len() {
        let now = judge(&bytes[..end], false);
        assert!(
            verdict == Verdict::Undecided || now == verdict,
            "{verdict:?}, then {now:?} of {end} of {bytes:?}"
        );
        verdict = now;
    }
    match verdict {
        Verdict::Undecided => judge(bytes, true),
        decided => {
            assert_eq!(judge(bytes, true), decided, "{bytes:?}");
            decided
        }
    }
}

#[test]
fn what_is_certainly_foreign() {
    for (bytes, wanted) in [
        (&b"GET / HTTP/1.1\r\nHost: localhost:3000\r\n\r\n"[..], HTTP),
        (b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", HTTP),
        (b"HEAD / HTTP/1.1\r\n\r\n", HEAD),
        (b"head / http/1.0\n", HEAD),
        (b"get / http/1.1\n", HTTP),
        (b"GET http://localhost:3000/ HTTP/1.1\r\n", HTTP),
        (b"OPTIONS * HTTP/1.1\r\n", HTTP),
        (b"CONNECT localhost:3000 HTTP/1.1\r\n", HTTP),
        (b"M-SEARCH * HTTP/1.1\r\n", HTTP),
        (b"wHaT-3v3r /a?b HTTP/1.1\n", HTTP),
        (b"GET index.html HTTP/1.0\n", HTTP),
        (b"GET  /  HTTP/1.1 \n", HTTP),
        (b"\r\n\r\nGET / HTTP/1.1\r\n", HTTP),
        (b"\n \n\r\0GET / HTTP/1.1\n", HTTP),
        (b"GET / HTTP/1.1", HTTP),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", HTTP),
        (b"OPTIONS sip:nm SIP/2.0\r\n", other("SIP")),
        (b"DESCRIBE rtsp://a/b RTSP/1.0\r\n", other("RTSP")),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03", TLS),
        (b"\x16\x03\x03\x00\x05", TLS),
        (b"\x80\x2E\x01\x00\x02\x00\x15", TLS),
        (b"\x80\x67\x01\x03\x01\x00\x4E", TLS),
        (b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", other("SSH")),
        (
            b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nhello\r\n",
            other("the PROXY protocol"),
        ),
        (b"PROXY UNKNOWN\r\n", other("the PROXY protocol")),
        (
            b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0C",
            other("the PROXY protocol"),
        ),
        (b"EHLO mail.example\r\n", other("SMTP")),
        (b"*1\r\n$4\r\nPING\r\n", other("RESP")),
        (
            b"\x00\x03\x00\x08\x21\x12\xA4\x42abcdabcdabcd",
            other("STUN"),
        ),
    ] {
        assert_eq!(
            one_by_one(bytes),
            wanted,
            "{:?}",
            String::from_utf8_lossy(bytes)
        );
    }
}

#[test]
fn what_a_person_may_have_typed() {
    for text in [
        "",
        "\n",
        "hello",
        "GET it done by tonight\n",
        "GET\n",
        "GET /\n",
        "GET / \n",
        "get / http\n",
        "GET / HTTP\n",
        "I love HTTP/1.1\n",
        "see https://example.org/ about HTTP/2.0\n",
        "does nginx speak HTTP/1.1\n",
        "POST your answers here: https://example.org\n",
        "/nick alice\n",
        "/join #tea HTTP/1.1\n",
        "SSH is down\n",
        "SSH-keys are lost\n",
        "PROXY is down\n",
        "*1\n",
        "* HTTP/1.1\n",
        "EHLO\n",
        "HELO everybody\n",
        "été\n",
        "\u{1F600}\n",
        "GET / HTTP/1.1 is how it begins\n",
        "GET / HTTP/\n",
        "GET / HTTP/.1\n",
        "GET / HTTP/1x\n",
        "a\tb\tc\n",
    ] {
        assert_eq!(one_by_one(text.as_bytes()), Verdict::Chat, "{text:?}");
    }
    for bytes in [
        &b"\xFF\xFB\x01\x03\x00hello\n"[..],
        b"\xE9t\xE9\n",
        b"\xA1Hola!\n",
        b"\x16\x04\n",
        b"\x00\n",
    ] {
        assert_eq!(one_by_one(bytes), Verdict::Chat, "{bytes:?}");
    }
}

#[test]
fn a_line_is_held_only_while_it_may_become_a_request() {
    for (text, verdict) in [
        ("GET / HT", Verdict::Undecided),
        ("GET / HTTP/1.", Verdict::Undecided),
        ("GET / Ho", Verdict::Chat),
        ("hello", Verdict::Undecided),
        ("hello, ", Verdict::Chat),
        ("/", Verdict::Chat),
        ("GET it", Verdict::Undecided),
        ("GET it d", Verdict::Chat),
        ("get it ", Verdict::Chat),
        ("\r\n", Verdict::Undecided),
    ] {
        assert_eq!(judge(text.as_bytes(), false), verdict, "{text:?}");
    }
}

#[test]
fn a_beginning_without_end_is_decided() {
    let huge = format!("GET /{} HTTP/1.1\r\n", "a".repeat(100_000));
    let word = format!("{}\n", "a".repeat(100_000));
    let blank = "\r\n".repeat(100_000);
    for (text, wanted) in [
        (&huge, HTTP),
        (&word, Verdict::Chat),
        (&blank, Verdict::Chat),
    ] {
        assert_eq!(judge(text.as_bytes(), false), wanted);
        let decided = LONGEST + "\r\n".len();
        assert_eq!(judge(&text.as_bytes()[..decided], false), wanted);
        assert_eq!(
            judge(&text.as_bytes()[..LONGEST - 1], false),
            Verdict::Undecided
        );
    }
}

#[test]
fn an_answer_to_http_is_http() {
    let place = "The chat in a browser is at http://127.0.0.1:8080/";
    for is_head in [false, true] {
        let answer = answer(Foreign::Http { is_head }, place);
        let mut fields = [httparse::EMPTY_HEADER; 16];
        let mut response = httparse::Response::new(&mut fields);
        let parsed = response.parse(&answer).expect("a head");
        let httparse::Status::Complete(head) = parsed else {
            panic!("a whole head");
        };
        let field = |name: &str| {
            let found = response.headers.iter().find(|field| field.name == name);
            str::from_utf8(found.expect("a field").value).expect("text")
        };
        assert_eq!((response.code, field("Connection")), (Some(400), "close"));
        let body = str::from_utf8(&answer[head..]).expect("text");
        match is_head {
            true => assert_eq!(body, ""),
            false => {
                assert_eq!(field("Content-Length"), body.len().to_string());
                assert!(body.contains(place));
            }
        }
    }
}

/// Beginnings that are nearly something.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "GET", "get", "HEAD", "POST", " ", "\t", "/", "*", "http://", "a:", "HTTP/", "http/",
            "HTTP", "1.1", "2.0", "1", ".", "\r", "\n", "\r\n", "EHLO", "SSH-", "2", "PROXY ",
            "TCP4 ", "UNKNOWN", "SIP/", "x", "hello", ",", "*1",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        prop::sample::select(vec![
            &b"\x16\x03\x01"[..],
            b"\x16",
            b"\x80\x2E\x01\x03\x01",
            b"\x80",
            b"\0",
            PROXY_V2,
            b"\r\n\r\n\0\r\nQU",
            b"\x00\x03\x00\x08\x21\x12\xA4\x42",
            b"\xFF\xFD\x01",
        ])
        .prop_map(<[u8]>::to_vec),
        prop::collection::vec(any::<u8>(), 0..3),
    ];
    prop::collection::vec(piece, 0..9).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn a_verdict_holds_at_every_cut(bytes in nearly()) {
        one_by_one(&bytes);
    }

    #[test]
    fn a_request_is_known_whatever_it_asks_for(
        blank in "(\r\n|\n| ){0,3}",
        method in "[A-Za-z][A-Za-z-]{0,9}",
        target in "(/[!-~]{0,40}|\\*|https?://[!-~]{1,20})",
        version in "(HTTP|http)/[0-9](\\.[0-9])?",
        end in "\r?\n",
        rest in ".{0,20}",
    ) {
        let text = format!("{blank}{method} {target} {version}{end}{rest}");
        let verdict = one_by_one(text.as_bytes());
        let is_http = matches!(verdict, Verdict::Foreign(Foreign::Http { .. }));
        prop_assert!(is_http, "{:?}", verdict);
    }
}
