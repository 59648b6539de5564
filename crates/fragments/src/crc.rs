//! CRC-32 of bytes in a row from the CRC-32 of each, as polynomials over GF(2) modulo the polynomial of RFC 1952, bits reversed.
//!
//! `crc(ab) = crc(a) · x^(8·len(b)) + crc(b)`. The power is made once per fragment, so that putting a page together costs one
//! multiplication a part.

const POLYNOMIAL: u32 = 0xedb8_8320;
/// The polynomial 1.
const ONE: u32 = 1 << 31;
/// The polynomial x^8.
const BYTE: u32 = 1 << 23;

/// `a · b`.
const fn multiply(mut a: u32, mut b: u32) -> u32 {
    let mut product = 0;
    while a != 0 {
        if a & ONE != 0 {
            product ^= b;
        }
        a <<= 1;
        b = if b & 1 == 1 { (b >> 1) ^ POLYNOMIAL } else { b >> 1 };
    }
    product
}

/// `x^(8·length)`.
pub(crate) fn shift(mut length: u64) -> u32 {
    let (mut power, mut square) = (ONE, BYTE);
    while length != 0 {
        if length & 1 == 1 {
            power = multiply(power, square);
        }
        square = multiply(square, square);
        length >>= 1;
    }
    power
}

/// The checksum of two parts, from those of both and the [`shift`] of the second.
pub(crate) fn combine(first: u32, second: u32, shift_of_second: u32) -> u32 {
    multiply(first, shift_of_second) ^ second
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parts_have_the_checksum_of_the_whole(a in prop::collection::vec(any::<u8>(), 0..2000), b in prop::collection::vec(any::<u8>(), 0..2000)) {
            let whole = crc32fast::hash(&[a.as_slice(), b.as_slice()].concat());
            prop_assert_eq!(combine(crc32fast::hash(&a), crc32fast::hash(&b), shift(b.len() as u64)), whole);
        }
    }
}
