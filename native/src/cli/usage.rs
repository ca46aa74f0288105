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
    let meant = text(error, ContextKind::SuggestedSubcommand).map(|name| format!("dbseal {name}")).or_else(|| option_like(error));
    let hint = match (meant, subcommand) {
        (Some(meant), _) => format!("did you mean: {meant}"),
        (None, Some("encrypt")) if is_unknown => {
            "a dump and its options go after --, a zstd level after = as in --zstd=9; dbseal encrypt --help shows the rest".into()
        }
        (None, Some("decrypt")) if is_unknown => {
            "a command and its options go after --, a key after -i; dbseal decrypt --help shows the rest".into()
        }
        (None, Some(name)) => format!("dbseal {name} --help shows what it takes"),
        (None, None) => "dbseal --help shows what it takes".into(),
    };
    (message, hint)
}

/// An option that starts as what was typed does. Clap's own idea of what is similar goes further than people's.
fn option_like(error: &Error) -> Option<String> {
    let typed = text(error, ContextKind::InvalidArg)?;
    let start = typed.get(..5).unwrap_or(&typed); // two hyphens and three letters
    text(error, ContextKind::SuggestedArg).filter(|option| start.len() > 3 && option.starts_with(start))
}

fn text(error: &Error, kind: ContextKind) -> Option<String> {
    let spoken = |name: &str| match name {
        "[COMMAND]..." => "a command after --".into(),
        // What has to be given without an option, or one of several options: `<FILE>...`, `<--only|--new-file-key>`.
        name if name.starts_with('<') => name.trim_end_matches("...").trim_matches(['<', '>']).replace('|', " or "),
        // What may follow an option after = was not asked for.
        name => name.split("[=").next().unwrap_or(name).trim_matches(['[', ']']).into(),
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
