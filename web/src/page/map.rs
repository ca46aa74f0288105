//! The map of a file: a picture of what was read, and of what is damaged.

use std::cell::{Cell, RefCell};
use std::ops::Range;

use super::elements::{Tag, div};
use super::texts;

/// Cells of a map, so many that a phone can show them.
const MAX_CELLS: u64 = 320;
/// Bytes that are worth a cell of their own: a chunk.
const MIN_CELL_LEN: u64 = 1 << 16;

/// Which bytes of a file each cell stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Grid {
    file_len: u64,
    count: u64,
}

impl Grid {
    fn over(file_len: u64) -> Self {
        Self { file_len: file_len.max(1), count: file_len.div_ceil(MIN_CELL_LEN).clamp(1, MAX_CELLS) }
    }

    /// The cells that have any of these bytes.
    fn touched(self, bytes: &Range<u64>) -> Range<usize> {
        if bytes.is_empty() {
            return 0..0;
        }
        self.cell(bytes.start)..self.cell(bytes.end - 1) + 1
    }

    /// How many cells are behind one that is so far; all only at the end.
    fn passed(self, done_len: u64, total_len: u64) -> usize {
        let count = u128::from(self.count) * u128::from(done_len.min(total_len)) / u128::from(total_len.max(1));
        usize::try_from(count).unwrap_or_default()
    }

    fn cell(self, byte: u64) -> usize {
        let cell = u128::from(byte.min(self.file_len - 1)) * u128::from(self.count) / u128::from(self.file_len);
        usize::try_from(cell).unwrap_or_default()
    }
}

/// A map on the screen.
pub(super) struct Map {
    grid: Grid,
    picture: Tag,
    cells: Vec<Tag>,
    damaged: RefCell<Vec<bool>>,
    damaged_len: Cell<u64>,
    /// Cells that were read.
    read: Cell<usize>,
}

impl Map {
    pub(super) fn new(file_len: u64) -> Self {
        let grid = Grid::over(file_len);
        let cells: Vec<Tag> = (0..grid.count).map(|_| Tag::new("i").class("cell")).collect();
        let picture = div("map").id("map").attr("role", "img").children(cells.iter().cloned());
        let map =
            Self { grid, picture, damaged: RefCell::new(vec![false; cells.len()]), cells, damaged_len: Cell::new(0), read: Cell::new(0) };
        map.label(0);
        map
    }

    /// The map of a file that was read to its end.
    pub(super) fn of_damage(file_len: u64, damage: &[Range<u64>]) -> Self {
        let end = damage.iter().map(|range| range.end).max().unwrap_or_default();
        let map = Self::new(file_len.max(end));
        map.update(1, 1, damage);
        map.label(100);
        map
    }

    /// The map with what its cells mean.
    pub(super) fn tag(&self) -> Tag {
        // Of a file that was read to its end none is unread.
        let meanings = if self.read.get() == self.cells.len() { &texts::LEGEND[1..] } else { &texts::LEGEND };
        let legend = meanings
            .iter()
            .map(|&(class, text)| Tag::new("li").child(Tag::new("i").class(&format!("cell {class}"))).child(Tag::new("span").text(text)));
        div("map-frame").child(self.picture.clone()).child(Tag::new("ul").class("legend").attr("aria-hidden", "true").children(legend))
    }

    /// Shows how far a job is, and damage that is new.
    pub(super) fn update(&self, done_len: u64, total_len: u64, damage: &[Range<u64>]) {
        let mut damaged = self.damaged.borrow_mut();
        for range in damage {
            self.damaged_len.set(self.damaged_len.get() + (range.end - range.start));
            for index in self.grid.touched(range) {
                if !std::mem::replace(&mut damaged[index], true) {
                    self.cells[index].set_class("cell damaged");
                }
            }
        }
        let read = self.grid.passed(done_len, total_len).max(self.read.get());
        for index in self.read.replace(read)..read {
            if !damaged[index] {
                self.cells[index].set_class("cell read");
            }
        }
    }

    /// Says the same to those who do not see it.
    pub(super) fn label(&self, percent: u64) {
        self.picture.set("aria-label", &texts::map_label(percent, self.damaged_len.get()));
    }

    pub(super) fn damaged_len(&self) -> u64 {
        self.damaged_len.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_one_cell() {
        for file_len in [0, 1, MIN_CELL_LEN, MIN_CELL_LEN + 1, 100 * MIN_CELL_LEN - 1, 6 << 30, u64::MAX] {
            let grid = Grid::over(file_len);
            let count = usize::try_from(grid.count).unwrap();
            assert!((1..=320).contains(&count));
            assert_eq!(grid.touched(&(0..file_len.max(1))), 0..count, "{file_len}");
            assert_eq!(grid.touched(&(file_len.max(1) - 1..file_len.max(1))), count - 1..count, "{file_len}");
            assert_eq!(grid.passed(file_len.max(1), file_len.max(1)), count);
            assert_eq!(grid.passed(0, file_len), 0);
        }
    }

    #[test]
    fn damage_behind_the_end_shows_in_the_last_cell() {
        let grid = Grid::over(10 * MIN_CELL_LEN);
        assert_eq!(grid.touched(&(20 * MIN_CELL_LEN..21 * MIN_CELL_LEN)), 9..10);
        assert_eq!(grid.touched(&(5..5)), 0..0);
        assert_eq!(grid.touched(&(MIN_CELL_LEN - 1..MIN_CELL_LEN + 1)), 0..2);
    }
}
