//! QR codes on the screen: black on white, whatever the colours of the page are, as a code in others is not read.

use std::fmt::Write as _;

use super::elements::Tag;
use super::texts;
use crate::engine::Code;

/// Modules on each side of a code that stay light (ISO/IEC 18004, "Quiet zone").
const QUIET: usize = 4;

/// All codes, with their numbers where there are more than one.
pub(super) fn figures(codes: &[Code]) -> impl Iterator<Item = Tag> {
    let count = codes.len();
    codes.iter().zip(1..).map(move |(code, number)| {
        let label = texts::code_label(number, count);
        let drawing = drawing(code).attr("aria-label", &label);
        Tag::new("figure").class("qr").child(drawing).child(Tag::new("figcaption").text(&label))
    })
}

/// One unit to a module, so that no module is wider than another at any size.
fn drawing(code: &Code) -> Tag {
    let side = code.side + 2 * QUIET;
    let part = |name: &str, fill: &str| Tag::of_drawing(name).attr("fill", fill);
    let all = part("rect", "#fff").attr("width", &side.to_string()).attr("height", &side.to_string());
    let svg = Tag::of_drawing("svg").attr("viewBox", &format!("0 0 {side} {side}")).attr("shape-rendering", "crispEdges");
    svg.attr("role", "img").child(all).child(part("path", "#000").attr("d", &path(code)))
}

/// A rectangle for each run of dark modules in a row.
fn path(code: &Code) -> String {
    let mut path = String::new();
    for (row, y) in code.dark.chunks(code.side.max(1)).zip(QUIET..) {
        let mut x = 0;
        for run in row.chunk_by(|one, other| one == other) {
            if run[0] {
                let _ = write!(path, "M{} {y}h{len}v1h-{len}z", x + QUIET, len = run.len());
            }
            x += run.len();
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dark_modules_are_drawn_where_they_are() {
        let code = Code { side: 3, dark: vec![true, true, false, false, false, false, true, false, true] };
        assert_eq!(path(&code), "M4 4h2v1h-2zM4 6h1v1h-1zM6 6h1v1h-1z");
    }
}
