//! The `throughline` program: parses the command line and calls [`throughline::cli::run`].

use std::process::ExitCode;

use throughline::cli::{self, CommandLine};

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    match cli::run(CommandLine::from_process()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("throughline: {}", cli::describe_error(&error));
            cli::exit_code(&error)
        }
    }
}
