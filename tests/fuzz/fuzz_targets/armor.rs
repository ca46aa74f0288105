//! Any text as armor: what is accepted writes back, and pieces change nothing.
#![no_main]

use dbseal_core::{ArmorError, ArmorReader, ArmorWriter};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((&cut, text)) = bytes.split_first() else { return };
    let whole = read(&[text]);
    let (start, end) = text.split_at(usize::from(cut).min(text.len()));
    assert_eq!(read(&[start, end]), whole, "in two pieces");
    assert_eq!(read(&text.chunks(1).collect::<Vec<_>>()), whole, "byte by byte");
    if let Ok(file) = whole {
        let mut writer = ArmorWriter::new();
        let mut written = Vec::new();
        writer.write(&file, &mut written);
        writer.finish(&mut written);
        // Line ends and the white space around it are free.
        let mut lines: Vec<&[u8]> = text.trim_ascii().split(|&byte| byte == b'\n').collect();
        lines.iter_mut().for_each(|line| *line = line.strip_suffix(b"\r").unwrap_or(line));
        lines.push(b"");
        assert_eq!(written, lines.join(&b'\n'));
    }
});

fn read(pieces: &[&[u8]]) -> Result<Vec<u8>, ArmorError> {
    let mut reader = ArmorReader::new();
    let mut file = Vec::new();
    for piece in pieces {
        reader.read(piece, &mut file)?;
    }
    reader.finish(&mut file)?;
    Ok(file)
}
