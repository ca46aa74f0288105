//! Every sentence that the page says.
//!
//! Plain words for people who are tired: what happened, what it means, what to do next. Full sentences with full stops; buttons and
//! headings without. What others chose (names, times, reasons) comes through [`visible`] before it is shown.

mod answer;
#[cfg(feature = "many")]
mod catalogue;
mod grant;
mod outcome;
mod report;

pub(super) use answer::{Half, Tone, claim_facts, integrity, place, sentence, spoken};
#[cfg(feature = "many")]
pub(super) use catalogue::*;
pub(super) use grant::*;
pub(super) use outcome::{Opening, inspected_facts, inspected_note, inspected_title, opened_facts, opened_lead, opened_title};
pub(super) use report::{checked_report, program, salvage_report};

use crate::messages::Failure;
pub(super) use crate::numbers::{duration, parse_size, percent, range, rate, short_size};
pub(super) use crate::visible::visible;

pub(super) const START_TITLE: &str = "What do you want to do with a backup?";
pub(super) const START_LEAD: &str = "Everything happens on this computer. No file and no key leaves it.";
pub(super) const CHECK: (&str, &str, &str) = ("Check", "Is it whole, and who sealed it?", "No key needed");
pub(super) const OPEN: (&str, &str, &str) = ("Open", "Decrypt it, a part of it, or what is left of it.", "Needs the key or the passphrase");
pub(super) const INSPECT: (&str, &str, &str) = ("Inspect", "Who can open it, how large it is, what its seal says.", "No key needed");

pub(super) const BY_ITSELF: &str =
    "Here the page itself does the work, as in a browser: slower, one backup of up to 256 MiB at a time, and the key passes through it.";
pub(super) const USE_PAGE: &str = "Let the page itself do the work";
pub(super) const USE_APP: &str = "Let the app do the work again";

pub(super) const BACK: &str = "All tasks";
pub(super) const BACK_TO_TABLE: &str = "The table";
pub(super) const STOP: &str = "Stop";
pub(super) const AGAIN: &str = "Back to the form";

pub(super) const CHECK_TITLE: &str = "Check a backup";
pub(super) const CHECK_LEAD: &str = "The backup is compared with its seal, byte for byte. No key is needed.";
pub(super) const CHECK_START: &str = "Check";
pub(super) const OPEN_TITLE: &str = "Open a backup";
pub(super) const OPEN_LEAD: &str = "The backup is decrypted here, and nothing that is not authentic is written.";
pub(super) const OPEN_START: &str = "Open";
pub(super) const INSPECT_TITLE: &str = "Inspect a backup";
pub(super) const INSPECT_LEAD: &str = "Only the header and the seal are read. Whether the backup is whole, Check finds out.";
pub(super) const INSPECT_START: &str = "Inspect";

pub(super) const FILES: &str = "The backup and its seal";
pub(super) const FILES_HINT: &str = "Choose both at once, or drop them anywhere on this page.";
pub(super) const BACKUP: &str = "Backup";
pub(super) const BACKUP_HINT: &str = "Usually ends with .age";
pub(super) const SEAL: &str = "Seal";
pub(super) const SEAL_HINT: &str = "Lies beside it and ends with .age.seal";
pub(super) const CHOOSE: &str = "Choose a file";
pub(super) const CHANGE: &str = "Choose another";
pub(super) const CHOOSE_FILES: &str = "Choose files";
pub(super) const CHOOSE_MORE: &str = "Choose more";
pub(super) const REMOVE: &str = "Remove";

pub(super) const TRUST: &str = "Whom do you trust?";
pub(super) const TRUST_LABEL: &str = "Verifier keys, or the lines of a trust file";
pub(super) const TRUST_HINT: &str = "One key a line, from the .sign.pub file of the database host. Without any, the page can still tell whether a \
                                     backup is as its seal says, but not whose word that is.";
/// Before the names of files.
pub(super) const TRUST_DEFAULT: &str = "Without any, those count whom this computer trusts: ";
pub(super) const TRUST_EXAMPLE: &str = "db1+23d10702+ARZuj9Qu…  may=seal series=shop*";
pub(super) const TRUST_FILE: &str = "Read them from a file";
pub(super) const TRUST_REMEMBER: &str = "Remember them in this browser";
pub(super) const TRUST_REMEMBER_APP: &str = "Remember them on this computer";
pub(super) const TRUST_REMEMBER_HINT: &str = "They are public, not secret. Untick to forget them.";

pub(super) const KEY: &str = "What opens it?";
pub(super) const KEY_FILE: (&str, &str) = ("A key file", "The identity file that dbseal keygen or age-keygen wrote.");
pub(super) const KEY_TEXT: (&str, &str) = ("A key as text", "The line that starts with AGE-SECRET-KEY-.");
pub(super) const KEY_PASSPHRASE: (&str, &str) = ("A passphrase", "For a backup that was encrypted with one, without a key.");
pub(super) const IDENTITY: &str = "Key file";
pub(super) const IDENTITY_HINT: &str = "It is read once, for this job; what is in it is then forgotten.";
pub(super) const KEY_TEXT_LABEL: &str = "The key";
pub(super) const PASSPHRASE_LABEL: &str = "Passphrase of the backup";
pub(super) const KEY_PASSPHRASE_LABEL: &str = "Passphrase of the key file";
pub(super) const KEY_PASSPHRASE_HINT: &str = "This key is itself protected by a passphrase.";
pub(super) const SHOW_SECRET: &str = "Show what is typed";
pub(super) const KEY_NOTE: &str = "Keys and passphrases are never stored, and are wiped when the job ends.";
pub(super) const KEY_NOTE_APP: &str = "The key file is read by the job alone, and never enters this page. A passphrase passes through it once; \
                                         the window may keep a copy of it for a while.";
pub(super) const KIT_WARNING: &str = "This page was opened from a file. Enter a key only if the file came to you together with the key, or \
                                      was checked against its published hash. A page found beside the backups is for checking only: \
                                      whoever put it there may have changed it to steal keys.";

pub(super) const PART: &str = "What do you need of it?";
pub(super) const PART_WHOLE: (&str, &str) = ("All of it", "Written only if every byte is authentic.");
pub(super) const PART_RANGE: (&str, &str) = ("A part", "A range of bytes of what was backed up.");
pub(super) const PART_SALVAGE: (&str, &str) =
    ("What is left of it (salvage)", "From a damaged backup: what is lost becomes zeros, and is listed.");
pub(super) const RANGE_START: &str = "From byte";
pub(super) const RANGE_END: &str = "Up to, not with, byte";
pub(super) const RANGE_HINT: &str = "Whole numbers, with K, M, G or T for powers of 1024. Without an end, all the rest.";

pub(super) const OUTPUT: &str = "Where it goes";
pub(super) const OUTPUT_FILE: (&str, &str) = ("Into a file", "You choose it when you press the button.");
pub(super) const OUTPUT_PROGRAM: (&str, &str) =
    ("Into a program", "Only what somebody whom you trust vouches for; each part is checked before the program gets it.");
pub(super) const PROGRAM_LABEL: &str = "The command";
pub(super) const PROGRAM_HINT: &str =
    "Run without a shell, with your rights. For a pipe or a redirection write sh -c '...', and see that it fails when a part fails.";
pub(super) const PROGRAM_EXAMPLE: &str = "mbstream -x -C /restore";
pub(super) const DECOMPRESS: (&str, &str) = ("Decompress it", "For a dump that dbseal encrypt --zstd made. Anything else is refused then.");
pub(super) const GOES_TO_APP: &str = "A file appears under its name only when all of it is there and on the disk. A program that is stopped may leave what it has made so far.";
pub(super) const WENT_TO_FILE: &str = "File";
pub(super) const WENT_TO_PROGRAM: &str = "Program";
pub(super) const RESTORED: &str = "Restored: the program has ended well";
pub(super) const TO_KNOW: &str = "To know";
pub(super) const PRINTED: &str = "What the program printed";
pub(super) const UNSEALED_WARNING: &str = "This time the seal will not be asked, so nobody vouches for what you open. Anybody who has the \
                                           public key, or the passphrase, can make a backup that opens just so, and a database dump is a \
                                           program that runs with your rights. Use what comes out only if you know by another way where it came \
                                           from.";
pub(super) const OPEN_UNSEALED_TITLE: &str = "Open without anybody who vouches";
pub(super) const OPEN_UNSEALED_START: &str = "Open without asking the seal";
pub(super) const OPEN_ANYWAY_TITLE: &str = "If you need it all the same";
pub(super) const OPEN_ANYWAY: &str = "Open it all the same";
pub(super) const OPEN_ANYWAY_SAYS: &str = "It can be opened without asking its seal. The next page says what that means.";
pub(super) const OPEN_RENAMED_TITLE: &str = "If it was renamed on purpose";
pub(super) const OPEN_RENAMED: &str = "Open it under this name";
pub(super) const OPEN_RENAMED_SAYS: &str = "It can be opened under the name that it has. Its seal is asked all the same.";
pub(super) const ASK_NAME: &str = "Let the name matter after all";
pub(super) const ASK_SEAL: &str = "Ask the seal after all";

pub(super) const CHECKING: &str = "Checking";
pub(super) const OPENING: &str = "Opening";
pub(super) const INSPECTING: &str = "Reading";
pub(super) const PREPARING: &str = "Getting ready";
pub(super) const SILENCE: &str = "Nothing was heard of this work for 20 seconds. The disk may be slow, or something has ended the work. If \
                                  this stays, stop and try again; if that does not help, use the dbseal command.";
pub(super) const STOPPED: &str = "Stopped. Nothing was kept, unless all of it had just been written.";
pub(super) const STOPPED_PROGRAM: &str =
    "Stopped; the program is ended too, if it runs as you: not by sudo. What it has made of the backup may not be complete.";
pub(super) const READING_STOPPED: &str = "Stopped.";
pub(super) const LEGEND: [(&str, &str); 3] = [("unread", "not read yet"), ("read", "read"), ("damaged", "damaged")];

pub(super) const INTEGRITY: &str = "Integrity";
pub(super) const PLACE: &str = "Place";
pub(super) const SEAL_SAYS: &str = "What its seal says";
pub(super) const NEXT: &str = "Next";
pub(super) const DAMAGE: &str = "Where it is damaged";
pub(super) const DAMAGE_SOMEWHERE: &str = "Damaged somewhere in";
pub(super) const CHECK_FAILED: &str = "The check did not work";
pub(super) const OPEN_FAILED: &str = "It was not opened";
pub(super) const INSPECT_FAILED: &str = "It cannot be inspected";
pub(super) const SAVE_REPORT: &str = "Save a report";
pub(super) const REPORT_STARTED: &str = "The browser is saving the report.";
pub(super) const REPORT_STARTED_APP: &str = "The report is being written into your folder for downloads.";
pub(super) const SAVE_NOTE: &str = "It is not saved yet. Once you have left this screen or closed this page, it cannot be saved any more.";
pub(super) const SAVE_STARTED: &str = "The browser is saving it. Leave this page open until its list of downloads says that it is done.";
pub(super) const SAVE_STARTED_APP: &str = "It is being written into your folder for downloads, under a name that nothing there has. Leave this \
                                           screen open until the app says where it lies.";
pub(super) const OUTPUT_SAYS: &str = "The output";
pub(super) const FILE_SAYS: &str = "The file";
pub(super) const PROGRESS_LABEL: &str = "How far it is";
pub(super) const INSPECT_ANOTHER: &str = "Inspect another";
pub(super) const OPEN_ANOTHER: &str = "Open another";
pub(super) const CHECK_ANOTHER: &str = "Check another";
pub(super) const OPEN_THIS: &str = "Open this backup";
pub(super) const CHECK_THIS: &str = "Check this backup";
pub(super) const LOST: &str = "What is lost";
pub(super) const NOT_SEALED: &str = "What opened, but is not as it was sealed";

/// How many ranges the page shows; a report has them all.
pub(super) const MAX_RANGES: usize = 20;

/// What it means to open a backup under another name than its seal says.
pub(super) fn renamed_warning(sealed: &str) -> String {
    format!(
        "This time it is opened although its seal calls it {sealed}. An older backup in the place of a newer one looks just like that: see \
         that it is the one you want."
    )
}

/// What the map of a file shows, for those who do not see it.
pub(super) fn map_label(percent: u64, damaged_len: u64) -> String {
    let damage = if damaged_len == 0 { "no damage found".into() } else { format!("{} damaged", short_size(damaged_len)) };
    format!("Map of the file: {percent}% read, {damage}")
}

/// Which file an answer is about.
pub(super) fn subject(name: &str, len: u64) -> String {
    format!("{name}, {}", short_size(len))
}

/// What the button says that saves an output.
pub(super) fn save_output(name: &str) -> String {
    format!("Save {name}")
}

/// Where a report is now.
pub(super) fn saved_as(path: &str) -> String {
    format!("Saved as {}", visible(path))
}

/// How far a job is, on the screen.
pub(super) fn progress(done_len: u64, total_len: u64) -> String {
    format!("{} of {}", short_size(done_len), short_size(total_len))
}

/// That all was handed over to a program, which works on.
pub(super) fn waiting(program: &str) -> String {
    format!("All of it was handed over. {} works on: a database may take hours.", visible(program))
}

/// That this computer has networks, where a private key is used, or may have: nothing where it is known to have none.
pub(super) fn networks(names: Option<&[String]>) -> Option<String> {
    let has = match names {
        Some([]) => return None,
        Some(names) => format!("This computer has a network ({}).", names.join(", ")),
        None => "Whether this computer has a network could not be found out.".into(),
    };
    Some(format!(
        "{has} A private key is safest on a computer that has none: pull the cable and switch off the radio before you open a backup here."
    ))
}

/// That files were dropped, or came by another start of the app, while a form was shown.
pub(super) fn taken(name: &str) -> String {
    format!("Now chosen: {}", visible(name))
}

/// That another backup was chosen on a form that let something pass for the one before.
pub(super) const OTHER_BACKUP: &str = "This is another backup, so its seal is asked again.";

/// Which files were given from outside.
pub(super) fn given(name: &str) -> String {
    format!("Chosen: {}", visible(name))
}

/// How long a job will still take.
pub(super) fn time_left(seconds: u64) -> String {
    format!("{} left", duration(seconds))
}

/// How far a job is, spoken now and then.
pub(super) fn spoken_progress(percent: u64, left: Option<u64>, damaged_len: u64) -> String {
    let left = left.map(|seconds| format!(", {}", time_left(seconds))).unwrap_or_default();
    let damage = if damaged_len == 0 { String::new() } else { format!("; {} damaged", short_size(damaged_len)) };
    format!("{percent}%{left}{damage}")
}

/// What stands for more ranges than are shown.
pub(super) fn more_ranges(count: usize) -> String {
    if count == 1 { "and 1 more, which the report lists".into() } else { format!("and {count} more, which the report lists") }
}

/// That nothing was chosen to work with.
pub(super) fn no_backup() -> Failure {
    failure("No backup was chosen yet.", "Choose the file of the backup, or drop it on this page.")
}

/// That a folder was chosen where one backup is wanted.
pub(super) fn is_folder() -> Failure {
    failure("That is a folder.", "Choose a backup in it; to see all that is in it, go to All tasks, Look at many.")
}

/// The page's own name, which stands on its tab or over its window.
pub(super) fn page_title(words: &str) -> String {
    format!("{} - dbseal", visible(words))
}

/// How long a job took, and until when, if that was long.
pub(super) fn took(seconds: u64, now: &str) -> Option<String> {
    (seconds >= 60).then(|| format!("It took {}, until {now}.", duration(seconds)))
}

/// That more was chosen than a backup and its seal.
pub(super) fn too_many_files(count: usize) -> Failure {
    failure(&format!("Of these {count} files it is not clear which to take."), "Choose one backup and its seal, which ends with .seal.")
}

pub(super) fn no_identity() -> Failure {
    failure("No key file was chosen yet.", "Choose the identity file that opens the backup.")
}

pub(super) fn no_key_text() -> Failure {
    failure("No key was entered yet.", "Paste the line that starts with AGE-SECRET-KEY-.")
}

pub(super) fn no_passphrase() -> Failure {
    failure("No passphrase was entered yet.", "Type the passphrase.")
}

pub(super) fn no_salvage_into_program() -> Failure {
    failure("What is left of a damaged backup goes into a file, not into a program.", "Choose a file, or all of the backup.")
}

pub(super) fn no_program() -> Failure {
    failure("No command was entered yet.", "Name the program, as in mbstream -x -C /restore.")
}

pub(super) fn no_part_decompressed() -> Failure {
    failure("A part of a compressed dump cannot be decompressed by itself.", "Open all of it, or do not have it decompressed.")
}

pub(super) fn other_backup_meanwhile() -> Failure {
    failure("Another backup was chosen meanwhile, so nothing was started.", "See which one it is, and press the button again.")
}

pub(super) fn program_not_let() -> Failure {
    failure(
        "Nobody has let that program run, so nothing was started.",
        "Press the button again, and say yes to what you want to run. A command of more than 1,000 characters cannot be shown: put it into \
         a script.",
    )
}

pub(super) fn bad_range() -> Failure {
    failure(
        "The part is not clear: a place is a whole number, with K, M, G or T for powers of 1024.",
        "Write the first byte, from 0, and the byte behind the last; or leave the end empty.",
    )
}

pub(super) fn backward_range() -> Failure {
    failure("The part ends before it begins.", "Let the end be larger than the beginning.")
}

pub(super) fn trust_file_too_long() -> Failure {
    failure("That file is too large for a list of keys.", "Choose the trust file, or the .sign.pub file of the database host.")
}

pub(super) fn still_preparing() -> Failure {
    failure("The page is still finding out where the output can go.", "Press the button again in a moment.")
}

pub(super) fn still_reading_trust() -> Failure {
    failure("The file of those whom you trust is still being read.", "Wait a moment, then press the button again.")
}

pub(super) fn trust_lost() -> Failure {
    failure(
        "The file of those whom you trust could not be read, so nobody is known whom you trust.",
        "Choose it again, or write the lines yourself.",
    )
}

pub(super) fn unreadable_file() -> Failure {
    failure("The file cannot be read.", "See whether it is still there, and choose it again.")
}

pub(super) fn no_place_chosen() -> Failure {
    failure("No place for the output was chosen, so nothing was started.", "Press the button again and choose where the file shall go.")
}

/// That the browser refused the place that was chosen, in its words.
pub(super) fn place_refused(why: &str) -> Failure {
    failure(
        &format!("The browser does not let this page write there: {}", sentence(why)),
        "Choose another place, or decrypt it with the dbseal command.",
    )
}

pub(super) fn too_long_for_memory(len: u64, limit: u64, in_app: bool) -> Failure {
    let (len, limit) = (short_size(len), short_size(limit));
    if in_app {
        return failure(
            &format!("This can become {len}, and by itself the page can hold at most {limit}."),
            "Let the app do the work again, open a part at a time, or use dbseal decrypt.",
        );
    }
    failure(
        &format!("This can become {len}, and in this browser, opened like this, the page can hold at most {limit}."),
        "Use a browser that can save to a file (Chromium, Chrome, Edge), open a part at a time, or use dbseal decrypt.",
    )
}

pub(super) fn no_room(len: u64, room: u64) -> Failure {
    failure(
        &format!("This can become {}, and the browser has room for {}.", short_size(len), short_size(room)),
        "Free some space on the disk, open a part at a time, or use dbseal decrypt.",
    )
}

/// That there is no worker, in the browser's words.
pub(super) fn no_worker(why: &str) -> Failure {
    failure(
        format!("The part of this page that does the work could not start. {}", sentence(why)).trim_end(),
        "Load the page again. If that does not help, use a current Chromium or Firefox, or the dbseal command.",
    )
}

/// That the worker broke down, in the browser's words.
pub(super) fn worker_failed(why: &str) -> Failure {
    failure(
        format!("The work broke off, and nothing was kept. {}", sentence(why)).trim_end(),
        "Try again. If it happens again, the memory of this browser may be too small: use the dbseal command.",
    )
}

/// That the worker said something that is not understood.
pub(super) fn strange_worker() -> Failure {
    failure("The page and the part of it that does the work do not understand each other.", "Load the page again.")
}

fn failure(what: &str, next: &str) -> Failure {
    Failure::new(what, next)
}

/// Where the output will go: into a file that the person chooses.
pub(super) fn goes_to_picked_file() -> String {
    "You choose the file when you press the button. If you choose one that is there already, it is emptied at once. The output \
     appears in it only at the end, when nothing has failed."
        .into()
}

/// Where the output will go: to the browser's own storage first.
pub(super) fn goes_to_storage(room: Option<u64>) -> String {
    let room = room.map(|room| format!(" It has room for {}.", short_size(room))).unwrap_or_default();
    format!(
        "First into the browser's own storage on this disk.{room} When all of it is there you save it as a download, which needs the same \
         room once more."
    )
}

/// Where the output will go: into memory.
pub(super) fn goes_to_memory(limit: u64, in_app: bool) -> String {
    let limit = short_size(limit);
    if in_app {
        return format!(
            "The page holds it in memory: up to {limit}. When all of it is there you save it, and the app puts it into your folder for \
             downloads."
        );
    }
    format!("This browser, opened like this, can only hold it in memory: up to {limit}. When all of it is there you save it as a download.")
}

#[cfg(test)]
mod tests;
