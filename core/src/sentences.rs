//! Every sentence of an error, word for word: one that no test renders is read first by somebody whose backup has just failed.

use alloc::boxed::Box;
use alloc::string::ToString;

use crate::{
    ArmorError, HandoffError, HeaderError, KeyError, KeyfileError, LabelError, NotHexadecimal, NotVerified, Party, PatternError,
    PayloadError, RangeError, RewrapError, SealError, SeriesEndError, ShareError, SigningKeyError, SuccessionError, SuccessorError,
    TrustError, UnwrapError, VerifierKeyError, WrapError, WrongProof,
};

/// A test of an error type that has a row for each variant, with an error and what it says. A variant without a row does not compile.
macro_rules! sentences {
    ($test:ident: $type:ty; $($pattern:pat => $error:expr => $sentence:expr;)*) => {
        #[test]
        fn $test() {
            let row = |error: &$type| match error {
                $($pattern => stringify!($pattern),)*
            };
            for (error, pattern, sentence) in [$(($error, stringify!($pattern), $sentence)),*] {
                assert_eq!((row(&error), error.to_string().as_str()), (pattern, sentence));
            }
        }
    };
}

sentences! { armor: ArmorError;
    ArmorError::NotArmor => ArmorError::NotArmor => "this is not an armored age file";
    ArmorError::Truncated => ArmorError::Truncated => "the armor is cut off: its last line is missing";
    ArmorError::Malformed(_) => ArmorError::Malformed("why") => "the armor is malformed: why";
}

sentences! { header: HeaderError;
    HeaderError::Incomplete => HeaderError::Incomplete => "the file ends inside its header";
    HeaderError::NotAge => HeaderError::NotAge => "this is not an age file";
    HeaderError::UnknownVersion => HeaderError::UnknownVersion => "this is an age file of a version newer than v1";
    HeaderError::TooLong => HeaderError::TooLong => "the header is longer than 1 MiB";
    HeaderError::Malformed(_) => HeaderError::Malformed("why") => "the header is malformed: why";
}

sentences! { rewrapping: RewrapError;
    RewrapError::Unwrap(_) => RewrapError::Unwrap(UnwrapError::NoMatch) => "none of the given keys opens this file";
    RewrapError::Wrap(_) => RewrapError::Wrap(WrapError::NoRecipient) => "no recipient: nobody could open the file";
    RewrapError::Weaker => RewrapError::Weaker => "a file for a post-quantum recipient (age1pq...) would be opened by a classical one (age1...), \
        and be only as strong as that";
    RewrapError::NothingChanges => RewrapError::NothingChanges => "it has these recipients already";
}

sentences! { wrapping: WrapError;
    WrapError::NoRecipient => WrapError::NoRecipient => "no recipient: nobody could open the file";
    WrapError::PassphraseInCompany => WrapError::PassphraseInCompany => "a passphrase cannot be combined with other recipients";
    WrapError::MixedPostQuantum => WrapError::MixedPostQuantum
        => "a post-quantum recipient (age1pq...) cannot be combined with a classical one (age1...): the file would be only as strong as the weaker";
    WrapError::TooManyRecipients => WrapError::TooManyRecipients => "too many recipients: the header would be longer than 1 MiB";
}

sentences! { unwrapping: UnwrapError;
    UnwrapError::NoMatch => UnwrapError::NoMatch => "none of the given keys opens this file";
    UnwrapError::WrongMac => UnwrapError::WrongMac => "the header was altered: its MAC does not match";
    UnwrapError::Malformed(_) => UnwrapError::Malformed("why") => "the header is malformed: why";
    UnwrapError::WorkFactorTooHigh(_) => UnwrapError::WorkFactorTooHigh(23)
        => "the passphrase's work factor is 2^23, more than the 2^22 that is accepted";
    UnwrapError::NotEnoughMemory(_) => UnwrapError::NotEnoughMemory(22)
        => "the passphrase's work factor is 2^22, which needs more memory than there is here";
}

sentences! { payload: PayloadError;
    PayloadError::Damaged { .. } => PayloadError::Damaged { index: 17 }
        => "the payload is damaged or was altered in chunk 17, from byte 1114112 of the plaintext";
    PayloadError::Truncated { .. } => PayloadError::Truncated { index: 1 }
        => "the payload is cut off: chunk 1 and all after it are missing, from byte 65536 of the plaintext";
    PayloadError::DataAfterFinal { .. } => PayloadError::DataAfterFinal { index: 2 } => "there is data after the final chunk 2";
    PayloadError::EmptyFinal { .. } => PayloadError::EmptyFinal { index: 2 } => "the final chunk 2 is empty";
}

sentences! { ranges: RangeError;
    RangeError::Backwards => RangeError::Backwards => "the range ends before it starts";
    RangeError::BeyondEnd { .. } => RangeError::BeyondEnd { plaintext_len: 7 }
        => "the range is not within the 7 bytes of plaintext that there are";
}

sentences! { keys: KeyError;
    KeyError::PrivateNotPublic => KeyError::PrivateNotPublic
        => "this is a private key, not a recipient: only the public age1... belongs here";
    KeyError::PublicNotPrivate => KeyError::PublicNotPrivate
        => "this is a public key, not an identity: only a private AGE-SECRET-KEY-... opens files";
    KeyError::UnsupportedRecipient => KeyError::UnsupportedRecipient
        => "this kind of recipient is not supported: use age1... or age1pq...";
    KeyError::UnsupportedIdentity => KeyError::UnsupportedIdentity
        => "this kind of identity is not supported: use AGE-SECRET-KEY-1... or AGE-SECRET-KEY-PQ-1...";
    KeyError::NotARecipient => KeyError::NotARecipient => "this is not a recipient: one starts with age1";
    KeyError::NotAnIdentity => KeyError::NotAnIdentity => "this is not an identity: one starts with AGE-SECRET-KEY-";
    KeyError::Mistyped => KeyError::Mistyped => "the key is mistyped or incomplete: its checksum does not match";
    KeyError::Unusable => KeyError::Unusable => "the key is well spelled but is not a usable public key";
}

sentences! { key_files: KeyfileError;
    KeyfileError::Empty => KeyfileError::Empty => "there is no key in it";
    KeyfileError::Line { .. } => KeyfileError::Line { line_number: 2, error: KeyError::NotAnIdentity }
        => "line 2: this is not an identity: one starts with AGE-SECRET-KEY-";
}

sentences! { signing_keys: SigningKeyError;
    SigningKeyError::PublicNotPrivate => SigningKeyError::PublicNotPrivate
        => "this is a verifier key, which is public: only a PRIVATE+KEY+... signs";
    SigningKeyError::AgeKey => SigningKeyError::AgeKey
        => "this is a key of age, which signs nothing: a signing key starts with PRIVATE+KEY+";
    SigningKeyError::NotASigningKey => SigningKeyError::NotASigningKey => "this is not a signing key: one starts with PRIVATE+KEY+";
    SigningKeyError::Mistyped => SigningKeyError::Mistyped => "the signing key is mistyped or incomplete: its ID does not match";
    SigningKeyError::Empty => SigningKeyError::Empty => "there is no signing key in it";
    SigningKeyError::Several => SigningKeyError::Several => "there is more than one signing key in it";
}

sentences! { verifier_keys: VerifierKeyError;
    VerifierKeyError::PrivateNotPublic => VerifierKeyError::PrivateNotPublic
        => "this is a private signing key: only the public verifier key belongs here";
    VerifierKeyError::AgeIdentity => VerifierKeyError::AgeIdentity
        => "this is a private key, which opens files, not a verifier key: keep it secret";
    VerifierKeyError::AgeRecipient => VerifierKeyError::AgeRecipient
        => "this is a recipient, which files are encrypted to, not a verifier key: one looks like NAME+1234abcd+AbCd...";
    VerifierKeyError::NotAVerifierKey => VerifierKeyError::NotAVerifierKey
        => "this is not a verifier key: one looks like NAME+1234abcd+AbCd...";
    VerifierKeyError::Mistyped => VerifierKeyError::Mistyped => "the verifier key is mistyped or incomplete: its ID does not match";
    VerifierKeyError::Unsupported => VerifierKeyError::Unsupported => "this kind of verifier key is not supported: only Ed25519 is";
    VerifierKeyError::Unusable => VerifierKeyError::Unusable => "the verifier key is well spelled but is not a usable public key";
}

sentences! { trust: TrustError;
    TrustError::Key { .. } => TrustError::Key { line: 3, error: VerifierKeyError::Unsupported }
        => "line 3: this kind of verifier key is not supported: only Ed25519 is";
    TrustError::Role { .. } => TrustError::Role { line: 3 } => "line 3: may= takes seal, rewrap and drill, with commas between them";
    TrustError::Word { .. } => TrustError::Word { line: 3 }
        => "line 3: after the key there can be may=..., series=... and until=..., each once";
    TrustError::Until { .. } => TrustError::Until { line: 3 }
        => "line 3: until= takes EPOCH:NUMBER:HASH, and wants series= beside it with the name of one series, without * and ?";
    TrustError::IdleEnd { .. } => TrustError::IdleEnd { line: 3, other: 1 }
        => "line 3: its end says nothing beside line 1, which trusts the same key for the same series without one";
    TrustError::IdleEndElsewhere => TrustError::IdleEndElsewhere
        => "those who say whom you trust contradict each other: one ends a key that another trusts for the same series without an end";
    TrustError::Character { .. } => TrustError::Character { line: 3 }
        => "line 3: a character that is not printable ASCII, such as another kind of space: between words there are spaces and tabs, and only a comment has anything else";
    TrustError::Empty => TrustError::Empty => "there is no verifier key in it";
}

sentences! { seals: SealError;
    SealError::NotASeal => SealError::NotASeal => "this is not a seal";
    SealError::NewerVersion => SealError::NewerVersion => "this is a seal of a version newer than v1";
    SealError::TooLong => SealError::TooLong => "the seal is longer than 8 MiB";
    SealError::TooManyNotes => SealError::TooManyNotes => "the seal has more than 1,024 notes";
    SealError::Field(_) => SealError::Field("time") => "a note has no well-formed line 'time' where there should be one";
    SealError::Malformed(_) => SealError::Malformed("why") => "why";
    SealError::ChainBroken => SealError::ChainBroken
        => "a note does not follow the one before it: notes were removed, put in or moved";
    SealError::WrongSignature => SealError::WrongSignature => "a note was changed after it was signed";
    SealError::NotSigned => SealError::NotSigned => "a note is not signed by who it names";
}

sentences! { successions: SuccessionError;
    SuccessionError::Other => SuccessionError::Other => "this is not the succession of a signing key";
    SuccessionError::NewerVersion => SuccessionError::NewerVersion => "this is a succession of a version newer than v1";
    SuccessionError::Field(_) => SuccessionError::Field("old") => "there is no well-formed line 'old' where there should be one";
    SuccessionError::Malformed(_) => SuccessionError::Malformed("why") => "why";
    SuccessionError::SameKey => SuccessionError::SameKey => "a key does not succeed itself, under whatever name";
    SuccessionError::NotSigned(_) => SuccessionError::NotSigned(Party::New) => "the new key has not signed it";
    SuccessionError::WrongSignature(_) => SuccessionError::WrongSignature(Party::Old)
        => "the signature of the old key is wrong: the succession was altered, or forged";
}

sentences! { successors: SuccessorError;
    SuccessorError::Stranger(_) => SuccessorError::Stranger(Box::new(VERIFIER_KEY.parse().unwrap()))
        => "the old key is not one that you trust: db1+efa38dc5+AUCn74XJ+deOV7Vf206BvIRg60yvvGTVxQ68xpHO/n5C";
    SuccessorError::Gap { .. } => SuccessorError::Gap { series: "shop".parse().unwrap(), number: 9, before: 4 }
        => "number 9 is the last of the series shop, and after number 4 none is there before it: it may be made up";
    SuccessorError::Ended(_) => SuccessorError::Ended("db1".parse().unwrap())
        => "your trust in the old key, db1, has ended: it names no successor any more";
    SuccessorError::TwoLast { .. } => SuccessorError::TwoLast { series: "shop".parse().unwrap(), number: 7 }
        => "two backups are the last of the series shop, number 7 of one epoch";
}

/// The one of the specification's example.
const VERIFIER_KEY: &str = "db1+efa38dc5+AUCn74XJ+deOV7Vf206BvIRg60yvvGTVxQ68xpHO/n5C";

/// Those that are a single sentence.
#[test]
fn others() {
    assert_eq!(WrongProof.to_string(), "its seal was made by somebody who did not make the backup");
    assert_eq!(PatternError.to_string(), "a pattern for series has letters, digits, '.', '_', '-', '*' and '?'");
    assert_eq!(
        SeriesEndError.to_string(),
        "an end is EPOCH:NUMBER:HASH: two words of the line series in the last seal, and the SHA-256 of its first note"
    );
    assert_eq!(LabelError.to_string(), "a name has 1 to 64 letters, digits, '.', '_' or '-', and starts with a letter or a digit");
    assert_eq!(NotHexadecimal.to_string(), "not the right number of lowercase hexadecimal digits");
}

sentences! { handoff: HandoffError;
    HandoffError::Other => HandoffError::Other => "this is neither a request nor a grant of dbseal";
    HandoffError::OtherKind { .. } => HandoffError::OtherKind { found: "a request", wanted: "a grant" } => "this is a request, and not a grant";
    HandoffError::OtherPurpose => HandoffError::OtherPurpose
        => "this request asks for other recipients: the command dbseal grant answers it";
    HandoffError::RecipientCount => HandoffError::RecipientCount => "a request for other recipients names one or more, up to 64";
    HandoffError::Rewrap(_) => HandoffError::Rewrap(RewrapError::NothingChanges) => "it has these recipients already";
    HandoffError::NotSigned => HandoffError::NotSigned
        => "a backup in it has a seal, and what changes its recipients has to be signed";
    HandoffError::NewerVersion => HandoffError::NewerVersion => "this is of a version of dbseal newer than v1";
    HandoffError::TooLong => HandoffError::TooLong => "it is longer than 16 MiB";
    HandoffError::LargeFile => HandoffError::LargeFile => "its header, or the notes of its seal, are longer than 256 KiB: \
        somebody may have filled them with what says nothing";
    HandoffError::HeadersTooLong => HandoffError::HeadersTooLong => "the headers in it are longer than 128 MiB together";
    HandoffError::Append(_) => HandoffError::Append(SealError::NotSigned)
        => "a seal in it takes no further note: a note is not signed by who it names";
    HandoffError::Malformed(_) => HandoffError::Malformed("why") => "it is not complete, or was altered on its way: why";
    HandoffError::MissingParts { .. } => HandoffError::MissingParts { missing: "2, 3".into(), count: 4 }
        => "of its 4 parts these are missing: 2, 3";
    HandoffError::OtherPart => HandoffError::OtherPart => "these are not all parts of one request, or of one grant";
    HandoffError::ManyParts => HandoffError::ManyParts => "it is too long for pictures: it would be more than 64 of them";
    HandoffError::Seal(_) => HandoffError::Seal(SealError::NotSigned)
        => "a seal in it was altered on its way: a note is not signed by who it names";
    HandoffError::FileCount => HandoffError::FileCount => "a request is for one file or more, up to 16,384";
    HandoffError::Passphrase => HandoffError::Passphrase => "a passphrase opens this backup: nobody else can grant it";
    HandoffError::Weaker => HandoffError::Weaker
        => "a backup for a post-quantum recipient (age1pq...) is granted to such a recipient alone, and this request names a classical one";
    HandoffError::NoNewHeader => HandoffError::NoNewHeader => "none of its backups gets a new header";
    HandoffError::OtherRequest(_) => HandoffError::OtherRequest("a grant") => "this is a grant for another request";
    HandoffError::OtherCount => HandoffError::OtherCount => "it does not answer for each file of its request";
    HandoffError::OtherFile => HandoffError::OtherFile => "it is for another backup than its request";
    HandoffError::Unwrap(_) => HandoffError::Unwrap(UnwrapError::NoMatch) => "none of the given keys opens this file";
}

sentences! { not_verified: NotVerified;
    NotVerified::NoSeal => NotVerified::NoSeal => "no seal came with it";
    NotVerified::NobodyVouches => NotVerified::NobodyVouches => "nobody whom you trust vouches for its seal";
    NotVerified::OtherHeader => NotVerified::OtherHeader => "its seal is that of another backup, or of another time";
    NotVerified::OnlySeen => NotVerified::OnlySeen => "its seal is of somebody who saw it, and does not say who made it";
    NotVerified::WrongProof => NotVerified::WrongProof => "its seal was made by somebody who did not make the backup";
}

sentences! { shares: ShareError;
    ShareError::UnknownWord(_) => ShareError::UnknownWord(2) => "word 3 of the share is not in the word list of SLIP-39";
    ShareError::WordCount(_) => ShareError::WordCount(5) => "a share of a key has 33 words, and this one has 5";
    ShareError::Mistyped => ShareError::Mistyped
        => "a word of the share is mistyped or in the wrong place: its checksum does not match";
    ShareError::Malformed(_) => ShareError::Malformed("why") => "the share contradicts itself: why";
    ShareError::Counts => ShareError::Counts => "shares are made for 2 or more of at most 16, such as 3/5";
    ShareError::NotAnIdentity => ShareError::NotAnIdentity => "a passphrase has no shares: only an identity has";
    ShareError::None => ShareError::None => "no share was given";
    ShareError::OtherSet(_) => ShareError::OtherSet(1) => "this share is of another set than the first";
    ShareError::SameNumber(_) => ShareError::SameNumber(1) => "this share has the number of another one, and says something else";
    ShareError::TooFew { .. } => ShareError::TooFew { given: 2, needed: 3 } => "3 shares open this set, and 2 of it were given";
    ShareError::TooFewGroups { .. } => ShareError::TooFewGroups { given: 1, needed: 2 }
        => "shares of 2 groups open this set, and 1 are complete";
    ShareError::DoesNotFit(_) => ShareError::DoesNotFit(3) => "this share does not fit the others";
    ShareError::Altered => ShareError::Altered
        => "one of the shares was altered: together they do not make what was shared";
    ShareError::OtherRecipient => ShareError::OtherRecipient => "together the shares do not make the key of this recipient";
}
