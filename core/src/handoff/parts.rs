//! A request or a grant in numbered parts, where one picture does not hold all of it (HANDOFF.md, "In pictures").

use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

use super::HandoffError;
use super::text::MAX_HANDOFF_LEN;
use crate::code::Code;
use crate::seal::parse_number;

/// Nobody takes more pictures than that.
const MAX_PARTS: usize = 64;
const START: &str = "dbseal/v1 part ";
/// Bytes of the first line of a part, at most.
const LINE_LEN: usize = START.len() + "64/64 k3m9-7qxz-0v2h-t8wd\n".len();

/// The bytes of a request or a grant in pieces of at most `max_len` bytes: one that is all of it, or numbered parts.
///
/// # Errors
/// [`HandoffError::ManyParts`].
pub fn split(bytes: &[u8], max_len: usize) -> Result<Vec<Vec<u8>>, HandoffError> {
    if bytes.len() <= max_len {
        return Ok(Vec::from([bytes.to_vec()]));
    }
    let piece_len = max_len.checked_sub(LINE_LEN).filter(|len| *len > 0).ok_or(HandoffError::ManyParts)?;
    let (count, code) = (bytes.len().div_ceil(piece_len), Code::of(bytes));
    if count > MAX_PARTS {
        return Err(HandoffError::ManyParts);
    }
    let part = |(index, piece): (usize, &[u8])| [format!("{START}{}/{count} {code}\n", index + 1).as_bytes(), piece].concat();
    // As long as each other: a last picture of a few bytes would be as much work as the first.
    Ok(bytes.chunks(bytes.len().div_ceil(count)).enumerate().map(part).collect())
}

/// What was read from some pictures or files, in any order: a request or a grant that is whole in one of them, or the parts of one.
///
/// # Errors
/// Parts that are missing, or that are not of the same; nothing at all.
pub fn join(pieces: &[Vec<u8>]) -> Result<Vec<u8>, HandoffError> {
    if let [piece] = pieces
        && !piece.starts_with(START.as_bytes())
    {
        return Ok(piece.clone());
    }
    let parts = pieces.iter().map(|piece| Part::of(piece)).collect::<Option<Vec<_>>>().ok_or(HandoffError::OtherPart)?;
    let Some(Part { count, code, .. }) = parts.first() else { return Err(HandoffError::Other) };
    let mut found = alloc::vec![None; *count];
    for part in &parts {
        // One that was read twice says the same.
        let is_one_of_them = part.count == *count && part.code == *code;
        if !is_one_of_them || found[part.index].replace(part.bytes).is_some_and(|other| other != part.bytes) {
            return Err(HandoffError::OtherPart);
        }
    }
    let missing: Vec<_> = (1_usize..).zip(&found).filter(|(_, part)| part.is_none()).map(|(number, _)| number.to_string()).collect();
    if !missing.is_empty() {
        return Err(HandoffError::MissingParts { missing: missing.join(", "), count: *count });
    }
    let bytes = found.into_iter().flatten().collect::<Vec<_>>().concat();
    if Code::of(&bytes).to_string().as_bytes() == *code && bytes.len() <= MAX_HANDOFF_LEN {
        Ok(bytes)
    } else {
        Err(HandoffError::Malformed("its parts do not make up what its code says"))
    }
}

struct Part<'a> {
    /// From 0 up to, not with, `count`.
    index: usize,
    count: usize,
    code: &'a [u8],
    bytes: &'a [u8],
}

impl<'a> Part<'a> {
    fn of(piece: &'a [u8]) -> Option<Self> {
        let rest = piece.strip_prefix(START.as_bytes())?;
        let end = rest.iter().position(|&byte| byte == b'\n')?;
        let (numbers, code) = core::str::from_utf8(&rest[..end]).ok()?.split_once(' ')?;
        let (number, count) = numbers.split_once('/')?;
        let [number, count] = [number, count].map(|text| usize::try_from(parse_number(text)?).ok());
        let (index, count) = (number?.checked_sub(1)?, count.filter(|count| (2..=MAX_PARTS).contains(count))?);
        (index < count).then_some(Self { index, count, code: code.as_bytes(), bytes: &rest[end + 1..] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_make_up_what_they_were_cut_from() {
        let bytes: Vec<u8> = (0..=249).cycle().take(1000).collect();
        assert_eq!(split(&bytes, 1000), Ok(Vec::from([bytes.clone()])));
        for max_len in [999, 300, 100, 60] {
            let mut parts = split(&bytes, max_len).expect("it can be cut so");
            assert!(parts.len() > 1 && parts.iter().all(|part| part.len() <= max_len));
            parts.reverse();
            parts.push(parts[0].clone());
            assert_eq!(join(&parts).as_ref(), Ok(&bytes));
        }
        assert_eq!(split(&bytes, 50), Err(HandoffError::ManyParts));
        assert_eq!(split(&bytes, 10), Err(HandoffError::ManyParts));
    }

    #[test]
    fn other_parts_are_named() {
        let [one, other] = [[b'a'; 1000], [b'b'; 1000]].map(|bytes| split(&bytes, 300).expect("it can be cut so"));
        assert_eq!(join(&[]), Err(HandoffError::Other));
        assert_eq!(join(&one[1..]), Err(HandoffError::MissingParts { missing: "1".into(), count: one.len() }));
        assert_eq!(join(&one[1..2]), Err(HandoffError::MissingParts { missing: "1, 3, 4".into(), count: 4 }));
        assert_eq!(join(&[one[0].clone(), other[1].clone()]), Err(HandoffError::OtherPart));
        assert_eq!(join(&[one[0].clone(), b"junk".to_vec()]), Err(HandoffError::OtherPart));
        let mut altered = one.clone();
        altered[2].push(b'a');
        assert_eq!(join(&altered), Err(HandoffError::Malformed("its parts do not make up what its code says")));
        altered.push(one[2].clone());
        assert_eq!(join(&altered), Err(HandoffError::OtherPart));
        for line in [
            "dbseal/v1 part 1/1 x\n",
            "dbseal/v1 part 0/2 x\n",
            "dbseal/v1 part 3/2 x\n",
            "dbseal/v1 part 1/65 x\n",
            "dbseal/v1 part 1/2 x",
        ] {
            assert_eq!(join(&[line.into()]), Err(HandoffError::OtherPart), "{line}");
        }
    }
}
