//! Requests and grants as QR codes on a terminal: what crosses an air gap by a camera.

use std::io::{self, IsTerminal};

use dbseal_core::{HandoffError, split_parts};
use qrcode::{Color, EcLevel, QrCode};

use super::terminal::Terminal;
use super::ui::Ui;
use crate::error::JobError;
use crate::report::Observer;

/// Modules on each side of a code that stay light (ISO/IEC 18004, "Quiet zone").
const QUIET: usize = 4;
/// Bytes that codes with the least error correction hold, and modules along their side (versions 10, 15, 20, 25, 30 and 40).
const SIZES: [(usize, usize); 6] = [(271, 57), (520, 77), (858, 97), (1273, 117), (1732, 137), (2953, 177)];
/// Columns and rows of what is no terminal: one code holds the request for one backup.
const ELSEWHERE: [usize; 2] = [145, 74];
/// Black on white, whatever the colours of the terminal are: a code in other colours is not read.
const INK: [&str; 2] = ["\x1b[38;5;16;48;5;231m", "\x1b[0m"];

/// Whether something is drawn too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Draw {
    Codes,
    Nothing,
}

/// Draws a request or a grant: in as few codes as fit the terminal, one after the other.
pub(super) fn draw(bytes: &[u8], ui: &Ui) -> Result<(), JobError> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok().filter(|size| size.ws_col > 0 && size.ws_row > 0);
    let [columns, rows] = size.map_or(ELSEWHERE, |size| [size.ws_col.into(), size.ws_row.into()]);
    if !fits(SIZES[0].1, columns, rows) {
        let [least_columns, least_rows] = [SIZES[0].1 + 2 * QUIET, (SIZES[0].1 + 2 * QUIET).div_ceil(2) + 1];
        ui.warning(&format!(
            "a code needs {least_columns} columns and {least_rows} rows, and this terminal has {columns} and {rows}: make it larger, or its letters smaller"
        ));
    }
    let failed = |error| JobError::Handoff { what: "QR codes".into(), error };
    let parts = split_parts(bytes, room(columns, rows)).map_err(failed)?;
    let ink = if io::stdout().is_terminal() { INK } else { ["", ""] };
    for (number, part) in (1..).zip(&parts) {
        let text = drawn(part, ink).ok_or_else(|| failed(HandoffError::TooLong))?;
        ui.answer(&text, &text)?;
        if number < parts.len() && io::stdout().is_terminal() && Terminal::is_there() {
            Terminal.pause(&format!("This is code {number} of {}. Take its picture, and press Enter for the next.", parts.len()))?;
        } else if parts.len() > 1 {
            ui.note(&format!("code {number} of {}", parts.len()));
        }
    }
    Ok(())
}

/// Bytes in the largest code that a terminal shows as a whole; the smallest of all where it shows none.
fn room(columns: usize, rows: usize) -> usize {
    SIZES.iter().rev().find(|(_, side)| fits(*side, columns, rows)).map_or(SIZES[0].0, |(len, _)| *len)
}

/// Whether a code with so many modules along its side does, with a line to spare for what is said below it.
fn fits(side: usize, columns: usize, rows: usize) -> bool {
    side + 2 * QUIET <= columns && (side + 2 * QUIET).div_ceil(2) < rows
}

/// Two modules to a character, one above the other.
fn drawn(bytes: &[u8], [ink, no_ink]: [&str; 2]) -> Option<String> {
    let code = QrCode::with_error_correction_level(bytes, EcLevel::L).ok()?;
    let (width, modules) = (code.width(), code.to_colors());
    let is_dark = |x: usize, y: usize| {
        let inside = |at: usize| at.checked_sub(QUIET).filter(|at| *at < width);
        inside(x).zip(inside(y)).is_some_and(|(x, y)| modules[y * width + x] == Color::Dark)
    };
    let side = width + 2 * QUIET;
    let line = |y: usize| {
        let characters = (0..side).map(|x| match (is_dark(x, y), is_dark(x, y + 1)) {
            (true, true) => '█',
            (true, false) => '▀',
            (false, true) => '▄',
            (false, false) => ' ',
        });
        format!("{ink}{}{no_ink}\n", characters.collect::<String>())
    };
    Some((0..side).step_by(2).map(line).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_of_each_size_holds_what_it_says() {
        for (len, side) in SIZES {
            // Bytes of both cases: the shorter modes of QR codes do not hold them.
            let width =
                |len: usize| QrCode::with_error_correction_level(b"aB".repeat(len).split_at(len).0, EcLevel::L).map(|code| code.width());
            assert!(width(len) == Ok(side) && width(len + 1) != Ok(side), "{len}");
        }
        // What the help says, and one of 80 columns and 24 rows has too few.
        assert_eq!([fits(57, 65, 34), fits(57, 65, 33), fits(57, 64, 34), fits(57, 80, 24)], [true, false, false, false]);
        let [columns, rows] = ELSEWHERE;
        assert_eq!([room(columns, rows), room(80, 24), room(1000, 1000)], [1732, 271, 2953]);
    }
}
