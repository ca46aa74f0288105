//! Other recipients for a file that exists, from the bytes of its header alone.

use dbseal::core::{
    FileKey, Header, HeaderPadding, Identity, Leaving, Passphrase, Recipient, Reencrypt, Rewrap, RewrapError, Stanza, Strength,
    UnwrapError, WrapError,
};
use dbseal_tests::inputs::Replay;

const FILE_KEY: [u8; 16] = [7; 16];

fn recipients(identities: &[&Identity]) -> Vec<Recipient> {
    identities.iter().map(|identity| identity.recipient().expect("it has one")).collect()
}

fn header_for(identities: &[&Identity], padding: HeaderPadding) -> Header {
    Header::wrap(&FileKey::from_bytes(&FILE_KEY), &recipients(identities), padding, &mut Replay(1)).expect("they fit")
}

/// The same identity again: one is no more than its text.
fn copy(identity: &Identity) -> Identity {
    identity.expose_text().expect("it has one").parse().expect("it is one")
}

fn rewrap(header: &Header, with: &[&Identity], to: &[&Identity], leaving: Leaving) -> Result<Rewrap, RewrapError> {
    let with: Vec<_> = with.iter().map(|identity| copy(identity)).collect();
    Rewrap::of(header, &with, &recipients(to), leaving, Strength::Kept, &mut Replay(2))
}

/// Whether it opens, to the same file key.
fn opens(header: &Header, identity: &Identity) -> bool {
    match header.unwrap(&[copy(identity)]) {
        Ok(_) => header.is_of(&FileKey::from_bytes(&FILE_KEY)),
        Err(UnwrapError::NoMatch) => false,
        Err(error) => panic!("{error}"),
    }
}

fn stanzas_of<'a>(header: &'a Header, tag: &'a str) -> Vec<&'a Stanza> {
    header.stanzas().iter().filter(|stanza| stanza.tag == tag).collect()
}

#[test]
fn one_of_two_is_rotated_in_the_same_room() {
    let [old, new, escrow] = [1, 2, 3].map(|seed| Identity::generate_x25519(&mut Replay(seed)));
    for padding in [HeaderPadding::Fixed, HeaderPadding::None] {
        let before = header_for(&[&old, &escrow], padding);
        let rewrap = rewrap(&before, &[&old], &[&new], Leaving::Opened).expect("it opens");
        assert_eq!((rewrap.left_count(), rewrap.added_count()), (1, 1));
        let after = rewrap.header_of_len(before.len()).expect("a stanza of the same kind has the same length");
        assert_eq!((after.len(), after.is_padded()), (before.len(), before.is_padded()));
        assert_eq!(Header::parse(&after.to_bytes()).expect("it is one").0, after);
        assert!(!opens(&after, &old) && opens(&after, &new) && opens(&after, &escrow));
        // The escrow's is not even written anew.
        assert!(stanzas_of(&after, "X25519").contains(&stanzas_of(&before, "X25519")[1]));
        assert!(!stanzas_of(&after, "X25519").contains(&stanzas_of(&before, "X25519")[0]));
    }
}

#[test]
fn whoever_leaves_is_who_was_named() {
    let [old, new, escrow] = [1, 2, 3].map(|seed| Identity::generate_x25519(&mut Replay(seed)));
    let before = header_for(&[&old, &escrow], HeaderPadding::Fixed);
    for (leaving, left_count, who) in
        [(Leaving::Opened, 1, [false, true, true]), (Leaving::Nobody, 0, [true, true, true]), (Leaving::Everybody, 2, [false, true, false])]
    {
        let rewrap = rewrap(&before, &[&old], &[&new], leaving).expect("it opens");
        assert_eq!((rewrap.left_count(), rewrap.added_count()), (left_count, 1));
        let after = rewrap.header_of_len(before.len()).expect("there is room");
        assert_eq!([&old, &new, &escrow].map(|identity| opens(&after, identity)), who, "{leaving:?}");
    }
}

#[test]
fn whoever_has_it_already_stays_and_is_not_added_again() {
    let [old, new] = [1, 2].map(|seed| Identity::generate_x25519(&mut Replay(seed)));
    // Done before: the old key opens nothing, the new one does.
    let done = header_for(&[&new], HeaderPadding::Fixed);
    assert_eq!(rewrap(&done, &[&old, &new], &[&new], Leaving::Opened).err(), Some(RewrapError::NothingChanges));
    assert_eq!(rewrap(&done, &[&new, &new], &[&new], Leaving::Everybody).err(), Some(RewrapError::NothingChanges));
    // Half done: both open it.
    let both = header_for(&[&old, &new], HeaderPadding::Fixed);
    let rewrap = rewrap(&both, &[&old, &new, &old], &[&new], Leaving::Opened).expect("it opens");
    assert_eq!((rewrap.left_count(), rewrap.added_count()), (1, 0));
    let after = rewrap.header_of_len(both.len()).expect("there is room");
    assert_eq!(after.recipient_tags().count(), 1);
    assert!(!opens(&after, &old) && opens(&after, &new));
    assert_eq!(rewrap_again(&after, &old, &new), Some(RewrapError::Unwrap(UnwrapError::NoMatch)));
}

fn rewrap_again(header: &Header, old: &Identity, new: &Identity) -> Option<RewrapError> {
    rewrap(header, &[old], &[new], Leaving::Opened).err()
}

#[test]
fn a_header_that_was_altered_yields_nothing() {
    let [old, new] = [1, 2].map(|seed| Identity::generate_x25519(&mut Replay(seed)));
    let mut bytes = header_for(&[&old], HeaderPadding::Fixed).to_bytes();
    let tail = bytes.len() - 3;
    bytes[tail] ^= 1;
    let (altered, _) = Header::parse(&bytes).expect("another letter of the MAC is one");
    assert_eq!(rewrap(&altered, &[&old], &[&new], Leaving::Opened).err(), Some(RewrapError::Unwrap(UnwrapError::WrongMac)));
}

#[test]
fn a_post_quantum_file_stays_one() {
    let [classical, other] = [1, 2].map(|seed| Identity::generate_x25519(&mut Replay(seed)));
    let [hybrid, new] = [3, 4].map(|seed| Identity::generate_hybrid(&mut Replay(seed)));
    let weaker = Some(RewrapError::Weaker);
    let of = |identities: &[&Identity]| header_for(identities, HeaderPadding::Fixed);
    assert_eq!(rewrap(&of(&[&hybrid]), &[&hybrid], &[&classical], Leaving::Opened).err(), weaker);
    assert_eq!(rewrap(&of(&[&hybrid]), &[&hybrid], &[&classical], Leaving::Nobody).err(), weaker);
    assert_eq!(rewrap(&of(&[&hybrid]), &[&hybrid], &[&classical, &new], Leaving::Everybody).err(), weaker);
    // It would look like one that is post-quantum.
    assert_eq!(rewrap(&of(&[&classical, &other]), &[&classical], &[&new], Leaving::Opened).err(), weaker);
    for (before, with, leaving) in [
        (of(&[&hybrid]), &hybrid, Leaving::Opened),
        (of(&[&classical]), &classical, Leaving::Opened),
        (of(&[&classical, &other]), &classical, Leaving::Everybody),
    ] {
        let rewrap = rewrap(&before, &[with], &[&new], leaving).expect("it opens");
        let after = rewrap.header().expect("there is room");
        assert_eq!(after.len(), 8192);
        assert!(opens(&after, &new) && !opens(&after, with));
    }
    // Whoever asks for it by name gets it.
    let asked =
        Rewrap::of(&of(&[&hybrid]), &[copy(&hybrid)], &recipients(&[&classical]), Leaving::Opened, Strength::MayWeaken, &mut Replay(2));
    assert!(opens(&asked.expect("it opens").header_of_len(8192).expect("there is room"), &classical));
}

#[test]
fn what_does_not_fit_is_not_squeezed_in() {
    let [old, hybrid] = [Identity::generate_x25519(&mut Replay(1)), Identity::generate_hybrid(&mut Replay(2))];
    let before = header_for(&[&old], HeaderPadding::None);
    let rewrap = rewrap(&before, &[&old], &[&hybrid], Leaving::Opened).expect("it opens");
    assert!(rewrap.header_of_len(before.len()).is_none());
    // From its own length on, but for the gap that no padding stanza fills.
    let own_len = (0..8192).find(|&len| rewrap.header_of_len(len).is_some()).expect("it has a length");
    let gaps: Vec<usize> = (own_len..own_len + 100).filter(|&len| rewrap.header_of_len(len).is_none()).collect();
    assert_eq!(gaps, (own_len + 1..own_len + 17).collect::<Vec<_>>());
}

#[test]
fn a_passphrase_gives_way_to_a_key_and_takes_no_company() {
    let passphrase = || Passphrase::new("correct horse".into());
    let new = Identity::generate_x25519(&mut Replay(1));
    let by = Recipient::passphrase(passphrase(), 2);
    let before = Header::wrap(&FileKey::from_bytes(&FILE_KEY), &[by], HeaderPadding::Fixed, &mut Replay(1)).expect("it fits");
    let rewrap = |leaving| {
        let identity = [Identity::passphrase(passphrase())];
        assert_eq!(format!("{:?}", identity[0]), "Identity(Passphrase)");
        Rewrap::of(&before, &identity, &recipients(&[&new]), leaving, Strength::Kept, &mut Replay(2))
    };
    assert_eq!(rewrap(Leaving::Nobody).err(), Some(RewrapError::Wrap(WrapError::PassphraseInCompany)));
    let after = rewrap(Leaving::Opened).expect("it opens").header().expect("there is room");
    assert_eq!(after.len(), 4096);
    assert!(opens(&after, &new));
}

fn anew(header: &Header, with: &[&Identity], to: &[&Identity], strength: Strength) -> Result<Reencrypt, RewrapError> {
    let with: Vec<_> = with.iter().map(|identity| copy(identity)).collect();
    Reencrypt::of(header, &with, &recipients(to), strength, &mut Replay(2))
}

#[test]
fn a_new_file_key_is_for_those_who_are_named() {
    let [old, new, escrow] = [1, 2, 3].map(|seed| Identity::generate_x25519(&mut Replay(seed)));
    let before = header_for(&[&old, &escrow], HeaderPadding::None);
    for (to, counts, who) in [
        (&[&new][..], (2, 1), [false, true, false]),
        (&[&old, &new], (1, 1), [true, true, false]),
        // Nobody comes, and nobody but the key goes.
        (&[&old, &escrow], (0, 0), [true, false, true]),
    ] {
        let anew = anew(&before, &[&old, &escrow], to, Strength::Kept).expect("it opens");
        assert_eq!((anew.left_count(), anew.added_count()), counts);
        assert_eq!((anew.header().len(), anew.header().is_padded()), (4096, true));
        assert!(before.is_of(anew.old_file_key()) && !anew.header().is_of(anew.old_file_key()));
        assert_eq!([&old, &new, &escrow].map(|identity| anew.header().unwrap(&[copy(identity)]).is_ok()), who);
    }
    let no_match = RewrapError::Unwrap(UnwrapError::NoMatch);
    assert_eq!(anew(&before, &[&new], &[&new], Strength::Kept).err(), Some(no_match));
    let nobody = RewrapError::Wrap(WrapError::NoRecipient);
    assert_eq!(anew(&before, &[&old], &[], Strength::Kept).err(), Some(nobody));
}

#[test]
fn a_new_file_key_is_no_weaker() {
    let classical = Identity::generate_x25519(&mut Replay(1));
    let hybrid = Identity::generate_hybrid(&mut Replay(2));
    let before = header_for(&[&hybrid], HeaderPadding::Fixed);
    assert_eq!(anew(&before, &[&hybrid], &[&classical], Strength::Kept).err(), Some(RewrapError::Weaker));
    assert!(anew(&before, &[&hybrid], &[&classical], Strength::MayWeaken).is_ok());
    let mixed = RewrapError::Wrap(WrapError::MixedPostQuantum);
    assert_eq!(anew(&before, &[&hybrid], &[&classical, &hybrid], Strength::MayWeaken).err(), Some(mixed));
    let stronger = anew(&header_for(&[&classical], HeaderPadding::Fixed), &[&classical], &[&hybrid], Strength::Kept);
    assert_eq!(stronger.expect("it opens").header().len(), 8192);
}
