//! Grant, as the page shows it: the private key is read here, and what the page gets is what is known of the request, and the grant.

use std::future::ready;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use dbseal::core::Trust;
use dbseal::{IdentitySource, PassphraseSource, load_identities, read_request};
use dbseal_web::engine::{self, Person, pasted_request};
use dbseal_web::messages::grant::{Asked, Consent, Granted};
use dbseal_web::messages::{Failure, Report};

use super::failures;
use super::inspect::at_once;
use super::telling::Teller;
use super::typed::Typed;
use crate::worker::JobOrder;

/// What was asked for.
pub(super) struct Granting<'a> {
    pub(super) order: &'a JobOrder,
    /// The request, where it is in no file.
    pub(super) pasted: &'a str,
    pub(super) trust: Trust,
    pub(super) passphrase: Typed,
    pub(super) consents: &'a Receiver<Consent>,
    pub(super) teller: &'a Arc<Teller>,
}

impl Granting<'_> {
    /// Shows what is asked for, waits for the person, and grants it.
    pub(super) fn run(self) -> Result<Granted, Failure> {
        let files: Vec<PathBuf> = self.order.backups.iter().map(|file| file.to_path_buf()).collect();
        let request =
            if files.is_empty() { pasted_request(self.pasted)? } else { read_request(&files).map_err(|error| failures::of(&error))? };
        let sources: Vec<_> = self.order.identity.iter().map(|path| IdentitySource::File(path.to_path_buf())).collect();
        if sources.is_empty() {
            return Err(failures::no_key());
        }
        let identities = load_identities(&sources, &PassphraseSource::Ask, &self.passphrase, &**self.teller);
        let identities = identities.map_err(|error| failures::of(&error))?;
        let person = AtWindow { consents: self.consents, teller: self.teller };
        at_once(engine::grant(&request, identities, &self.trust, &person))
    }
}

/// The person at the window, in the other process.
struct AtWindow<'a> {
    consents: &'a Receiver<Consent>,
    teller: &'a Teller,
}

impl Person for AtWindow<'_> {
    fn ask(&self, asked: Asked) -> impl Future<Output = Result<Consent, Failure>> {
        // What was said before there was a question is no answer to it.
        self.consents.try_iter().for_each(drop);
        self.teller.tell(&Report::Asked(Box::new(asked)));
        // Where there is no window any more, this process is about to end.
        ready(self.consents.recv().map_err(|_| failures::nobody_there()))
    }
}
