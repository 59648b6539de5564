//! A public key as an authenticator writes it (COSE_Key, RFC 9052 §7, WebAuthn §6.5.1): a CBOR map of numbers to numbers and bytes. Nothing else of
//! CBOR is read here, and nothing of indefinite length.

use crate::signature::PublicKey;

/// Most entries of such a map.
const ENTRIES: u64 = 16;

/// What stands in the map.
#[derive(Debug, PartialEq, Eq)]
enum Item<'a> {
    Number(i64),
    Bytes(&'a [u8]),
}

/// The key that `bytes` begin with, and how many of them it is. None if that is no key of ES256 or RS256.
pub fn key(bytes: &[u8]) -> Option<(PublicKey, usize)> {
    let mut rest = bytes;
    let (5, entries) = head(&mut rest)? else { return None };
    if entries > ENTRIES {
        return None;
    }
    let mut map: Vec<(i64, Item<'_>)> = Vec::new();
    for _ in 0..entries {
        let Item::Number(label) = item(&mut rest)? else { return None };
        if map.iter().any(|(known, _)| *known == label) {
            return None;
        }
        map.push((label, item(&mut rest)?));
    }
    let number =
        |label: i64| map.iter().find_map(|(known, item)| matches!(item, Item::Number(_)).then_some(item).filter(|_| *known == label));
    let is = |label: i64, value: i64| number(label) == Some(&Item::Number(value));
    let bytes_of = |label: i64| {
        map.iter().find_map(|(known, item)| match item {
            Item::Bytes(bytes) if *known == label => Some(*bytes),
            _ => None,
        })
    };
    // 1: kind of key, 3: algorithm; of a curve -1: which, -2: x, -3: y; of RSA -1: modulus, -2: exponent.
    let key = if is(1, 2) && is(3, -7) && is(-1, 1) {
        PublicKey::p256(bytes_of(-2)?, bytes_of(-3)?)?
    } else if is(1, 3) && is(3, -257) {
        PublicKey::rsa(bytes_of(-1)?, bytes_of(-2)?)?
    } else {
        return None;
    };
    Some((key, bytes.len() - rest.len()))
}

/// The kind of the next item and its number: a length, or a value.
fn head(rest: &mut &[u8]) -> Option<(u8, u64)> {
    let (first, after) = rest.split_first()?;
    let (kind, short) = (first >> 5, first & 0x1f);
    let more = match short {
        0..=23 => 0,
        24 => 1,
        25 => 2,
        26 => 4,
        27 => 8,
        _ => return None,
    };
    let (number, after) = after.split_at_checked(more)?;
    *rest = after;
    let long = number.iter().fold(0, |value, byte| (value << 8) | u64::from(*byte));
    Some((kind, if more == 0 { u64::from(short) } else { long }))
}

fn item<'a>(rest: &mut &'a [u8]) -> Option<Item<'a>> {
    let (kind, number) = head(rest)?;
    match kind {
        0 => Some(Item::Number(i64::try_from(number).ok()?)),
        1 => Some(Item::Number(-1 - i64::try_from(number).ok()?)),
        2 => {
            let (bytes, after) = rest.split_at_checked(usize::try_from(number).ok()?)?;
            *rest = after;
            Some(Item::Bytes(bytes))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn es256() -> Vec<u8> {
        [&[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32][..], &[7; 32], &[0x22, 0x58, 32], &[9; 32]].concat()
    }

    #[test]
    fn keys_are_read_and_nothing_else() {
        let (key_read, length) = key(&[es256(), vec![0xff]].concat()).unwrap();
        assert_eq!((key_read, length), (PublicKey::p256(&[7; 32], &[9; 32]).unwrap(), es256().len()));
        let rsa = [&[0xa4, 1, 3, 3, 0x39, 1, 0, 0x20, 0x59, 1, 0][..], &[5; 256], &[0x21, 0x43, 1, 0, 1]].concat();
        assert_eq!(key(&rsa).unwrap().0, PublicKey::rsa(&[5; 256], &[1, 0, 1]).unwrap());
        for cut in 0..es256().len() {
            assert_eq!(key(&es256()[..cut]), None, "{cut}");
        }
        let changed = |at: usize, to: u8| {
            let mut bytes = es256();
            bytes[at] = to;
            bytes
        };
        for (what, bytes) in [
            ("another algorithm", changed(4, 0x27)),
            ("another curve", changed(6, 2)),
            ("another kind", changed(2, 3)),
            ("a label twice", changed(3, 1)),
            ("no map", changed(0, 0x85)),
            ("an endless map", changed(0, 0xbf)),
            ("endless bytes", changed(8, 0x5f)),
            ("a huge length", [&[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x5b][..], &[0xff; 8]].concat()),
            ("a huge map", [&[0xbb][..], &[0xff; 8]].concat()),
        ] {
            assert_eq!(key(&bytes), None, "{what}");
        }
    }
}
