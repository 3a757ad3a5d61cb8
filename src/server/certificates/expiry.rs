//! When a certificate is to be replaced.

use crate::tls::PeerCertificate;

const DAY: i64 = 24 * 60 * 60;

/// How long before its end a certificate is warned of, in seconds.
const SOON: i64 = 14 * DAY;

/// What is to be said of a certificate at this time, in seconds since 1970; `None` if all is well.
pub(super) fn notice(certificate: &PeerCertificate, now: i64) -> Option<String> {
    said(certificate.valid_from, certificate.valid_to, now)
}

fn said(from: i64, to: i64, now: i64) -> Option<String> {
    let left = to - now;
    match (now < from, left / DAY) {
        (true, _) => Some("its certificate does not hold yet".to_owned()),
        _ if left < 0 => Some("its certificate has expired".to_owned()),
        _ if left > SOON => None,
        (_, 0) => Some("its certificate expires within a day".to_owned()),
        (_, 1) => Some("its certificate expires in a day".to_owned()),
        (_, days) => Some(format!("its certificate expires in {days} days")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_weeks_before_its_end_it_is_warned_of() {
        let to = 100 * DAY;
        for (now, wanted) in [
            (DAY - 1, Some("its certificate does not hold yet")),
            (DAY, None),
            (to - SOON - 1, None),
            (to - SOON, Some("its certificate expires in 14 days")),
            (to - 2 * DAY + 1, Some("its certificate expires in a day")),
            (to - DAY + 1, Some("its certificate expires within a day")),
            (to, Some("its certificate expires within a day")),
            (to + 1, Some("its certificate has expired")),
        ] {
            assert_eq!(said(DAY, to, now).as_deref(), wanted, "{now}");
        }
    }
}
