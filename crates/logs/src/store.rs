//! The log store as the API sees it: groups, and their names on the wire.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use model::cloudwatch_logs::CreateLogGroupInput;

use crate::writer::create_folder;
use crate::{GroupName, LogsError, StreamName};

/// Reads the streams below a root folder; writers may append meanwhile. Holds no
/// files open: a clone is as good as the original, and calls may run side by side.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) root: PathBuf,
    region: String,
    account: String,
}

impl Store {
    /// Over the folder that [`crate::Writer::open`] is given as its root, which
    /// need not be there yet. Region and account appear in ARNs.
    pub fn open(root: &Path, region: &str, account: &str) -> Self {
        Self {
            root: root.to_owned(),
            region: region.to_owned(),
            account: account.to_owned(),
        }
    }

    /// CreateLogGroup. Its options would have no effect here, so they are refused.
    pub fn create_log_group(&self, input: &CreateLogGroupInput) -> Result<(), LogsError> {
        let name = GroupName::parse(input.log_group_name.as_deref().unwrap_or_default())?;
        let refused = [
            ("kmsKeyId", input.kms_key_id.is_some()),
            (
                "tags",
                input.tags.as_ref().is_some_and(|tags| !tags.is_empty()),
            ),
            (
                "deletionProtectionEnabled",
                input.deletion_protection_enabled == Some(true),
            ),
            (
                "this logGroupClass",
                input
                    .log_group_class
                    .as_ref()
                    .is_some_and(|c| c != STANDARD),
            ),
        ];
        if let Some((member, _)) = refused.iter().find(|(_, given)| *given) {
            return Err(LogsError::unsupported(member));
        }
        let folder = name.folder(&self.root);
        let fail = |error| LogsError::io(&folder, error);
        folder
            .parent()
            .map_or(Ok(()), create_folder)
            .map_err(fail)?;
        match DirBuilder::new().mode(0o700).create(&folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(LogsError::GroupExists)
            }
            made => made.map_err(fail),
        }
    }

    /// The folder of a group that exists.
    pub(crate) fn group_folder(&self, group: &GroupName) -> Result<PathBuf, LogsError> {
        let folder = group.folder(&self.root);
        if folder.is_dir() {
            Ok(folder)
        } else {
            Err(LogsError::GroupNotFound)
        }
    }

    pub(crate) fn group_arn(&self, group: &GroupName) -> String {
        let Self {
            region, account, ..
        } = self;
        format!(
            "arn:aws:logs:{region}:{account}:log-group:{}",
            group.as_str()
        )
    }

    pub(crate) fn stream_arn(&self, group: &GroupName, stream: &StreamName) -> String {
        format!("{}:log-stream:{}", self.group_arn(group), stream.as_str())
    }
}

/// The only class of groups there is here.
pub(crate) const STANDARD: &str = "STANDARD";
