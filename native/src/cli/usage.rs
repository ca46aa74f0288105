//! What is wrong with what was typed, in the voice of all other errors.

use clap::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// The sentence and what to do, for an error that is not a request for help.
pub(super) fn explain(error: &Error, subcommand: Option<&str>) -> (String, String) {
    let message = match (error.kind(), text(error, ContextKind::InvalidArg)) {
        (ErrorKind::ArgumentConflict, Some(arg)) => match text(error, ContextKind::PriorArg) {
            Some(other) if other != arg => format!("{arg} and {other} exclude each other: give one of them"),
            _ => format!("{arg} is given twice"),
        },
        (ErrorKind::UnknownArgument, Some(arg)) if arg.starts_with('-') => format!("there is no option {arg} here"),
        (ErrorKind::UnknownArgument, Some(arg)) => format!("there is no place for '{arg}' here"),
        (ErrorKind::MissingRequiredArgument, Some(arg)) => format!("{arg} is missing"),
        (ErrorKind::InvalidValue, Some(arg)) if text(error, ContextKind::InvalidValue).is_none_or(|value| value.is_empty()) => {
            format!("{arg} is given without its value")
        }
        _ => first_paragraph(error),
    };
    let is_unknown = error.kind() == ErrorKind::UnknownArgument;
    let typed = text(error, ContextKind::InvalidArg).unwrap_or_default();
    let hint = match text(error, ContextKind::SuggestedSubcommand) {
        Some(name) => format!("did you mean: dbseal {name}"),
        None if is_unknown && option_like(error, &typed).is_some() => {
            format!("did you mean: {}", option_like(error, &typed).unwrap_or_default())
        }
        None if is_unknown && subcommand == Some("encrypt") => {
            "a dump and its options go after --, a zstd level after = as in --zstd=9; dbseal encrypt --help shows the rest".into()
        }
        None if is_unknown && subcommand == Some("decrypt") => {
            "a command and its options go after --, a key after -i; dbseal decrypt --help shows the rest".into()
        }
        None => format!("dbseal {}--help shows what it takes", subcommand.map(|name| format!("{name} ")).unwrap_or_default()),
    };
    (message, hint)
}

/// An option that starts as what was typed does. Clap's own idea of what is similar goes further than people's.
fn option_like(error: &Error, typed: &str) -> Option<String> {
    text(error, ContextKind::SuggestedArg).filter(|option| typed.len() > 3 && option.starts_with(&typed[..typed.len().min(5)]))
}

fn text(error: &Error, kind: ContextKind) -> Option<String> {
    let spoken = |name: &str| match name {
        "[COMMAND]..." => "a command after --".into(),
        name => name.trim_matches(['[', ']']).into(),
    };
    match error.get(kind)? {
        ContextValue::String(text) => Some(spoken(text)),
        ContextValue::Strings(texts) => texts.last().map(|text| spoken(text)),
        _ => None,
    }
}

/// Clap's own words, without the usage and tips that follow them.
fn first_paragraph(error: &Error) -> String {
    let text = error.to_string();
    let paragraph = text.split("\n\n").next().unwrap_or(&text);
    paragraph.trim_start_matches("error: ").split_whitespace().collect::<Vec<_>>().join(" ")
}
