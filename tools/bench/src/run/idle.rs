//! What the product takes when nothing happens.

use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::Scale;
use super::report::{Measure, Report, Target, Unit};
use super::stack::Stack;

/// After the worker's start, until it is at rest.
const SETTLE: Duration = Duration::from_secs(3);

pub(super) async fn measure(
    stack: &Stack,
    scale: &Scale,
    redis_url: &str,
    report: &mut Report,
) -> Result<()> {
    eprintln!("idle: {} s", scale.idle.as_secs());
    let mut worker = stack.start_worker()?;
    worker.ready().await?;
    tokio::time::sleep(SETTLE).await;
    let (before, commands) = (stack.processes.read(worker.pid())?, commands(redis_url).await?);
    tokio::time::sleep(scale.idle).await;
    let shares = before.until(stack.processes.read(worker.pid())?);
    // The question itself takes one or two.
    let commands = (self::commands(redis_url).await? - commands) / scale.idle.as_secs_f64();
    worker.stop().await?;
    for (what, share) in [("API", shares.api), ("worker", shares.worker)] {
        let measure = Measure::new(
            format!("idle {what}, of one processor"),
            Unit::Percent,
            &[share * 100.0],
            &[],
        );
        report.add(measure.target(Target::AtMost(1.0)));
    }
    let measure = Measure::new("idle, commands to Redis", Unit::PerSecond, &[commands], &[]);
    report.add(measure.target(Target::AtMost(20.0)));
    Ok(())
}

/// Commands that Redis has processed so far.
async fn commands(redis_url: &str) -> Result<f64> {
    let url = reqwest::Url::parse(redis_url).context("REDIS_URL")?;
    let host = url.host_str().context("REDIS_URL names no host")?;
    let mut stream = BufReader::new(TcpStream::connect((host, url.port().unwrap_or(6379))).await?);
    if let Some(password) = url.password() {
        stream
            .write_all(format!("AUTH {password}\r\n").as_bytes())
            .await?;
        let mut answer = String::new();
        stream.read_line(&mut answer).await?;
        anyhow::ensure!(answer.starts_with("+OK"), "Redis refuses the password");
    }
    stream.write_all(b"INFO stats\r\n").await?;
    let mut length = String::new();
    stream.read_line(&mut length).await?;
    let length: usize = length.trim().trim_start_matches('$').parse()?;
    let mut stats = vec![0; length];
    stream.read_exact(&mut stats).await?;
    let stats = String::from_utf8(stats)?;
    let processed = stats
        .lines()
        .find_map(|line| line.strip_prefix("total_commands_processed:"))
        .context("Redis tells no number of commands")?;
    Ok(processed.trim().parse()?)
}
