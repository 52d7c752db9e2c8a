//! `target/venv`: the Python environment of tests and demo, with botocore,
//! boto3 and the AWS CLI from PyPI. Made once; a stamp says what is in it.

/// Makes the environment unless it is there.
pub(crate) fn run() -> anyhow::Result<()> {
    anyhow::bail!("later")
}
