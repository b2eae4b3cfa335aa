//! Why there was no answer, found in the chain of causes rather than in its words.

use std::error::Error;
use std::io;

use watchkeeper_core::verdict::Outcome;

use crate::classify::Finding;

/// The verdict on a request that ended without an answer. `tls` says whether the URL is `https`, `left` whether the
/// question went out.
pub(crate) fn of(error: &reqwest::Error, tls: bool, left: bool) -> Finding {
    Finding {
        may_bill: left,
        ..cause(error, tls)
    }
}

fn cause(error: &reqwest::Error, tls: bool) -> Finding {
    let failed = |outcome, text: String| Finding::new(outcome, 500, text);
    if error.is_builder() {
        // nothing was sent; the cause may quote the URL, so it is not shown
        return Finding::config("the URL or a header of this check cannot be sent");
    }
    if let Some(cause) = find::<rustls::Error>(error) {
        return failed(Outcome::Tls, format!("the TLS handshake failed: {cause}"));
    }
    let io = find::<io::Error>(error);
    if error.is_dns() {
        return failed(Outcome::Dns, words("the name does not resolve", io));
    }
    if error.is_connect() {
        // a connection exists when bytes are missing: what was cut off is the handshake
        if tls && io.is_some_and(|e| e.kind() == io::ErrorKind::UnexpectedEof) {
            return failed(
                Outcome::Tls,
                "the TLS handshake failed: the connection was closed".into(),
            );
        }
        return failed(Outcome::Connect, words("no connection", io));
    }
    let hyper = find::<hyper::Error>(error);
    if let Some(cause) = hyper.filter(|e| e.is_parse() || e.is_parse_too_large()) {
        return failed(
            Outcome::BadAnswer,
            format!("what came back is not HTTP ({cause})"),
        );
    }
    failed(
        Outcome::Connect,
        words("the connection was closed without an answer", io),
    )
}

/// Why a body broke off, in words.
pub(crate) fn body(error: &reqwest::Error) -> String {
    match (find::<io::Error>(error), find::<hyper::Error>(error)) {
        (Some(io), _) => kind(io),
        (None, Some(hyper)) => hyper.to_string(),
        (None, None) => "the connection failed".into(),
    }
}

fn words(what: &str, io: Option<&io::Error>) -> String {
    match io {
        Some(io) => format!("{what} ({})", kind(io)),
        None => what.to_owned(),
    }
}

/// The innermost words of an I/O error.
fn kind(error: &io::Error) -> String {
    error.to_string()
}

/// The innermost cause of type `T`. Steps into `io::Error`, whose `source` leaves out the error that it wraps.
fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut found = None;
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(hit) = cause.downcast_ref::<T>() {
            found = Some(hit);
        }
        next = match cause.downcast_ref::<io::Error>() {
            Some(io) => io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
            None => cause.source(),
        };
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_inside_io_errors_is_found() {
        let tls = rustls::Error::General("no".into());
        let inner = io::Error::new(io::ErrorKind::InvalidData, tls);
        let outer = io::Error::other(inner);
        assert!(find::<rustls::Error>(&outer).is_some());
        assert_eq!(
            find::<io::Error>(&outer).unwrap().kind(),
            io::ErrorKind::InvalidData
        );
        assert!(find::<hyper::Error>(&outer).is_none());
    }
}
