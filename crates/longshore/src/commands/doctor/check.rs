//! One line of the doctor's table.

use std::fmt;

use serde::Serialize;

/// Width of the columns before what was found.
const SUBJECT_WIDTH: usize = 16;
const STATE_WIDTH: usize = 9;

/// How a thing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    Ok,
    /// Works, but not all of it; or cannot be seen by this user.
    Warning,
    /// What needs it does not work.
    Missing,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Missing => "missing",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    pub(super) subject: &'static str,
    pub(super) state: State,
    /// A sentence without its full stop.
    pub(super) found: String,
    /// A command or a sentence that mends it; only where there is something to mend.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remedy: Option<String>,
}

impl Check {
    pub(super) fn ok(subject: &'static str, found: impl Into<String>) -> Self {
        Self {
            subject,
            state: State::Ok,
            found: found.into(),
            remedy: None,
        }
    }

    pub(super) fn warning(
        subject: &'static str,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            subject,
            state: State::Warning,
            found: found.into(),
            remedy: Some(remedy.into()),
        }
    }

    /// Our sentences about what cannot work say after a semicolon what to change.
    pub(super) fn missing(subject: &'static str, sentence: &str) -> Self {
        let (found, remedy) = match sentence.rsplit_once("; ") {
            Some((found, remedy)) => (found, Some(remedy.to_owned())),
            None => (sentence, None),
        };
        Self {
            subject,
            state: State::Missing,
            found: found.to_owned(),
            remedy,
        }
    }

    /// With this remedy if the sentence had none.
    pub(super) fn or_remedy(self, remedy: &str) -> Self {
        Self {
            remedy: self.remedy.or_else(|| Some(remedy.to_owned())),
            ..self
        }
    }

    pub(super) fn is_missing(&self) -> bool {
        self.state == State::Missing
    }

    /// As the table shows it, with line ends.
    pub(super) fn lines(&self) -> String {
        let state = self.state.word();
        let mut lines = format!(
            "  {:SUBJECT_WIDTH$}{state:STATE_WIDTH$}{}\n",
            self.subject, self.found
        );
        if let Some(remedy) = &self.remedy {
            let indent = 2 + SUBJECT_WIDTH + STATE_WIDTH;
            lines.push_str(&format!("{:indent$}-> {remedy}\n", ""));
        }
        lines
    }
}

/// As the driver's own error says it.
impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.found)?;
        let mut remedy = self.remedy.iter();
        remedy.try_for_each(|remedy| write!(f, "; {remedy}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_cut_where_its_remedy_begins() {
        let check = Check::missing("root", "a; b needs root; use sudo");
        assert_eq!(
            check.lines(),
            "  root            missing  a; b needs root\n                           -> use sudo\n"
        );
        assert_eq!(check.to_string(), "a; b needs root; use sudo");
        let check = Check::missing("root", "it is gone").or_remedy("look for it");
        assert_eq!(check.remedy.as_deref(), Some("look for it"));
        let kept = Check::missing("root", "it is gone; find it").or_remedy("look");
        assert_eq!(kept.remedy.as_deref(), Some("find it"));
    }
}
