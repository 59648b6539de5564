//! From the kind of an error to a status code, in one place.

use holt_core::{Error, ErrorKind};
use http::StatusCode;

/// The status an error is answered with. A refusal to somebody who is not logged in becomes a redirect to the log-in page elsewhere.
pub fn status(error: &Error) -> StatusCode {
    match error.kind {
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorKind::Conflict => StatusCode::CONFLICT,
        ErrorKind::Denied => StatusCode::FORBIDDEN,
        ErrorKind::Unauthenticated => StatusCode::UNAUTHORIZED,
        ErrorKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorKind::Busy if error.is_disk_full() => StatusCode::INSUFFICIENT_STORAGE,
        ErrorKind::Busy => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// What a reader is told. An internal error says nothing of itself: its id leads to the log.
pub fn public_message(error: &Error) -> String {
    if error.kind == ErrorKind::Internal {
        return "Something went wrong on our side".to_string();
    }
    let mut chars = error.message.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
