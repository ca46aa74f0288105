//! The hand-off across an air gap, from its bytes alone: what is asked for, what is answered, and what is believed of either.

use dbseal::core::{
    Answer, Extent, Facts, FileKey, FileName, Finding, Grant, HandoffError, Header, HeaderPadding, Identity, Label, MadeBy, NewHeaders,
    NotVerified, Note, Passphrase, Process, Proof, ProofKey, Purpose, Recipient, RecipientKind, Request, RequestedFile, RewrapError, Seal,
    Sealed, SigningKey, SourceKind, Stanza, Strength, Time, Tree, Trust, UnwrapError,
};
use dbseal_tests::fuzz_seeds;
use dbseal_tests::inputs::Replay;

/// A backup: its file key, its header, and its seal by `db1`.
struct Backup {
    key: FileKey,
    header: Header,
    seal: Seal,
}

fn label(text: &str) -> Label {
    text.parse().expect("a label")
}

fn signer(name: &str) -> SigningKey {
    SigningKey::generate(label(name), &mut Replay(u64::from(name.as_bytes()[0])))
}

fn file_key(seed: u8) -> FileKey {
    FileKey::from_bytes(&[seed; 16])
}

fn seal(signer: &SigningKey, key: &FileKey, header: &Header) -> Seal {
    let tree = Tree::of(&[5; 42]);
    let note = Note::Sealed(Sealed {
        signer: signer.verifier_key().clone(),
        series: None,
        file: FileName::of(b"shop.age").expect("a name"),
        time: Time::from_unix(1_795_485_613).expect("a time"),
        source: SourceKind::Command,
        process: Process { tool: label("dbseal"), version: label("0.1.0"), preset: label("x25519"), compression: label("none") },
        header: Extent::of(&header.to_bytes()),
        payload: (&tree).into(),
        proof: Proof::none(),
    });
    Seal::new(note.proven(&ProofKey::of(key)), signer, &tree, &header.to_bytes())
}

impl Backup {
    fn of(seed: u8, custodian: &Identity) -> Self {
        let (key, recipient) = (file_key(seed), custodian.recipient().expect("it has one"));
        let header = Header::wrap(&key, &[recipient], HeaderPadding::Fixed, &mut Replay(seed.into())).expect("it fits");
        let seal = seal(&signer("db1"), &key, &header);
        Self { key, header, seal }
    }

    fn asked(&self) -> RequestedFile {
        asked(&self.header, Some(&self.seal))
    }
}

fn asked(header: &Header, seal: Option<&Seal>) -> RequestedFile {
    RequestedFile::new(FileName::of(b"shop.age").expect("a name"), header.clone(), seal).expect("no passphrase opens it")
}

fn identity(kind: RecipientKind, seed: u64) -> Identity {
    match kind {
        RecipientKind::Hybrid => Identity::generate_hybrid(&mut Replay(seed)),
        _ => Identity::generate_x25519(&mut Replay(seed)),
    }
}

fn copy(identity: &Identity) -> Identity {
    identity.expose_text().expect("it has one").parse().expect("it is one")
}

fn recipient(identity: &Identity) -> Recipient {
    identity.recipient().expect("it has one")
}

fn trust() -> Trust {
    Trust::parse(&signer("db1").verifier_key().to_string()).expect("a key")
}

fn granted(request: &Request, custodian: &Identity) -> Grant {
    let unlocked: Vec<_> = request.files().iter().map(|file| file.unlock(&[copy(custodian)]).expect("it opens")).collect();
    Grant::of(request, &unlocked, &mut Replay(77)).expect("they are its files")
}

/// A backup, a key for this alone, a request for the one by the other, and who has the private key.
fn hand_off(kind: RecipientKind) -> (Backup, Identity, Request, Identity) {
    let (custodian, once) = (identity(kind, 1), identity(kind, 2));
    let backup = Backup::of(3, &custodian);
    let request = Request::new(Purpose::Open(recipient(&once)), vec![backup.asked()], None, &mut Replay(77)).expect("one file");
    (backup, once, request, custodian)
}

#[test]
fn what_is_granted_opens_with_the_key_that_asked() {
    for kind in [RecipientKind::X25519, RecipientKind::Hybrid] {
        let (backup, once, request, custodian) = hand_off(kind);
        assert_eq!(Request::kind_for(request.files()), kind);
        // Nothing but texts goes from one folder to the other.
        let there = Request::parse(request.to_text().as_bytes()).expect("it arrives");
        assert_eq!((there.to_bytes(), there.code()), (request.to_bytes(), request.code()));
        assert_eq!(there.files()[0].header(), &backup.header, "with its padding, which did not travel");
        let answer = granted(&there, &custodian).to_text();
        let grant = Grant::parse(answer.as_bytes()).expect("it arrives");
        assert_eq!(grant.granted_count(), 1);
        let keys = grant.open(&request, &once).expect("it is the answer");
        let keys: Vec<_> = keys.into_iter().flatten().collect();
        assert!(keys.len() == 1 && backup.header.unwrap(&keys).is_ok_and(|key| backup.header.is_of(&key)));
        // No other file, not even one of the same key.
        assert!(matches!(Backup::of(4, &custodian).header.unwrap(&keys), Err(UnwrapError::NoMatch)));
        assert!(matches!(grant.open(&request, &custodian), Err(HandoffError::Unwrap(UnwrapError::NoMatch))));
        assert!(request.to_bytes().len() < if kind == RecipientKind::Hybrid { 6000 } else { 1400 }, "{}", request.to_bytes().len());
    }
}

#[test]
fn of_many_some_are_granted() {
    let (custodian, once) = (identity(RecipientKind::X25519, 1), identity(RecipientKind::X25519, 2));
    let backups = [3, 4, 5].map(|seed| Backup::of(seed, &custodian));
    let request = Request::new(Purpose::Open(recipient(&once)), backups.iter().map(Backup::asked).collect(), None, &mut Replay(77))
        .expect("three files");
    let unlocked: Vec<_> = [2, 0].map(|index| request.files()[index].unlock(&[copy(&custodian)]).expect("it opens")).into();
    let grant = Grant::of(&request, &unlocked, &mut Replay(7)).expect("they are its files");
    let grant = Grant::parse(&grant.to_bytes()).expect("it is one");
    let keys = grant.open(&request, &once).expect("it is the answer");
    let opened: Vec<_> = keys.into_iter().zip(&backups).map(|(key, backup)| key.map(|key| backup.header.unwrap(&[key]).is_ok())).collect();
    assert_eq!((opened, grant.granted_count()), (vec![Some(true), None, Some(true)], 2));
    // Those of another request are not taken for its own.
    let other = Request::new(Purpose::Open(recipient(&once)), backups.iter().map(Backup::asked).collect(), None, &mut Replay(77))
        .expect("three files");
    assert_eq!(Grant::of(&other, &unlocked, &mut Replay(7)), Err(HandoffError::OtherRequest("a grant")));
}

#[test]
fn whatever_is_altered_on_the_way_is_refused_or_has_another_code() {
    let (_, once, request, custodian) = hand_off(RecipientKind::X25519);
    let signed =
        Request::new(request.purpose().clone(), request.files().to_vec(), Some(&signer("restorer")), &mut Replay(77)).expect("one file");
    for request in [&request, &signed] {
        let (bytes, mut parsed_count) = (request.to_bytes(), 0);
        for at in 0..bytes.len() {
            for altered in [
                [&bytes[..at], &[bytes[at] ^ 1], &bytes[at + 1..]].concat(),
                [&bytes[..at], &bytes[at + 1..]].concat(),
                [&bytes[..at], b"a", &bytes[at..]].concat(),
                bytes[..at].to_vec(),
            ] {
                let Ok(other) = Request::parse(&altered) else { continue };
                parsed_count += 1;
                assert!(other.code() != request.code() || altered == bytes, "{at}");
            }
        }
        assert!(parsed_count > 0, "a name can be another one");
    }
    let grant = granted(&request, &custodian);
    let bytes = grant.to_bytes();
    for at in 0..bytes.len() {
        for altered in [[&bytes[..at], &[bytes[at] ^ 1], &bytes[at + 1..]].concat(), bytes[..at].to_vec()] {
            let opened = Grant::parse(&altered).and_then(|grant| grant.open(&request, &once));
            assert!(opened.is_err(), "{at}: {}", String::from_utf8_lossy(&altered));
        }
    }
    // Of the signature nothing is left where it was taken away, and the code shows it.
    assert_ne!(signed.code(), request.code());
}

#[test]
fn what_is_known_of_a_file_is_what_somebody_vouches_for_who_made_it() {
    let (backup, once, request, custodian) = hand_off(RecipientKind::X25519);
    let other = Backup::of(4, &custodian);
    let facts = |file: RequestedFile, trust: &Trust| {
        let request = Request::new(Purpose::Open(recipient(&once)), vec![file], None, &mut Replay(77)).expect("one file");
        let unlocked = request.files()[0].unlock(&[copy(&custodian)]).expect("it opens");
        unlocked.facts(trust).map(|seal| seal.vouched_by().to_string())
    };
    assert_eq!(facts(backup.asked(), &trust()), Ok("db1".into()));
    assert_eq!(facts(backup.asked(), &Trust::default()), Err(NotVerified::NobodyVouches));
    assert_eq!(facts(asked(&backup.header, None), &trust()), Err(NotVerified::NoSeal));
    // A note that was signed over another's header.
    assert_eq!(facts(asked(&backup.header, Some(&other.seal)), &trust()), Err(NotVerified::OtherHeader));
    // And one over this one's, by somebody who saw it, but had not its file key.
    assert_eq!(
        facts(asked(&backup.header, Some(&seal(&signer("db1"), &other.key, &backup.header))), &trust()),
        Err(NotVerified::WrongProof)
    );

    // A stanza that was lifted from another's header: whoever grants it would open the one in the place of the other.
    let stanza =
        |header: &Header| String::from_utf8(header.to_bytes()).expect("text").lines().skip(1).take(2).collect::<Vec<_>>().join("\n");
    let text = String::from_utf8(request.to_bytes()).expect("text").replace(&stanza(&backup.header), &stanza(&other.header));
    let lifted = Request::parse(text.as_bytes()).expect("it is spelled well");
    assert!(matches!(lifted.files()[0].unlock(&[copy(&custodian)]), Err(HandoffError::Unwrap(UnwrapError::WrongMac))));
}

/// What a person is shown, and what their yes grants: what their keys open, and nothing else.
#[test]
fn a_review_tells_what_is_known_and_grants_what_opens() {
    let [custodian, other, once] = [1, 11, 2].map(|seed| identity(RecipientKind::X25519, seed));
    let (sealed, bare, foreign) = (Backup::of(3, &custodian), Backup::of(4, &custodian), Backup::of(5, &other));
    let files = vec![sealed.asked(), asked(&bare.header, None), foreign.asked()];
    let request = Request::new(Purpose::Open(recipient(&once)), files, None, &mut Replay(77)).expect("three files");
    let review = request.review(&[copy(&custodian)], &trust()).expect("some open");
    let findings: Vec<_> = review.files().map(|(_, finding)| finding.clone()).collect();
    let facts = Facts {
        name: FileName::of(b"shop.age"),
        made_by: MadeBy { by: label("db1"), encrypted_anew_by: None },
        series: None,
        time: Time::from_unix(1_795_485_613),
    };
    assert_eq!(findings, [Finding::Verified(facts), Finding::NotVerified(NotVerified::NoSeal), Finding::NotOpened]);
    assert_eq!((review.opened_count(), review.is_verified()), (2, false));
    let keys = review.grant(&mut Replay(7)).expect("they fit").open(&request, &once).expect("it is the answer");
    assert_eq!(keys.iter().map(Option::is_some).collect::<Vec<_>>(), [true, true, false]);

    // What does not open is not granted, so that nothing of it needs to be known.
    let request = Request::new(Purpose::Open(recipient(&once)), vec![sealed.asked(), asked(&foreign.header, None)], None, &mut Replay(78))
        .expect("two files");
    assert!(request.review(&[copy(&custodian)], &trust()).is_ok_and(|review| review.is_verified() && review.opened_count() == 1));
    let nothing = request.review(&[identity(RecipientKind::X25519, 99)], &trust());
    assert!(matches!(nothing, Err(HandoffError::Unwrap(UnwrapError::NoMatch))));
}

#[test]
fn a_grant_is_for_one_request_and_its_files() {
    let (backup, once, request, custodian) = hand_off(RecipientKind::X25519);
    let opened = |grant: &Grant| grant.open(&request, &once).map(|keys| keys.len());
    // One that was granted before, to the same key, for another request.
    let other = Backup::of(4, &custodian);
    let before = Request::new(Purpose::Open(recipient(&once)), vec![other.asked()], None, &mut Replay(77)).expect("one file");
    let old = granted(&before, &custodian);
    assert_eq!(opened(&old), Err(HandoffError::OtherRequest("a grant")));
    let renamed = String::from_utf8(old.to_bytes()).expect("text").replacen(&before.hash().to_string(), &request.hash().to_string(), 1);
    assert_eq!(opened(&Grant::parse(renamed.as_bytes()).expect("it is spelled well")), Err(HandoffError::OtherRequest("a grant")));
    // Under the MAC of another file: only who has that file's key can make one.
    let header = |key: &FileKey, args: Vec<String>| {
        let wrapped = Header::wrap(key, &[recipient(&once)], HeaderPadding::None, &mut Replay(9)).expect("it fits");
        let mut text = String::from_utf8(wrapped.to_bytes()).expect("text");
        if !args.is_empty() {
            let stanza = Stanza { tag: "dbseal/grant".into(), args, body: Vec::new() };
            text = text.replacen("\n---", &format!("\n-> {} {}\n\n---", stanza.tag, stanza.args.join(" ")), 1);
        }
        format!("dbseal/v1 grant\nrequest {}\nheader {}\n{text}", request.hash(), text.len())
    };
    // Without the stanza, and with one that was put in after the MAC.
    assert_eq!(opened(&Grant::parse(header(&backup.key, Vec::new()).as_bytes()).expect("one")), Err(HandoffError::OtherRequest("a grant")));
    let put_in = Grant::parse(header(&backup.key, vec![request.hash().to_string()]).as_bytes()).expect("one");
    assert_eq!(opened(&put_in), Err(HandoffError::Unwrap(UnwrapError::WrongMac)));
    let none = format!("dbseal/v1 grant\nrequest {}\n", request.hash());
    assert_eq!(opened(&Grant::parse(none.as_bytes()).expect("one")), Err(HandoffError::OtherCount));
    assert_eq!(opened(&granted(&request, &custodian)), Ok(1));
}

#[test]
fn what_cannot_be_granted_is_not_asked_for() {
    let classical = identity(RecipientKind::X25519, 1);
    let hybrid = identity(RecipientKind::Hybrid, 1);
    let post_quantum = Backup::of(3, &hybrid);
    let request = |recipient: Recipient, files| Request::new(Purpose::Open(recipient), files, None, &mut Replay(77)).map(|_| ());
    assert_eq!(request(recipient(&classical), vec![post_quantum.asked()]), Err(HandoffError::Weaker));
    assert_eq!(request(recipient(&hybrid), vec![post_quantum.asked(), Backup::of(4, &classical).asked()]), Ok(()));
    assert_eq!(request(recipient(&classical), Vec::new()), Err(HandoffError::FileCount));
    let by_passphrase = Recipient::passphrase(Passphrase::new("correct horse".into()), 1);
    let header = Header::wrap(&file_key(3), &[by_passphrase], HeaderPadding::Fixed, &mut Replay(3)).expect("it fits");
    assert_eq!(RequestedFile::new(FileName::of(b"x").expect("a name"), header, None).map(|_| ()), Err(HandoffError::Passphrase));
    // Nor is one believed that was written by hand.
    let text =
        Request::new(Purpose::Open(recipient(&hybrid)), vec![post_quantum.asked()], None, &mut Replay(77)).expect("one file").to_bytes();
    let text = String::from_utf8(text).expect("text").replace(&recipient(&hybrid).to_string(), &recipient(&classical).to_string());
    assert_eq!(Request::parse(text.as_bytes()).map(|_| ()), Err(HandoffError::Weaker));
}

/// Whoever can write to the storage can add a recipient to one of them.
#[test]
fn what_cannot_have_new_headers_keeps_them_from_no_other() {
    let (custodian, escrow) = (identity(RecipientKind::X25519, 1), identity(RecipientKind::X25519, 2));
    let new = identity(RecipientKind::Hybrid, 3);
    let backup = Backup::of(4, &custodian);
    let both =
        Header::wrap(&file_key(5), &[recipient(&custodian), recipient(&escrow)], HeaderPadding::Fixed, &mut Replay(5)).expect("it fits");
    let files = vec![backup.asked(), asked(&both, None)];
    let request = Request::new(Purpose::Rewrap(vec![recipient(&new)]), files, None, &mut Replay(77)).expect("two files");
    let review = request.review(&[copy(&custodian)], &trust()).expect("both open");
    let (key, time) = (signer("restorer"), Time::from_unix(1_795_485_613).expect("a time"));
    let answers = review.new_headers(&[copy(&custodian)], Strength::Kept, Some((&key, time)), &mut Replay(6)).expect("one can have one");
    assert!(matches!(answers[..], [Answer::New(_), Answer::Failed(HandoffError::Rewrap(RewrapError::Weaker))]), "{answers:?}");
}

/// Whoever can write to the storage can add a note of theirs to any seal, and fill it with them.
#[test]
fn notes_of_strangers_keep_no_header_from_a_backup() {
    let (custodian, new) = (identity(RecipientKind::X25519, 1), identity(RecipientKind::X25519, 3));
    let (one, other) = (Backup::of(4, &custodian), Backup::of(5, &custodian));
    let (key, time) = (signer("restorer"), Time::from_unix(1_795_485_613).expect("a time"));
    let mut seal = one.seal.clone();
    seal.append_rewrapped(&one.header, &other.header, &other.key, &signer("stranger"), time).expect("there is room");
    let files = vec![asked(&one.header, Some(&seal)), other.asked()];
    let request = Request::new(Purpose::Rewrap(vec![recipient(&new)]), files, None, &mut Replay(77)).expect("two files");
    let review = request.review(&[copy(&custodian)], &trust()).expect("both open");
    assert!(review.is_verified());
    let answers = review.new_headers(&[copy(&custodian)], Strength::Kept, Some((&key, time)), &mut Replay(6)).expect("both have one");
    let answer = NewHeaders::of(&request, answers, Some(&key)).expect("two of two");
    assert_eq!(answer.answers(&request).expect("it follows").filter(|(_, new)| new.is_some()).count(), 2);
    let many: Vec<_> = (0..2700).map(|_| recipient(&custodian)).collect();
    let long = Header::wrap(&file_key(5), &many, HeaderPadding::Fixed, &mut Replay(5)).expect("it fits");
    assert_eq!(RequestedFile::new(FileName::of(b"x").expect("a name"), long, None).map(|_| ()), Err(HandoffError::LargeFile));
}

#[test]
fn who_signed_a_request_is_known_by_their_key() {
    let (_, _, request, _) = hand_off(RecipientKind::X25519);
    let key = signer("restorer");
    let signed = Request::new(request.purpose().clone(), request.files().to_vec(), Some(&key), &mut Replay(77)).expect("one file");
    let signed = Request::parse(signed.to_text().as_bytes()).expect("it arrives");
    let trust = Trust::parse(&format!("{}\n{}", signer("db1").verifier_key(), key.verifier_key())).expect("two keys");
    assert_eq!(signed.signed_by(&trust), Some(&label("restorer")));
    assert_eq!(request.signed_by(&trust), None);
    assert_eq!(signed.signed_by(&Trust::parse(&signer("db1").verifier_key().to_string()).expect("a key")), None);
    // Over another request it is none, whoever reads it.
    let text = String::from_utf8(signed.to_bytes()).expect("text").replacen("file shop.age\nheader", "file shop2.age\nheader", 1);
    assert_eq!(Request::parse(text.as_bytes()).expect("it is spelled well").signed_by(&trust), None);
}

/// Bytes of version 1, as they were when it was fixed: what others have written by then is to be read for ever.
#[test]
fn the_formats_stay_as_they_are() {
    let hashes = fuzz_seeds::seeds().into_iter().filter(|(target, ..)| ["handoff", "journal"].contains(target)).map(|(_, name, bytes)| {
        let hash = dbseal::core::Blake3::of(&bytes).to_string();
        format!("{name} {}", &hash[..16])
    });
    assert_eq!(hashes.collect::<Vec<_>>().join("\n"), FORMATS.trim());
}

const FORMATS: &str = "
request 4263c2ed94d806b8
request-text dd51a085cbaa0450
request-rewrap ddf2203969319d40
grant 388141356cb44070
grant-text 605840f78c5e98dc
new-headers 7b7da8430fc2041d
new-headers-text 4232cf98adf9de35
parts 0c73e0738d952835
before f277f106e8890c5c
after a915a83f42f61bf9
torn e886be0af8dce7b3
";

#[test]
fn the_one_is_not_taken_for_the_other() {
    let (_, _, request, custodian) = hand_off(RecipientKind::X25519);
    let grant = granted(&request, &custodian);
    for (request, grant) in [(request.to_bytes(), grant.to_bytes()), (request.to_text().into(), grant.to_text().into())] {
        assert_eq!(Request::parse(&grant).map(|_| ()), Err(HandoffError::OtherKind { found: "a grant", wanted: "a request" }));
        assert_eq!(Grant::parse(&request), Err(HandoffError::OtherKind { found: "a request", wanted: "a grant" }));
    }
    // What is between the edges, wherever others stand, and also where there is not even room for both.
    let text = grant.to_text();
    for around in [format!("-----END DBSEAL GRANT-----\n{text}"), format!("{text}{text}"), format!("> so\n{text}> said")] {
        assert_eq!(Grant::parse(around.as_bytes()), Ok(grant.clone()));
    }
    for without_end in ["-----BEGIN DBSEAL GRANT-------END DBSEAL GRANT-----", "-----END DBSEAL GRANT----------BEGIN DBSEAL GRANT-----"] {
        assert_eq!(Grant::parse(without_end.as_bytes()), Err(HandoffError::Malformed("its last line is missing")));
    }
    assert_eq!(Request::parse(b"hello").map(|_| ()), Err(HandoffError::Other));
    assert_eq!(Request::parse(b"dbseal/v2 request\n").map(|_| ()), Err(HandoffError::NewerVersion));
}
