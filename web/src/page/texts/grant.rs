//! The hand-off across an air gap: what is asked, what is known of it, and what is granted.

use super::failure;
use crate::messages::Failure;
use crate::messages::grant::{Asked, AskedFile, Facts, Finding, Granted};

pub(in crate::page) const GRANT: (&str, &str, &str) =
    ("Grant", "Let another machine open a backup, without giving it the key.", "Needs the key");
pub(in crate::page) const GRANT_TITLE: &str = "Grant a request";
pub(in crate::page) const GRANT_LEAD: &str =
    "A machine that restores asks for a backup whose key is here. It gets what opens that backup alone; the key stays here.";
pub(in crate::page) const GRANT_START: &str = "Show what is asked for";
pub(in crate::page) const READING_REQUEST: &str = "Reading the request";
pub(in crate::page) const GRANT_FAILED: &str = "Nothing was granted";
pub(in crate::page) const GRANTED_NOTHING: &str = "Nothing was granted.";

pub(in crate::page) const REQUEST: &str = "What is asked for?";
pub(in crate::page) const REQUEST_LABEL: &str = "The request, as text";
pub(in crate::page) const REQUEST_HINT: &str = "What dbseal request wrote on the other machine. Whatever stands around it does not matter.";
pub(in crate::page) const REQUEST_EXAMPLE: &str = "-----BEGIN DBSEAL REQUEST-----";
pub(in crate::page) const REQUEST_OR: &str = "Or as a file, or as pictures of its QR codes (PNG or JPEG), in any order:";
pub(in crate::page) const REQUEST_FILES: &str = "File or pictures";
pub(in crate::page) const REQUEST_FILES_HINT: &str = "Choose them, or drop them anywhere on this page";

pub(in crate::page) const ASKED_FILES: &str = "What is asked for";
pub(in crate::page) const CODE_TITLE: &str = "Compare this code";
pub(in crate::page) const CODE_SAYS: &str = "Call the person at the other machine, whose voice you know, and read it to each other. \
                                                     Both machines must show the same code: with another one, the request before you is \
                                                     somebody else's. Then grant nothing.";
pub(in crate::page) const GRANT_UNVERIFIED_TITLE: &str = "What is not verified";
pub(in crate::page) const GRANT_UNVERIFIED: (&str, &str) = (
    "Grant it although NOTHING about it IS VERIFIED",
    "Only if you know by another way what it is: whoever made the request can have put any backup of yours in its place.",
);
pub(in crate::page) const REFUSE: &str = "Grant nothing";
pub(in crate::page) const GRANTING: &str = "Granting";

pub(in crate::page) const GRANTED_LEAD: &str = "Bring the grant to the other machine, as text, as a file, or by its camera. It opens \
                                                     nothing for anybody else. It cannot be taken back.";
pub(in crate::page) const GRANT_TEXT: &str = "As text";
pub(in crate::page) const GRANT_TEXT_LABEL: &str = "The grant";
pub(in crate::page) const COPY: &str = "Copy it";
pub(in crate::page) const COPIED: &str = "Copied.";
pub(in crate::page) const NOT_COPIED: &str = "This browser does not copy by itself. All of it is selected: press Ctrl and C.";
pub(in crate::page) const SAVE_GRANT: &str = "Save it as a file";
pub(in crate::page) const GRANT_STARTED: &str = "The browser is saving the grant.";
pub(in crate::page) const GRANT_STARTED_APP: &str = "The grant is being written into your folder for downloads.";
pub(in crate::page) const GRANT_CODES: &str = "As QR codes";
pub(in crate::page) const GRANT_CODES_SAYS: &str = "Take a picture of each, sharp and from the front. On the other machine: dbseal \
                                                     decrypt --request REQUEST --grant PICTURE, with a --grant for each picture.";
pub(in crate::page) const TOO_LONG_FOR_CODES: &str =
    "It is too long for pictures: it would be more than 64 of them. Bring it as text or as a file.";
pub(in crate::page) const GRANT_CODE_TITLE: &str = "The code of the grant";
pub(in crate::page) const GRANT_CODE_SAYS: &str = "By this you know the grant again.";
pub(in crate::page) const GRANT_ANOTHER: &str = "Grant another";

/// The headline of the question.
pub(in crate::page) fn asked_title(asked: &Asked) -> String {
    let what = match asked.files.len() {
        1 => "A backup is asked for".into(),
        count => format!("{count} backups are asked for"),
    };
    let loud = match (asked.unverified_count(), asked.opened_count()) {
        (0, _) => "",
        (unverified, opened) if unverified == opened => ": NOT VERIFIED",
        _ => ": NOT all VERIFIED",
    };
    what + loud
}

/// What that means.
pub(in crate::page) fn asked_lead(asked: &Asked) -> String {
    let claims = "Whoever made the request can call a backup whatever they like.";
    match (asked.unverified_count(), asked.opened_count()) {
        (0, _) => "Nothing is granted yet. First compare the code.".into(),
        (unverified, opened) if unverified == opened => format!("NOTHING IS VERIFIED of what is asked for. {claims}"),
        (unverified, opened) => format!("Of {unverified} of the {opened} that would be granted NOTHING IS VERIFIED. {claims}"),
    }
}

/// A file that is asked for: its name, and what is known of it.
pub(in crate::page) fn asked_file(file: &AskedFile) -> (String, String) {
    match &file.finding {
        Finding::Verified(facts) => {
            let name = facts.name.as_ref().unwrap_or(&file.name);
            let called = if *name == file.name { String::new() } else { format!(" The request calls it {}.", file.name) };
            (name.clone(), format!("{}.{called}", known(facts)))
        }
        Finding::NotVerified(why) => (file.name.clone(), format!("NOT VERIFIED: {why}. Its name is what the request says.")),
        Finding::NotOpened => (file.name.clone(), "Not granted: this key does not open it. It may be for another custodian.".into()),
        Finding::Unusable(why) => (file.name.clone(), format!("Not granted: {why}. Ask for it again with a good copy of it.")),
    }
}

fn known(facts: &Facts) -> String {
    let series = facts.series.as_ref().map(|(label, number)| format!("; number {number} of the series {label}")).unwrap_or_default();
    let time = facts.time.as_ref().map(|time| format!("; {time} by its clock")).unwrap_or_default();
    format!("Sealed and made by {}, whom you trust{series}{time}", facts.made_by)
}

/// Who asks, as far as that is known.
pub(in crate::page) fn request_signer(asked: &Asked) -> String {
    match &asked.signed_by {
        Some(name) => format!("The request is signed by {name}, whom you trust. That is no reason not to compare."),
        None => "Nobody whom you trust has signed the request.".into(),
    }
}

/// What the button says by which the answer is yes.
pub(in crate::page) fn agree(asked: &Asked) -> String {
    match asked.opened_count() {
        1 => "The codes are the same: grant the backup".into(),
        count => format!("The codes are the same: grant {count} backups"),
    }
}

/// The headline of what was granted.
pub(in crate::page) fn granted_title(granted: &Granted) -> String {
    match (granted.granted_count, granted.asked_count) {
        (1, 1) => "Granted".into(),
        (granted, asked) => format!("Granted: {granted} of {asked}"),
    }
}

/// Which code it is, where there are several.
pub(in crate::page) fn code_label(number: usize, count: usize) -> String {
    if count == 1 { "The QR code of the grant".into() } else { format!("QR code {number} of {count}") }
}

pub(in crate::page) fn no_request() -> Failure {
    failure("No request was given yet.", "Paste it, or choose the file that it is in, or pictures of its codes.")
}

pub(in crate::page) fn two_requests() -> Failure {
    failure("There is a request in the field, and files were chosen too.", "Empty the one or remove the others.")
}

pub(in crate::page) fn request_is_folder() -> Failure {
    failure("That is a folder.", "Choose the files in it.")
}

pub(in crate::page) fn not_ticked() -> Failure {
    failure(
        "Of what is asked for not everything is verified, so nothing was granted.",
        "Tick the box if you know by another way what it is. Else grant nothing.",
    )
}
