//! Which driver `auto` would choose, and why.

use serde::Serialize;

use super::check::Check;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Verdict {
    /// `None` where nothing can run containers.
    pub(super) driver: Option<&'static str>,
    pub(super) reason: String,
}

impl Verdict {
    /// From the checks of the native driver and of the engine.
    pub(super) fn of(native: &[Check], engine: &Check) -> Self {
        let missing = native.iter().find(|check| check.is_missing());
        match missing {
            None => Self {
                driver: Some("native"),
                reason: "everything that it needs is there".to_owned(),
            },
            Some(missing) if engine.is_missing() => Self {
                driver: None,
                reason: format!("native: {}; docker: {}", missing.found, engine.found),
            },
            Some(missing) => Self {
                driver: Some("docker"),
                reason: format!("an engine answers, and {}", missing.found),
            },
        }
    }

    pub(super) fn sentence(&self) -> String {
        match self.driver {
            Some(driver) => format!("`auto` chooses the driver {driver}: {}", self.reason),
            None => format!(
                "no driver can run containers here: {}; `longshore up --driver scripted` starts \
                 nothing and works everywhere",
                self.reason
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(native: &[Check], engine: &Check, driver: Option<&str>, sentence: &str) {
        let verdict = Verdict::of(native, engine);
        assert_eq!(verdict.driver, driver);
        assert!(verdict.sentence().contains(sentence), "{verdict:?}");
    }

    #[test]
    fn the_first_that_works_is_chosen_and_what_is_missing_is_said() {
        let ok = Check::ok("root", "this is root");
        let limited = Check::warning("cgroups", "few", "more");
        let missing = Check::missing("root", "it needs root; sudo");
        let engine = Check::ok("docker engine", "version 20");
        let none = Check::missing("docker engine", "no engine listens; start one");
        let works = [ok.clone(), limited];
        check(&works, &engine, Some("native"), "driver native");
        check(&works, &none, Some("native"), "driver native");
        let lacks = [ok, missing];
        check(
            &lacks,
            &engine,
            Some("docker"),
            "answers, and it needs root",
        );
        let both = "native: it needs root; docker: no engine listens; `longshore up";
        check(&lacks, &none, None, both);
    }
}
