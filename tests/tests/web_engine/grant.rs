//! A request is read, shown and granted; only a yes to just this grants anything.

use std::cell::RefCell;
use std::io::Cursor;

use dbseal_core::{FileName, Grant, Header, Identity, Purpose, Request, RequestedFile, Seal, Trust};
use dbseal_tests::inputs::Replay;
use dbseal_web::engine::{self, Code, Luma, Person, Pictures, codes_of, luma, no_picture, pasted_request, read_request, trust_of};
use dbseal_web::messages::grant::{Asked, Consent, Facts, Finding, Granted};
use dbseal_web::messages::{Failure, KeyKind};
use image::{DynamicImage, GrayImage, ImageFormat};

use crate::NAME;
use crate::backup::{Backup, keys};
use crate::memory::{Memory, block_on};

/// Says the same to whatever is asked, and remembers that.
struct Says {
    consent: fn(&Asked) -> Consent,
    asked: RefCell<Vec<Asked>>,
}

impl Says {
    fn new(consent: fn(&Asked) -> Consent) -> Self {
        Self { consent, asked: RefCell::default() }
    }
}

impl Person for Says {
    async fn ask(&self, asked: Asked) -> Result<Consent, Failure> {
        let consent = (self.consent)(&asked);
        self.asked.borrow_mut().push(asked);
        Ok(consent)
    }
}

/// Decodes as a browser does.
struct Decoder;

impl Pictures for Decoder {
    async fn develop(&self, bytes: &[u8]) -> Result<Luma, Failure> {
        let picture = image::load_from_memory(bytes).map_err(|error| no_picture(&error.to_string()))?.into_rgb8();
        let [width, height] = [picture.width(), picture.height()].map(|side| side as usize);
        Ok(Luma { width, height, pixels: picture.pixels().map(|pixel| luma(pixel.0)).collect() })
    }
}

fn once() -> Identity {
    Identity::generate_x25519(&mut Replay(9))
}

fn asked(header: &[u8], seal: Option<&[u8]>) -> RequestedFile {
    let (header, _) = Header::parse(header).expect("a header");
    let seal = seal.map(|seal| Seal::parse(seal).expect("a seal"));
    RequestedFile::new(FileName::of(NAME.as_bytes()).expect("a name"), header, seal.as_ref()).expect("no passphrase")
}

fn request(files: Vec<RequestedFile>) -> Request {
    Request::new(Purpose::Open(once().recipient().expect("it has one")), files, None, &mut Replay(77)).expect("a request")
}

fn grant(request: &Request, backup: &Backup, trust: &Trust, person: &Says) -> Result<Granted, Failure> {
    let identities = keys(KeyKind::Identity, &backup.identity).into_identities();
    block_on(engine::grant(request, identities, trust, person))
}

/// A picture of a code, with some of a wall around it.
fn photograph(code: &Code, format: ImageFormat) -> Vec<u8> {
    let (scale, margin) = (4, 8);
    let side = u32::try_from((code.side + 2 * margin) * scale).expect("a side");
    let module = |at: u32| (at as usize / scale).checked_sub(margin).filter(|at| *at < code.side);
    let is_dark = |x, y| module(x).zip(module(y)).is_some_and(|(x, y)| code.dark[y * code.side + x]);
    let picture = GrayImage::from_fn(side, side, |x, y| image::Luma([if is_dark(x, y) { 20 } else { 230 }]));
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageLuma8(picture).write_to(&mut bytes, format).expect("it is written");
    bytes.into_inner()
}

fn read(files: &[Vec<u8>]) -> Result<Request, Failure> {
    let lens: Vec<_> = files.iter().map(|file| file.len() as u64).collect();
    block_on(read_request(&Memory::new(files.concat()), &lens, &Decoder))
}

#[track_caller]
fn fails<T: std::fmt::Debug>(result: Result<T, Failure>, words: &str) {
    let failure = result.expect_err(words);
    assert!(failure.what.contains(words) && !failure.next.is_empty(), "{words}: {failure:?}");
}

#[test]
fn a_clear_yes_grants_what_was_shown() {
    let backup = Backup::of(100);
    let request = request(vec![asked(&backup.header, Some(&backup.seal))]);
    let trust = trust_of(&backup.trust()).expect("a key");
    let person = Says::new(|asked| Consent { code: asked.code.clone(), unverified: false });
    let granted = grant(&request, &backup, &trust, &person).expect("it is granted");
    let shown = person.asked.into_inner();
    assert_eq!(shown.len(), 1);
    assert_eq!((&shown[0].code, &shown[0].signed_by, shown[0].unverified_count()), (&request.code().to_string(), &None, 0));
    let Finding::Verified(Facts { name, made_by, series, time }) = &shown[0].files[0].finding else { panic!("{shown:?}") };
    assert_eq!((name.as_deref(), made_by.as_str(), series, time.is_some()), (Some(NAME), "host", &Some(("shop".into(), 1)), true));
    assert_eq!((granted.granted_count, granted.asked_count), (1, 1));
    let opened = Grant::parse(granted.text.as_bytes()).and_then(|grant| grant.open(&request, &once())).expect("it is the answer");
    let (header, _) = Header::parse(&backup.header).expect("a header");
    assert!(header.unwrap(&opened.into_iter().flatten().collect::<Vec<_>>()).is_ok());
}

#[test]
fn anything_else_grants_nothing() {
    let backup = Backup::of(100);
    let bare = request(vec![asked(&backup.header, None)]);
    let nobody = Trust::default();
    let person = Says::new(|asked| Consent { code: asked.code.clone(), unverified: false });
    fails(grant(&bare, &backup, &nobody, &person), "nothing is verified");
    assert_eq!(person.asked.borrow()[0].files[0].finding, Finding::NotVerified("no seal came with it".into()));
    let person = Says::new(|_| Consent { code: "0000-0000-0000-0000".into(), unverified: true });
    fails(grant(&bare, &backup, &nobody, &person), "not this request");
    let person = Says::new(|asked| Consent { code: asked.code.clone(), unverified: true });
    assert!(grant(&bare, &backup, &nobody, &person).is_ok());

    // Nobody is asked where there is nothing to say yes to.
    let person = Says::new(|asked| Consent { code: asked.code.clone(), unverified: true });
    let other = Identity::generate_x25519(&mut Replay(77)).expose_text().expect("it has one");
    let identities = keys(KeyKind::Identity, &other).into_identities();
    fails(block_on(engine::grant(&bare, identities, &nobody, &person)), "none of the given keys");
    assert!(person.asked.borrow().is_empty());
}

#[test]
fn a_request_comes_as_text_as_files_and_as_pictures() {
    let backup = Backup::of(100);
    let request = request(vec![asked(&backup.header, Some(&backup.seal)), asked(&backup.header, Some(&backup.seal))]);
    let (code, text, bytes) = (request.code(), request.to_text(), request.to_bytes());
    let raw = String::from_utf8(bytes.clone()).expect("all of it is text");
    for pasted in [text.as_str(), text.trim(), &format!("Hello,\n{text}\nBye"), &raw, raw.trim_end()] {
        assert_eq!(pasted_request(pasted).expect("it is whole").code(), code);
    }
    let codes = codes_of(&bytes).expect("they are few");
    assert!(codes.len() > 1, "{}", bytes.len());
    let formats = [ImageFormat::Png, ImageFormat::Jpeg].into_iter().cycle();
    let mut pictures: Vec<_> = codes.iter().zip(formats).map(|(code, format)| photograph(code, format)).collect();
    for files in [vec![text.into_bytes()], vec![bytes], pictures.iter().rev().cloned().collect()] {
        assert_eq!(read(&files).expect("it is whole").code(), code);
    }

    fails(read(&pictures[1..]), "these are missing: 1");
    fails(read(&[pictures[0].clone(), b"something else".to_vec()]), "not all parts of one request");
    pictures[0].truncate(1000);
    fails(read(&pictures), "a picture cannot be read");
    let wall = DynamicImage::ImageLuma8(GrayImage::from_pixel(300, 200, image::Luma([128])));
    let mut png = Cursor::new(Vec::new());
    wall.write_to(&mut png, ImageFormat::Png).expect("it is written");
    fails(read(&[png.into_inner()]), "no QR code can be read");
}

#[test]
fn what_is_no_request_ends_in_a_sentence() {
    fails(pasted_request("hello"), "neither a request nor a grant");
    fails(pasted_request("-----BEGIN DBSEAL GRANT-----\n"), "a grant, and not a request");
    fails(pasted_request("-----BEGIN DBSEAL REQUEST-----\nAAAA"), "its last line is missing");
    fails(pasted_request("dbseal/v2 request\n"), "newer than v1");
    fails(read(&[]), "neither a request nor a grant");
    fails(read(&[b"hello".to_vec()]), "neither a request nor a grant");
    // A PNG of 4 billion pixels a side, which no browser should begin with.
    let bomb = [&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], &[0xff; 8], &[8, 0, 0, 0, 0]].concat();
    fails(read(&[bomb]), "too many pixels");
    // Lengths that are not those of the files.
    let read = |lens: &[u64]| block_on(read_request(&Memory::new(b"hello".to_vec()), lens, &Decoder));
    for lens in [&[6][..], &[u64::MAX, 2], &[4], &[]] {
        fails(read(lens), "not as long as they were");
    }
    fails(read(&[0; 257]), "these are 257 files");
}
