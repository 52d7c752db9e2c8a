//! Variables and shared files as a program would find them, without touching either.

use std::collections::BTreeMap;

use longshore_client::{Config, ConfigBuilder, ConfigError};
use tempfile::TempDir;

/// Keys from variables, for tests that are not about keys.
pub(crate) const KEYS: [(&str, &str); 2] = [
    ("AWS_ACCESS_KEY_ID", "AKIDENV"),
    ("AWS_SECRET_ACCESS_KEY", "SECRETENV"),
];

/// What [`Config::from_env`] is to find.
pub(crate) struct Settings {
    variables: BTreeMap<String, String>,
    files: TempDir,
}

impl Settings {
    pub(crate) fn new(variables: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self {
            variables: variables.iter().map(owned).collect(),
            files: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn config_file(self, text: &str) -> Self {
        self.file("AWS_CONFIG_FILE", "config", text)
    }

    pub(crate) fn credentials_file(self, text: &str) -> Self {
        self.file("AWS_SHARED_CREDENTIALS_FILE", "credentials", text)
    }

    /// Writes a file and names it in a variable.
    pub(crate) fn file(mut self, variable: &str, name: &str, text: &str) -> Self {
        self.write(name, text);
        let path = self.files.path().join(name);
        let path = path.to_str().unwrap().to_owned();
        self.variables.insert(variable.to_owned(), path);
        self
    }

    /// Writes a file again.
    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.files.path().join(name), text).unwrap();
    }

    pub(crate) fn remove(&self, name: &str) {
        std::fs::remove_file(self.files.path().join(name)).unwrap();
    }

    pub(crate) fn builder(&self) -> Result<ConfigBuilder, ConfigError> {
        Config::from_env(|name| self.variables.get(name).cloned())
    }

    pub(crate) fn config(&self) -> Result<Config, ConfigError> {
        self.builder()?.build()
    }
}
