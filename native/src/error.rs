//! Everything that can go wrong, each as a sentence.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use dbseal_core::{
    ArmorError, HandoffError, HeaderError, KeyError, KeyfileError, PayloadError, RangeError, RewrapError, SealError, ShareError,
    SigningKeyError, Standing, SuccessionError, SuccessorError, TrustError, UnwrapError, WrapError, WrongProof,
};

use crate::reason::{reason, reason_of_create, reason_of_spawn};
use crate::standing::trusted_but;

/// Why a job was refused or failed. No variant holds a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JobError {
    /// A file cannot be opened.
    #[error("cannot open {}: {}", path.display(), reason(error))]
    Open {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// Reading failed.
    #[error("cannot read {what}: {}", reason(error))]
    Read {
        /// What was read.
        what: String,
        /// Why not.
        error: io::Error,
    },
    /// Writing failed, a full disk included.
    #[error("cannot write {what}: {}", reason(error))]
    Write {
        /// What was written.
        what: String,
        /// Why not.
        error: io::Error,
    },
    /// The output is complete and has its name, but the name may not survive a crash.
    #[error("{} is complete, but its name could not be put on disk: {}", path.display(), reason(error))]
    NameNotOnDisk {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The output's folder cannot take a file.
    #[error("cannot create {}: {}", path.display(), reason_of_create(path, error))]
    Create {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The output exists.
    #[error("{} exists already", .0.display())]
    OutputExists(PathBuf),
    /// The output is a folder.
    #[error("{} is a folder", .0.display())]
    OutputIsFolder(PathBuf),
    /// The output is a link or a block device, or its name can be no file's.
    #[error("{} is not a regular file", .0.display())]
    NotAFile(PathBuf),
    /// What is read and what is written, or two things to be written, are one file.
    #[error("{} is named twice: one would replace the other", .0.display())]
    SameFile(PathBuf),
    /// The output is a FIFO of another user.
    #[error("{} is a FIFO that belongs to another user", .0.display())]
    ForeignFifo(PathBuf),
    /// The input is a folder.
    #[error("{} is a folder", .0.display())]
    InputIsFolder(PathBuf),
    /// The age file has no byte.
    #[error("{0}: there is nothing in it")]
    InputEmpty(String),
    /// The input changed while it was read.
    #[error("{what} changed while it was read")]
    InputChanged {
        /// The input.
        what: String,
    },
    /// Less data than `--min-size` asks for.
    #[error("{what} gave {len} bytes, and {min_size} were expected at least")]
    TooSmall {
        /// Where the data came from.
        what: String,
        /// Bytes there were.
        len: u64,
        /// Bytes there should have been.
        min_size: u64,
    },
    /// A command cannot be started.
    #[error("cannot run '{program}': {}", reason_of_spawn(program, error))]
    Spawn {
        /// The program.
        program: String,
        /// Why not.
        error: io::Error,
    },
    /// The system allows no more threads.
    #[error("cannot start a thread: {}", reason(.0))]
    Thread(io::Error),
    /// There is no memory for the batches, a few megabytes for each core.
    #[error("there is not enough memory for so many threads")]
    Memory,
    /// A command failed.
    #[error("{program} {status}")]
    ChildFailed {
        /// The program.
        program: String,
        /// How it ended, such as `exited with status 1`.
        status: String,
        /// The last of what it wrote to its standard error.
        stderr_tail: String,
    },
    /// A consumer ended before it had read everything.
    #[error("{program} {status} before it had read all its input")]
    ConsumerLeft {
        /// The program.
        program: String,
        /// How it ended.
        status: String,
        /// The last of what it wrote to its standard error.
        stderr_tail: String,
    },
    /// A recipient, typed.
    #[error("recipient on the command line: {0}")]
    RecipientArgument(KeyError),
    /// A file with recipients or identities.
    #[error("{}: {error}", path.display())]
    Keyfile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: KeyfileError,
    },
    /// Nobody to encrypt to, or a mix that is not allowed.
    #[error(transparent)]
    Wrap(#[from] WrapError),
    /// A file with a signing key.
    #[error("{}: {error}", path.display())]
    SigningKey {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: SigningKeyError,
    },
    /// A verifier key, typed.
    #[error("verifier key on the command line: {0}")]
    TrustArgument(TrustError),
    /// Several files, or keys that were typed.
    #[error(transparent)]
    TrustTogether(TrustError),
    /// A file with verifier keys.
    #[error("{}: {error}", path.display())]
    TrustFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: TrustError,
    },
    /// A trust file that whoever wrote the backup could have written.
    #[error("{} lies where the backups are: whoever can replace the one can replace the other", .0.display())]
    TrustBesideBackup(PathBuf),
    /// A seal is asked for, and nobody signs it.
    #[error("there is no key to sign the seal with")]
    NoSigningKey,
    /// The output is no file, so there is no place beside it.
    #[error("the output is no file here, so the seal has no place beside it")]
    NoSealPath,
    /// The backup's name does not fit a seal.
    #[error("{0} cannot be named in a seal: its name is too long")]
    NameInSeal(String),
    /// A word in braces in the name of an output.
    #[error("{{{0}}} in the name of the output stands for nothing")]
    Placeholder(String),
    /// A state of a series that is none.
    #[error("{} is not the state of a series", .0.display())]
    NotASeries(PathBuf),
    /// A folder without a backup in it.
    #[error("there is no backup in {}", .0.display())]
    NoBackups(PathBuf),
    /// A state of a verifier that is none.
    #[error("{} is not the state of a verifier", .0.display())]
    NotAState(PathBuf),
    /// A state of a verifier that is newer.
    #[error("{} is the state of a verifier in version {version}, which this dbseal does not know", path.display())]
    StateVersion {
        /// The file.
        path: PathBuf,
        /// What it says.
        version: u64,
    },
    /// A state of a verifier that could not be read again.
    #[error("{} would grow beyond 64 MiB: it remembers some 100,000 backups, and no more", .0.display())]
    StateTooLong(PathBuf),
    /// A state of a verifier that whoever writes to the storage could rewrite.
    #[error("{} lies where the backups are: whoever can write to them could rewrite what was seen", .0.display())]
    StateBesideBackups(PathBuf),
    /// Seals of several backups are not one.
    #[error("one seal was named for {0} backups")]
    SealOfSeveral(usize),
    /// The backup has a seal already.
    #[error("{} exists already", .0.display())]
    SealExists(PathBuf),
    /// What a seal cannot be about.
    #[error("{0} cannot be sealed: a seal is about a binary age file on a disk")]
    NotSealable(String),
    /// What cannot be salvaged.
    #[error("{0} cannot be salvaged: it takes a binary age file on a disk, and a file to write to")]
    NotSalvageable(String),
    /// There is no chunk that opens.
    #[error("nothing of {0} can be opened: its nonce is damaged, its header is another's, or all of it is")]
    NothingSalvaged(String),
    /// Only what is as it was sealed was wanted, and no seal says what is.
    #[error("what of {0} is as it was sealed cannot be known: it has no seal, or one that is another's, or one without usable hashes")]
    SealedUnknown(String),
    /// Only what is as it was sealed was wanted, and nothing is.
    #[error("nothing that opens in {0} is as it was sealed")]
    NothingAsSealed(String),
    /// The header is lost.
    #[error("{what}: {error}")]
    HeaderLost {
        /// The backup.
        what: String,
        /// What is wrong with its header.
        error: HeaderError,
    },
    /// The disk does not give the header.
    #[error("the header of {what} cannot be read: {why}")]
    HeaderUnreadable {
        /// The backup.
        what: String,
        /// In the system's words.
        why: String,
    },
    /// What was written lacks something.
    #[error("what was salvaged is not the whole backup")]
    SalvagedInPart,
    /// What was written lacks nothing, but some of it is not as it was sealed, or the seal is not about it.
    #[error("nothing is missing, but the seal does not vouch for all of it")]
    SalvagedUnsealed,
    /// What was written lacks nothing that is known of.
    #[error("nothing is missing, but --salvage checks less than decrypting does, and never ends with 0")]
    SalvagedWhole,
    /// A seal that has to be there is not.
    #[error("{0} has no seal")]
    NoSeal(String),
    /// Armor with a seal beside it.
    #[error("{0} is armor, and a seal is of a binary file: this is not what was sealed")]
    ArmorSealed(String),
    /// A seal that breaks a rule.
    #[error("{what}: the seal is broken: {error}")]
    Seal {
        /// The seal.
        what: String,
        /// What is wrong with it.
        error: SealError,
    },
    /// A seal of nobody who is trusted.
    #[error("nobody whom you trust vouches for {0}")]
    NotVouched(String),
    /// A seal of somebody who is trusted, but not for this.
    #[error("{what} is signed by {signer}, whom you trust, but {}", trusted_but(*standing, series.as_deref()).unwrap_or_default())]
    NotTrustedFor {
        /// The backup.
        what: String,
        /// The name of the key that signed, as the trust file has it.
        signer: String,
        /// What is missing.
        standing: Standing,
        /// The series that the backup is one of.
        series: Option<String>,
    },
    /// Another name than the seal's.
    #[error("{what} is called {sealed} by its seal: it may be an older backup in the place of a newer one")]
    Renamed {
        /// The backup.
        what: String,
        /// The name in the seal, percent-encoded.
        sealed: String,
    },
    /// Another name than the seal's, and another header.
    #[error(
        "{what} is called {sealed} by its seal, and its header is not the one that was signed last: the seal is probably another backup's, \
         or else the header is damaged"
    )]
    OthersSeal {
        /// The backup.
        what: String,
        /// The name in the seal, percent-encoded.
        sealed: String,
    },
    /// Another header than the seal's.
    #[error("the header of {0} is not the one that was signed last")]
    HeaderNotSealed(String),
    /// A header by somebody who may not change it, or under whose note somebody put their own.
    #[error("{what} has other recipients since, as {signer} has signed, whom you do not trust with that")]
    HeaderByStranger {
        /// The backup.
        what: String,
        /// The verifier key: its name is its owner's own choice.
        signer: String,
    },
    /// A seal by somebody who did not have the file key.
    #[error("{what}: {error}")]
    WrongProof {
        /// The backup.
        what: String,
        /// What was found.
        error: WrongProof,
    },
    /// The payload is not the one that was sealed.
    #[error("{what} is not what its seal says, in bytes {} to {} of the file", range.start, range.end.max(1) - 1)]
    NotAsSealed {
        /// The backup.
        what: String,
        /// Where, in bytes of the file.
        range: Range<u64>,
    },
    /// The seal's unsigned section cannot be used.
    #[error("the seal of {0} has no usable hashes, so that a part of it cannot be checked alone")]
    GroupsUnusable(String),
    /// A seal without the hashes of groups that a sample is checked against.
    #[error("{0} cannot be sampled: its seal has no hashes of parts that belong to it")]
    NoGroups(String),
    /// A file of next to nothing that would be read for years, by a seal that anybody could have made.
    #[error("{what} is not read: it is a sparse file of {len} bytes, of which {stored_len} are on the disk, and nobody vouches for it")]
    Sparse {
        /// The backup.
        what: String,
        /// Its length in bytes.
        len: u64,
        /// Bytes of it that are on the disk.
        stored_len: u64,
    },
    /// What was checked is not what it should be: the answer was given in full before.
    #[error("{0}")]
    NotIntact(String),
    /// Nothing to decrypt with.
    #[error("no key to open the file with")]
    NoIdentity,
    /// Keys were given for a file that a passphrase opens: not the file that was meant.
    #[error("{0} is encrypted with a passphrase, not to a key")]
    PassphraseNotKey(String),
    /// A passphrase is needed and there is no terminal.
    #[error("a passphrase is needed for {0}, and there is no terminal to ask on")]
    NoTerminal(String),
    /// The passphrase is empty.
    #[error("the passphrase is empty")]
    EmptyPassphrase,
    /// A passphrase file that is not text.
    #[error("{} is not a passphrase file: its first line is not UTF-8 text", .0.display())]
    PassphraseNotText(PathBuf),
    /// The two passphrases differ.
    #[error("the two passphrases are not the same")]
    PassphrasesDiffer,
    /// The passphrase of a file, or of an identity file, is wrong.
    #[error("the passphrase does not open {0}")]
    WrongPassphrase(String),
    /// The payload has a length that no whole one has.
    #[error("{0} is not complete")]
    NotComplete(String),
    /// Not an age file, or one that is damaged in its header.
    #[error("{what}: {error}")]
    Header {
        /// The file.
        what: String,
        /// What is wrong with it.
        error: HeaderError,
    },
    /// The header does not open.
    #[error("{what}: {error}")]
    Unwrap {
        /// The file.
        what: String,
        /// Why not.
        error: UnwrapError,
    },
    /// The payload is not authentic.
    #[error("{what}: {error}")]
    Payload {
        /// The file.
        what: String,
        /// What is wrong with it.
        error: PayloadError,
    },
    /// The armor is not well-formed.
    #[error("{what}: {error}")]
    Armor {
        /// The file.
        what: String,
        /// What is wrong with it.
        error: ArmorError,
    },
    /// The range is not in the plaintext.
    #[error("{0}")]
    Range(#[from] RangeError),
    /// A range of what can only be read from its start.
    #[error("{0} is read from its start to its end, so no range of it can be read alone")]
    RangeOfStream(String),
    /// A range of an armored file.
    #[error("{0} is armored, so no range of it can be read alone")]
    RangeOfArmor(String),
    /// What was decrypted is not zstd.
    #[error("cannot decompress {what}: {}", reason(error))]
    Decompress {
        /// The file.
        what: String,
        /// Why not.
        error: io::Error,
    },
    /// A secret where everybody can see it.
    #[error("there is a private key on the command line")]
    PrivateKeyArgument,
    /// Metrics would replace something else.
    #[error("{} exists and holds no metrics of dbseal", .0.display())]
    NotMetrics(PathBuf),
    /// The job is done, but nobody will hear of it.
    #[error("the output is complete, but not its metrics: {0}")]
    MetricsNotWritten(Box<JobError>),
    /// A key would replace another.
    #[error("{} exists already", .0.display())]
    KeyExists(PathBuf),
    /// A dump or a consumer was announced, and is missing.
    #[error("there is no command after --")]
    NoCommand,
    /// The final chunk of a file does not open: what is there may not be the end.
    #[error("{what}: its end is missing or damaged, after {whole_len} bytes of plaintext that may be whole")]
    EndMissing {
        /// The file.
        what: String,
        /// Bytes of plaintext before the final chunk.
        whole_len: u64,
    },
    /// A standard stream that is needed is not there.
    #[error("{0} is closed, or is /dev/null")]
    Closed(&'static str),
    /// Standard input for two things.
    #[error("standard input cannot be read for two things")]
    StdinTwice,
    /// Bytes on a screen.
    #[error("standard output is a terminal")]
    BinaryToTerminal,
    /// A command line that cannot be split into words.
    #[error("the command given to {option} cannot be run as it is: {why}")]
    BadCommand {
        /// Where it was given.
        option: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A backup gets no other recipients.
    #[error("{what}: {error}")]
    Rewrap {
        /// The backup.
        what: String,
        /// Why not.
        error: RewrapError,
    },
    /// Its seal would say that its header was altered.
    #[error("{0} has a seal: a change of its recipients has to be signed, or the seal removed")]
    SealNeedsKey(String),
    /// No statement that a key is succeeded by another.
    #[error("{}: {error}", path.display())]
    Succession {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: SuccessionError,
    },
    /// Such a statement that justifies nothing here.
    #[error("{}: {error}", path.display())]
    Successor {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: SuccessorError,
    },
    /// Such a statement has no place.
    #[error("a succession is a file beside the new key, and this one goes to standard output")]
    SuccessionWithoutName,
    /// Trust in a key is to end nowhere.
    #[error("none of these backups is one of a series for which somebody whom you trust vouches")]
    NoLastBackup,
    /// Nobody would believe the change.
    #[error("{0} is not trusted to change recipients: whoever checks the backups would call them altered")]
    MayNotRewrap(String),
    /// An option that says something of new headers, for a request that asks for none.
    #[error("{0} is for a request of other recipients, and this one asks to open backups")]
    OnlyForRewrap(&'static str),
    /// Another job changes it.
    #[error("{} is in use by another job", .0.display())]
    InUse(PathBuf),
    /// A change of recipients was stopped in the middle.
    #[error("{0}: a change of its recipients was stopped in the middle")]
    Unfinished(String),
    /// What has no header of bytes.
    #[error("{0} is armor, whose recipients do not change")]
    NotRewrappable(String),
    /// A question to nobody.
    #[error("there is no terminal to ask whether that is meant")]
    NobodyToAsk,
    /// It was asked, and the answer was not yes.
    #[error("nothing was changed, as the answer was not yes")]
    NotMeant,
    /// Of many backups, not all have other recipients now; each was told.
    #[error("{0}")]
    NotAllRewrapped(String),
    /// Of many backups, the keys do not open all; each was told.
    #[error("{0}")]
    NotAllOpened(String),
    /// A request or a grant that cannot be used.
    #[error("{what}: {error}")]
    Handoff {
        /// Which, or for what.
        what: String,
        /// Why not.
        error: HandoffError,
    },
    /// A request, and its key, where the backups are.
    #[error("{} would lie where the backups do: whoever can read or write there could use its key, or put another request in its place", .0.display())]
    RequestBesideBackups(PathBuf),
    /// The request that an answer is for, where the backups are.
    #[error("{} lies where the backups do: whoever can write there could have put another request, and its old answer, there", .0.display())]
    RequestAmongBackups(PathBuf),
    /// A grant for another backup.
    #[error("the grant does not open {0}: it is for another backup, or this one has other recipients since")]
    NotGrantedHere(String),
    /// The key of a request, where there is none.
    #[error("{}, the key of the request, is not there: it was used and removed, or lies on the machine that asked", .0.display())]
    RequestKeyGone(PathBuf),
    /// A key of something else.
    #[error("the key in {} is not the one that this request was made with", .0.display())]
    OtherRequestKey(PathBuf),
    /// What never leaves its machine, in the place of what is made to.
    #[error("{0} is a private key, and neither a request nor an answer to one")]
    KeyForHandoff(String),
    /// A seal for which nobody can be asked.
    #[error(
        "{0} has a seal, and you trust nobody here: whether those who check it let your key change recipients (may=rewrap) is not known"
    )]
    NobodyTrusted(String),
    /// A seal that is as long as they get.
    #[error("{0}: its seal is full and takes no further note")]
    SealFull(String),
    /// There is a file where the answer to a request should go.
    #[error("{} exists already", .0.display())]
    AnswerExists(PathBuf),
    /// A backup whose recipients cannot change where it was named.
    #[error("{} is a link, or no regular file: a backup's recipients change where it and its seal lie", .0.display())]
    NotTheBackup(PathBuf),
    /// A backup that a request is not about.
    #[error("{0} is none of the backups of this request, or has got another header since")]
    NotInRequest(String),
    /// A backup for which no new header came.
    #[error("{0}: there is no new header for it in the answer")]
    NotAnswered(String),
    /// A seal that is not the one that the answer continues.
    #[error("{0}: its seal is not the one that it had when the request was made")]
    OtherSealSince(String),
    /// The code that was typed is not that of the answer.
    #[error("{0} has another code: it is not the answer that was made there")]
    OtherAnswerCode(String),
    /// New headers that may be anybody's.
    #[error("{0}: nobody whom you trust with changes of recipients has signed this answer")]
    AnswerNotTrusted(String),
    /// A header that may be anybody's.
    #[error("{0}: nobody whom you trust with changes of recipients (may=rewrap) has signed its new header")]
    NewHeaderNotTrusted(String),
    /// A file that starts as a picture does, and is none.
    #[error("{what} cannot be read as a picture: {why}")]
    NoPicture {
        /// Which.
        what: String,
        /// What the library says.
        why: String,
    },
    /// A picture without a code.
    #[error("{0}: no QR code can be read in this picture")]
    NoCode(String),
    /// Shares that make no key.
    #[error("{what}: {error}")]
    Share {
        /// Which.
        what: String,
        /// Why not.
        error: ShareError,
    },
    /// A command that should print an identity did not.
    #[error("{program}, which should print an identity, {status}")]
    IdentityCommandFailed {
        /// What was run.
        program: String,
        /// How it ended.
        status: String,
    },
    /// A command that should print an identity goes on.
    #[error("{program}, which should print an identity, did not end within {seconds} seconds, and was killed")]
    IdentityCommandHangs {
        /// What was run.
        program: String,
        /// How long it had.
        seconds: u64,
    },
    /// Shares are files.
    #[error("shares are written into files, which need a name")]
    SharesWithoutName,
    /// What has no header of bytes to ask with.
    #[error("{0} is no age file, so there is nothing in it to be granted")]
    NotRequestable(String),
    /// The code that was typed is another one.
    #[error("{0} has another code: it is not the request that was meant")]
    OtherCode(String),
    /// Nobody vouches for what is asked for.
    #[error("{0} asks for a backup of which nothing is verified")]
    GrantNotVerified(String),
    /// It was asked, and the answer was not yes.
    #[error("nothing was granted, as the answer was not yes")]
    NotGranted,
    /// `--idle` cannot be kept.
    #[error("cannot run in the idle class: {0}")]
    Idle(String),
    /// Another stage of the job failed first; never shown.
    #[error("stopped")]
    Stopped,
}

impl JobError {
    /// The last of what a failed command wrote to its standard error.
    #[must_use]
    pub fn stderr_tail(&self) -> Option<&str> {
        match self {
            Self::ChildFailed { stderr_tail, .. } | Self::ConsumerLeft { stderr_tail, .. } if !stderr_tail.is_empty() => Some(stderr_tail),
            _ => None,
        }
    }

    pub(crate) fn open(path: &Path, error: io::Error) -> Self {
        Self::Open { path: path.into(), error }
    }

    pub(crate) fn read(what: &str, error: io::Error) -> Self {
        // A reader of armor or zstd carries our own error through io::Error.
        match error.downcast::<JobError>() {
            Ok(job_error) => job_error,
            Err(error) => Self::Read { what: what.into(), error },
        }
    }

    pub(crate) fn write(what: &str, error: io::Error) -> Self {
        Self::Write { what: what.into(), error }
    }
}

#[cfg(test)]
mod tests;
