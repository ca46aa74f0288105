//! What was photographed from another machine's screen: the QR codes in a picture.

use std::io::Cursor;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use image::imageops::{FilterType, resize};
use image::{GrayImage, ImageFormat, ImageReader, Limits};

use crate::error::JobError;

/// Bytes in a picture's pixels, at most: more than the largest that telephones take.
const MAX_PIXELS_LEN: u64 = 256 << 20;
/// Pixels along a side that codes are looked for in: those of a screen, photographed as a whole.
const MAX_SIDE: u32 = 4096;
/// How long they are looked for. What looks like thousands of codes keeps the library at work for days.
const WAIT: Duration = Duration::from_secs(20);
/// In percent of the picture's sides.
const OTHER_SIZES: [u32; 4] = [50, 75, 150, 200];
const FORMATS: [ImageFormat; 2] = [ImageFormat::Png, ImageFormat::Jpeg];

/// Whether a file is a picture, by its first bytes.
pub(crate) fn is_picture(bytes: &[u8]) -> bool {
    image::guess_format(bytes).is_ok_and(|format| FORMATS.contains(&format))
}

/// Whether it is one in a format that is not read here.
pub(crate) fn is_other_picture(bytes: &[u8]) -> bool {
    image::guess_format(bytes).is_ok_and(|format| !FORMATS.contains(&format))
}

/// What the codes in a picture say; those that cannot be read are left out.
///
/// # Errors
/// A picture that is none, or in which no code can be read in time.
pub(crate) fn codes_in(bytes: &[u8], what: &str) -> Result<Vec<Vec<u8>>, JobError> {
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_PIXELS_LEN);
    let mut reader = ImageReader::new(Cursor::new(bytes));
    reader.limits(limits);
    let picture = reader.with_guessed_format().map_err(image::ImageError::IoError).and_then(ImageReader::decode);
    let mut picture = picture.map_err(|error| JobError::NoPicture { what: what.into(), why: error.to_string() })?;
    if picture.width().max(picture.height()) > MAX_SIDE {
        picture = picture.resize(MAX_SIDE, MAX_SIDE, FilterType::Triangle);
    }
    let picture = picture.into_luma8();
    let (send, found) = channel();
    // By itself: it ends with the process if it does not end by then, and takes nothing along if it panics.
    thread::Builder::new().spawn(move || send.send(look(&picture))).map_err(JobError::Thread)?;
    let codes = found.recv_timeout(WAIT).unwrap_or_default();
    if codes.is_empty() { Err(JobError::NoCode(what.into())) } else { Ok(codes) }
}

/// Looks at it as it is, and where that shows nothing, smaller and larger: what was taken a little out of focus is read at another size.
fn look(picture: &GrayImage) -> Vec<Vec<u8>> {
    let found = look_once(picture);
    if !found.is_empty() {
        return found;
    }
    let sizes = OTHER_SIZES.into_iter().map(|percent| {
        let (width, height) = picture.dimensions();
        [width, height].map(|side| (side * percent / 100).max(1))
    });
    let mut found = sizes
        .filter(|size| size.iter().all(|side| *side <= MAX_SIDE))
        .map(|[width, height]| look_once(&resize(picture, width, height, FilterType::Triangle)));
    found.find(|found| !found.is_empty()).unwrap_or_default()
}

fn look_once(picture: &GrayImage) -> Vec<Vec<u8>> {
    let size = [picture.width(), picture.height()].map(|side| usize::try_from(side).expect("a side fits the memory"));
    let pixels = picture.as_raw();
    let mut prepared = rqrr::PreparedImage::prepare_from_greyscale(size[0], size[1], |x, y| pixels[y * size[0] + x]);
    let said = |grid: rqrr::Grid<_>| {
        let mut bytes = Vec::new();
        grid.decode_to(&mut bytes).ok().map(|_| bytes)
    };
    prepared.detect_grids().into_iter().filter_map(said).collect()
}

#[cfg(all(test, feature = "cli"))]
mod tests {
    use image::imageops::blur;
    use qrcode::{Color, EcLevel, QrCode};

    use super::*;

    /// What a camera makes of a screen: edges that are not sharp, at any size.
    #[test]
    fn codes_out_of_focus_are_read() {
        let text: Vec<u8> = (0..500).map(|index| b'a' + u8::try_from(index * index % 26).expect("a letter")).collect();
        let code = QrCode::with_error_correction_level(&text, EcLevel::L).expect("there is room");
        let (width, modules) = (code.width(), code.to_colors());
        for module in [4, 5, 6, 8] {
            let side = u32::try_from((width + 8) * module).expect("a picture's side");
            let picture = GrayImage::from_fn(side, side, |x, y| {
                let [x, y] = [x, y].map(|at| (at as usize / module).checked_sub(4).filter(|at| *at < width));
                let is_dark = x.zip(y).is_some_and(|(x, y)| modules[y * width + x] == Color::Dark);
                image::Luma([if is_dark { 20 } else { 230 }])
            });
            for sigma in [0.0, 0.5, 1.0] {
                let seen = if sigma > 0.0 { blur(&picture, sigma) } else { picture.clone() };
                assert!(look(&seen) == [text.clone()], "{module} pixels a module, {sigma} of blur");
            }
        }
    }
}
