//! What every command accepts: which server, and when to use colours.

use crate::terminal::ColorChoice;

/// Which server a command talks to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The one of this machine; where there is none, `run` starts one for itself.
    Local,
    /// Another server, by its URL.
    Url(String),
    /// Amazon ECS itself.
    Aws,
}

/// Arguments that all commands share.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Common {
    /// Talk to the server at this URL
    #[arg(long, value_name = "URL", conflicts_with = "aws")]
    pub endpoint_url: Option<String>,
    /// Talk to Amazon ECS, with the region and keys that AWS tools use
    #[arg(long)]
    pub aws: bool,
    /// When to use colours
    #[arg(long, value_name = "WHEN", value_enum, default_value_t)]
    pub color: ColorChoice,
}

impl Common {
    pub(crate) fn target(&self) -> Target {
        match &self.endpoint_url {
            Some(url) => Target::Url(url.clone()),
            None if self.aws => Target::Aws,
            None => Target::Local,
        }
    }
}
