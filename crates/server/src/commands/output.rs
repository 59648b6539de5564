//! How commands speak: results on standard output, errors and progress on standard error.

use holt_core::Error;
use std::io::Write;
use std::process::ExitCode;

/// Prints a line of result. A reader that went away (`| head`) is no error.
pub fn line(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Prints JSON, indented.
pub fn json(value: &serde_json::Value) {
    line(serde_json::to_string_pretty(value).expect("a JSON value is serialisable"));
}

/// Says something to the person that is not a result.
pub fn note(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Prints an error with its causes and its remedy; the exit code of a failed command.
pub fn failed(error: &Error) -> ExitCode {
    note(format_args!("holt: {}", error.chain()));
    if let Some(hint) = &error.hint {
        note(format_args!("      {hint}"));
    }
    ExitCode::from(1)
}
