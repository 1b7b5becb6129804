use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    rollcall_api::cli::run().await
}
