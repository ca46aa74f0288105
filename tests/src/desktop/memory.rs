//! What lies in the memory of another process.

use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

/// Bytes that are read at a time.
const PIECE_LEN: u64 = 4 << 20;
/// Bytes of a page of memory, and of what the kernel says of one (proc_pid_pagemap(5)).
const PAGE_LEN: u64 = 4096;
const ENTRY_LEN: usize = 8;
/// That a page is in memory.
const PRESENT: u64 = 1 << 63;

/// Whether these bytes lie anywhere in the memory that a process can write to.
///
/// # Panics
/// If the memory cannot be read.
#[must_use]
pub fn memory_has(pid: u32, needle: &[u8]) -> bool {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).expect("the process is there");
    let open = |name: &str| File::open(format!("/proc/{pid}/{name}")).expect("its memory may be read");
    let (memory, pages) = (open("mem"), open("pagemap"));
    let found = |run: Range<u64>| run_has(&memory, run, needle).unwrap_or(false);
    maps.lines().filter_map(writable_region).any(|region| runs(&pages, &region).into_iter().any(found))
}

/// Where the region lies that a line is about, if it can be written to.
fn writable_region(line: &str) -> Option<Range<u64>> {
    let (range, rest) = line.split_once(' ')?;
    let (start, end) = range.split_once('-')?;
    let range = u64::from_str_radix(start, 16).ok()?..u64::from_str_radix(end, 16).ok()?;
    rest.starts_with("rw").then_some(range)
}

/// What of a region is in memory: a browser reserves a hundred times what it uses.
fn runs(pages: &File, region: &Range<u64>) -> Vec<Range<u64>> {
    let (mut runs, mut place) = (Vec::<Range<u64>>::new(), region.start);
    let mut entries = vec![0; ENTRY_LEN << 16];
    while place < region.end {
        let len = usize::try_from((region.end - place) / PAGE_LEN).map_or(entries.len(), |count| entries.len().min(count * ENTRY_LEN));
        if len == 0 || pages.read_exact_at(&mut entries[..len], place / PAGE_LEN * ENTRY_LEN as u64).is_err() {
            break;
        }
        for entry in entries[..len].chunks_exact(ENTRY_LEN) {
            let is_present = u64::from_le_bytes(entry.try_into().expect("eight bytes")) & PRESENT != 0;
            match runs.last_mut() {
                Some(run) if is_present && run.end == place => run.end += PAGE_LEN,
                _ if is_present => runs.push(place..place + PAGE_LEN),
                _ => {}
            }
            place += PAGE_LEN;
        }
    }
    runs
}

fn run_has(memory: &File, run: Range<u64>, needle: &[u8]) -> io::Result<bool> {
    let mut place = run.start;
    while place < run.end {
        // It may lie across two pieces.
        let len = (run.end - place).min(PIECE_LEN + needle.len() as u64);
        let mut piece = vec![0; usize::try_from(len).map_err(io::Error::other)?];
        memory.read_exact_at(&mut piece, place)?;
        let firsts = piece.iter().enumerate().filter(|(_, byte)| **byte == needle[0]);
        if firsts.map(|(index, _)| &piece[index..]).any(|rest| rest.starts_with(needle)) {
            return Ok(true);
        }
        place += PIECE_LEN;
    }
    Ok(false)
}
