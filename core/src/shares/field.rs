//! GF(256), the field of Shamir's scheme in SLIP-39: polynomials over two elements, modulo x^8 + x^4 + x^3 + x + 1.

use alloc::vec;
use alloc::vec::Vec;

use zeroize::Zeroizing;

/// In a time that depends on neither.
fn multiply(mut a: u8, mut b: u8) -> u8 {
    let mut product = 0;
    for _ in 0..8 {
        product ^= a & (b & 1).wrapping_neg();
        a = (a << 1) ^ ((a >> 7).wrapping_neg() & 0x1b);
        b >>= 1;
    }
    product
}

/// By Fermat: a^254. That of 0 is 0.
fn inverse(a: u8) -> u8 {
    let (mut power, mut inverse) = (a, 1);
    for _ in 0..7 {
        power = multiply(power, power);
        inverse = multiply(inverse, power);
    }
    inverse
}

/// The value at `at` of the polynomial of lowest degree through these points, for each byte of the values by itself (SLIP-39,
/// "Interpolation"). The places differ, and are public; the values have one length.
pub(super) fn interpolate(points: &[(u8, &[u8])], at: u8) -> Zeroizing<Vec<u8>> {
    let len = points.first().map_or(0, |(_, value)| value.len());
    let mut sum = Zeroizing::new(vec![0; len]);
    for (place, value) in points {
        let others = points.iter().map(|(other, _)| *other).filter(|other| other != place);
        let weight = others.fold(1, |weight, other| multiply(weight, multiply(at ^ other, inverse(place ^ other))));
        for (sum, byte) in sum.iter_mut().zip(*value) {
            *sum ^= multiply(weight, *byte);
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_field() {
        // FIPS 197, section 4.2: the worked example of multiplication.
        assert_eq!((multiply(0x57, 0x83), multiply(0x57, 0x13)), (0xc1, 0xfe));
        for a in 1..=255 {
            assert_eq!(multiply(a, inverse(a)), 1, "{a}");
            for b in 0..=255 {
                assert_eq!(multiply(a, b), multiply(b, a));
                assert_eq!(multiply(a, b ^ 0x35), multiply(a, b) ^ multiply(a, 0x35));
            }
        }
        assert_eq!(inverse(0), 0);
    }

    #[test]
    fn points_lie_on_the_polynomial() {
        // 7 + 3x + 5x².
        let value = |x: u8| [7 ^ multiply(3, x) ^ multiply(5, multiply(x, x))];
        let values = [1, 9, 200].map(|x| (x, value(x)));
        let points: Vec<_> = values.iter().map(|(x, value)| (*x, &value[..])).collect();
        for x in 0..=255 {
            assert_eq!(interpolate(&points, x).as_slice(), value(x), "{x}");
        }
    }
}
