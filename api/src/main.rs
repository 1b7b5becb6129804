use mimalloc::MiMalloc;
use std::process::ExitCode;

/// Requests and rows are many small, short-lived allocations.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    rollcall_api::cli::run().await
}
