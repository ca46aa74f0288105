//! What a program prints that the output goes to: passed on to the page as it comes, at a rate that the page can show.
//!
//! A restore that says a line for each row would else fill the window's memory with lines that nobody reads. The program is never held up
//! for it: what does not fit is left out, and that is said.

use std::io::Read;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Between two words of it.
const INTERVAL: Duration = Duration::from_millis(100);
/// Bytes that are passed on at a time: the last. The page keeps no more.
const PASSED_LEN: usize = 64 << 10;
/// Bytes that are read at a time: what a pipe holds.
const READ_LEN: usize = 64 << 10;

/// Gives all that is printed to `pass`, part by part, until nobody can print any more.
pub(crate) fn pass_on(mut printed: impl Read + AsFd, mut pass: impl FnMut(String)) {
    let (mut kept, mut buffer) = (Kept::default(), vec![0; READ_LEN]);
    let mut passed = Instant::now().checked_sub(INTERVAL).unwrap_or_else(Instant::now);
    loop {
        let wait = kept.has_text().then(|| INTERVAL.saturating_sub(passed.elapsed()));
        if wait.is_some_and(|wait| wait.is_zero() || !has_more(&printed, wait)) {
            passed = Instant::now();
            pass(kept.take(Cut::Between));
            continue;
        }
        match printed.read(&mut buffer) {
            Ok(len) if len > 0 => kept.add(&buffer[..len]),
            _ => break,
        }
    }
    if !kept.bytes.is_empty() {
        pass(kept.take(Cut::Nowhere));
    }
}

/// Whether there is something to read, or an end, within this time. An error shows when it is read.
fn has_more(printed: &impl AsFd, wait: Duration) -> bool {
    let timeout = Timespec { tv_sec: 0, tv_nsec: i64::from(wait.subsec_nanos()) };
    !matches!(poll(&mut [PollFd::new(printed, PollFlags::IN)], Some(&timeout)), Ok(0))
}

/// Whether what is passed on may end in the middle of a character.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// Its other bytes are still to come.
    Between,
    /// Nothing is.
    Nowhere,
}

/// What was printed since something was passed on.
#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
    /// Bytes before those, which are not passed on.
    left_out_len: usize,
}

impl Kept {
    fn add(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        let excess_len = self.bytes.len().saturating_sub(PASSED_LEN);
        self.bytes.drain(..excess_len);
        self.left_out_len += excess_len;
    }

    /// Whether there is more than the beginning of a character.
    fn has_text(&self) -> bool {
        self.bytes.len() > unfinished_len(&self.bytes)
    }

    /// All of it as text, and what it lacks.
    fn take(&mut self, cut: Cut) -> String {
        let held_len = if cut == Cut::Between { unfinished_len(&self.bytes) } else { 0 };
        let held = self.bytes.split_off(self.bytes.len() - held_len);
        let bytes = std::mem::replace(&mut self.bytes, held);
        match std::mem::take(&mut self.left_out_len) {
            0 => String::from_utf8_lossy(&bytes).into_owned(),
            left_out_len => {
                // From the first whole line on, if there is one.
                let start = bytes.iter().position(|&byte| byte == b'\n').map_or(0, |end| end + 1);
                let start = if start == bytes.len() { 0 } else { start };
                let text = String::from_utf8_lossy(&bytes[start..]);
                format!("\n[{} bytes are left out here]\n{text}", left_out_len + start)
            }
        }
    }
}

/// Bytes at the end that are the beginning of a character in UTF-8.
fn unfinished_len(bytes: &[u8]) -> usize {
    let tail = &bytes[bytes.len().saturating_sub(3)..];
    let is_unfinished = |start: &usize| matches!(std::str::from_utf8(&tail[*start..]), Err(error) if error.error_len().is_none());
    (0..tail.len()).find(|start| tail[*start] >= 0xc0 && is_unfinished(start)).map_or(0, |start| tail.len() - start)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write;
    use std::sync::mpsc::channel;
    use std::thread;

    use super::*;

    /// What is passed on of what this writes.
    fn passed(write: impl FnOnce(File) + Send + 'static) -> Vec<String> {
        let (reader, writer) = rustix::pipe::pipe().expect("a pipe");
        let writing = thread::spawn(|| write(writer.into()));
        let mut all = Vec::new();
        pass_on(File::from(reader), |text| all.push(text));
        writing.join().expect("it wrote all");
        all
    }

    #[test]
    fn what_is_printed_slowly_arrives_whole_and_at_once() {
        let (told, heard) = channel();
        let (reader, writer) = rustix::pipe::pipe().expect("a pipe");
        let passing = thread::spawn(move || pass_on(File::from(reader), |text| told.send(text).expect("somebody hears it")));
        let mut writer = File::from(writer);
        for line in ["it begins\n", "ü", "it ends, without a line feed"] {
            writer.write_all(line.as_bytes()).expect("it is read");
            assert_eq!(heard.recv_timeout(Duration::from_secs(5)).as_deref(), Ok(line), "before anything else is printed");
        }
        drop(writer);
        passing.join().expect("it ends");
        assert!(heard.try_recv().is_err());
    }

    #[test]
    fn what_is_printed_fast_is_passed_on_in_part_and_its_end_always() {
        const LINES: usize = 2_000_000;
        let start = Instant::now();
        let all = passed(|mut file| {
            let lines: String = (0..LINES).map(|line| format!("line {line}\n")).collect();
            file.write_all(lines.as_bytes()).expect("it is read");
        });
        let most = start.elapsed().as_millis() / INTERVAL.as_millis() + 2;
        assert!(all.len() as u128 <= most, "{} parts", all.len());
        assert!(all.iter().all(|text| text.len() < PASSED_LEN + 100));
        assert!(all.last().is_some_and(|text| text.ends_with(&format!("line {}\n", LINES - 1))));
        let (mut left_out_len, mut passed_len) = (0, 0);
        for text in &all {
            let said = text.strip_prefix("\n[").and_then(|text| text.split_once(" bytes are left out here]\n"));
            let (len, rest) = said.map_or((0, text.as_str()), |(len, rest)| (len.parse().expect("a number"), rest));
            left_out_len += len;
            passed_len += rest.len();
        }
        let printed_len: usize = (0..LINES).map(|line| format!("line {line}\n").len()).sum();
        assert!(left_out_len > 0, "it was slower than what is passed on");
        assert_eq!(left_out_len + passed_len, printed_len);
    }

    #[test]
    fn characters_are_not_cut() {
        let all = passed(|mut file| {
            for byte in "Größe: 5 €, 🗄\n".repeat(50).bytes() {
                file.write_all(&[byte]).expect("it is read");
                thread::sleep(Duration::from_millis(1));
            }
        });
        assert!(all.len() > 2 && all.concat() == "Größe: 5 €, 🗄\n".repeat(50), "{all:?}");
    }
}
