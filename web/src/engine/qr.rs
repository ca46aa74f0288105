//! A grant as QR codes, which another machine's camera reads (HANDOFF.md, "In pictures").

use dbseal_core::{HandoffError, split_parts};
use qrcode::{Color, EcLevel, QrCode};

/// Bytes in one code, with the least error correction: version 25, whose 117 modules to a side a telephone reads from a screen.
const CODE_LEN: usize = 1273;

/// A QR code, without the quiet zone around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// Modules along its side.
    pub side: usize,
    /// Whether each is dark, row by row.
    pub dark: Vec<bool>,
}

/// The codes of a request or a grant, in the order of their numbers.
///
/// # Errors
/// One that is too long for as many as anybody takes pictures of.
pub fn codes_of(bytes: &[u8]) -> Result<Vec<Code>, HandoffError> {
    split_parts(bytes, CODE_LEN)?.iter().map(|part| drawn(part)).collect()
}

fn drawn(part: &[u8]) -> Result<Code, HandoffError> {
    let code = QrCode::with_error_correction_level(part, EcLevel::L).map_err(|_| HandoffError::TooLong)?;
    Ok(Code { side: code.width(), dark: code.to_colors().into_iter().map(|colour| colour == Color::Dark).collect() })
}

#[cfg(test)]
mod tests {
    use dbseal_core::join_parts;

    use super::super::pictures::{Luma, codes_in};
    use super::*;

    /// As a camera sees it: some pixels to a module, and something white around.
    fn photographed(code: &Code, scale: usize) -> Luma {
        let quiet = 4;
        let side = (code.side + 2 * quiet) * scale;
        let is_dark = |at: usize| {
            let [x, y] = [at % side / scale, at / side / scale].map(|at| at.checked_sub(quiet).filter(|at| *at < code.side));
            x.zip(y).is_some_and(|(x, y)| code.dark[y * code.side + x])
        };
        Luma { width: side, height: side, pixels: (0..side * side).map(|at| if is_dark(at) { 20 } else { 230 }).collect() }
    }

    /// As one sees it that is not sharp: each pixel is the mean of those around.
    fn out_of_focus(Luma { width, height, pixels }: &Luma) -> Luma {
        let at = |x: usize, y: usize| u32::from(pixels[y.min(height - 1) * width + x.min(width - 1)]);
        let around = |at: usize| [at.saturating_sub(1), at, at + 1];
        let mean = |x: usize, y: usize| around(y).iter().flat_map(|&y| around(x).map(|x| at(x, y))).sum::<u32>() / 9;
        let pixels = (0..width * height).map(|index| u8::try_from(mean(index % width, index / width)).expect("a mean of bytes"));
        Luma { width: *width, height: *height, pixels: pixels.collect() }
    }

    #[test]
    fn codes_out_of_focus_are_read() {
        let bytes: Vec<u8> = (0..=255).cycle().take(500).collect();
        let code = &codes_of(&bytes).expect("they are few")[0];
        for scale in [4, 5, 6, 8] {
            let sharp = photographed(code, scale);
            let once = out_of_focus(&sharp);
            for seen in [&sharp, &once, &out_of_focus(&once)] {
                let pieces = codes_in(seen).unwrap_or_else(|failure| panic!("{scale} pixels a module: {failure:?}"));
                assert_eq!(join_parts(&pieces).as_deref(), Ok(&bytes[..]), "{scale} pixels a module");
            }
        }
    }

    #[test]
    fn what_is_drawn_is_read_again() {
        // Bytes of all kinds: the shorter modes of QR codes do not hold them.
        let bytes: Vec<u8> = (0..=255).cycle().take(3000).collect();
        for (len, count) in [(100, 1), (CODE_LEN, 1), (CODE_LEN + 1, 2), (3000, 3)] {
            let codes = codes_of(&bytes[..len]).expect("they are few");
            assert_eq!(codes.len(), count, "{len}");
            let pieces: Vec<_> = codes.iter().rev().flat_map(|code| codes_in(&photographed(code, 4)).expect("a code")).collect();
            assert_eq!(join_parts(&pieces).as_deref(), Ok(&bytes[..len]));
        }
        assert_eq!(codes_of(&vec![0; 100_000]), Err(HandoffError::ManyParts));
    }
}
