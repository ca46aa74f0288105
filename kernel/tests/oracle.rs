//! Every backend that this machine can run, through the same functions, against the portable one.

mod compared;

use std::io::Write as _;

use dbseal_kernel::{Backend, Key, MAX_TEXT_LEN};

#[test]
fn every_length_gives_the_same() {
    let names: Vec<&str> = Backend::all().map(Backend::name).collect();
    // To the terminal, past the test runner: how much was checked is part of the answer.
    writeln!(std::io::stderr(), "backends here: {}", names.join(", ")).expect("stderr");
    each(compared::check_lens);
    each(compared::check_long_lens);
}

#[test]
fn every_alignment_gives_the_same() {
    each(compared::check_alignments);
}

#[test]
fn extreme_blocks_give_the_same() {
    each(compared::check_extremes);
}

#[test]
fn what_was_altered_is_refused_and_nothing_touched() {
    each(compared::check_refusals);
}

#[test]
fn random_texts_give_the_same() {
    each(|backend| compared::check_random(backend, 5000));
}

#[test]
#[ignore = "not run here: long tier (2 minutes)"]
fn a_million_random_texts_give_the_same() {
    each(|backend| compared::check_random(backend, 1_000_000));
}

#[test]
#[should_panic(expected = "a text beyond the longest")]
fn a_text_beyond_the_longest_is_not_sealed() {
    let _ = Key::new(&[0; 32], Backend::detect()).seal(&[0; 12], vec![0; MAX_TEXT_LEN + 1].as_mut_slice().into());
}

#[test]
#[should_panic(expected = "a text beyond the longest")]
fn a_text_beyond_the_longest_is_not_opened() {
    let _ = Key::new(&[0; 32], Backend::detect()).open(&[0; 12], vec![0; MAX_TEXT_LEN + 1].as_mut_slice().into(), &[0; 16]);
}

fn each(check: impl Fn(Backend) -> Result<(), String>) {
    for backend in Backend::all() {
        check(backend).unwrap_or_else(|error| panic!("{error}"));
    }
}
