//! What a pusher gets to read: the status of each ref (`report-status` of gitprotocol-pack(5)) and lines that their git shows after `remote:`.

use super::packet;
use holt_core::{Error, ErrorKind};

/// An answer in the making.
pub(super) struct Report {
    /// Whether there are channels: without them nothing but the status can be said.
    pub(super) channels: bool,
    /// Whether the client wants to know what became of its refs.
    pub(super) wanted: bool,
    said: Vec<u8>,
}

/// Bytes of one packet of a channel.
const CHANNEL: usize = 60_000;

impl Report {
    pub(super) fn new(channels: bool, wanted: bool) -> Self {
        Self { channels, wanted, said: Vec::new() }
    }
    /// A line for people.
    pub(super) fn say(&mut self, line: &str) {
        if self.channels {
            let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            packet::write(&mut self.said, format!("\u{2}{line}\n").as_bytes());
        }
    }
    /// What is wrong, and what to do about it.
    pub(super) fn explain(&mut self, error: &Error) {
        if error.kind == ErrorKind::Internal {
            self.say("Something went wrong on our side; nothing was changed.");
            return;
        }
        let mut chars = error.message.chars();
        let message: String = chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect());
        self.say(&format!("{message}."));
        if let Some(hint) = &error.hint {
            self.say(hint);
        }
    }
    /// The whole answer: why the pack was not taken, if it was not, and what became of each ref.
    pub(super) fn finish(mut self, refused: Option<&str>, refs: &[(String, Result<(), String>)]) -> Vec<u8> {
        let mut status = Vec::new();
        if self.wanted {
            let mut line = |text: String| packet::write(&mut status, line_of(&text).as_bytes());
            line(format!("unpack {}", refused.unwrap_or("ok")));
            for (name, outcome) in refs {
                line(match outcome {
                    Ok(()) => format!("ok {name}"),
                    Err(reason) => format!("ng {name} {reason}"),
                });
            }
            packet::flush(&mut status);
        }
        if !self.channels {
            return status;
        }
        for part in status.chunks(CHANNEL) {
            packet::write(&mut self.said, &[&[1], part].concat());
        }
        packet::flush(&mut self.said);
        self.said
    }
}

/// One line, not too long for a packet.
fn line_of(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(2000).collect();
    format!("{text}\n")
}

/// Why a ref was not changed, in the few words that stand in brackets behind its name.
pub(super) fn reason(error: &Error) -> String {
    match error.kind {
        ErrorKind::Internal => "internal error".into(),
        _ => error.message.clone(),
    }
}
