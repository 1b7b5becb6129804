use mimalloc::MiMalloc;
use std::process::ExitCode;

/// Requests and rows are many small, short-lived allocations.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    // Only builds of tests have any: the variable FAILPOINTS says what happens at which.
    let _failpoints = fail::has_failpoints().then(fail::FailScenario::setup);
    match rollcall_worker::cli::run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
