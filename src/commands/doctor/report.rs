//! What the doctor found: a line for each check, what to mend, and all of it as JSON.

use crate::output::Output;
use serde::Serialize;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Outcome {
    /// As it should be.
    Ok,
    /// It works, or will for a while.
    Warning,
    /// The command would fail, or do harm.
    Failure,
}

/// One check.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Finding {
    /// What it belongs to.
    group: String,
    /// What was looked at.
    check: &'static str,
    /// How it came out.
    outcome: Outcome,
    /// What was found.
    found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    mend: Option<String>,
}

/// All checks, told as they are made.
#[derive(Debug)]
pub(super) struct Report {
    out: Output,
    group: String,
    findings: Vec<Finding>,
}

/// The result for scripts.
#[derive(Debug, Serialize)]
struct Summary<'a> {
    command: &'a str,
    ok: bool,
    checks: &'a [Finding],
}

impl Report {
    pub(super) fn new(out: Output) -> Self {
        Self { out, group: String::new(), findings: Vec::new() }
    }

    /// What follows belongs to `group`.
    pub(super) fn group(&mut self, group: impl Into<String>) {
        self.group = group.into();
        self.out.line(format!("\n{}", self.group));
    }

    pub(super) fn ok(&mut self, check: &'static str, found: impl Into<String>) {
        self.add(check, Outcome::Ok, found.into(), None);
    }

    pub(super) fn warn(
        &mut self,
        check: &'static str,
        found: impl Into<String>,
        mend: impl Into<String>,
    ) {
        self.add(check, Outcome::Warning, found.into(), Some(mend.into()));
    }

    pub(super) fn fail(
        &mut self,
        check: &'static str,
        found: impl Into<String>,
        mend: impl Into<String>,
    ) {
        self.add(check, Outcome::Failure, found.into(), Some(mend.into()));
    }

    /// A failure, or a warning where it may be meant: on a chain for development.
    pub(super) fn fail_unless(
        &mut self,
        meant: bool,
        check: &'static str,
        found: impl Into<String>,
        mend: impl Into<String>,
    ) {
        let outcome = if meant { Outcome::Warning } else { Outcome::Failure };
        self.add(check, outcome, found.into(), Some(mend.into()));
    }

    fn add(&mut self, check: &'static str, outcome: Outcome, found: String, mend: Option<String>) {
        let mark = match outcome {
            Outcome::Ok => '✓',
            Outcome::Warning => '!',
            Outcome::Failure => '✗',
        };
        self.out.line(format!("  {mark} {check:<20} {found}"));
        if let Some(mend) = &mend {
            self.out.line(format!("    {:<20} → {mend}", ""));
        }
        self.findings.push(Finding { group: self.group.clone(), check, outcome, found, mend });
    }

    fn count(&self, outcome: Outcome) -> usize {
        self.findings.iter().filter(|finding| finding.outcome == outcome).count()
    }

    /// Says how it came out altogether. The error has the number of failures.
    pub(super) fn end(self, command: &str) -> Result<(), String> {
        let (warnings, failures) = (self.count(Outcome::Warning), self.count(Outcome::Failure));
        let all = self.findings.len();
        let checks = |count: usize| match count {
            1 => "1 check".to_owned(),
            count => format!("{count} checks"),
        };
        let warned = match warnings {
            0 => String::new(),
            1 => ", 1 warning".to_owned(),
            count => format!(", {count} warnings"),
        };
        if failures == 0 {
            self.out.line(format!(
                "\nNothing stands against `mezz {command}`: {}{warned}.",
                checks(all)
            ));
        } else {
            self.out.line("");
        }
        self.out.result(&Summary { command, ok: failures == 0, checks: &self.findings });
        if failures == 0 {
            return Ok(());
        }
        Err(format!(
            "{failures} of {} failed{warned}: `mezz {command}` would not work",
            checks(all)
        ))
    }

    /// How a check came out the last time, and what was found.
    #[cfg(test)]
    pub(super) fn last(&self, check: &str) -> (Outcome, &str) {
        let found = self.findings.iter().rev().find(|finding| finding.check == check);
        found.map_or_else(|| panic!("no check {check}"), |f| (f.outcome, f.found.as_str()))
    }

    /// The names of the checks that were made.
    #[cfg(test)]
    pub(super) fn checks(&self) -> impl Iterator<Item = &'static str> {
        self.findings.iter().map(|finding| finding.check)
    }
}
