use super::*;

/// What is between quotes in the list of hints, in one line each.
fn fixed_hints() -> Vec<String> {
    let source = include_str!("../advice.rs");
    let list =
        source.split_once("fn hint_of_command").and_then(|(_, rest)| rest.split_once("/// The exit code.")).expect("both are there").0;
    let joined = list.split("\\\n").map(str::trim_start).collect::<String>();
    joined.split('"').skip(1).step_by(2).filter(|text| text.contains(' ')).map(Into::into).collect()
}

fn commands() -> Vec<String> {
    super::super::definition().get_subcommands().map(|command| command.get_name().to_owned()).collect()
}

/// A person who is told of an option that is not there is told nothing.
#[test]
fn options_in_hints_exist() {
    let (hints, all) = (fixed_hints(), super::super::definition());
    assert!(hints.len() > 80, "{}", hints.len());
    for hint in hints {
        // Nothing of it is left out everywhere: that option would be nobody's.
        assert!(commands().iter().any(|command| for_command(&hint, command).as_ref() == Some(&hint)), "{hint}");
        for command in commands() {
            let kept = for_command(&hint, &command).unwrap_or_default();
            // Those of the command, and of the others that are named in what is left.
            let named = commands().into_iter().filter(|name| *name == command || kept.split_whitespace().any(|word| word == name));
            let options: Vec<_> = named.flat_map(|name| all.find_subcommand(name).expect("it is one").get_arguments()).collect();
            for word in kept.split([' ', ',', ':', ';', '(', ')']).filter(|word| word.len() > 2 && word.starts_with("--")) {
                assert!(options.iter().any(|option| option.get_long() == word.strip_prefix("--")), "{command}: {word} in {kept}");
            }
        }
    }
}

#[test]
fn what_a_command_can_do_about_it() {
    let what = || String::from("x");
    let exists = JobError::OutputExists("x".into());
    let others = JobError::OthersSeal { what: what(), sealed: what() };
    let altered = JobError::NotAsSealed { what: what(), range: 0..1 };
    let again = "fetch the backup and its seal again from another copy";
    for (error, command, said) in [
        (&exists, "encrypt", "choose another name, or overwrite it with --force"),
        (&exists, "request", "choose another name"),
        (&others, "rewrap", "fetch its own seal; if this one is its own, see that it is the backup you want, and say --accept renamed"),
        (&altered, "decrypt", format!("{again}; dbseal verify shows all that is damaged; --salvage saves what is not").as_str()),
        (&altered, "rewrap", format!("{again}; dbseal verify shows all that is damaged").as_str()),
        (&JobError::HeaderNotSealed(what()), "rewrap", again),
        (&JobError::NobodyToAsk, "rewrap", "say --yes if that is meant"),
        (&JobError::NobodyToAsk, "grant", "compare the code with the one that the other machine shows, and name it with --code"),
        (&JobError::Memory, "encrypt", "use fewer with --threads, or lift the limit (ulimit -v)"),
        (&JobError::Memory, "grant", "lift the limit (ulimit -v)"),
        (&JobError::NoSigningKey, "encrypt", "name it with --sign KEY; dbseal keygen --sign NAME makes one"),
    ] {
        assert_eq!(hint(error, Some(command)).as_deref(), Some(said), "{command}");
    }
    // Before there is a command all is said.
    assert_eq!(hint(&exists, None), hint(&exists, Some("encrypt")));
}
