use std::io::IsTerminal;
use std::sync::atomic::{AtomicUsize, Ordering};

use indicatif::{ProgressBar, ProgressStyle};

/// A bar on a terminal; elsewhere a line for every tenth of the way.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    what: &'static str,
    total: usize,
    done: AtomicUsize,
}

impl Progress {
    pub(crate) fn new(what: &'static str, total: usize) -> Progress {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total as u64);
            let template = "{msg} [{bar:40}] {pos}/{len} {per_sec} eta {eta}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("=> "));
            }
            bar.set_message(what);
            bar
        });
        Progress {
            bar,
            what,
            total,
            done: AtomicUsize::new(0),
        }
    }

    pub(crate) fn advance(&self, by: usize) {
        let before = self.done.fetch_add(by, Ordering::Relaxed);
        if let Some(bar) = &self.bar {
            bar.inc(by as u64);
        } else if self.total > 0 {
            let tenth = |done: usize| done * 10 / self.total;
            if tenth(before + by) > tenth(before) {
                eprintln!("{}: {}/{}", self.what, before + by, self.total);
            }
        }
    }

    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish();
        }
    }
}
