//! Pictures, as the browser reads them: it has the decoders that this program does without.

use js_sys::{Array, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, BlobPropertyBag, ImageBitmap, OffscreenCanvas, OffscreenCanvasRenderingContext2d};

use super::scope;
use crate::engine::{self, Luma, Pictures};
use crate::messages::Failure;
use crate::objects::words_of;

/// Pixels that a picture is made smaller to: a code has 185 modules to a side at most, and fills a quarter of its picture.
const MAX_PIXELS: f64 = 16_777_216.0; // 4096 * 4096
/// Rows whose colours are in memory at a time: 4 MiB of them, where a row has 4096 pixels.
const ROWS: u32 = 256;

/// A canvas that nobody sees.
pub(super) struct Canvas;

impl Pictures for Canvas {
    async fn develop(&self, bytes: &[u8]) -> Result<Luma, Failure> {
        draw(bytes).await.map_err(|error| {
            let words = words_of(&error);
            engine::no_picture(if words.is_empty() { "this browser cannot show it" } else { &words })
        })
    }
}

async fn draw(bytes: &[u8]) -> Result<Luma, JsValue> {
    let kind = BlobPropertyBag::new();
    kind.set_type(if bytes.starts_with(&[0xff]) { "image/jpeg" } else { "image/png" });
    // A copy: what threads share, no browser takes for a picture.
    let blob = Blob::new_with_u8_array_sequence_and_options(&Array::of1(&Uint8Array::from(bytes)), &kind)?;
    let bitmap: ImageBitmap = JsFuture::from(scope().create_image_bitmap_with_blob(&blob)?).await?.dyn_into()?;
    let [width, height] = fitting(bitmap.width(), bitmap.height());
    let canvas = OffscreenCanvas::new(width, height)?;
    let context: OffscreenCanvasRenderingContext2d = canvas.get_context("2d")?.ok_or(JsValue::UNDEFINED)?.dyn_into()?;
    // What is transparent is drawn on paper.
    context.set_fill_style_str("#fff");
    context.fill_rect(0.0, 0.0, f64::from(width), f64::from(height));
    let drawn = context.draw_image_with_image_bitmap_and_dw_and_dh(&bitmap, 0.0, 0.0, f64::from(width), f64::from(height));
    // With its memory.
    bitmap.close();
    drawn?;
    let mut pixels = Vec::with_capacity(width as usize * height as usize);
    for top in (0..height).step_by(ROWS as usize) {
        let [top, rows] = [top, (height - top).min(ROWS)].map(f64::from);
        let colours = context.get_image_data(0.0, top, f64::from(width), rows)?.data();
        pixels.extend(colours.chunks_exact(4).map(|pixel| engine::luma([pixel[0], pixel[1], pixel[2]])));
    }
    Ok(Luma { width: width as usize, height: height as usize, pixels })
}

/// The sides of a picture of this shape that has no more pixels than are needed.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "less than what was a u32")]
fn fitting(width: u32, height: u32) -> [u32; 2] {
    let scale = (MAX_PIXELS / (f64::from(width) * f64::from(height))).sqrt().min(1.0);
    [width, height].map(|side| ((f64::from(side) * scale) as u32).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_made_smaller_and_never_larger() {
        assert_eq!(fitting(640, 480), [640, 480]);
        assert_eq!(fitting(4096, 4096), [4096, 4096]);
        assert_eq!(fitting(8192, 8192), [4096, 4096]);
        assert_eq!(fitting(1, 134_217_728), [1, 47_453_132]);
    }
}
