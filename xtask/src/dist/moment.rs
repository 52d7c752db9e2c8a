//! The one moment that all files of a release carry.

use anyhow::Context as _;

use super::answer;

/// Seconds since 1970: `SOURCE_DATE_EPOCH`, else the last commit's; without git the beginning.
pub(super) fn seconds() -> anyhow::Result<u64> {
    if let Ok(given) = std::env::var("SOURCE_DATE_EPOCH") {
        let number = given.parse();
        return number.context("SOURCE_DATE_EPOCH must be a number of seconds");
    }
    let commit = answer("git".as_ref(), &["log", "-1", "--format=%ct"]);
    let commit = commit.ok().and_then(|told| String::from_utf8(told).ok());
    Ok(commit
        .and_then(|told| told.trim().parse().ok())
        .unwrap_or(0))
}
