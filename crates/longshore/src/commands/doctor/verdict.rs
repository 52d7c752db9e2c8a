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
    /// From the checks of the native driver.
    pub(super) fn of(native: &[Check]) -> Self {
        match native.iter().find(|check| check.is_missing()) {
            None => Self {
                driver: Some("native"),
                reason: "everything that it needs is there".to_owned(),
            },
            Some(missing) => Self {
                driver: None,
                reason: format!("native: {}", missing.found),
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
    fn check(native: &[Check], driver: Option<&str>, sentence: &str) {
        let verdict = Verdict::of(native);
        assert_eq!(verdict.driver, driver);
        assert!(verdict.sentence().contains(sentence), "{verdict:?}");
    }

    #[test]
    fn the_first_that_works_is_chosen_and_what_is_missing_is_said() {
        let ok = Check::ok("root", "this is root");
        let limited = Check::warning("cgroups", "few", "more");
        let missing = Check::missing("root", "it needs root; sudo");
        check(&[ok.clone(), limited], Some("native"), "driver native");
        check(&[ok, missing], None, "native: it needs root; `longshore up");
    }
}
