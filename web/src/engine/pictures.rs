//! Pictures of QR codes that were taken of another machine's screen: what their first bytes say, and what the codes do. The pixels are made
//! by whoever has a decoder: a browser has one.

use super::failures;
use crate::messages::Failure;

/// Pixels in a picture, at most: twice those of the largest that most telephones take.
const MAX_PIXELS: u64 = 128 << 20;

/// Pixels along a side that a picture is made larger to, at most.
const MAX_SIDE: usize = 4096;
/// In which codes are looked for, in percent of a picture's sides.
const SIZES: [usize; 5] = [100, 50, 75, 150, 200];

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
const JPEG: &[u8] = b"\xff\xd8\xff";

/// A picture without its colours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Luma {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// How bright each is, row by row: 0 is black.
    pub pixels: Vec<u8>,
}

/// Who can make pixels of a picture.
pub trait Pictures {
    /// Makes them, of a PNG or a JPEG; fewer than there are, where those are more than it takes to read a code.
    ///
    /// # Errors
    /// A picture that is none, or too large.
    fn develop(&self, bytes: &[u8]) -> impl Future<Output = Result<Luma, Failure>>;
}

/// How bright a colour is (ITU-R BT.601), of red, green and blue.
#[must_use]
pub fn luma([red, green, blue]: [u8; 3]) -> u8 {
    let [red, green, blue] = [red, green, blue].map(u32::from);
    // 299 + 587 + 114 = 1000
    u8::try_from((299 * red + 587 * green + 114 * blue) / 1000).expect("a mean of three bytes")
}

/// Whether a file is a picture, by its first bytes.
pub(super) fn is_picture(bytes: &[u8]) -> bool {
    bytes.starts_with(PNG) || bytes.starts_with(JPEG)
}

/// What a picture says of its own size: pixels in a row, and rows.
pub(super) fn size_of(bytes: &[u8]) -> Result<[u64; 2], Failure> {
    let size = if bytes.starts_with(PNG) { png_size(bytes) } else { jpeg_size(bytes) };
    let [width, height] = size.ok_or_else(|| failures::no_picture("it says nothing of its size"))?;
    if width * height > MAX_PIXELS {
        return Err(failures::no_picture("it has too many pixels"));
    }
    Ok([width, height])
}

/// PNG (third edition), section 11.2.1: the first chunk is IHDR, and begins with both, as four bytes each.
fn png_size(bytes: &[u8]) -> Option<[u64; 2]> {
    let header = bytes.get(PNG.len()..)?;
    let side = |at: usize| Some(u64::from(u32::from_be_bytes(header.get(at..at + 4)?.try_into().ok()?)));
    (header.get(4..8)? == b"IHDR").then_some(())?;
    Some([side(8)?, side(12)?])
}

/// ITU-T T.81, section B.2.2: a frame header has the rows, and then the pixels in each, behind its length and a byte of precision.
fn jpeg_size(bytes: &[u8]) -> Option<[u64; 2]> {
    let number = |at: usize| Some(usize::from(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?)));
    let mut at = 2;
    loop {
        let (0xff, kind) = (*bytes.get(at)?, *bytes.get(at + 1)?) else { return None };
        match kind {
            // Fill bytes may stand before a marker (section B.1.1.2).
            0xff => at += 1,
            // Markers that stand alone.
            0x01 | 0xd0..=0xd7 => at += 2,
            // All frames, but not the tables of the same range: DHT, JPG, DAC.
            0xc0..=0xcf if !matches!(kind, 0xc4 | 0xc8 | 0xcc) => {
                let [height, width] = [number(at + 5)?, number(at + 7)?];
                return Some([u64::try_from(width).ok()?, u64::try_from(height).ok()?]);
            }
            // The end, or the beginning of what is no segment: nothing was said before.
            0xd9 | 0xda => return None,
            _ => at += 2 + number(at + 2)?.max(2),
        }
    }
}

/// What the codes in a picture say; those that cannot be read are left out. Where it shows none as it is, smaller and larger: what was taken
/// a little out of focus is read at another size.
pub(super) fn codes_in(picture: &Luma) -> Result<Vec<Vec<u8>>, Failure> {
    let longest = picture.width.max(picture.height);
    let sizes = SIZES.into_iter().filter(|percent| *percent <= 100 || longest * percent <= 100 * MAX_SIDE);
    let found = sizes.map(|percent| codes_at(picture, percent)).find(|found| !found.is_empty());
    found.ok_or_else(failures::no_code)
}

fn codes_at(picture: &Luma, percent: usize) -> Vec<Vec<u8>> {
    let [width, height] = [picture.width, picture.height].map(|side| (side * percent / 100).max(1));
    let mut prepared = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| picture.at([x, y], percent));
    let said = |grid: rqrr::Grid<_>| {
        let mut bytes = Vec::new();
        grid.decode_to(&mut bytes).ok().map(|_| bytes)
    };
    prepared.detect_grids().into_iter().filter_map(said).collect()
}

impl Luma {
    /// How bright it is at a pixel of the same picture in another size: between the four pixels around that place.
    fn at(&self, place: [usize; 2], percent: usize) -> u8 {
        if percent == 100 {
            return self.pixels[place[1] * self.width + place[0]];
        }
        // In 200ths of a pixel, from the middle of the first one.
        let along = |place: usize, side: usize| {
            let at = ((2 * place + 1) * 100 * 100 / percent).saturating_sub(100);
            let first = (at / 200).min(side - 1);
            (first, (first + 1).min(side - 1), at % 200)
        };
        let ((left, right, x), (above, below, y)) = (along(place[0], self.width), along(place[1], self.height));
        let row = |row: usize| {
            usize::from(self.pixels[row * self.width + left]) * (200 - x) + usize::from(self.pixels[row * self.width + right]) * x
        };
        u8::try_from((row(above) * (200 - y) + row(below) * y) / 40_000).expect("a mean of four bytes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A PNG as far as its size goes.
    fn png(width: u32, height: u32) -> Vec<u8> {
        [PNG, &[0, 0, 0, 13], b"IHDR", &width.to_be_bytes(), &height.to_be_bytes()].concat()
    }

    #[test]
    fn the_size_of_a_picture_is_known_before_it_has_pixels() {
        assert_eq!(size_of(&png(640, 480)), Ok([640, 480]));
        // A thumbnail's segment, a table, and the frame behind them.
        let jpeg = [&b"\xff\xd8\xff\xe1\0\x06\xff\xc0AB\xff\xff\xc4\0\x03x"[..], b"\xff\xc2\0\x11\x08\x01\xe0\x02\x80\x03"].concat();
        assert_eq!(size_of(&jpeg), Ok([640, 480]));
        for cut in 0..jpeg.len() - 1 {
            assert!(jpeg.len() - cut < 3 || size_of(&jpeg[..cut]).is_err(), "{cut}");
        }
        for broken in [&b"\xff\xd8\xff"[..], b"\xff\xd8\xff\xda\0\x02", b"\xff\xd8\xff\xe0\0\0\xff\xd9", PNG, b"\xff\xd8\xffxxxxx"] {
            assert!(size_of(broken).is_err(), "{broken:?}");
        }
        assert!(size_of(&png(u32::MAX, u32::MAX)).is_err_and(|failure| failure.what.contains("too many pixels")));
    }

    #[test]
    fn grey_stays_as_it_is() {
        assert_eq!([[0; 3], [200; 3], [255; 3]].map(luma), [0, 200, 255]);
    }
}
