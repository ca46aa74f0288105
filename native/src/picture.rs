//! What was photographed from another machine's screen: the QR codes in a picture.

use std::io::Cursor;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use image::imageops::FilterType;
use image::{GrayImage, ImageFormat, ImageReader, Limits};

use crate::error::JobError;

/// Bytes in a picture's pixels, at most: more than the largest that telephones take.
const MAX_PIXELS_LEN: u64 = 256 << 20;
/// Pixels along a side that codes are looked for in: those of a screen, photographed as a whole.
const MAX_SIDE: u32 = 4096;
/// How long they are looked for. What looks like thousands of codes keeps the library at work for days.
const WAIT: Duration = Duration::from_secs(20);
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

fn look(picture: &GrayImage) -> Vec<Vec<u8>> {
    let size = [picture.width(), picture.height()].map(|side| usize::try_from(side).expect("a side fits the memory"));
    let pixels = picture.as_raw();
    let mut prepared = rqrr::PreparedImage::prepare_from_greyscale(size[0], size[1], |x, y| pixels[y * size[0] + x]);
    let said = |grid: rqrr::Grid<_>| {
        let mut bytes = Vec::new();
        grid.decode_to(&mut bytes).ok().map(|_| bytes)
    };
    prepared.detect_grids().into_iter().filter_map(said).collect()
}
