//! The `dbseal` command.

fn main() -> std::process::ExitCode {
    dbseal::cli::main()
}
