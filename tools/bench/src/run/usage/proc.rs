//! What Linux tells of processes in /proc.

use anyhow::{Context, Result};
use procfs::process::{Process, all_processes};

/// Processor time a process has taken, in seconds.
pub(super) fn seconds(pid: i32) -> Result<f64> {
    let stat = Process::new(pid)?.stat()?;
    Ok(ticks(stat.utime + stat.stime))
}

/// The same of a process, its children, and those of them that have ended.
pub(super) fn seconds_with_children(pid: i32) -> Result<f64> {
    let first = Process::new(pid)?.stat()?;
    let ended = ticks(first.cutime.unsigned_abs() + first.cstime.unsigned_abs());
    let mut taken = ticks(first.utime + first.stime) + ended;
    for process in all_processes()?.filter_map(Result::ok) {
        // One may end between being listed and being read.
        if let Ok(stat) = process.stat()
            && stat.ppid == pid
        {
            taken += ticks(stat.utime + stat.stime);
        }
    }
    Ok(taken)
}

/// Most memory of a process that was resident since [`forget_peak`], in bytes.
pub(super) fn peak(pid: i32) -> Result<u64> {
    let kilobytes = Process::new(pid)?.status()?.vmhwm;
    Ok(1024 * kilobytes.context("the system tells no memory peak")?)
}

/// Memory of a process that is resident now, in bytes.
pub(super) fn resident(pid: i32) -> Result<u64> {
    let kilobytes = Process::new(pid)?.status()?.vmrss;
    Ok(1024 * kilobytes.context("the system tells no resident memory")?)
}

pub(super) fn forget_peak(pid: i32) -> Result<()> {
    std::fs::write(format!("/proc/{pid}/clear_refs"), "5").context("resetting a memory peak")
}

fn ticks(count: u64) -> f64 {
    count as f64 / procfs::ticks_per_second() as f64
}
