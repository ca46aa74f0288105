//! What a person at the command line is told to do about an error, and what the shell gets to know.

use std::io;

use dbseal_core::{
    HandoffError, HeaderError, KeyError, KeyfileError, PayloadError, RewrapError, SealError, ShareError, Standing, SuccessionError,
    SuccessorError, TrustError, UnwrapError, WrapError,
};

use crate::error::JobError;
use crate::reason::is_denied;

/// How a command ends; part of its interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// 0: done.
    Done = 0,
    /// 1: refused, failed, or not authentic.
    Refused = 1,
    /// 2: could not run: usage, a missing file, no permission.
    CannotRun = 2,
}

/// What to do about it, where there is something to do, with the options that the command has which failed.
pub(super) fn hint(error: &JobError, command: Option<&str>) -> Option<String> {
    let text = match error {
        JobError::MetricsNotWritten(error) => {
            return hint(error, command).or(Some("see that the folder of --metrics can be written to".into()));
        }
        JobError::NotTrustedFor { signer, standing, series, .. } => trust_more(signer, *standing, series.as_deref()),
        error => hint_of_command(error, command).or_else(|| fixed_hint(error))?.into(),
    };
    match command {
        Some(command) => for_command(&text, command),
        None => Some(text),
    }
}

/// Leaves out what the command has no option for. Its parts stand between semicolons, and before an `or` after a comma.
fn for_command(hint: &str, command: &str) -> Option<String> {
    let all = super::definition();
    let parts =
        hint.split("; ").map(|part| part.split(", or ").filter(|way| is_possible(way, command, &all)).collect::<Vec<_>>().join(", or "));
    let kept = parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ");
    (!kept.is_empty()).then(|| kept.trim_start_matches("or ").into())
}

/// Whether each option in it is one of the command, or of the one that is named before it: `dbseal keygen --sign`, `grant --sign`.
fn is_possible(way: &str, command: &str, all: &clap::Command) -> bool {
    let (mut named, mut before) = (command, "");
    way.split_whitespace().all(|word| {
        if before == "dbseal" {
            named = word;
        }
        let of = all.find_subcommand(before).or_else(|| all.find_subcommand(named));
        before = word;
        let long = word.trim_end_matches([',', ':', ')']).strip_prefix("--").filter(|long| !long.is_empty());
        long.is_none_or(|long| of.is_some_and(|of| of.get_arguments().any(|option| option.get_long() == Some(long))))
    })
}

/// What is to be done about it otherwise by this command than by all others.
fn hint_of_command(error: &JobError, command: Option<&str>) -> Option<&'static str> {
    Some(match (command?, error) {
        ("grant", JobError::NobodyToAsk) => "compare the code with the one that the other machine shows, and name it with --code",
        ("inspect", JobError::Unwrap { error: UnwrapError::NoMatch, .. }) => {
            "of a key that goes that is as it should be; another may open it"
        }
        ("request", JobError::Handoff { error: HandoffError::RecipientCount, .. }) => "name them with -r or -R FILE",
        ("rewrap", JobError::NoSeal(_)) => {
            "fetch FILE.seal too; to change it whoever made it, name it by itself with -i and --without-seal, and without --sign and --trust"
        }
        ("rewrap", JobError::NotVouched(_)) => {
            "dbseal verify says who signed it; say with --trust whom you trust; where a key is given with -i, --without-seal --drop-seal \
             changes it, whoever made it"
        }
        ("rewrap", JobError::PassphraseNotKey(_)) => "decrypt it with its passphrase, and encrypt it again to recipients",
        ("rewrap", JobError::ArmorSealed(_) | JobError::Seal { .. }) => "fetch the backup and its seal again from another copy",
        _ => return None,
    })
}

/// How the line of a key in the trust file would have to be, or what else was not meant so.
fn trust_more(signer: &str, standing: Standing, series: Option<&str>) -> String {
    let series = series.unwrap_or("*");
    match standing {
        Standing::OtherRole => {
            format!("if {signer} is to seal backups, add seal to may= in the line of that key where you say whom you trust")
        }
        Standing::NotAskedFor => format!("see that it is the backup you want, and say --series '{series}'"),
        Standing::Ended => {
            format!("{signer} was not to seal it any more: find out who did; if the end was set too early, move it in the line of that key")
        }
        _ => format!("if {signer} is to seal it, let series= match {series} in the line of that key where you say whom you trust"),
    }
}

fn fixed_hint(error: &JobError) -> Option<&'static str> {
    Some(match error {
        JobError::Write { error, .. } | JobError::Create { error, .. } if is_full(error) => "free some space or choose another disk",
        JobError::OutputExists(path) if path.extension().is_some_and(|end| end == "seal") => {
            "its backup was removed, or its job was killed: overwrite it with --force, or choose another name"
        }
        JobError::OutputExists(_) => "choose another name, or overwrite it with --force",
        JobError::ForeignFifo(_) => "whoever made it would read what is written to it: choose another name",
        JobError::OutputIsFolder(_) => "name a file in it",
        JobError::NotAFile(_) => "choose the name of a file that does not exist yet",
        JobError::InputEmpty(_) => "the copy is incomplete: fetch it again from where it is whole",
        JobError::InputChanged { .. } => {
            "somebody is writing to it: wait until they are done, then try again; a dump that dbseal runs itself cannot change meanwhile: \
             dbseal encrypt ... -- COMMAND"
        }
        JobError::InputIsFolder(_) => "name a file; a folder is encrypted as an archive: dbseal encrypt ... -- tar -C FOLDER -c .",
        JobError::TooSmall { .. } => "see whether the dump was complete; if so little is right, lower --min-size",
        JobError::RecipientArgument(KeyError::PrivateNotPublic) => {
            "what was typed may now stand in the shell's history and the process list: replace that key, and give its public half, age1..., to -r"
        }
        JobError::RecipientArgument(KeyError::NotARecipient) => "to read recipients from a file use -R FILE",
        JobError::Keyfile { error: KeyfileError::Line { error: KeyError::PrivateNotPublic, .. }, .. } => {
            "a private key has no place on the database host: put its public half there (dbseal keygen -y KEY prints it)"
        }
        JobError::Keyfile { error: KeyfileError::Line { error: KeyError::PublicNotPrivate, .. }, .. } => {
            "the identity file that dbseal keygen wrote is wanted here, not the .pub file beside it"
        }
        JobError::Wrap(WrapError::NoRecipient) => "name one with -r age1... or -R FILE; dbseal keygen makes a pair of keys",
        JobError::Wrap(WrapError::MixedPostQuantum) => "make one backup for each kind of recipient, or encrypt to post-quantum ones only",
        JobError::EmptyPassphrase | JobError::PassphraseNotText(_) => "the passphrase is the first line of the file, or what is typed",
        JobError::NoCommand => "name it there (was a variable empty?); without -- a file or standard input is read",
        JobError::Closed("standard output") => {
            "name a file, or /dev/null, with -o; or open it, if a service manager or a script has closed it"
        }
        JobError::Closed(_) => "name a file instead, or open it, if a service manager or a script has closed it",
        JobError::StdinTwice => "name a file for one of them",
        JobError::Spawn { program, .. } if program.contains(' ') => "give the command as words of its own, without quotes around all of it",
        JobError::Open { path, .. } if path.to_str().is_some_and(|path| path.starts_with("age1")) => "a recipient itself is given with -r",
        JobError::Spawn { error, .. } if error.kind() == io::ErrorKind::NotFound => {
            "see that the program is installed, and spelled as it is there"
        }
        JobError::PassphraseNotKey(_) => "see that this is the file you mean; without -i it is opened with its passphrase",
        JobError::NoSigningKey => "name it with --sign KEY; dbseal keygen --sign NAME makes one",
        JobError::NoSealPath => "name one with --seal-to FILE.age.seal",
        JobError::NameInSeal(_) => "choose a shorter name, in plain letters",
        JobError::Placeholder(_) => "{host}, {utc} and, with --series, {series} are what can stand there",
        JobError::SealOfSeveral(_) => "leave --seal out: each backup has its own beside it",
        JobError::SealExists(_) => "a seal is never replaced; dbseal verify says whether it is good",
        JobError::Renamed { .. } => "see that it is the backup you want, and say --accept renamed",
        JobError::OthersSeal { .. } => {
            "fetch its own seal, or name that with --seal; if this one is its own, see that it is the backup you want, and say --accept renamed"
        }
        JobError::NotSalvageable(_) => "copy the backup to a disk, and name the output with -o FILE",
        JobError::NothingSalvaged(_) => {
            "name another copy of the backup, or its beginning, with --header FILE: that has its header, and then its nonce; or fetch it again"
        }
        JobError::SealedUnknown(_) => "fetch its seal again, or name it with --seal; --salvage writes all that opens, whoever sealed it",
        JobError::NothingAsSealed(_) => {
            "fetch the backup and its seal again from another copy; --salvage writes all that opens, whoever sealed it"
        }
        JobError::HeaderLost { .. } | JobError::HeaderUnreadable { .. } => {
            "take the header from another copy of the backup, or from its beginning, with --header FILE; its seal has one too"
        }
        JobError::SalvagedWhole => {
            "without --salvage it ends with 0, if the header and the end of the backup are as they were; this output has all of it too"
        }
        JobError::SalvagedUnsealed => {
            "see that the seal is that of this backup; if it is, others may have made what it does not vouch for: take another copy instead"
        }
        JobError::SalvagedInPart => {
            "what is missing in the output is zeros: fetch the backup from another copy, if there is one, before you use this"
        }
        JobError::NoSeal(_) => "fetch FILE.seal too, or name it with --seal; --without-seal decrypts whatever opens, whoever made it",
        JobError::NotVouched(_) => {
            "dbseal verify says who signed it; say with --trust whom you trust; --without-seal decrypts whatever opens, whoever made it"
        }
        JobError::NotAsSealed { .. } => {
            "fetch the backup and its seal again from another copy; dbseal verify shows all that is damaged; --salvage saves what is not"
        }
        JobError::Seal { error: SealError::NewerVersion, .. } => {
            "a newer dbseal reads it; --without-seal decrypts whatever opens, whoever made it"
        }
        JobError::ArmorSealed(_) | JobError::Seal { .. } => {
            "fetch the backup and its seal again from another copy; --without-seal decrypts whatever opens, whoever made it"
        }
        JobError::HeaderByStranger { .. } => {
            "if it was meant to, let that key change recipients (may=rewrap) where you say whom you trust; else find out who did"
        }
        JobError::HeaderNotSealed(_) => {
            "fetch the backup and its seal again from another copy; --salvage can open it with the header that its seal has"
        }
        JobError::WrongProof { .. } => "somebody put their own name to another's file: find out who; do not restore it",
        JobError::GroupsUnusable(_) => "decrypt all of it to a file with -o, or fetch the seal again",
        JobError::NoBackups(_) => "backups are the files whose names end in .age",
        JobError::NotASeries(_) => "it is damaged, or another program's: move it away, and the series goes on in a new epoch",
        JobError::StateVersion { .. } => "check with the dbseal that wrote it, or name another file",
        JobError::StateTooLong(_) => "check each folder, or each --series, with a state of its own",
        JobError::StateBesideBackups(_) => "name a file that the storage cannot write to",
        JobError::TrustBesideBackup(_) => "copy it to a place that the storage cannot write to, and look at it once",
        JobError::TrustArgument(TrustError::Key { .. }) => {
            "dbseal keygen --sign wrote it to the .pub file: give the line that is in it, or the name of a file"
        }
        JobError::TrustTogether(_)
        | JobError::TrustArgument(TrustError::IdleEnd { .. })
        | JobError::TrustFile { error: TrustError::IdleEnd { .. }, .. } => {
            "take out the line without until=, which the one with it is in the place of"
        }
        JobError::NoGroups(_) => "leave --sample out: the whole of it can be checked",
        JobError::Sparse { .. } => "no backup has holes: fetch it again from where it is whole, or say with --trust who signed it",
        JobError::NoIdentity => "name the private key with -i FILE",
        JobError::NoTerminal(_) => "put the passphrase into a file that only you can read, and name it with --passphrase-file FILE",
        JobError::Unwrap { error: UnwrapError::NoMatch, .. } => "dbseal inspect shows how many recipients the file has, and of which kind",
        JobError::Unwrap { error: UnwrapError::WrongMac, .. }
        | JobError::Rewrap { error: RewrapError::Unwrap(UnwrapError::WrongMac), .. } => {
            "the header is damaged or was changed: take another copy"
        }
        JobError::NotComplete(_) | JobError::EndMissing { .. } | JobError::Payload { error: PayloadError::Truncated { .. }, .. } => {
            "the copy is incomplete, or the backup failed while it was written: fetch it again from where it is whole"
        }
        JobError::Payload { .. } => "fetch the backup again from another copy; --salvage saves what is left of this one",
        JobError::Header { error: HeaderError::NotAge, .. } => "dbseal decrypts what dbseal encrypt, age or rage wrote",
        JobError::Header { error: HeaderError::UnknownVersion, .. } => "a newer dbseal or age may open it",
        JobError::Header { error: HeaderError::Incomplete, .. } => "the copy is incomplete: fetch it again from where it is whole",
        JobError::Decompress { .. } => "leave --decompress out to get the data as it was stored",
        JobError::PrivateKeyArgument => {
            "what was typed may now stand in the shell's history and the process list: replace that key; -i wants the name of a file"
        }
        JobError::NotMetrics(_) => "give --metrics a name of its own, such as dbseal.prom",
        JobError::KeyExists(_) => "choose another name: a key is never replaced, it may be the only one that opens a backup",
        JobError::BinaryToTerminal => "name a file with -o FILE; -o - writes to the terminal all the same",
        JobError::BadCommand { .. } => {
            "it is run without a shell; for a pipe or a redirection write sh -c '...', and see that it fails when a part fails"
        }
        JobError::RangeOfStream(_) => "name a file that lies on a disk",
        JobError::RangeOfArmor(_) => "decrypt the whole of it; a backup that was encrypted without armor can be read in parts",
        JobError::Rewrap { error: RewrapError::Weaker, .. } => "say --allow-weaker if that is meant",
        JobError::Rewrap { error: RewrapError::Unwrap(UnwrapError::NoMatch), .. } => {
            "if it was done before, that is as it should be: dbseal inspect with -i and the new key says whether that opens it"
        }
        JobError::NobodyTrusted(_) => {
            "name with --trust, or in /etc/dbseal/trust, whom those trust who check these backups; --accept unvouched signs without"
        }
        JobError::SealNeedsKey(_) => "sign the change with --sign KEY, whose role is rewrap, or remove the seal with --drop-seal",
        JobError::NobodyToAsk => "say --yes if that is meant",
        JobError::Handoff { error: HandoffError::Unwrap(UnwrapError::NoMatch), .. } => {
            "give the private key of one of its recipients with -i"
        }
        JobError::Handoff { error: HandoffError::OtherRequest(_) | HandoffError::OtherFile, .. } => {
            "use the grant that was made for this request; if there is none, have this one granted"
        }
        JobError::Handoff { error: HandoffError::Passphrase, .. } => "decrypt it with its passphrase",
        JobError::Handoff { error: HandoffError::NewerVersion, .. } => "use a newer dbseal",
        JobError::RequestAmongBackups(_) => "name the request where you made it, in a place of your own",
        JobError::NotGrantedHere(_) => "name the backup that was asked for, or make a request for this one as it is now",
        JobError::RequestKeyGone(_) => "decrypt where the request was made; if that was done, make another request",
        JobError::OtherRequestKey(_) => "put the key beside the request that was written with it; if it is gone, make another request",
        JobError::KeyForHandoff(_) => "give what dbseal request or dbseal grant wrote; a private key stays on its machine",
        JobError::SealFull(_) => {
            "take the seal from another copy: whoever can write to the storage can fill one with notes that say nothing"
        }
        JobError::RequestBesideBackups(_) => "name a place of your own with -o, such as ~/shop.request",
        JobError::AnswerExists(_) => "choose another name with -o: it may be another request, or the answer to one",
        JobError::NotTheBackup(_) => "name the backup itself",
        JobError::NotAllOpened(_) => {
            "of a key that goes, to open none is as it should be; where these are to open all, keep the one before, or give all keys, each with -i"
        }
        JobError::NotInRequest(_) | JobError::OtherSealSince(_) => "make another request for it",
        JobError::NotAnswered(_) => "the machine with the key said why; make another request for it if it should have one",
        JobError::AnswerNotTrusted(_) => {
            "have it signed there with grant --sign KEY, whose role is rewrap; or compare its code with what was shown there, and name that with --code"
        }
        JobError::OtherAnswerCode(_) => {
            "read the code of the answer from the screen of the machine with the key; if it is another, do not use this"
        }
        JobError::NewHeaderNotTrusted(_) => {
            "have it signed there with grant --sign KEY, which the trust file here lets change recipients (may=rewrap)"
        }
        JobError::Handoff { error: HandoffError::NotSigned, .. } => "sign it with --sign KEY, whose role is rewrap",
        JobError::Handoff { error: HandoffError::Rewrap(RewrapError::Weaker), .. } => "say --allow-weaker if that is meant",
        JobError::Handoff { error: HandoffError::MissingParts { .. }, .. } => "give all pictures of it, in any order",
        JobError::Handoff { error: HandoffError::OtherPart, .. } => "give the pictures of one request, or of one grant, and nothing else",
        JobError::Handoff { error: HandoffError::ManyParts, .. } => "carry it over as a file, on a stick",
        JobError::Handoff { error: HandoffError::Other, .. } => "give what dbseal request or dbseal grant wrote",
        JobError::Handoff { error: HandoffError::Malformed(_) | HandoffError::Seal(_), .. } => "carry it over again, all of it",
        JobError::Handoff { error: HandoffError::LargeFile, .. } => {
            "take both from another copy; if it is the seal alone that is long, move it aside"
        }
        JobError::Handoff { error: HandoffError::TooLong | HandoffError::HeadersTooLong | HandoffError::FileCount, .. } => {
            "ask for fewer backups at a time"
        }
        JobError::Handoff { error: HandoffError::OtherKind { .. } | HandoffError::OtherPurpose, .. } => {
            "what request --rewrap asked for is put there with rewrap --apply, and what request asked for opens with decrypt --grant"
        }
        JobError::NoPicture { .. } => "give a PNG or a JPEG, or the text",
        JobError::NoCode(_) => "take it again: from the front, sharp, with the whole code and its white edge; or carry the text over",
        JobError::Share { error: ShareError::TooFew { .. } | ShareError::TooFewGroups { .. } | ShareError::None, .. } => {
            "give more of them: each of its files with -i of its own"
        }
        JobError::Share { error: ShareError::OtherSet(_), .. } => "take shares of one set: the number of the set stands on each",
        JobError::Share { error: ShareError::Counts | ShareError::NotAnIdentity, .. } => "as in --shares 3/5",
        JobError::Share { .. } => "compare it with what was printed, word by word; if it is as that is, take another share of the same set",
        JobError::IdentityCommandFailed { .. } => "read what it said above, and run it by itself to see what it lacks",
        JobError::IdentityCommandHangs { .. } => "run it by itself: it may wait for a login, or for somebody to touch a token",
        JobError::SharesWithoutName => "say -o backup.key: they are then backup.1.share, backup.2.share and so on",
        JobError::NotRequestable(_) => "name the backup, not what is in it or beside it",
        JobError::OtherCode(_) => "read the code from the screen of the machine that restores; if it is another, do not grant this",
        JobError::GrantNotVerified(_) => "name who signs backups with --trust; if you know of all these what they are, say --not-verified",
        JobError::OnlyForRewrap(_) => "leave it out",
        JobError::InUse(_) => "wait until that has ended, then try again",
        JobError::Succession { error: SuccessionError::Other, .. } => {
            "dbseal keygen --sign NAME --succeeds OLD -o NEW.key makes one, NEW.succession"
        }
        JobError::Succession { error: SuccessionError::NewerVersion, .. } => "use a newer dbseal",
        JobError::Succession { .. } => "do not trust the new key by it: fetch it again from its host, by a way that you trust",
        JobError::Successor { error: SuccessorError::TwoLast { .. }, .. } => {
            "name the one that you believe with --last, in the place of their folder"
        }
        JobError::Successor { error: SuccessorError::Gap { .. }, .. } => {
            "see what became of those between with dbseal list; then name the last backup that you believe, by itself, with --last"
        }
        JobError::Successor { error: SuccessorError::Stranger(_), .. } => {
            "name the file that has the line of the old key with --trust; if none has one, get the new verifier key from somebody you know"
        }
        JobError::Successor { .. } => "get the new verifier key from somebody you know, as you have got the first one",
        JobError::SuccessionWithoutName => "say -o NEW.sign.key: it is then NEW.sign.succession",
        JobError::NoLastBackup => "dbseal verify says who has signed them; name backups that the old key has sealed",
        JobError::MayNotRewrap(_) => {
            "sign with another key, or give this one may=rewrap in the trust file, and a series= that is that of the backup"
        }
        JobError::Unfinished(_) => "dbseal rewrap finishes it, with a key that opened it before or one that opens it then",
        JobError::NotRewrappable(_) => "decrypt it, and encrypt it again without armor",
        JobError::Memory => "use fewer with --threads, or lift the limit (ulimit -v)",
        JobError::Thread(_) => "use fewer with --threads, or lift the limit (ulimit -u)",
        JobError::Create { error, .. } | JobError::Write { error, .. } if is_denied(error) => {
            "run it as somebody who may write there, or name another place"
        }
        JobError::ConsumerLeft { .. } => "what it was given is not complete: do not use what it made of it",
        _ => return None,
    })
}

/// The exit code.
pub(super) fn exit(error: &JobError) -> Exit {
    match error {
        JobError::Open { .. }
        | JobError::Spawn { .. }
        | JobError::NotAFile(_)
        | JobError::OutputIsFolder(_)
        | JobError::ForeignFifo(_)
        | JobError::SameFile(_)
        | JobError::InputIsFolder(_)
        | JobError::RecipientArgument(_)
        | JobError::Keyfile { .. }
        | JobError::Wrap(_)
        | JobError::SigningKey { .. }
        | JobError::TrustArgument(_)
        | JobError::TrustTogether(_)
        | JobError::TrustFile { .. }
        | JobError::TrustBesideBackup(_)
        | JobError::NoSigningKey
        | JobError::NoSealPath
        | JobError::NameInSeal(_)
        | JobError::Placeholder(_)
        | JobError::NotASeries(_)
        | JobError::NotAState(_)
        | JobError::StateVersion { .. }
        | JobError::StateTooLong(_)
        | JobError::SealOfSeveral(_)
        | JobError::StateBesideBackups(_)
        | JobError::NoBackups(_)
        | JobError::NotSealable(_)
        | JobError::NotSalvageable(_)
        | JobError::NoIdentity
        | JobError::NoTerminal(_)
        | JobError::EmptyPassphrase
        | JobError::PassphraseNotText(_)
        | JobError::PassphrasesDiffer
        | JobError::Range(_)
        | JobError::RangeOfStream(_)
        | JobError::RangeOfArmor(_)
        | JobError::BinaryToTerminal
        | JobError::StdinTwice
        | JobError::Closed(_)
        | JobError::NoCommand
        | JobError::PrivateKeyArgument
        | JobError::NotMetrics(_)
        | JobError::BadCommand { .. }
        | JobError::InUse(_)
        | JobError::OnlyForRewrap(_)
        | JobError::NobodyToAsk
        | JobError::NotRewrappable(_)
        | JobError::RequestBesideBackups(_)
        | JobError::RequestAmongBackups(_)
        | JobError::RequestKeyGone(_)
        | JobError::KeyForHandoff(_)
        | JobError::NotTheBackup(_)
        | JobError::NotRequestable(_)
        | JobError::SharesWithoutName
        | JobError::SuccessionWithoutName
        | JobError::IdentityCommandFailed { .. }
        | JobError::IdentityCommandHangs { .. }
        | JobError::SealNeedsKey(_)
        | JobError::NobodyTrusted(_)
        | JobError::Idle(_) => Exit::CannotRun,
        JobError::Create { error, .. } if !is_full(error) => Exit::CannotRun,
        JobError::Write { error, .. } if is_denied(error) => Exit::CannotRun,
        _ => Exit::Refused,
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
}

#[cfg(test)]
mod tests;
