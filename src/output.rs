//! What a person or a script reads: text with progress, or one JSON object.
#![expect(clippy::print_stderr, reason = "this is the command line's voice")]

use crate::units::show_duration;
use serde::Serialize;
use std::{
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

/// Where a command says what it does and what came of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    /// Text, or JSON if `json`.
    pub(crate) const fn new(json: bool) -> Self {
        Self { json }
    }

    /// A line for a person; nothing in JSON mode.
    pub(crate) fn line(self, text: impl AsRef<str>) {
        if !self.json {
            print(&format!("{}\n", text.as_ref()));
        }
    }

    /// A labelled line for a person.
    pub(crate) fn field(self, label: &str, value: impl AsRef<str>) {
        self.line(format!("  {label:<20} {}", value.as_ref()));
    }

    /// The result for a script; nothing in text mode.
    pub(crate) fn result(self, value: &impl Serialize) {
        if self.json {
            match serde_json::to_string_pretty(value) {
                Ok(text) => print(&format!("{text}\n")),
                Err(error) => eprintln!("error: the result cannot be written as JSON: {error}"),
            }
        }
    }

    /// Starts a step that takes a while.
    pub(crate) fn step(self, what: &str) -> Step {
        let live = !self.json && io::stdout().is_terminal();
        let step = Step { what: what.to_owned(), live, quiet: self.json, start: Instant::now() };
        step.update("");
        step
    }
}

/// A step under way. On a terminal its line is rewritten while it waits.
#[derive(Debug)]
pub(crate) struct Step {
    what: String,
    live: bool,
    quiet: bool,
    start: Instant,
}

impl Step {
    /// Says what the step waits for.
    pub(crate) fn update(&self, state: &str) {
        if self.live {
            print(&format!("\r\x1b[2K  … {:<28} {state}", self.what));
        }
    }

    /// Says what the step waits for, and until when at the latest.
    pub(crate) fn wait(&self, reason: &str, left: Duration) {
        self.update(&format!("{reason}, {} left", show_duration(left)));
    }

    /// Ends the step.
    pub(crate) fn done(self, result: &str) {
        if self.quiet {
            return;
        }
        if self.live {
            print("\r\x1b[2K");
        }
        let elapsed = show_duration(self.start.elapsed());
        print(&format!("  ✓ {:<28} {result} ({elapsed})\n", self.what));
    }
}

/// Writes to standard output. A reader that has gone away, as `head` does, is no reason to stop.
fn print(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
