//! The frame of a wiki's pages: literal pieces and slots, split once when it is published. Nothing is searched for when a page is read,
//! so nothing that a page says can be taken for a slot (security.md CDN-9).

use crate::fragment::Fragment;
use bytes::Bytes;
use holt_core::{Error, Result};
use std::sync::Arc;

const MAGIC: &[u8; 6] = b"HOLTR\x01";

/// A hole in the frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Slot {
    /// Title and description.
    Head,
    /// Where the page is, and what can be done with it.
    Crumbs,
    /// The page.
    Main,
    /// Contents and what links here.
    Aside,
    /// Who changed it last.
    Foot,
}

impl Slot {
    /// All of them, in the order of their numbers in stored frames.
    pub const ALL: [Self; 5] = [Self::Head, Self::Crumbs, Self::Main, Self::Aside, Self::Foot];

    /// Its name in templates and manifests.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Crumbs => "crumbs",
            Self::Main => "main",
            Self::Aside => "aside",
            Self::Foot => "foot",
        }
    }
    /// From its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|slot| slot.name() == name)
    }
}

/// A piece of a frame.
#[derive(Debug, Clone)]
pub(crate) enum Piece {
    Literal(Arc<Fragment>),
    Slot(Slot),
}

/// A page with holes.
#[derive(Debug, Clone)]
pub struct Frame {
    pub(crate) pieces: Vec<Piece>,
}

impl Frame {
    /// Splits a template at its markers `<!--slot:NAME-->`. Every slot must occur once.
    pub fn parse(template: &str) -> Result<Self> {
        Self::parse_with(template, |literal| Ok(Fragment::new(literal)))
    }
    /// The same, with pieces that `fragment` makes.
    pub fn parse_with(template: &str, fragment: impl Fn(String) -> Result<Fragment>) -> Result<Self> {
        let mut pieces = Vec::new();
        let mut rest = template;
        let mut seen = Vec::new();
        while let Some(at) = rest.find("<!--slot:") {
            let (literal, marker) = rest.split_at(at);
            let marker = &marker["<!--slot:".len()..];
            let (name, after) = marker.split_once("-->").ok_or_else(|| Error::internal("a slot marker has no end"))?;
            let slot = Slot::parse(name).ok_or_else(|| Error::internal(format!("the frame has an unknown slot {name:?}")))?;
            if seen.contains(&slot) {
                return Err(Error::internal(format!("the frame has the slot {name} twice")));
            }
            seen.push(slot);
            pieces.push(Piece::Literal(Arc::new(fragment(literal.to_string())?)));
            pieces.push(Piece::Slot(slot));
            rest = after;
        }
        if seen.len() != Slot::ALL.len() {
            return Err(Error::internal("the frame lacks a slot"));
        }
        pieces.push(Piece::Literal(Arc::new(fragment(rest.to_string())?)));
        Ok(Self { pieces })
    }
    pub(crate) fn weight(&self) -> usize {
        self.pieces.iter().map(|piece| if let Piece::Literal(fragment) = piece { fragment.weight() } else { 8 }).sum()
    }
    /// As stored: magic and version, then per piece its kind, and for a literal its length and fragment.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for piece in &self.pieces {
            match piece {
                Piece::Slot(slot) => bytes.push(1 + Slot::ALL.iter().position(|s| s == slot).unwrap_or_default() as u8),
                Piece::Literal(fragment) => {
                    let stored = fragment.to_bytes();
                    bytes.push(0);
                    bytes.extend_from_slice(&(stored.len() as u32).to_be_bytes());
                    bytes.extend_from_slice(&stored);
                }
            }
        }
        bytes
    }
    /// From what was stored; an error if it is damaged or newer than this program.
    pub fn from_bytes(bytes: &Bytes) -> Result<Self> {
        let damaged = || Error::internal("a stored frame is damaged");
        if bytes.get(..MAGIC.len()) != Some(MAGIC.as_slice()) {
            return Err(damaged());
        }
        let mut pieces = Vec::new();
        let mut at = MAGIC.len();
        while at < bytes.len() {
            let kind = bytes[at];
            at += 1;
            if kind > 0 {
                pieces.push(Piece::Slot(*Slot::ALL.get(kind as usize - 1).ok_or_else(damaged)?));
                continue;
            }
            let length = bytes.get(at..at + 4).ok_or_else(damaged)?;
            let length = u32::from_be_bytes(length.try_into().map_err(|_| damaged())?) as usize;
            at += 4;
            if at + length > bytes.len() {
                return Err(damaged());
            }
            pieces.push(Piece::Literal(Arc::new(Fragment::from_bytes(&bytes.slice(at..at + length))?)));
            at += length;
        }
        Ok(Self { pieces })
    }
}
