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
    !places_of(pid, needle).is_empty()
}

/// The addresses of these bytes in the memory that a process can write to.
///
/// # Panics
/// If the memory cannot be read.
#[must_use]
pub fn places_of(pid: u32, needle: &[u8]) -> Vec<u64> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).expect("the process is there");
    let open = |name: &str| File::open(format!("/proc/{pid}/{name}")).expect("its memory may be read");
    let (memory, pages) = (open("mem"), open("pagemap"));
    let runs = maps.lines().filter_map(writable_region).flat_map(|region| runs(&pages, &region));
    // What was given back meanwhile has nothing any more.
    runs.flat_map(|run| places_in(&memory, run, needle).unwrap_or_default()).collect()
}

/// Whether the page of an address is never written to swap space, which the kernel says of the region that it is in.
///
/// # Panics
/// If the process is not there, or has nothing at this address.
#[must_use]
pub fn is_locked(pid: u32, address: u64) -> bool {
    let says = fs::read_to_string(format!("/proc/{pid}/smaps")).expect("the process is there");
    let mut lines = says.lines();
    let is_of = |line: &str| range_of(line).is_some_and(|region| region.contains(&address));
    lines.by_ref().find(|line| is_of(line)).expect("a region has the address");
    let flags = lines.find_map(|line| line.strip_prefix("VmFlags:")).expect("a region has flags");
    flags.split_whitespace().any(|flag| flag == "lo")
}

/// Bytes that a process keeps out of swap space.
///
/// # Panics
/// If the process is not there.
#[must_use]
pub fn locked_len(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the process is there");
    let kib = status.lines().find_map(|line| line.strip_prefix("VmLck:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kib.expect("the kernel says how much") * 1024
}

/// Where the region lies that a line is about, if it can be written to.
fn writable_region(line: &str) -> Option<Range<u64>> {
    let (_, rest) = line.split_once(' ')?;
    range_of(line).filter(|_| rest.starts_with("rw"))
}

/// The addresses with which a line begins.
fn range_of(line: &str) -> Option<Range<u64>> {
    let (start, end) = line.split_once(' ')?.0.split_once('-')?;
    Some(u64::from_str_radix(start, 16).ok()?..u64::from_str_radix(end, 16).ok()?)
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

fn places_in(memory: &File, run: Range<u64>, needle: &[u8]) -> io::Result<Vec<u64>> {
    let (mut places, mut place) = (Vec::new(), run.start);
    while place < run.end {
        // It may lie across two pieces.
        let len = (run.end - place).min(PIECE_LEN + needle.len() as u64);
        let mut piece = vec![0; usize::try_from(len).map_err(io::Error::other)?];
        memory.read_exact_at(&mut piece, place)?;
        let firsts = piece.iter().enumerate().filter(|(_, byte)| **byte == needle[0]);
        places.extend(firsts.filter(|(index, _)| piece[*index..].starts_with(needle)).map(|(index, _)| place + index as u64));
        place += PIECE_LEN;
    }
    Ok(places)
}
