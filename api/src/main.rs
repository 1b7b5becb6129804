use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    match rollcall_api::cli::run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The whole chain of causes on one line.
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
