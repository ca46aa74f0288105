//! Every sentence, word for word: an error that no test renders is read first by somebody whose backup has just failed.

use super::JobError as E;
use super::*;

/// A row for each variant, with an error and what it says. A variant without a row does not compile.
macro_rules! sentences {
    ($($pattern:pat => $error:expr => $sentence:expr;)*) => {
        fn row(error: &E) -> &'static str {
            match error {
                $($pattern => stringify!($pattern),)*
            }
        }

        #[test]
        fn every_error_is_a_sentence() {
            for (error, pattern, sentence) in [$(($error, stringify!($pattern), $sentence)),*] {
                assert_eq!((row(&error), error.to_string().as_str()), (pattern, sentence));
                assert!(!sentence.ends_with('.') && !sentence.contains('\n'), "{sentence}");
            }
        }
    };
}

fn path() -> PathBuf {
    "x".into()
}

fn what() -> String {
    "x".into()
}

/// What a disk that fails says.
fn io_error() -> io::Error {
    io::Error::from_raw_os_error(5)
}

sentences! {
    E::Open { .. } => E::Open { path: path(), error: io_error() } => "cannot open x: input/output error";
    E::Read { .. } => E::Read { what: what(), error: io_error() } => "cannot read x: input/output error";
    E::Write { .. } => E::Write { what: what(), error: io_error() } => "cannot write x: input/output error";
    E::NameNotOnDisk { .. } => E::NameNotOnDisk { path: path(), error: io_error() }
        => "x is complete, but its name could not be put on disk: input/output error";
    E::Create { .. } => E::Create { path: "f/x".into(), error: io::ErrorKind::NotFound.into() } => "cannot create f/x: there is no folder f";
    E::OutputExists(_) => E::OutputExists(path()) => "x exists already";
    E::OutputIsFolder(_) => E::OutputIsFolder(path()) => "x is a folder";
    E::NotAFile(_) => E::NotAFile(path()) => "x is not a regular file";
    E::SameFile(_) => E::SameFile(path()) => "x is named twice: one would replace the other";
    E::ForeignFifo(_) => E::ForeignFifo(path()) => "x is a FIFO that belongs to another user";
    E::InputIsFolder(_) => E::InputIsFolder(path()) => "x is a folder";
    E::InputEmpty(_) => E::InputEmpty(what()) => "x: there is nothing in it";
    E::InputChanged { .. } => E::InputChanged { what: what() } => "x changed while it was read";
    E::TooSmall { .. } => E::TooSmall { what: what(), len: 3, min_size: 4 } => "x gave 3 bytes, and 4 were expected at least";
    E::Spawn { .. } => E::Spawn { program: what(), error: io::ErrorKind::NotFound.into() } => "cannot run 'x': it is not in PATH";
    E::Thread(_) => E::Thread(io::Error::from_raw_os_error(11)) => "cannot start a thread: resource temporarily unavailable";
    E::Memory => E::Memory => "there is not enough memory for so many threads";
    E::ChildFailed { .. } => E::ChildFailed { program: what(), status: "exited with status 1".into(), stderr_tail: what() }
        => "x exited with status 1";
    E::ConsumerLeft { .. } => E::ConsumerLeft { program: what(), status: "exited with status 0".into(), stderr_tail: what() }
        => "x exited with status 0 before it had read all its input";
    E::RecipientArgument(_) => E::RecipientArgument(KeyError::NotARecipient)
        => "recipient on the command line: this is not a recipient: one starts with age1";
    E::Keyfile { .. } => E::Keyfile { path: path(), error: KeyfileError::Empty } => "x: there is no key in it";
    E::Wrap(_) => E::Wrap(WrapError::NoRecipient) => "no recipient: nobody could open the file";
    E::SigningKey { .. } => E::SigningKey { path: path(), error: SigningKeyError::Empty } => "x: there is no signing key in it";
    E::TrustTogether(_) => E::TrustTogether(TrustError::IdleEndElsewhere)
        => "those who say whom you trust contradict each other: one ends a key that another trusts for the same series without an end";
    E::TrustArgument(_) => E::TrustArgument(TrustError::Role { line: 1 })
        => "verifier key on the command line: line 1: may= takes seal, rewrap and drill, with commas between them";
    E::TrustFile { .. } => E::TrustFile { path: path(), error: TrustError::Empty } => "x: there is no verifier key in it";
    E::TrustBesideBackup(_) => E::TrustBesideBackup(path())
        => "x lies where the backups are: whoever can replace the one can replace the other";
    E::NoSigningKey => E::NoSigningKey => "there is no key to sign the seal with";
    E::NoSealPath => E::NoSealPath => "the output is no file here, so the seal has no place beside it";
    E::NameInSeal(_) => E::NameInSeal(what()) => "x cannot be named in a seal: its name is too long";
    E::Placeholder(_) => E::Placeholder("date".into()) => "{date} in the name of the output stands for nothing";
    E::NotASeries(_) => E::NotASeries(path()) => "x is not the state of a series";
    E::NoBackups(_) => E::NoBackups(path()) => "there is no backup in x";
    E::NotAState(_) => E::NotAState(path()) => "x is not the state of a verifier";
    E::StateTooLong(_) => E::StateTooLong(path()) => "x would grow beyond 64 MiB: it remembers some 100,000 backups, and no more";
    E::SealOfSeveral(_) => E::SealOfSeveral(3) => "one seal was named for 3 backups";
    E::StateVersion { .. } => E::StateVersion { path: path(), version: 9 }
        => "x is the state of a verifier in version 9, which this dbseal does not know";
    E::StateBesideBackups(_) => E::StateBesideBackups(path())
        => "x lies where the backups are: whoever can write to them could rewrite what was seen";
    E::SealExists(_) => E::SealExists(path()) => "x exists already";
    E::NotSealable(_) => E::NotSealable(what()) => "x cannot be sealed: a seal is about a binary age file on a disk";
    E::NotSalvageable(_) => E::NotSalvageable(what())
        => "x cannot be salvaged: it takes a binary age file on a disk, and a file to write to";
    E::NothingSalvaged(_) => E::NothingSalvaged(what())
        => "nothing of x can be opened: its nonce is damaged, its header is another's, or all of it is";
    E::SealedUnknown(_) => E::SealedUnknown(what())
        => "what of x is as it was sealed cannot be known: it has no seal, or one that is another's, or one without usable hashes";
    E::NothingAsSealed(_) => E::NothingAsSealed(what()) => "nothing that opens in x is as it was sealed";
    E::HeaderLost { .. } => E::HeaderLost { what: what(), error: HeaderError::NotAge } => "x: this is not an age file";
    E::HeaderUnreadable { .. } => E::HeaderUnreadable { what: what(), why: "input/output error".into() }
        => "the header of x cannot be read: input/output error";
    E::SalvagedInPart => E::SalvagedInPart => "what was salvaged is not the whole backup";
    E::SalvagedUnsealed => E::SalvagedUnsealed => "nothing is missing, but the seal does not vouch for all of it";
    E::SalvagedWhole => E::SalvagedWhole => "nothing is missing, but --salvage checks less than decrypting does, and never ends with 0";
    E::NoSeal(_) => E::NoSeal(what()) => "x has no seal";
    E::ArmorSealed(_) => E::ArmorSealed(what()) => "x is armor, and a seal is of a binary file: this is not what was sealed";
    E::Seal { .. } => E::Seal { what: what(), error: SealError::NotASeal } => "x: the seal is broken: this is not a seal";
    E::NotVouched(_) => E::NotVouched(what()) => "nobody whom you trust vouches for x";
    E::NotTrustedFor { .. } => E::NotTrustedFor { what: what(), signer: "db1".into(), standing: Standing::OtherRole, series: None }
        => "x is signed by db1, whom you trust, but not with the role seal";
    E::Renamed { .. } => E::Renamed { what: what(), sealed: "y".into() }
        => "x is called y by its seal: it may be an older backup in the place of a newer one";
    E::OthersSeal { .. } => E::OthersSeal { what: what(), sealed: "y".into() }
        => "x is called y by its seal, and its header is not the one that was signed last: the seal is probably another backup's, \
            or else the header is damaged";
    E::HeaderByStranger { .. } => E::HeaderByStranger { what: what(), signer: "db2+..".into() }
        => "x has other recipients since, as db2+.. has signed, whom you do not trust with that";
    E::HeaderNotSealed(_) => E::HeaderNotSealed(what()) => "the header of x is not the one that was signed last";
    E::WrongProof { .. } => E::WrongProof { what: what(), error: WrongProof }
        => "x: its seal was made by somebody who did not make the backup";
    E::NotAsSealed { .. } => E::NotAsSealed { what: what(), range: 5..8 } => "x is not what its seal says, in bytes 5 to 7 of the file";
    E::GroupsUnusable(_) => E::GroupsUnusable(what())
        => "the seal of x has no usable hashes, so that a part of it cannot be checked alone";
    E::NoGroups(_) => E::NoGroups(what()) => "x cannot be sampled: its seal has no hashes of parts that belong to it";
    E::Sparse { .. } => E::Sparse { what: what(), len: 9, stored_len: 1 }
        => "x is not read: it is a sparse file of 9 bytes, of which 1 are on the disk, and nobody vouches for it";
    E::NotIntact(_) => E::NotIntact("1 of 2 backups is not intact".into()) => "1 of 2 backups is not intact";
    E::NoIdentity => E::NoIdentity => "no key to open the file with";
    E::PassphraseNotKey(_) => E::PassphraseNotKey(what()) => "x is encrypted with a passphrase, not to a key";
    E::NoTerminal(_) => E::NoTerminal(what()) => "a passphrase is needed for x, and there is no terminal to ask on";
    E::EmptyPassphrase => E::EmptyPassphrase => "the passphrase is empty";
    E::PassphraseNotText(_) => E::PassphraseNotText(path()) => "x is not a passphrase file: its first line is not UTF-8 text";
    E::PassphrasesDiffer => E::PassphrasesDiffer => "the two passphrases are not the same";
    E::WrongPassphrase(_) => E::WrongPassphrase(what()) => "the passphrase does not open x";
    E::NotComplete(_) => E::NotComplete(what()) => "x is not complete";
    E::Header { .. } => E::Header { what: what(), error: HeaderError::Incomplete } => "x: the file ends inside its header";
    E::Unwrap { .. } => E::Unwrap { what: what(), error: UnwrapError::WrongMac } => "x: the header was altered: its MAC does not match";
    E::Payload { .. } => E::Payload { what: what(), error: PayloadError::Damaged { index: 2 } }
        => "x: the payload is damaged or was altered in chunk 2, from byte 131072 of the plaintext";
    E::Armor { .. } => E::Armor { what: what(), error: ArmorError::Truncated } => "x: the armor is cut off: its last line is missing";
    E::Range(_) => E::Range(RangeError::Backwards) => "the range ends before it starts";
    E::RangeOfStream(_) => E::RangeOfStream(what()) => "x is read from its start to its end, so no range of it can be read alone";
    E::RangeOfArmor(_) => E::RangeOfArmor(what()) => "x is armored, so no range of it can be read alone";
    E::Decompress { .. } => E::Decompress { what: what(), error: io::Error::other("Unknown frame descriptor") }
        => "cannot decompress x: unknown frame descriptor";
    E::PrivateKeyArgument => E::PrivateKeyArgument => "there is a private key on the command line";
    E::NotMetrics(_) => E::NotMetrics(path()) => "x exists and holds no metrics of dbseal";
    E::MetricsNotWritten(_) => E::MetricsNotWritten(Box::new(E::OutputIsFolder(path())))
        => "the output is complete, but not its metrics: x is a folder";
    E::KeyExists(_) => E::KeyExists(path()) => "x exists already";
    E::NoCommand => E::NoCommand => "there is no command after --";
    E::EndMissing { .. } => E::EndMissing { what: what(), whole_len: 65536 }
        => "x: its end is missing or damaged, after 65536 bytes of plaintext that may be whole";
    E::Closed(_) => E::Closed("standard output") => "standard output is closed, or is /dev/null";
    E::StdinTwice => E::StdinTwice => "standard input cannot be read for two things";
    E::BinaryToTerminal => E::BinaryToTerminal => "standard output is a terminal";
    E::BadCommand { .. } => E::BadCommand { option: "--into", why: "it is empty".into() }
        => "the command given to --into cannot be run as it is: it is empty";
    E::Rewrap { .. } => E::Rewrap { what: what(), error: RewrapError::NothingChanges } => "x: it has these recipients already";
    E::SealNeedsKey(_) => E::SealNeedsKey(what()) => "x has a seal: a change of its recipients has to be signed, or the seal removed";
    E::OnlyForRewrap(_) => E::OnlyForRewrap("--sign") => "--sign is for a request of other recipients, and this one asks to open backups";
    E::InUse(_) => E::InUse(path()) => "x is in use by another job";
    E::Succession { .. } => E::Succession { path: path(), error: SuccessionError::NotSigned(dbseal_core::Party::New) }
        => "x: the new key has not signed it";
    E::Successor { .. } => E::Successor { path: path(), error: SuccessorError::Ended("db1".parse().expect("a label")) }
        => "x: your trust in the old key, db1, has ended: it names no successor any more";
    E::SuccessionWithoutName => E::SuccessionWithoutName
        => "a succession is a file beside the new key, and this one goes to standard output";
    E::NoLastBackup => E::NoLastBackup => "none of these backups is one of a series for which somebody whom you trust vouches";
    E::MayNotRewrap(_) => E::MayNotRewrap(what())
        => "x is not trusted to change recipients: whoever checks the backups would call them altered";
    E::Unfinished(_) => E::Unfinished(what()) => "x: a change of its recipients was stopped in the middle";
    E::NotRewrappable(_) => E::NotRewrappable(what()) => "x is armor, whose recipients do not change";
    E::NobodyToAsk => E::NobodyToAsk => "there is no terminal to ask whether that is meant";
    E::NotMeant => E::NotMeant => "nothing was changed, as the answer was not yes";
    E::RequestBesideBackups(_) => E::RequestBesideBackups(path())
        => "x would lie where the backups do: whoever can read or write there could use its key, or put another request in its place";
    E::RequestAmongBackups(_) => E::RequestAmongBackups(path())
        => "x lies where the backups do: whoever can write there could have put another request, and its old answer, there";
    E::NotGrantedHere(_) => E::NotGrantedHere(what()) => "the grant does not open x: it is for another backup, or this one has other recipients since";
    E::RequestKeyGone(_) => E::RequestKeyGone(path()) => "x, the key of the request, is not there: it was used and removed, or lies on the machine that asked";
    E::OtherRequestKey(_) => E::OtherRequestKey(path()) => "the key in x is not the one that this request was made with";
    E::KeyForHandoff(_) => E::KeyForHandoff(what()) => "x is a private key, and neither a request nor an answer to one";
    E::NobodyTrusted(_) => E::NobodyTrusted(what())
        => "x has a seal, and you trust nobody here: whether those who check it let your key change recipients (may=rewrap) is not known";
    E::SealFull(_) => E::SealFull(what()) => "x: its seal is full and takes no further note";
    E::AnswerExists(_) => E::AnswerExists(path()) => "x exists already";
    E::NotTheBackup(_) => E::NotTheBackup(path()) => "x is a link, or no regular file: a backup's recipients change where it and its seal lie";
    E::NotInRequest(_) => E::NotInRequest(what()) => "x is none of the backups of this request, or has got another header since";
    E::NotAnswered(_) => E::NotAnswered(what()) => "x: there is no new header for it in the answer";
    E::OtherSealSince(_) => E::OtherSealSince(what()) => "x: its seal is not the one that it had when the request was made";
    E::OtherAnswerCode(_) => E::OtherAnswerCode(what()) => "x has another code: it is not the answer that was made there";
    E::AnswerNotTrusted(_) => E::AnswerNotTrusted(what()) => "x: nobody whom you trust with changes of recipients has signed this answer";
    E::NewHeaderNotTrusted(_) => E::NewHeaderNotTrusted(what()) => "x: nobody whom you trust with changes of recipients (may=rewrap) has signed its new header";
    E::NoPicture { .. } => E::NoPicture { what: what(), why: "why".into() } => "x cannot be read as a picture: why";
    E::NoCode(_) => E::NoCode(what()) => "x: no QR code can be read in this picture";
    E::Handoff { .. } => E::Handoff { what: what(), error: HandoffError::OtherRequest("a grant") } => "x: this is a grant for another request";
    E::Share { .. } => E::Share { what: what(), error: ShareError::Mistyped }
        => "x: a word of the share is mistyped or in the wrong place: its checksum does not match";
    E::IdentityCommandFailed { .. } => E::IdentityCommandFailed { program: what(), status: "exited with 3".into() }
        => "x, which should print an identity, exited with 3";
    E::IdentityCommandHangs { .. } => E::IdentityCommandHangs { program: what(), seconds: 60 }
        => "x, which should print an identity, did not end within 60 seconds, and was killed";
    E::SharesWithoutName => E::SharesWithoutName => "shares are written into files, which need a name";
    E::NotRequestable(_) => E::NotRequestable(what()) => "x is no age file, so there is nothing in it to be granted";
    E::OtherCode(_) => E::OtherCode(what()) => "x has another code: it is not the request that was meant";
    E::GrantNotVerified(_) => E::GrantNotVerified(what()) => "x asks for a backup of which nothing is verified";
    E::NotGranted => E::NotGranted => "nothing was granted, as the answer was not yes";
    E::NotAllOpened(_) => E::NotAllOpened(what()) => "x";
    E::NotAllRewrapped(_) => E::NotAllRewrapped(what()) => "x";
    E::Idle(_) => E::Idle("operation not permitted".into()) => "cannot run in the idle class: operation not permitted";
    E::Stopped => E::Stopped => "stopped";
}

/// Whom you trust, and for what not.
#[test]
fn what_somebody_is_not_trusted_for() {
    let said = |standing, series: Option<&str>| {
        E::NotTrustedFor { what: what(), signer: "db1".into(), standing, series: series.map(Into::into) }.to_string()
    };
    for (standing, series, words) in [
        (Standing::Ended, Some("web"), "only up to the backup that until= names"),
        (Standing::OtherSeries, Some("web"), "not for the series web"),
        (Standing::OtherSeries, None, "not for a backup of no series"),
        (Standing::OtherRole, Some("web"), "not with the role seal"),
        (Standing::NotAskedFor, Some("web"), "it is of the series web, and --series asks for another"),
        (Standing::NotAskedFor, None, "it is of no series, and --series asks for one"),
    ] {
        assert_eq!(said(standing, series), format!("x is signed by db1, whom you trust, but {words}"));
    }
}
